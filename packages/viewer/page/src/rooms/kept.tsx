/** The page of a kept handshake: it shows what stands in its own JSON, and asks nobody for anything. */

import { handshakeOf, readConnections } from '@handfast/viewer';
import type { JSX } from 'preact';
import { titleOf } from '../open/title.ts';
import { KeepMenu } from '../parts/keep.tsx';
import { OneScene } from '../parts/one.tsx';
import { fault, lookAtFirst, present, scene } from '../state.ts';

export function showKept(json: string): void {
  try {
    present(
      readConnections(JSON.parse(json)).map((parts, which) => ({
        ...{ title: titleOf(parts, which), parts, handshake: handshakeOf(parts) },
      })),
    );
    lookAtFirst();
  } catch (error) {
    fault.value = error instanceof Error ? error.message : String(error);
  }
}

export function KeptPage(): JSX.Element {
  const shown = scene.value;
  const started = shown?.handshake.started;
  return (
    <>
      <header class="top">
        <h1>A handshake</h1>
        <p>
          It was recorded{started !== undefined && ` on ${started.slice(0, 10)} at ${started.slice(11, 19)} UTC`}, and
          is all in this file: nothing is loaded from elsewhere, and nothing leaves it.
        </p>
      </header>
      <main>
        {fault.value !== undefined && (
          <p class="fault" role="alert">
            The recording in this file cannot be read: {fault.value}
          </p>
        )}
        {shown !== undefined && (
          <OneScene shown={shown}>
            <KeepMenu shown={shown} />
          </OneScene>
        )}
      </main>
      <footer>
        Made with <strong>Handfast</strong>, TLS for TypeScript.
      </footer>
    </>
  );
}
