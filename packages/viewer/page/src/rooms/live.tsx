/** Connections of this machine, as they happen: a list of them, and below it the one that is looked at. */

import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { LiveList } from '../live/list.tsx';
import {
  arrive,
  behind,
  chosen,
  depart,
  failures,
  failuresOnly,
  filter,
  follow,
  following,
  type LineState,
  line,
  narrow,
  pause,
  paused,
  rows,
  spoken,
  told,
} from '../live/live.ts';
import { SceneView } from '../parts/scene.tsx';
import { hrefOf } from '../parts/top.tsx';

export function LiveRoom(): JSX.Element {
  useEffect(() => {
    arrive();
    return depart;
  }, []);
  const any = told.value.connections.length > 0;
  return (
    <>
      <LineNote state={line.value} any={any} />
      {any && (
        <>
          <Controls />
          <Counts />
          <LiveList />
          {rows.value.length === 0 && <p class="waiting">None of them is like that.</p>}
          <LeftOut />
          {/* Who touches what is shown reads it: nothing else may take its place. */}
          <div onPointerDown={() => follow(false)} onFocusIn={() => follow(false)}>
            <SceneView waiting="" quiet={following.value} />
          </div>
        </>
      )}
      <p class="unseen" role="status">
        {spoken.value}
      </p>
    </>
  );
}

/** Nobody there, nothing there yet, or nobody there any more. */
function LineNote({ state, any }: { readonly state: LineState; readonly any: boolean }): JSX.Element | null {
  if (state === 'absent') {
    return (
      <div class="live-note">
        <p>
          This page shows the connections of a machine when <code>handfast view</code> runs on it. Start that in a
          terminal: it opens this page, with all that happens in it.
        </p>
        <ToLaboratory />
      </div>
    );
  }
  if (state === 'ended' || state === 'broken') {
    return (
      <p class="live-note bad" role="status">
        {state === 'broken'
          ? 'handfast view does not answer; it is asked again.'
          : 'handfast view has ended. Start it again, and open the address that it prints.'}
        {any && ' What it has told is still here.'}
      </p>
    );
  }
  if (state === 'open' && !any) {
    return (
      <div class="live-note">
        <p>Nothing has connected yet. Try one of these in another terminal:</p>
        <ul>
          <li>
            <code>handfast connect example.com:443</code>
          </li>
          <li>
            <code>handfast serve 8443 --http</code>
          </li>
          <li>
            <code>node --import @handfast/tls/register app.js</code>
            <span class="hint"> a program of yours, with all that it connects to</span>
          </li>
        </ul>
        <ToLaboratory />
      </div>
    );
  }
  return null;
}

function ToLaboratory(): JSX.Element {
  return (
    <p>
      <a class="live-button" href={hrefOf('lab')}>
        Look at a handshake in the laboratory
      </a>
    </p>
  );
}

function Controls(): JSX.Element {
  return (
    <fieldset class="live-controls">
      <legend class="unseen">What the list shows</legend>
      <input
        type="search"
        placeholder="Filter"
        aria-label="Filter: words of a program, a name, a version or a refusal"
        value={filter.value}
        onInput={({ currentTarget }) => narrow({ text: currentTarget.value })}
      />
      <Toggle
        label="Failures only"
        on={failuresOnly.value}
        change={(on) => {
          narrow({ failures: on });
        }}
      />
      <Toggle label="Follow the newest" on={following.value} change={follow} />
      <Toggle label="Pause" on={paused.value} change={pause} />
    </fieldset>
  );
}

interface ToggleProps {
  readonly label: string;
  readonly on: boolean;
  readonly change: (on: boolean) => void;
}

function Toggle({ label, on, change }: ToggleProps): JSX.Element {
  return (
    <button type="button" class="live-button" aria-pressed={on} onClick={() => change(!on)}>
      {label}
    </button>
  );
}

function Counts(): JSX.Element {
  const { connections, lost, forgotten } = told.value;
  const shown = rows.value.length;
  const facts = [
    `${connections.length} connection${connections.length === 1 ? '' : 's'}`,
    `${failures.value} failed`,
    ...(shown < connections.length ? [`${shown} shown`] : []),
    ...(behind.value > 0 ? [`${behind.value} more since the list was stopped`] : []),
    ...(forgotten > 0 ? [`${forgotten} older ones made room`] : []),
    ...(lost > 0 ? [`${lost} pieces lost, as the viewer was slow`] : []),
  ];
  return <p class="hint live-counts">{facts.join(' · ')}</p>;
}

/** Of what is looked at, what its program did not keep. */
function LeftOut(): JSX.Element | null {
  const { client, server } = chosen.value ?? {};
  const events = (client?.dropped?.events ?? 0) + (server?.dropped?.events ?? 0);
  return events === 0 ? null : (
    <p class="hint">Not all of this connection is here: {events.toLocaleString('en')} events were left out.</p>
  );
}
