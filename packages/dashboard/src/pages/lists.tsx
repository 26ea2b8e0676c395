/** How fresh the lists of what is revoked are, and the OCSP answers. */

import type { JSX } from 'preact';
import { get } from '../api.ts';
import { useLoad } from '../load.ts';
import { Badge, Failure, Heading, Loading, Time } from '../parts/basics.tsx';
import { now } from '../state.ts';
import type { Freshness, Issuer } from '../types.ts';
import { count } from '../words.ts';

const dayMs = 86_400_000;

export function crlBadge(nextUpdate: string | undefined): JSX.Element {
  if (nextUpdate === undefined) return <Badge kind="missing">no list yet</Badge>;
  const left = Date.parse(nextUpdate) - now.value;
  if (left <= 0) return <Badge kind="late">out of date</Badge>;
  return left < dayMs ? <Badge kind="soon">ends soon</Badge> : <Badge kind="fresh" />;
}

export function ListsPage(): JSX.Element {
  const { value, error } = useLoad(() => get<Freshness>('freshness'), []).value;
  return (
    <>
      <Heading>CRLs and OCSP</Heading>
      {error && <Failure error={error} />}
      {!value && !error && <Loading />}
      {value?.issuers.map((issuer) => (
        <Lists key={issuer.id} issuer={issuer} />
      ))}
      {value && <Ocsp ocsp={value.ocsp} />}
    </>
  );
}

function Lists({ issuer }: { readonly issuer: Issuer }): JSX.Element {
  const { id, name, state, signs, crl, shards, notAfter } = issuer;
  return (
    <section class="card" aria-labelledby={`issuer-${id}`}>
      <h2 id={`issuer-${id}`}>
        {name} {state === 'retired' && <Badge kind="retired" />} {crlBadge(crl?.nextUpdate)}
      </h2>
      <dl class="details">
        {crl && (
          <div>
            <dt>Complete list</dt>
            <dd>
              number {crl.number}, made <Time date={crl.thisUpdate} />, ends <Time date={crl.nextUpdate} />
            </dd>
          </div>
        )}
        {shards && (
          <div>
            <dt>Shards</dt>
            <dd>
              {count(shards.count, 'list')}, the first ends <Time date={shards.nextUpdate} />{' '}
              {crlBadge(shards.nextUpdate)}
            </dd>
          </div>
        )}
        <div>
          <dt>Signed by</dt>
          <dd>{signs ? 'this CA, by itself' : 'a key that is elsewhere: handfast ca crl import brings a new one'}</dd>
        </div>
        <div>
          <dt>The issuer ends</dt>
          <dd>
            <Time date={notAfter} />
          </dd>
        </div>
      </dl>
    </section>
  );
}

function Ocsp({ ocsp }: { readonly ocsp: Freshness['ocsp'] }): JSX.Element {
  return (
    <section class="card" aria-labelledby="ocsp">
      <h2 id="ocsp">
        OCSP {ocsp && (ocsp.due > 0 ? <Badge kind="soon">being signed</Badge> : <Badge kind="fresh" />)}
      </h2>
      {ocsp === null ? (
        <p class="hint">No profile names an OCSP responder: clients look at the lists.</p>
      ) : (
        <p>
          {count(ocsp.answers, 'answer')} signed in advance, {ocsp.due === 0 ? 'none' : ocsp.due} to be signed anew
          {ocsp.nextEnd && (
            <>
              ; the first ends <Time date={ocsp.nextEnd} />
            </>
          )}
        </p>
      )}
    </section>
  );
}
