/** Every certificate, and a search among them. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { get } from '../api.ts';
import { asApiError, useLoad } from '../load.ts';
import { Empty, Failure, Heading, Loading } from '../parts/basics.tsx';
import { CertificateTable } from '../parts/certificate-table.tsx';
import { may, notice, route } from '../state.ts';
import type { CertificatePage, CertificateSummary } from '../types.ts';
import { count } from '../words.ts';

const statuses = ['', 'valid', 'expired', 'revoked'];
/** From the last letter to the question. */
const pauseMs = 250;

export function CertificatesPage(): JSX.Element {
  const { query } = route.value;
  const search = query.get('search') ?? '';
  const status = query.get('status') ?? '';
  const typed = useSignal(search);
  const written = typed.value;
  useEffect(() => {
    if (written === search) return;
    const timer = setTimeout(() => goTo(written, status), pauseMs);
    return () => clearTimeout(timer);
  }, [written, search, status]);
  const { value, error, busy } = useLoad(
    () => get<CertificatePage>('certificates', { search, status }),
    [search, status],
  ).value;
  return (
    <>
      <Heading
        aside={
          may('issue') && (
            <a class="button" href="#/issue">
              Issue a certificate
            </a>
          )
        }
      >
        Certificates
      </Heading>
      <search>
        <form class="filters" onSubmit={(event) => event.preventDefault()}>
          <label for="search" class="unseen">
            Search by name or serial number
          </label>
          <input
            id="search"
            type="search"
            placeholder="Name or serial number"
            maxLength={253}
            value={written}
            onInput={(event) => {
              typed.value = event.currentTarget.value;
            }}
          />
          <fieldset class="choice">
            <legend class="unseen">Status</legend>
            {statuses.map((one) => (
              <label key={one}>
                <input type="radio" name="status" checked={one === status} onChange={() => goTo(written, one)} />
                <span>{one === '' ? 'all' : one}</span>
              </label>
            ))}
          </fieldset>
        </form>
      </search>
      {error && <Failure error={error} />}
      {value === undefined && busy && <Loading />}
      {value && <Found key={`${search} ${status}`} first={value} search={search} status={status} />}
    </>
  );
}

function goTo(search: string, status: string): void {
  const query = new URLSearchParams({ ...(search !== '' && { search }), ...(status !== '' && { status }) }).toString();
  history.replaceState(null, '', `#/certificates${query === '' ? '' : `?${query}`}`);
  dispatchEvent(new HashChangeEvent('hashchange'));
}

interface FoundOptions {
  readonly first: CertificatePage;
  readonly search: string;
  readonly status: string;
}

function Found({ first, search, status }: FoundOptions): JSX.Element {
  const more = useSignal<readonly CertificateSummary[]>([]);
  const next = useSignal(first.next);
  const busy = useSignal(false);
  useEffect(() => {
    more.value = [];
    next.value = first.next;
  }, [first]);
  const all = [...first.certificates, ...more.value];
  const load = async (): Promise<void> => {
    busy.value = true;
    try {
      const page = await get<CertificatePage>('certificates', { search, status, before: next.value ?? undefined });
      more.value = [...more.value, ...page.certificates];
      next.value = page.next;
    } catch (error) {
      notice.value = asApiError(error).message;
    }
    busy.value = false;
  };
  if (all.length === 0) {
    return search === '' && status === '' ? (
      <Empty title="Nothing was issued yet.">ACME clients, enrolment and operators will fill this page.</Empty>
    ) : (
      <Empty title="No certificate fits.">Part of a name is enough; a serial number is written in full.</Empty>
    );
  }
  return (
    <>
      <p class="hint" role="status">
        {next.value === null ? count(all.length, 'certificate') : `The newest ${all.length}`}
      </p>
      <CertificateTable caption="Certificates, the newest first" certificates={all} />
      {next.value !== null && (
        <button type="button" class="next" disabled={busy.value} onClick={load}>
          {busy.value ? 'Loading…' : 'Show older ones'}
        </button>
      )}
    </>
  );
}
