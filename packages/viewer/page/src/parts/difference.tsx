/** A field that differs: its name, and what it says on each side. */

import { type FieldDifference, pathText } from '@handfast/viewer';
import type { ComponentChildren, JSX } from 'preact';

export function DifferenceItem({ difference }: { readonly difference: FieldDifference }): JSX.Element {
  const { path, kind, left, right } = difference;
  const alone = kind === 'only' || kind === 'items';
  return (
    <li class="difference">
      <span class="path">{pathText(path)}</span>
      {kind === 'order' ? (
        <span> the same in another order</span>
      ) : (
        <dl>
          {left !== undefined && <Side name={`${alone ? 'only in the' : 'the'} first`}>{left}</Side>}
          {right !== undefined && <Side name={`${alone ? 'only in the' : 'the'} second`}>{right}</Side>}
        </dl>
      )}
    </li>
  );
}

function Side({ name, children }: { readonly name: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
