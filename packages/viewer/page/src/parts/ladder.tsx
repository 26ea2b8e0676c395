/** The ladder: an arrow a message, in flights and round trips; what each side did about it stands on its side. */

import {
  type Arrow,
  arrowsOf,
  choicesOf,
  dissectArrow,
  type Flight,
  fewData,
  type Handshake,
  is13,
  isSealed,
  keyPurposes,
  type Note,
  type Rung,
} from '@handfast/viewer';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { hasRecords, isBetween } from '../between.ts';
import { exhibit, look } from '../state.ts';
import { milliseconds } from '../words.ts';
import { BetweenLadder, EyesChoice } from './between.tsx';
import { FailureCard } from './failure.tsx';

const protections = [
  ['none', 'in the clear'],
  ['early', 'early key'],
  ['handshake', 'handshake keys'],
  ['application', 'application keys'],
] as const;

export function Ladder({ shown }: { readonly shown: Handshake }): JSX.Element {
  return (
    <section class="ladder" aria-labelledby="ladder-title">
      <h2 id="ladder-title">The handshake</h2>
      <p class="hint">Choose an arrow to see its bytes.</p>
      <EyesChoice shown={shown} />
      {isBetween.value && hasRecords(shown) ? <BetweenLadder onKeyDown={move} /> : <Rungs shown={shown} />}
    </section>
  );
}

function Rungs({ shown }: { readonly shown: Handshake }): JSX.Element {
  const [most, setMost] = useState(dataAtFirst);
  const few = fewData(shown, most);
  const { leftOut } = few;
  const { flights, more } = firstRungs(few.flights);
  const used = new Set(arrowsOf(shown).flatMap((arrow) => (isSealed(arrow) ? [] : [arrow.protection])));
  return (
    <>
      <ul class="legend" aria-label="Colours of the arrows">
        {protections
          .filter(([name]) => used.has(name))
          .map(([name, label]) => (
            <li key={name} class={`key-${name}`} title={name === 'none' ? undefined : `For ${keyPurposes[name]}.`}>
              {label}
            </li>
          ))}
      </ul>
      <div class="heads" aria-hidden="true">
        <span>client</span>
        <span>server</span>
      </div>
      <ol class="trips" onKeyDown={move}>
        {tripsOf(flights).map(({ trip, flights }, place) => (
          <li key={place} class={trip === undefined ? 'trip' : 'trip counted'}>
            {trip !== undefined && <span class="trip-name">round trip {trip}</span>}
            <ol>
              {flights.map((flight, nth) => (
                <FlightItem key={nth} flight={flight} shown={shown} />
              ))}
            </ol>
          </li>
        ))}
      </ol>
      {more > 0 && <p class="hint">The ladder has {more.toLocaleString('en')} rungs more, which are not drawn.</p>}
      {leftOut > 0 && (
        <p class="more-data">
          {leftOut.toLocaleString('en')} more pieces of data are not drawn.{' '}
          <button type="button" class="live-button" onClick={() => setMost(most + dataMore)}>
            Draw {Math.min(dataMore, leftOut)} of them
          </button>
        </p>
      )}
    </>
  );
}

/** Pieces of data that are drawn, and how many more for each who asks. */
const dataAtFirst = 40;
const dataMore = 200;

/** More rungs than that are no handshake that anybody looks at: a file may have any number. */
const mostRungs = 1000;

function firstRungs(all: readonly Flight[]): { readonly flights: readonly Flight[]; readonly more: number } {
  let left = mostRungs;
  let more = 0;
  const flights: Flight[] = [];
  for (const flight of all) {
    const rungs = flight.rungs.slice(0, left);
    left -= rungs.length;
    more += flight.rungs.length - rungs.length;
    if (rungs.length > 0) flights.push({ ...flight, rungs });
  }
  return more === 0 ? { flights: all, more } : { flights, more };
}

/** A flight that begins a round trip, and its answer, belong together. */
function tripsOf(flights: readonly Flight[]): readonly { readonly trip?: number; readonly flights: Flight[] }[] {
  const trips: { trip?: number; flights: Flight[] }[] = [];
  for (const flight of flights) {
    const last = trips.at(-1);
    if (flight.roundTrip !== undefined) trips.push({ trip: flight.roundTrip, flights: [flight] });
    else if (last !== undefined && (last.trip === undefined || last.flights.length < 2)) last.flights.push(flight);
    else trips.push({ flights: [flight] });
  }
  return trips;
}

