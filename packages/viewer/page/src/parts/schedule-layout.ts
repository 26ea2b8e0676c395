/**
 * Where the boxes of the key schedule stand, and the lines between them. Wide: what goes in, what is made of it, and the keys, from
 * left to right. Narrow: what is made runs down on the left; what goes in joins it from the right, and keys go off to the right.
 *
 * @module
 */

import type { ScheduleNode } from '@handfast/viewer';

export interface Placed {
  readonly node: ScheduleNode;
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export interface Line {
  readonly id: string;
  /** As SVG's `d`. */
  readonly path: string;
  readonly used: boolean;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Placed[];
  readonly lines: readonly Line[];
}

/** Of a box. */
export const boxHeight = 58;
const gapY = 14;
const step = boxHeight + gapY;

export function wideLayout(nodes: readonly ScheduleNode[]): Layout {
  const width = 292;
  const gapX = 96;
  const boxes: Placed[] = [];
  const rows = [0, 0, 0];
  for (const node of nodes) {
    const column = node.kind === 'input' ? 0 : isTrunk(node) ? 1 : 2;
    const parents = node.from.flatMap((id) => boxes.find((one) => one.node.id === id) ?? []);
    // What goes in, and a stage, stand below all that came of the stage before.
    const y = Math.max(rows[column] ?? 0, ...parents.map((parent) => parent.y), column === 2 ? 0 : (rows[2] ?? 0));
    rows[column] = y + step;
    boxes.push({ node, x: column * (width + gapX), y, width });
  }
  return layout(3 * width + 2 * gapX, boxes, across);
}

/** Out of the side and into the side; down, where both stand in a column. */
function across(from: Placed, to: Placed): string {
  if (from.x === to.x) return `M${from.x + 24} ${from.y + boxHeight}V${to.y}`;
  const [x1, y1, x2, y2] = [from.x + from.width, from.y + boxHeight / 2, to.x, to.y + boxHeight / 2];
  const middle = (x1 + x2) / 2;
  return `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
}

/** Where the trunk runs, and where what stands beside it begins. */
const trunk = 18;
const beside = 40;

export function narrowLayout(nodes: readonly ScheduleNode[]): Layout {
  const width = 352;
  const boxes = nodes.map((node, nth): Placed => {
    const x = isTrunk(node) ? 0 : beside;
    return { node, x, y: nth * step, width: width - x };
  });
  return layout(width, boxes, along);
}

/** Down the trunk; into it from an input, and off it to a key. */
function along(from: Placed, to: Placed): string {
  const into = `V${to.y}`;
  if (from.node.kind === 'input') return `M${from.x} ${from.y + boxHeight / 2}H${trunk}${into}`;
  const start = `M${trunk} ${from.y + boxHeight}`;
  return isTrunk(to.node) ? `${start}${into}` : `${start}V${to.y + boxHeight / 2}H${to.x}`;
}

/** What is made of something, and what more is made of: a stage, or the master secret of TLS 1.2. */
function isTrunk({ kind, id }: ScheduleNode): boolean {
  return kind === 'stage' || id === 'master';
}

function layout(width: number, boxes: readonly Placed[], path: (from: Placed, to: Placed) => string): Layout {
  const lines = boxes.flatMap((to) =>
    to.node.from.flatMap((id): Line[] => {
      const from = boxes.find(({ node }) => node.id === id);
      return from === undefined ? [] : [{ id: `${id} ${to.node.id}`, path: path(from, to), used: to.node.used }];
    }),
  );
  return { width, height: Math.max(0, ...boxes.map(({ y }) => y + boxHeight)), boxes, lines };
}
