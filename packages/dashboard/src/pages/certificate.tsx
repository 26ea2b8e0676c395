/** One certificate: what it says, and its revocation. */

import { useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { type ApiError, get, post } from '../api.ts';
import { asApiError, useLoad } from '../load.ts';
import { Failure, Heading, Loading, StatusBadge, Time } from '../parts/basics.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Pem } from '../parts/pem.tsx';
import { may, notice } from '../state.ts';
import type { CertificateDetails } from '../types.ts';
import { reasonWords } from '../words.ts';

export function CertificatePage({ serial }: { readonly serial: string }): JSX.Element {
  const version = useSignal(0);
  const asking = useSignal(false);
  const { value, error } = useLoad(
    () => get<CertificateDetails>(`certificates/${serial}`),
    [serial, version.value],
  ).value;
  const name = value ? (value.commonName ?? value.names[0] ?? serial) : 'Certificate';
  return (
    <>
      <p class="back">
        <a href="#/certificates">Certificates</a>
      </p>
      <Heading
        aside={
          value &&
          may('revoke') &&
          (value.status === 'valid' || (value.status === 'revoked' && value.reason !== 'keyCompromise')) && (
            <button
              type="button"
              class={value.status === 'valid' ? 'danger' : ''}
              onClick={() => (asking.value = true)}
            >
              {value.status === 'valid' ? 'Revoke…' : 'Its key was lost, too…'}
            </button>
          )
        }
      >
        {name}
      </Heading>
      {error && <Failure error={error} />}
      {!value && !error && <Loading />}
      {value && <Details certificate={value} />}
      {value && asking.value && (
        <Revocation
          certificate={value}
          name={name}
          close={(done) => {
            asking.value = false;
            if (done) version.value++;
          }}
        />
      )}
    </>
  );
}

function Details({ certificate }: { readonly certificate: CertificateDetails }): JSX.Element {
  const { status, notBefore, notAfter, names, revokedAt, reason, subject } = certificate;
  return (
    <div class="card">
      <dl class="details">
        <Row term="Status">
          <StatusBadge status={status} notAfter={notAfter} />
          {revokedAt && (
            <>
              {' '}
              <Time date={revokedAt} />: {reasonWords.get(reason ?? '') ?? reason}
            </>
          )}
        </Row>
        <Row term="Names">
          <ul class="plain-list">
            {names.map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
        </Row>
        {subject !== '' && <Row term="Subject">{subject}</Row>}
        <Row term="Begins">
          <Time date={notBefore} />
        </Row>
        <Row term="Ends">
          <Time date={notAfter} />
        </Row>
        <Row term="Profile">{certificate.profile}</Row>
        <Row term="Key">{certificate.key}</Row>
        <Row term="Issued">
          <Time date={certificate.issuedAt} /> by {certificate.by}
        </Row>
        {certificate.origin !== null && <Row term="For">{certificate.origin}</Row>}
        <Row term="Issuer">{certificate.issuer}</Row>
        <Row term="Serial number">
          <code>{certificate.serial}</code>
        </Row>
        <Row term="SHA-256">
          <code>{certificate.fingerprint}</code>
        </Row>
      </dl>
      <Pem pem={certificate.pem} name={names[0] ?? certificate.serial} />
    </div>
  );
}

function Row({ term, children }: { readonly term: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}

interface RevocationOptions {
  readonly certificate: CertificateDetails;
  readonly name: string;
  readonly close: (done: boolean) => void;
}

function Revocation({ certificate, name, close }: RevocationOptions): JSX.Element {
  const known = certificate.status === 'revoked';
  const reason = useSignal(known ? 'keyCompromise' : 'unspecified');
  const busy = useSignal(false);
  const error = useSignal<ApiError | undefined>(undefined);
  const revoke = async (event: Event): Promise<void> => {
    event.preventDefault();
    busy.value = true;
    try {
      await post(`certificates/${certificate.serial}/revocation`, { reason: reason.value });
      notice.value = `${name} is revoked.`;
      close(true);
    } catch (caught) {
      error.value = asApiError(caught);
      busy.value = false;
    }
  };
  return (
    <Dialog title={`Revoke ${name}?`} close={() => close(false)}>
      <form onSubmit={revoke}>
        <p>Whoever looks at this CA’s lists refuses it from then on. This cannot be undone.</p>
        {!known && (
          <>
            <label for="reason">Why</label>
            <select
              id="reason"
              value={reason.value}
              onChange={(event) => {
                reason.value = event.currentTarget.value;
              }}
            >
              {[...reasonWords].map(([code, words]) => (
                <option key={code} value={code}>
                  {words}
                </option>
              ))}
            </select>
          </>
        )}
        {reason.value === 'keyCompromise' && (
          <p class="hint">Its key is then blocked for ever, and every other certificate with it is revoked as well.</p>
        )}
        {error.value && <Failure error={error.value} />}
        <div class="actions end">
          <button type="button" onClick={() => close(false)}>
            Cancel
          </button>
          <button type="submit" class="danger" disabled={busy.value}>
            {busy.value ? 'Revoking…' : 'Revoke'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
