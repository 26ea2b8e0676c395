/** The key schedule as a picture: what comes of what, and what each key was used for. Values stay hidden until somebody asks. */

import { type Handshake, type ScheduleNode, scheduleOf } from '@handfast/viewer';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

const width = 292;
const height = 58;
const gapX = 96;
const gapY = 14;

interface Placed {
  readonly node: ScheduleNode;
  readonly x: number;
  readonly y: number;
}

/** Inputs and stages run down on the left; what comes of a stage stands to its right. */
function place(nodes: readonly ScheduleNode[]): readonly Placed[] {
  const placed: Placed[] = [];
  const rows = [0, 0, 0];
  for (const node of nodes) {
    const column = node.kind === 'input' ? 0 : node.kind === 'stage' || node.id === 'master' ? 1 : 2;
    const parents = node.from.flatMap((id) => placed.find((one) => one.node.id === id) ?? []);
    const below = Math.max(0, ...parents.map(({ y }) => y));
    const step = height + gapY;
    const y = column === 2 ? Math.max(rows[2] ?? 0, below) : Math.max(rows[column] ?? 0, below, rowOf(column, rows));
    rows[column] = y + step;
    placed.push({ node, x: column * (width + gapX), y });
  }
  return placed;
}

/** What goes in, and a stage, stand below all that came of the stage before. */
function rowOf(column: number, rows: readonly number[]): number {
  return column === 2 ? 0 : (rows[2] ?? 0);
}

export function Schedule({ shown }: { readonly shown: Handshake }): JSX.Element {
  const [secret, setSecret] = useState(false);
  const nodes = scheduleOf(shown);
  const placed = place(nodes);
  const bottom = Math.max(0, ...placed.map(({ y }) => y + height));
  return (
    <section class="schedule" aria-labelledby="schedule-title">
      <h2 id="schedule-title">Which key comes of what</h2>
      {nodes.length === 0 ? (
        <p>There are no keys: it ended before the server had answered.</p>
      ) : (
        <>
          <p class="hint">
            From left to right: what goes in, what is made of it, and the keys. What this connection never had is pale.
            <span class="narrow"> The picture scrolls to the side.</span>
          </p>
          <button type="button" class="reveal" aria-pressed={secret} onClick={() => setSecret(!secret)}>
            {secret ? 'Hide the secrets' : 'Show the secrets'}
          </button>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must do so by keyboard, too */}
          <section class="drawing" tabIndex={0} aria-label="The picture">
            <svg
              viewBox={`-2 -2 ${3 * width + 2 * gapX + 4} ${bottom + 4}`}
              width={3 * width + 2 * gapX + 4}
              height={bottom + 4}
              aria-hidden="true"
            >
              <title>Key schedule</title>
              {placed.flatMap((to) =>
                to.node.from.map((id) => {
                  const from = placed.find(({ node }) => node.id === id);
                  return (
                    from && (
                      <path key={id + to.node.id} class={to.node.used ? 'edge' : 'edge pale'} d={edge(from, to)} />
                    )
                  );
                }),
              )}
              {placed.map(({ node, x, y }) => (
                <g
                  key={node.id}
                  class={`node ${node.kind}${node.used ? '' : ' pale'} key-${node.protection ?? 'none'}`}
                >
                  <rect x={x} y={y} width={width} height={height} rx="8" />
                  <text x={x + 12} y={y + (node.protects === undefined ? 34 : 25)}>
                    {node.title}
                  </text>
                  {node.protects !== undefined && (
                    <text class="small" x={x + 12} y={y + 44}>
                      {short(node.protects)}
                    </text>
                  )}
                </g>
              ))}
            </svg>
          </section>
          <details class="secrets" open={secret}>
            <summary>The same in words</summary>
            <dl>
              {nodes.map((node) => (
                <div key={node.id} class={node.used ? '' : 'pale'}>
                  <dt>{node.title}</dt>
                  <dd>
                    {node.meaning} <span class="section">{node.section}</span>
                    {!node.used && ' This connection did not have it.'}
                    {node.protects !== undefined && ` Here: ${node.protects}.`}
                    {secret && node.secret !== undefined && <code class="secret-value">{node.secret.value}</code>}
                  </dd>
                </div>
              ))}
            </dl>
          </details>
        </>
      )}
    </section>
  );
}

function short(text: string): string {
  return text.length > 44 ? `${text.slice(0, 43)}…` : text;
}

/** Out of the side and into the side; down, where both stand in a column. */
function edge(from: Placed, to: Placed): string {
  if (from.x === to.x) return `M${from.x + 24} ${from.y + height}V${to.y}`;
  const [x1, y1, x2, y2] = [from.x + width, from.y + height / 2, to.x, to.y + height / 2];
  const middle = (x1 + x2) / 2;
  return `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
}