function FlightItem({ flight, shown }: { readonly flight: Flight; readonly shown: Handshake }): JSX.Element {
  return (
    <li class="flight" aria-label={`the ${flight.from} sends`}>
      <ol>
        {flight.rungs.map((rung, place) => (
          <RungItem key={place} rung={rung} shown={shown} />
        ))}
      </ol>
    </li>
  );
}

function RungItem({ rung, shown }: { readonly rung: Rung; readonly shown: Handshake }): JSX.Element {
  if (rung.note !== undefined) return <NoteItem note={rung.note} shown={shown} />;
  const { arrow } = rung;
  const choices = choicesIn(arrow, shown);
  return (
    <>
      <li class="rung">
        <ArrowButton arrow={arrow} />
      </li>
      {choices.map((choice) => (
        <li key={choice} class={`note ${arrow.from}`}>
          <span>chooses {choice}</span>
        </li>
      ))}
    </>
  );
}

function choicesIn(arrow: Arrow, shown: Handshake): readonly string[] {
  if (arrow.title !== 'ServerHello' && arrow.title !== 'HelloRetryRequest') return [];
  // A connection has few of them, near its beginning; a file may have a thousand.
  if (!arrowsOf(shown).slice(0, 100).includes(arrow)) return [];
  const version = is13(shown) ? 'TLS 1.3' : 'before TLS 1.3';
  const hello = arrowsOf(shown).find(({ title }) => title === 'ClientHello');
  return choicesOf(hello && dissectArrow(hello, version), dissectArrow(arrow, version));
}

function ArrowButton({ arrow }: { readonly arrow: Arrow }): JSX.Element {
  const { from, title, protection, at, unread, kind, arrived, readAt } = arrow;
  const label = kind === 'data' && protection === 'early' ? 'Early data' : title;
  const sealed = isSealed(arrow);
  const keyed = protection !== 'none' ? `under the ${protection} key` : sealed ? 'encrypted' : 'in the clear';
  return (
    <button
      type="button"
      class={`arrow ${from} ${kind} ${sealed ? 'sealed' : `key-${protection}`}${unread ? ' unread' : ''}`}
      aria-pressed={exhibit.value?.arrow === arrow}
      data-title={title}
      onClick={() => look(arrow)}
    >
      <span class="time" title={readAt === undefined ? undefined : `understood at ${milliseconds(readAt)}`}>
        {milliseconds(at)}
      </span>
      <span class="lane">
        <span class="name">
          {label}
          <span class="unseen">
            {' '}
            from the {from}, {keyed}
          </span>
          {unread && <em> never understood</em>}
          {arrived && <em> arrives changed</em>}
        </span>
        <span class="size">{arrow.length} B</span>
        <span class="line" />
      </span>
    </button>
  );
}

function NoteItem({ note, shown }: { readonly note: Note; readonly shown: Handshake }): JSX.Element {
  const { kind, party, text, good, protection } = note;
  if (kind === 'failure' && note.error !== undefined && note.error === shown.failure?.error) {
    return (
      <li class={`note failure ${party}`}>
        <FailureCard failure={shown.failure} />
      </li>
    );
  }
  const state = good === undefined ? '' : good ? ' good' : ' bad';
  return (
    <li class={`note ${kind} ${party ?? 'between'}${state}${protection ? ` key-${protection}` : ''}`}>
      <span>
        {kind !== 'incident' && kind !== 'key' && <span class="unseen">The {party} </span>}
        {kind === 'failure'
          ? `${note.error?.origin === 'peer' ? 'learns' : 'finds'}: ${text}`
          : kind === 'key'
            ? `${protection} key from here on`
            : text}
      </span>
    </li>
  );
}

/** Up and down go from arrow to arrow, as in a list. */
function move(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  if (step === 0) return;
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>('button.arrow')];
  const next = all[all.indexOf(document.activeElement as HTMLElement) + step];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}
