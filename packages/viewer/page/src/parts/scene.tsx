/** One handshake, whole: what came of it, the ladder with the bytes, the certificates, the keys. */

import type { JSX } from 'preact';
import { handshake } from '../state.ts';
import { ExhibitPanel } from './exhibit.tsx';
import { Ladder } from './ladder.tsx';
import { Paths } from './paths.tsx';
import { Schedule } from './schedule.tsx';
import { Verdict } from './verdict.tsx';

/** @param waiting what is said where there is none yet */
export function SceneView({ waiting }: { readonly waiting: string }): JSX.Element {
  const shown = handshake.value;
  if (shown === undefined) return <p class="waiting">{waiting}</p>;
  return (
    <>
      <Verdict shown={shown} />
      <div class="bench">
        <Ladder shown={shown} />
        <ExhibitPanel />
      </div>
      <Paths shown={shown} />
      <Schedule shown={shown} />
    </>
  );
}
