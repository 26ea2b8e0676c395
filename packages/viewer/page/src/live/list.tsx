/**
 * The list of connections: a listbox that keeps only those rows in the page that are in sight, so that a thousand of them cost no more
 * than a screenful. Arrow keys go through it, Enter chooses.
 */

import type { LiveConnection } from '@handfast/viewer';
import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { choose, chosen, rows } from './live.ts';
import { outcomes, type Row, signs } from './row.ts';

/** Rows on either side of what is in sight, for the next turn of the wheel. */
const spare = 6;

interface Shape {
  /** Of a row, in pixels. */
  readonly height: number;
  /** Rows that are in sight at once. */
  readonly seen: number;
}

/** On a narrow screen a row has two lines. */
function shapeNow(): Shape {
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const isNarrow = matchMedia('(max-width: 880px)').matches;
  return isNarrow ? { height: Math.round(3.75 * rem), seen: 5 } : { height: Math.round(2.25 * rem), seen: 9 };
}

export function LiveList(): JSX.Element {
  const all = rows.value;
  const box = useRef<HTMLDivElement>(null);
  const [scrolled, setScrolled] = useState(0);
  const [{ height, seen }, setShape] = useState(shapeNow);
  const [active, setActive] = useState<LiveConnection | undefined>(undefined);
  const scrollTo = (top: number): void => {
    if (box.current !== null) box.current.scrollTop = top;
    setScrolled(top);
  };
  useKeptInSight(all, scrolled, height, scrollTo);
  useLayoutEffect(() => {
    const measure = (): void => setShape(shapeNow());
    addEventListener('resize', measure);
    return () => removeEventListener('resize', measure);
  }, []);

  const first = Math.max(0, Math.min(Math.floor(scrolled / height) - spare, all.length - seen - 2 * spare));
  const inSight = all.slice(first, first + seen + 2 * spare);
  const current = active ?? chosen.value;
  const isThere = inSight.some(({ connection }) => connection === current);

  const go = (to: number): void => {
    const row = all[Math.max(0, Math.min(to, all.length - 1))];
    if (row === undefined) return;
    setActive(row.connection);
    const top = all.indexOf(row) * height;
    if (top < scrolled) scrollTo(top);
    else if (top + height > scrolled + seen * height) scrollTo(top + height - seen * height);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = all.findIndex(({ connection }) => connection === current);
    const step = stepOf(event.key, at, seen, all.length);
    if (step !== undefined) go(step);
    else if ((event.key === 'Enter' || event.key === ' ') && at >= 0 && current !== undefined) choose(current);
    else return;
    event.preventDefault();
  };

  return (
    <div
      class="live-list"
      role="listbox"
      aria-label="Connections, newest first"
      aria-activedescendant={isThere && current !== undefined ? idOf(current) : undefined}
      tabIndex={0}
      ref={box}
      style={{ '--row': `${height}px`, '--seen': seen }}
      onScroll={({ currentTarget }) => setScrolled(currentTarget.scrollTop)}
      onKeyDown={onKeyDown}
      onBlur={() => setActive(undefined)}
    >
      <div role="presentation" class="live-rows" style={{ height: `${all.length * height}px` }}>
        {inSight.map((row, nth) => (
          <LiveRow
            key={row.connection.number}
            row={row}
            place={first + nth}
            top={(first + nth) * height}
            of={all.length}
            current={row.connection === current}
          />
        ))}
      </div>
    </div>
  );
}

interface LiveRowProps {
  readonly row: Row;
  readonly place: number;
  readonly top: number;
  readonly of: number;
  readonly current: boolean;
}

/** It is gone to by the list's own arrow keys. */
function LiveRow({ row, place, top, of, current }: LiveRowProps): JSX.Element {
  const { connection, outcome, time, who, inFull, target, what, marks, took } = row;
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the focus is the list's, which says which row is meant
    // biome-ignore lint/a11y/useKeyWithClickEvents: so are the keys
    <div
      class={`live-row ${outcome}${current ? ' current' : ''}`}
      role="option"
      id={idOf(connection)}
      aria-selected={connection === chosen.value}
      aria-setsize={of}
      aria-posinset={place + 1}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => choose(connection)}
    >
      <span class="live-sign" aria-hidden="true">
        {signs[outcome]}
      </span>
      <span class="unseen">{outcomes[outcome]}, at</span>
      <span class="live-time">{time}</span>
      <bdi class="live-who" title={inFull}>
        {who}
      </bdi>
      <bdi class="live-target" title={target}>
        {target}
      </bdi>
      <span class="live-what" title={what}>
        <bdi>{what}</bdi>
        {marks.map((mark) => (
          <span key={mark} class="live-mark">
            {mark}
          </span>
        ))}
      </span>
      <span class="live-took">{took}</span>
    </div>
  );
}

function idOf({ number }: LiveConnection): string {
  return `connection-${number}`;
}

/** Where a key leads, from a row; -1 is from none. */
function stepOf(key: string, at: number, page: number, count: number): number | undefined {
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    PageDown: at + page,
    PageUp: at - page,
    Home: 0,
    End: count - 1,
  };
  return Object.hasOwn(steps, key) ? steps[key] : undefined;
}

/**
 * Newer rows come in above: who has scrolled down goes on seeing what he saw. How far that is, is known: to ask the page would make it
 * lay everything out, each time that something comes.
 */
function useKeptInSight(all: readonly Row[], scrolled: number, height: number, scrollTo: (top: number) => void): void {
  const before = useRef<{ readonly connection: LiveConnection | undefined; readonly place: number }>(undefined);
  useLayoutEffect(() => {
    const { connection, place: was } = before.current ?? {};
    const now = scrolled === 0 ? -1 : all.findIndex((row) => row.connection === connection);
    const moved = now < 0 || was === undefined ? 0 : now - was;
    if (moved !== 0) scrollTo(scrolled + moved * height);
    const place = Math.floor(scrolled / height) + moved;
    before.current = { connection: all[place]?.connection, place };
  });
}
