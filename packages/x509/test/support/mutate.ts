/**
 * Bad input out of good input, from a seed: bytes flipped, cut, repeated and exchanged; and, as a flipped byte seldom gets
 * past the outermost length, elements of its DER deleted, doubled, exchanged, retagged and nested, with every length around
 * them made right again.
 *
 * @module
 */

import { type Bytes, concat } from '@handfast/crypto';

/** Numbers below a bound. */
export type Below = (bound: number) => number;

/** A small generator of numbers (mulberry32): the same seed gives the same ones. */
export function numbers(seed: number): Below {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

export function oneOf<T>(list: readonly T[], below: Below): T {
  const item = list[below(list.length)];
  if (item === undefined) throw new RangeError('one of an empty list');
  return item;
}

/** A mutant of `input`; `donor` lends parts of itself. */
export function mutant(input: Uint8Array, donor: Uint8Array, below: Below): Bytes {
  let out: Bytes = Uint8Array.from(input);
  for (let rounds = 1 + below(3); rounds > 0; rounds--) {
    out = below(3) === 0 ? oneOf(onBytes, below)(out, donor, below) : onElements(out, donor, below);
  }
  return out;
}

/** `count` of them. */
export function* mutants(
  input: Uint8Array,
  donors: readonly Uint8Array[],
  seed: number,
  count: number,
): Generator<Bytes> {
  const below = numbers(seed);
  for (let i = 0; i < count; i++) yield mutant(input, oneOf(donors, below), below);
}

type Mutation = (bytes: Bytes, donor: Uint8Array, below: Below) => Bytes;

const boundaries = [0x00, 0x01, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff, 0x30, 0x02];

const onBytes: readonly Mutation[] = [
  (bytes, _, below) => withByte(bytes, below, (byte) => byte ^ (1 << below(8))),
  (bytes, _, below) => withByte(bytes, below, () => oneOf(boundaries, below)),
  (bytes, _, below) => withByte(bytes, below, (byte) => byte + (below(2) === 0 ? 1 : 255)),
  (bytes, _, below) => bytes.slice(0, below(bytes.length + 1)),
  (bytes, _, below) => {
    const [from, to] = range(bytes, below);
    return concat(bytes.subarray(0, from), bytes.subarray(to));
  },
  (bytes, _, below) => {
    const [from, to] = range(bytes, below);
    return concat(bytes.subarray(0, to), bytes.subarray(from));
  },
  (bytes, donor, below) => {
    const [from, to] = range(donor, below);
    const at = below(bytes.length + 1);
    return concat(bytes.subarray(0, at), donor.subarray(from, to), bytes.subarray(at));
  },
];

function withByte(bytes: Bytes, below: Below, change: (byte: number) => number): Bytes {
  if (bytes.length === 0) return bytes;
  const at = below(bytes.length);
  return bytes.with(at, change(bytes[at] ?? 0));
}

/** Short ones mostly. */
function range(bytes: Uint8Array, below: Below): readonly [number, number] {
  const from = below(bytes.length + 1);
  return [from, Math.min(bytes.length, from + 1 + below(below(4) === 0 ? 64 : 4))];
}

/** An element, and what is in it where that is elements all through. */
interface Node {
  tag: number;
  /** What stands before the children: a BIT STRING's count of unused bits. */
  prefix: Uint8Array;
  content: Uint8Array;
  children: Node[] | undefined;
}

const depthLimit = 24;

function nodesIn(bytes: Uint8Array, depth: number): Node[] | undefined {
  const nodes: Node[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0;
    const first = bytes[at + 1] ?? 0x80;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    if (first === 0x80 || lengthBytes > 3 || (tag & 0x1f) === 0x1f) return undefined;
    let length = first;
    if (lengthBytes > 0) {
      length = 0;
      for (let i = 0; i < lengthBytes; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0);
    }
    const start = at + 2 + lengthBytes;
    if (start + length > bytes.length) return undefined;
    nodes.push(nodeOf(tag, bytes.subarray(start, start + length), depth));
    at = start + length;
  }
  return nodes;
}

function nodeOf(tag: number, content: Uint8Array, depth: number): Node {
  const prefixLength = tag === 0x03 ? 1 : 0;
  const wraps = (tag & 0x20) !== 0 || ((tag === 0x03 || tag === 0x04) && content.length > 2);
  const inner = content.subarray(prefixLength);
  const children = wraps && depth < depthLimit ? nodesIn(inner, depth + 1) : undefined;
  return { tag, prefix: content.subarray(0, prefixLength), content, children };
}

function encodeNode({ tag, prefix, content, children }: Node): Bytes {
  const body = children === undefined ? content : concat(prefix, ...children.map(encodeNode));
  const { length } = body;
  const size =
    length < 0x80
      ? [length]
      : length < 0x100
        ? [0x81, length]
        : length < 0x10000
          ? [0x82, length >> 8, length & 0xff]
          : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff];
  return concat(Uint8Array.of(tag, ...size), body);
}

