/** Two handshakes side by side: what was agreed on, and every message beside its like. */

import { type Arrow, type ComparedMessage, type Fact, freshText, rowText } from '@handfast/viewer';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Compared, stopComparing } from '../compare.ts';
import { nameOf } from '../open/title.ts';
import type { Scene } from '../state.ts';
import { bytes, milliseconds } from '../words.ts';
import { DifferenceItem } from './difference.tsx';

export function CompareView({ shown }: { readonly shown: Compared }): JSX.Element {
  const { first, second, comparison } = shown;
  const [all, setAll] = useState(true);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const messages = comparison.messages.filter((row) => all || differs(row));
  return (
    <section class="comparison" aria-labelledby="comparison-title">
      <div class="comparison-head">
        <h2 id="comparison-title" tabIndex={-1} ref={heading}>
          Two handshakes, side by side
        </h2>
        <button type="button" onClick={stopComparing}>
          Back to one
        </button>
      </div>
      <Facts facts={comparison.facts} first={first} second={second} />
      <div class="comparison-head">
        <h3>Message by message</h3>
        <label>
          <input type="checkbox" checked={!all} onChange={({ currentTarget }) => setAll(!currentTarget.checked)} /> only
          what differs
        </label>
      </div>
      <div class="pair pair-names" aria-hidden="true">
        <span>the first</span>
        <span>the second</span>
      </div>
      <ol class="pairs">
        {messages.map((row, place) => (
          <Row key={place} row={row} />
        ))}
      </ol>
      {messages.length === 0 && <p class="hint">No message differs but in what is made anew for each connection.</p>}
      {comparison.notCompared > 0 && (
        <p class="hint">{comparison.notCompared} messages more are not compared: there are too many.</p>
      )}
    </section>
  );
}

/** Whether there is more to tell than that keys are other keys. */
function differs({ left, right, differences, otherwise }: ComparedMessage): boolean {
  return left === undefined || right === undefined || otherwise.length > 0 || differences.some(({ always }) => !always);
}

interface FactsProps {
  readonly facts: readonly Fact[];
  readonly first: Scene;
  readonly second: Scene;
}

function Facts({ facts, first, second }: FactsProps): JSX.Element {
  return (
    <table class="facts">
      <caption class="unseen">What was agreed on, and what it took</caption>
      <thead>
        <tr>
          <td />
          <th scope="col">
            <span class="nth">The first</span> {nameOf(first.title, first.handshake.target)}
          </th>
          <th scope="col">
            <span class="nth">The second</span> {nameOf(second.title, second.handshake.target)}
          </th>
        </tr>
      </thead>
      <tbody>
        {facts.map(({ name, left, right, same }) => (
          <tr key={name} class={same ? 'same' : 'differs'}>
            <th scope="row">
              {!same && <Mark />}
              {name}
            </th>
            <td>{left}</td>
            <td>{right}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Mark(): JSX.Element {
  return (
    <>
      <span class="mark" aria-hidden="true">
        ≠
      </span>
      <span class="unseen">differs: </span>
    </>
  );
}

function Row({ row }: { readonly row: ComparedMessage }): JSX.Element {
  const { left, right, differences, otherwise } = row;
  const told = differences.filter(({ always }) => !always);
  const fresh = freshText(differences);
  const alone = left === undefined || right === undefined;
  return (
    <li class={differs(row) ? 'differs' : 'same'}>
      <div class={`pair${alone ? ' alone' : ''}`}>
        <Cell arrow={left} which="first" />
        <Cell arrow={right} which="second" />
      </div>
      <p class="row-text">
        {differs(row) && (
          <span class="mark" aria-hidden="true">
            ≠
          </span>
        )}
        {rowText(row)}
        {fresh !== '' && <span class="hint"> (made anew each time: {fresh})</span>}
      </p>
      {(told.length > 0 || otherwise.length > 0) && (
        <ul class="differences">
          {otherwise.map((text) => (
            <li key={text}>{text}</li>
          ))}
          {told.map((difference, place) => (
            <DifferenceItem key={place} difference={difference} />
          ))}
        </ul>
      )}
    </li>
  );
}

function Cell({ arrow, which }: { readonly arrow: Arrow | undefined; readonly which: string }): JSX.Element {
  if (arrow === undefined) {
    return (
      <div class="cell none">
        <span aria-hidden="true">–</span>
        <span class="unseen">The {which} has none.</span>
      </div>
    );
  }
  const { from, title, protection, at, length, kind } = arrow;
  return (
    <div class={`cell ${from} key-${protection}`}>
      <span class="unseen">The {which}: </span>
      <span class="name">
        <span aria-hidden="true">{from === 'client' ? '→' : '←'} </span>
        {kind === 'data' && protection === 'early' ? 'Early data' : title}
        <span class="unseen"> from the {from}</span>
      </span>{' '}
      <span class="hint">
        {milliseconds(at)}, {bytes(length)}
      </span>
    </div>
  );
}
