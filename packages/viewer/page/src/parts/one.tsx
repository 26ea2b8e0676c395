/** One handshake, whole: what came of it, the ladder with the bytes, the certificates, the keys. */

import type { ComponentChildren, JSX } from 'preact';
import type { Scene } from '../state.ts';
import { ExhibitPanel } from './exhibit.tsx';
import { Ladder } from './ladder.tsx';
import { Paths } from './paths.tsx';
import { Schedule } from './schedule.tsx';
import { Verdict } from './verdict.tsx';

interface OneSceneProps {
  readonly shown: Scene;
  readonly quiet?: boolean;
  /** What can be done with it. */
  readonly children: ComponentChildren;
}

export function OneScene({ shown, quiet = false, children }: OneSceneProps): JSX.Element {
  const { handshake } = shown;
  return (
    <>
      <Verdict shown={handshake} quiet={quiet} />
      <section class="bar" aria-label="What to do with this handshake">
        {children}
      </section>
      <div class="bench">
        <Ladder shown={handshake} />
        <ExhibitPanel />
      </div>
      <Paths shown={handshake} />
      <Schedule shown={handshake} />
    </>
  );
}
