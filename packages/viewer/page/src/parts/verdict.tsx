/** What came of it, in a line; and which of several connections is looked at. */

import type { Handshake } from '@handfast/viewer';
import type { JSX } from 'preact';
import { index, scenes, show } from '../state.ts';
import { explainFailure, milliseconds } from '../words.ts';

export function Verdict({ shown }: { readonly shown: Handshake }): JSX.Element {
  const { failure } = shown;
  return (
    <section class={`verdict ${failure ? 'bad' : 'good'}`} aria-label="What came of it">
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
      <div role="status">
        <p class="headline">
          <span aria-hidden="true">{failure ? '✗' : '✓'}</span> {failure ? refusal(failure) : success(shown)}
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

function refusal(failure: NonNullable<Handshake['failure']>): string {
  const { title } = explainFailure(failure);
  return `${title}: the ${failure.party} ends the handshake`;
}

function success({ roundTrips, readyAt, negotiated }: Handshake): string {
  const trips = `${roundTrips} round trip${roundTrips === 1 ? '' : 's'}`;
  const how =
    negotiated?.earlyData === 'accepted' ? 'Resumed, with early data' : negotiated?.resumed ? 'Resumed' : 'Connected';
  return `${how} after ${trips}${readyAt === undefined ? '' : `, ${milliseconds(readyAt)}`}`;
}

function agreed({ negotiated }: Handshake): string {
  if (negotiated === undefined) return '';
  const { version, cipherSuite, group, postQuantum, alpnProtocol } = negotiated;
  return [
    version,
    cipherSuite,
    ...(group ? [`${group}${postQuantum ? ' (safe from quantum computers)' : ''}`] : []),
    ...(alpnProtocol ? [`ALPN ${alpnProtocol}`] : []),
  ].join(' · ');
}
