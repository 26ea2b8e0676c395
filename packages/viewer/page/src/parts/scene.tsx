/** What is looked at: one handshake, or two side by side. */

import type { JSX } from 'preact';
import { compared } from '../compare.ts';
import { scene } from '../state.ts';
import { CompareView } from './compare.tsx';
import { CompareButtons } from './compare-buttons.tsx';
import { KeepMenu } from './keep.tsx';
import { OneScene } from './one.tsx';

interface SceneViewProps {
  /** What is said where there is none yet. */
  readonly waiting: string;
  /** Whether another one may take its place by itself: nobody is told each time. */
  readonly quiet?: boolean;
}

export function SceneView({ waiting, quiet = false }: SceneViewProps): JSX.Element {
  const shown = scene.value;
  if (shown === undefined) return <p class="waiting">{waiting}</p>;
  if (compared.value !== undefined) return <CompareView shown={compared.value} />;
  return (
    <OneScene shown={shown} quiet={quiet}>
      <CompareButtons />
      <KeepMenu shown={shown} />
    </OneScene>
  );
}
