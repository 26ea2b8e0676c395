/** What leads to two handshakes side by side. */

import type { JSX } from 'preact';
import { compare, compareBoth, forget, keepThis, kept } from '../compare.ts';
import { nameOf } from '../open/title.ts';
import { scene, scenes } from '../state.ts';

export function CompareButtons(): JSX.Element {
  const first = kept.value;
  const two = scenes.value.length === 2;
  if (first === undefined) {
    return (
      <>
        {two && (
          <button type="button" onClick={compareBoth}>
            Compare both connections
          </button>
        )}
        <button type="button" onClick={keepThis}>
          Compare with…
        </button>
      </>
    );
  }
  const same = first === scene.value;
  return (
    <>
      {!same && (
        <button type="button" class="main" onClick={compare}>
          Compare with the first
        </button>
      )}
      <p role="status">
        {same ? (
          <>This is the first. Now choose or make another one.</>
        ) : (
          <>
            The first: <strong>{nameOf(first.title, first.handshake.target)}</strong>
          </>
        )}
      </p>
      <button type="button" onClick={forget}>
        Forget the first
      </button>
    </>
  );
}
