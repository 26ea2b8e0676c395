/** How the authority does, at a glance. */

import type { JSX } from 'preact';
import { get } from '../api.ts';
import { useLoad } from '../load.ts';
import { CertificateLink, Empty, Failure, Heading, Loading, Time } from '../parts/basics.tsx';
import { IssuanceChart } from '../parts/chart.tsx';
import type { Expiring, Freshness, Overview } from '../types.ts';
import { figure } from '../words.ts';
import { crlBadge } from './lists.tsx';

export function OverviewPage(): JSX.Element {
  const { value, error } = useLoad(() => get<Overview>('overview'), []).value;
  return (
    <>
      <Heading>Overview</Heading>
      {error && <Failure error={error} />}
      {value === undefined && !error && <Loading />}
      {value && (
        <>
          <ul class="figures">
            <Figure value={value.valid} label="valid certificates" href="#/certificates?status=valid" />
            <Figure value={value.expiring} label="end within 30 days" href="#/expiring" kind="warn" />
            <Figure value={value.revoked} label="revoked, not yet ended" href="#/certificates?status=revoked" />
            <Figure value={value.failedOrders} label="orders failed in 7 days" href="#/orders" kind="bad" />
          </ul>
          <section class="card" aria-labelledby="issuance">
            <h2 id="issuance">Issuance</h2>
            <IssuanceChart days={value.days} />
          </section>
        </>
      )}
      <div class="columns">
        <NextToEnd />
        <Lists />
      </div>
    </>
  );
}

interface FigureOptions {
  readonly value: number;
  readonly label: string;
  readonly href: string;
  readonly kind?: 'warn' | 'bad';
}

function Figure({ value, label, href, kind }: FigureOptions): JSX.Element {
  return (
    <li>
      <a href={href} class={`card figure ${value > 0 ? (kind ?? '') : ''}`}>
        <strong>{figure(value)}</strong> <span>{label}</span>
      </a>
    </li>
  );
}

const shown = 6;

function NextToEnd(): JSX.Element {
  const { value, error } = useLoad(() => get<Expiring>('expiring', { days: '30' }), []).value;
  return (
    <section class="card" aria-labelledby="ending">
      <h2 id="ending">Next to end</h2>
      {error && <Failure error={error} />}
      {value?.certificates.length === 0 && <Empty title="None ends within 30 days." />}
      <ul class="lines">
        {value?.certificates.slice(0, shown).map((certificate) => (
          <li key={certificate.serial}>
            <CertificateLink certificate={certificate} />
            <Time date={certificate.notAfter} />
          </li>
        ))}
      </ul>
      {value !== undefined && value.certificates.length > shown && <a href="#/expiring">All that end soon</a>}
    </section>
  );
}

function Lists(): JSX.Element {
  const { value, error } = useLoad(() => get<Freshness>('freshness'), []).value;
  return (
    <section class="card" aria-labelledby="lists">
      <h2 id="lists">Lists of what is revoked</h2>
      {error && <Failure error={error} />}
      <ul class="lines">
        {value?.issuers.map((issuer) => (
          <li key={issuer.id}>
            <span>
              {issuer.name} {crlBadge(issuer.crl?.nextUpdate)}
            </span>
            {issuer.crl && <Time date={issuer.crl.thisUpdate} />}
          </li>
        ))}
      </ul>
      <a href="#/lists">CRLs and OCSP</a>
    </section>
  );
}
