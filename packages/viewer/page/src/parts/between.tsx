/** The ladder as somebody sees it who stands between both sides and has no keys: records, and how long they are. */

import { type Glimpse, type Handshake, overheardIn } from '@handfast/viewer';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { glimpses, hasRecords, isBetween, lookAtRecord, lookFromBetween } from '../between.ts';
import { exhibit } from '../state.ts';
import { bytes, milliseconds } from '../words.ts';

/** Whose eyes; nothing where the wire was not recorded. */
export function EyesChoice({ shown }: { readonly shown: Handshake }): JSX.Element | null {
  if (!hasRecords(shown)) return null;
  const choices = [
    [false, 'Both sides'],
    [true, 'Somebody in between'],
  ] as const;
  return (
    <fieldset class="eyes">
      <legend>As seen by</legend>
      {choices.map(([between, label]) => (
        <button
          key={label}
          type="button"
          aria-pressed={isBetween.value === between}
          onClick={() => lookFromBetween(between)}
        >
          {label}
        </button>
      ))}
    </fieldset>
  );
}

/** So many records are drawn before somebody asks for more. */
const atFirst = 200;

interface BetweenLadderProps {
  /** How arrow keys go from arrow to arrow. */
  readonly onKeyDown: (event: KeyboardEvent & { readonly currentTarget: HTMLElement }) => void;
}

export function BetweenLadder({ onKeyDown }: BetweenLadderProps): JSX.Element {
  const seen = glimpses();
  const [most, setMost] = useState(atFirst);
  const { read, records, bytes: sealed } = overheardIn(seen);
  return (
    <>
      <p class="overheard">
        Who has no keys reads {listed(read)}.{' '}
        {records > 0 && (
          <>
            Of all else they see {records === 1 ? 'one record' : `${records} records`}, {bytes(sealed)}: when they pass,
            which way, and how long they are.
          </>
        )}
      </p>
      <div class="heads" aria-hidden="true">
        <span>client</span>
        <span>server</span>
      </div>
      <ol class="between" onKeyDown={onKeyDown}>
        {flightsOf(seen.slice(0, most)).map((flight, place) => (
          <li key={place} class="flight" aria-label={`from the ${flight[0]?.record.from}`}>
            <ol>
              {flight.map((glimpse, nth) => (
                <li key={nth} class="rung">
                  <GlimpseButton glimpse={glimpse} />
                </li>
              ))}
            </ol>
          </li>
        ))}
      </ol>
      {seen.length > most && (
        <button type="button" class="reveal" onClick={() => setMost(seen.length)}>
          Show the other {seen.length - most} records
        </button>
      )}
    </>
  );
}

function GlimpseButton({ glimpse }: { readonly glimpse: Glimpse }): JSX.Element {
  const { record, title, type, length, readable } = glimpse;
  return (
    <button
      type="button"
      class={`arrow ${record.from} ${readable ? 'key-none' : 'sealed'}`}
      aria-pressed={exhibit.value?.bytes === record.bytes}
      onClick={() => lookAtRecord(glimpse)}
    >
      <span class="time">{milliseconds(record.at)}</span>
      <span class="lane">
        <span class="name">
          {title}
          <span class="unseen"> from the {record.from}</span> <span class="outer-type">{type}</span>
        </span>
        <span class="size">{length} B</span>
        <span class="line" />
      </span>
    </button>
  );
}

/** What goes one way until something goes the other. */
function flightsOf(seen: readonly Glimpse[]): readonly (readonly Glimpse[])[] {
  const flights: Glimpse[][] = [];
  for (const glimpse of seen) {
    const last = flights.at(-1);
    if (last?.[0]?.record.from === glimpse.record.from) last.push(glimpse);
    else flights.push([glimpse]);
  }
  return flights;
}

/** `a, b and c` */
function listed(words: readonly string[]): string {
  if (words.length === 0) return 'nothing';
  const [last = '', ...before] = [...words].reverse();
  return before.length === 0 ? last : `${before.reverse().join(', ')} and ${last}`;
}
