/** What came of it, in a line; and which of several connections is looked at. */

import { type Failure, finderOf, type Handshake, type Result, refusalOf } from '@handfast/viewer';
import { escapeText } from '@handfast/x509';
import type { JSX } from 'preact';
import { index, scenes, show } from '../state.ts';
import { milliseconds } from '../words.ts';

interface VerdictProps {
  readonly shown: Handshake;
  /** Whether it changes by itself, so that nobody should be told each time. */
  readonly quiet: boolean;
}

const signs: Readonly<Record<Result, readonly [state: string, sign: string]>> = {
  connected: ['good', '✓'],
  failed: ['bad', '✗'],
  unknown: ['open', '…'],
};

export function Verdict({ shown, quiet }: VerdictProps): JSX.Element {
  const { failure } = shown;
  const [state, sign] = signs[shown.result];
  return (
    <section class={`verdict ${state}`} aria-label="What came of it">
      {scenes.value.length > 1 && (
        <fieldset class="which">
          <legend class="unseen">Which connection</legend>
          {scenes.value.map(({ title }, which) => (
            <button key={which} type="button" aria-pressed={index.value === which} onClick={() => show(which)}>
              {title}
            </button>
          ))}
        </fieldset>
      )}
      <div role={quiet ? undefined : 'status'}>
        <p class="headline">
          <span aria-hidden="true">{sign}</span> {failure ? refusal(failure) : success(shown)}
        </p>
        {failure ? (
          <p>
            <button type="button" class="link-like" onClick={jump}>
              See where, and what to do
            </button>
          </p>
        ) : (
          <p>{agreed(shown)}</p>
        )}
      </div>
    </section>
  );
}

/** No link: the address holds the settings. */
function jump(): void {
  const place = document.getElementById('failure');
  place?.scrollIntoView({ block: 'center' });
  place?.focus({ preventScroll: true });
}

function refusal(failure: Failure): string {
  const { title } = refusalOf(failure.error);
  return `${title}: the ${finderOf(failure)} ends the ${failure.error.phase === 'handshake' ? 'handshake' : 'connection'}`;
}

function success({ result, roundTrips, readyAt, negotiated }: Handshake): string {
  if (result === 'unknown') return 'Not known: nobody has seen the handshake end';
  const trips = `${roundTrips} round trip${roundTrips === 1 ? '' : 's'}`;
  const how =
    negotiated?.earlyData === 'accepted' ? 'Resumed, with early data' : negotiated?.resumed ? 'Resumed' : 'Connected';
  return `${how} after ${trips}${readyAt === undefined ? '' : `, ${milliseconds(readyAt)}`}`;
}

function agreed({ negotiated }: Handshake): string {
  if (negotiated === undefined) return '';
  const { version, cipherSuite, group, postQuantum, alpnProtocol } = negotiated;
  // What peers and programs call something is text, and turns nothing around.
  return [
    version,
    cipherSuite,
    ...(group ? [`${group}${postQuantum ? ' (safe from quantum computers)' : ''}`] : []),
    ...(alpnProtocol ? [`ALPN ${alpnProtocol}`] : []),
  ]
    .map(escapeText)
    .join(' · ');
}