/** Every list of elements in a tree. */
function listsIn(nodes: Node[]): Node[][] {
  return nodes.length === 0 ? [] : [nodes, ...nodes.flatMap(({ children }) => (children ? listsIn(children) : []))];
}

function onElements(bytes: Bytes, donor: Uint8Array, below: Below): Bytes {
  const nodes = nodesIn(bytes, 0);
  if (nodes === undefined || nodes.length === 0) return oneOf(onBytes, below)(bytes, donor, below);
  const lists = listsIn(nodes);
  const list = oneOf(lists, below);
  const others = listsIn(nodesIn(donor, 0) ?? []);
  const lent = oneOf(oneOf(others.length === 0 ? lists : others, below), below);
  oneOf(edits, below)(list, below(list.length), lent, below);
  return concat(...nodes.map(encodeNode));
}

type Edit = (list: Node[], at: number, lent: Node, below: Below) => void;

const edits: readonly Edit[] = [
  (list, at) => list.splice(at, 1),
  (list, at) => list.splice(at, 0, ...list.slice(at, at + 1)),
  (list, at, lent) => list.splice(at, 1, copyOf(lent)),
  (list, at, lent) => list.splice(at, 0, copyOf(lent)),
  (list, at, _, below) => list.splice(at, 0, ...list.splice(below(list.length), 1)),
  (list, at, _, below) =>
    changed(list, at, (node) => ({ ...node, tag: below(2) === 0 ? below(256) : node.tag ^ 0x20 })),
  (list, at) => changed(list, at, (node) => ({ tag: 0x30, prefix: none, content: none, children: [node] })),
  (list, at) => list.splice(at, 1, ...(list[at]?.children ?? [])),
  (list, at) => changed(list, at, (node) => ({ ...node, content: none, children: undefined })),
  (list, at, _, below) => changed(list, at, (node) => leafOf(node, withContent(node, below))),
  (list, at, lent) => changed(list, at, (node) => leafOf(node, contentOf(lent))),
  // So many that a limit must stop them.
  (list, at, _, below) => {
    const node = list[at];
    if (node !== undefined && encodeNode(node).length < 64)
      list.splice(at, 0, ...Array.from({ length: 1 << below(9) }, () => node));
  },
];

const none = new Uint8Array(0);

function changed(list: Node[], at: number, change: (node: Node) => Node): void {
  const node = list[at];
  if (node !== undefined) list[at] = change(node);
}

function copyOf(node: Node): Node {
  return { ...node, children: node.children?.map(copyOf) };
}

function leafOf(node: Node, content: Uint8Array): Node {
  return { ...node, content, children: undefined };
}

function contentOf({ content, children, prefix }: Node): Uint8Array {
  return children === undefined ? content : concat(prefix, ...children.map(encodeNode));
}

function withContent(node: Node, below: Below): Bytes {
  const content = Uint8Array.from(contentOf(node));
  return oneOf(onBytes, below)(content, content, below);
}
