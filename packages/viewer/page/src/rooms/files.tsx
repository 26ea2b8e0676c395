/** Recordings and captures of the reader's own: opened here, shown here, and sent nowhere. */

import { failureOf, maxOpenBytes, type RecordedConnection, type Result, resultOf } from '@handfast/viewer';
import { escapeText, escapeWhole } from '@handfast/x509';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { cancel, choose, chosen, comeBack, openGiven, openMore, type Reading, reading } from '../open/open.ts';
import { nameOf, titleOf } from '../open/title.ts';
import { SceneView } from '../parts/scene.tsx';
import { scene } from '../state.ts';

export function FilesRoom(): JSX.Element {
  useEffect(comeBack, []);
  const now = reading.value;
  return (
    <>
      <section class="files" aria-labelledby="files-title">
        <h2 id="files-title">Open a file</h2>
        <p>
          A recording (JSON), a page that was kept here (HTML), or a capture (pcapng, pcap), with its key log beside it.
          Drop it anywhere, or choose it. It stays on this machine; {maxOpenBytes / 1_048_576} MiB are the most.
        </p>
        <FileButton label="Choose files…" given={openGiven} />
        <Progress now={now} />
      </section>
      {scene.value !== undefined && <SceneView waiting="" />}
    </>
  );
}

interface FileButtonProps {
  readonly label: string;
  readonly given: (files: readonly File[]) => void;
}

function FileButton({ label, given }: FileButtonProps): JSX.Element {
  return (
    <label class="file-button">
      <span>{label}</span>
      <input
        type="file"
        multiple
        onChange={({ currentTarget }) => {
          given([...(currentTarget.files ?? [])]);
          // The same file may be chosen again.
          currentTarget.value = '';
        }}
      />
    </label>
  );
}

function Progress({ now }: { readonly now: Reading }): JSX.Element {
  return (
    <div aria-live="polite">
      {now.state === 'reading' && (
        <p class="hint">
          Reading {listed(now.names)}…{' '}
          <button type="button" class="stop" onClick={cancel}>
            Stop
          </button>
        </p>
      )}
      {now.state === 'refused' && (
        <div class="file-refused">
          <p>
            <span aria-hidden="true">✗ </span>
            {escapeWhole(now.refusal.message)}
          </p>
          {now.refusal.hint !== undefined && <p class="hint">What to do: {escapeWhole(now.refusal.hint)}.</p>}
        </div>
      )}
      {now.state === 'opened' && <OpenedFiles now={now} />}
    </div>
  );
}

function OpenedFiles({ now }: { readonly now: Extract<Reading, { readonly state: 'opened' }> }): JSX.Element {
  const { connections, notes } = now.opened;
  const sealed = notes.some((note) => note.includes('could not be decrypted'));
  return (
    <>
      <p class="opened">
        {listed(now.names)}: {connections.length === 0 && 'no TLS connection'}
        {connections.length === 1 && '1 TLS connection'}
        {connections.length > 1 && `${connections.length} TLS connections. Choose one.`}
      </p>
      {sealed && (
        <p>
          What is encrypted stays closed without the secrets. <FileButton label="Add the key log…" given={openMore} />
        </p>
      )}
      {notes.length > 0 && <Notes notes={notes} />}
      {connections.length > 1 && (
        <ol class="connections" aria-label="Connections">
          {connections.map((connection, which) => (
            <li key={which}>
              <Choice connection={connection} which={which} />
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

/** More notes than that nobody reads. */
const mostNotes = 50;

function Notes({ notes }: { readonly notes: readonly string[] }): JSX.Element {
  return (
    <details class="file-notes">
      <summary>{notes.length === 1 ? '1 thing was not read' : `${notes.length} things were not read`}</summary>
      <ul>
        {notes.slice(0, mostNotes).map((note, place) => (
          <li key={place}>{escapeWhole(note)}</li>
        ))}
        {notes.length > mostNotes && <li>… and {notes.length - mostNotes} more</li>}
      </ul>
    </details>
  );
}

function listed(names: readonly string[]): string {
  return names.map((name) => escapeText(name)).join(', ');
}

const results: Readonly<Record<Result, readonly [look: string, sign: string, words: string]>> = {
  connected: ['ok', '✓', 'good'],
  failed: ['not', '✗', 'failed'],
  unknown: ['hint', '…', 'not known'],
};

function Choice({
  connection,
  which,
}: {
  readonly connection: RecordedConnection;
  readonly which: number;
}): JSX.Element {
  const { client, server } = connection;
  const { negotiated, started, target } = client ?? server ?? {};
  const [look, sign, words] = results[resultOf(connection)];
  return (
    <button type="button" aria-pressed={chosen.value === which} onClick={() => choose(which)}>
      <span class={look}>
        <span aria-hidden="true">{sign}</span>
        <span class="unseen">{words}</span>
      </span>
      <span class="connection-name">{nameOf(titleOf(connection, which), target)}</span>
      <span class="hint">
        {[
          failureOf(client, server)?.error.code,
          negotiated?.version,
          negotiated?.resumed ? 'resumed' : undefined,
          started?.slice(11, 23),
        ]
          .flatMap((part) => (part === undefined ? [] : escapeText(part)))
          .join(' · ')}
      </span>
    </button>
  );
}
