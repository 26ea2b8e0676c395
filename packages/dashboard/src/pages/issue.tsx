/** A certificate from a pasted request: what it asks for is shown before anything is signed. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { type ApiError, post } from '../api.ts';
import { asApiError } from '../load.ts';
import { Empty, Failure, Heading, Time } from '../parts/basics.tsx';
import { Pem } from '../parts/pem.tsx';
import { may, me, notice } from '../state.ts';
import type { IssuedCertificate, Preview } from '../types.ts';

const pauseMs = 300;

export function IssuePage(): JSX.Element {
  const csr = useSignal('');
  const profiles = me.value?.profiles ?? [];
  const profile = useSignal(profiles[0]?.name ?? '');
  const days = useSignal('');
  const preview = useSignal<Preview | undefined>(undefined);
  const error = useSignal<ApiError | undefined>(undefined);
  const issued = useSignal<IssuedCertificate | undefined>(undefined);
  const busy = useSignal(false);
  const [pasted, wanted] = [csr.value, profile.value];
  useEffect(() => {
    preview.value = undefined;
    error.value = undefined;
    if (!/-----END[^-]+-----/.test(pasted)) return;
    let late = false;
    const timer = setTimeout(() => {
      post<Preview>('requests', { csr: pasted, profile: wanted }).then(
        (value) => {
          if (!late) preview.value = value;
        },
        (caught: unknown) => {
          if (!late) error.value = asApiError(caught);
        },
      );
    }, pauseMs);
    return () => {
      late = true;
      clearTimeout(timer);
    };
  }, [pasted, wanted]);
  if (!may('issue')) return <NotAllowed />;
  if (issued.value) return <Done issued={issued.value} again={() => (issued.value = undefined)} />;

  const chosen = profiles.find(({ name }) => name === wanted);
  const issue = async (event: Event): Promise<void> => {
    event.preventDefault();
    busy.value = true;
    error.value = undefined;
    try {
      const lifetime = days.value === '' ? {} : { days: Number(days.value) };
      issued.value = await post<IssuedCertificate>('certificates', { csr: pasted, profile: wanted, ...lifetime });
      csr.value = '';
      notice.value = 'Issued.';
    } catch (caught) {
      error.value = asApiError(caught);
    }
    busy.value = false;
  };
  return (
    <>
      <Heading>Issue a certificate</Heading>
      <form class="card" onSubmit={issue}>
        <label for="csr">Certification request</label>
        <textarea
          id="csr"
          class="mono"
          rows={10}
          required
          spellcheck={false}
          placeholder="-----BEGIN CERTIFICATE REQUEST-----"
          aria-describedby="csr-hint"
          value={pasted}
          onInput={(event) => {
            csr.value = event.currentTarget.value;
          }}
        />
        <p class="hint" id="csr-hint">
          PEM, without the private key: <code>openssl req -new …</code> makes one.
        </p>
        <div class="fields">
          <div>
            <label for="profile">Profile</label>
            <select
              id="profile"
              value={wanted}
              onChange={(event) => {
                profile.value = event.currentTarget.value;
              }}
            >
              {profiles.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </div>
          <div>
            <label for="days">Days</label>
            <input
              id="days"
              type="number"
              min="0.01"
              step="any"
              max={chosen?.maxDays}
              placeholder={String(Math.round((chosen?.days ?? 0) * 100) / 100)}
              value={days.value}
              onInput={(event) => {
                days.value = event.currentTarget.value;
              }}
            />
          </div>
        </div>
        <div aria-live="polite">{preview.value && <Asked preview={preview.value} />}</div>
        {error.value && <Failure error={error.value} />}
        <div class="actions">
          <button type="submit" class="primary" disabled={busy.value || preview.value === undefined}>
            {busy.value ? 'Signing…' : 'Issue'}
          </button>
        </div>
      </form>
    </>
  );
}

function Asked({ preview }: { readonly preview: Preview }): JSX.Element {
  const { names, commonName, key } = preview;
  return (
    <p class="asked">
      For <strong>{names.join(', ') || commonName}</strong>, over a key of kind {key}.
    </p>
  );
}

function Done({ issued, again }: { readonly issued: IssuedCertificate; readonly again: () => void }): JSX.Element {
  const { serial, notAfter, pem } = issued;
  return (
    <>
      <Heading>Issued</Heading>
      <div class="card">
        <p>
          It ends <Time date={notAfter} />. <a href={`#/certificates/${serial}`}>See the certificate</a>
        </p>
        <Pem pem={pem} name={serial} />
        <p class="hint">The text is the certificate, and then those up to the root, as servers want them.</p>
      </div>
      <button type="button" class="next" onClick={again}>
        Issue another
      </button>
    </>
  );
}

function NotAllowed(): JSX.Element {
  return (
    <>
      <Heading>Issue a certificate</Heading>
      <Empty title="Your role may not issue.">An admin can give you a token for the role “issuer”.</Empty>
    </>
  );
}
