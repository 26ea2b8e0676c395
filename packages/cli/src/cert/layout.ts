/**
 * How the `cert` commands lay text out: a heading, then fields with their labels in one column, wrapped at 80 characters;
 * and the words for times and for bytes.
 *
 * @module
 */

import { type Certificate, CertificateError } from '@handfast/x509';
import type { Colors } from '../io.ts';
import { nameOf, wrap } from '../transcript.ts';

/** A label and what stands beside it, a line an item. */
export type Field = readonly [label: string, text: string | readonly string[]];

export interface Section {
  readonly heading: string;
  readonly fields: readonly Field[];
  /** What it contains: a file's certificates, a list's entries. */
  readonly parts?: readonly Section[];
}

const lineWidth = 80;
const labelWidth = 14;
const indent = 2;

/** Lines without their ends. */
export function layOut({ heading, fields, parts = [] }: Section, colors: Colors, depth = 0): readonly string[] {
  const margin = ' '.repeat(indent * depth);
  const lines = wrap(heading, lineWidth - margin.length).map((line) => `${margin}${colors.bold(line)}`);
  const textWidth = lineWidth - margin.length - indent - labelWidth;
  for (const [label, text] of fields) {
    // A label that is too long (an object identifier) has a line for itself.
    const own = label.length >= labelWidth;
    if (own) lines.push(`${margin}${' '.repeat(indent)}${colors.dim(label)}`);
    const items = typeof text === 'string' ? [text] : text;
    for (const [index, line] of items.flatMap((item) => wrap(item, textWidth)).entries()) {
      const head = (index === 0 && !own ? label : '').padEnd(labelWidth);
      lines.push(`${margin}${' '.repeat(indent)}${colors.dim(head)}${line}`);
    }
  }
  for (const part of parts) lines.push('', ...layOut(part, colors, depth + 1));
  return lines;
}

/** `2026-11-18T00:00:00Z` */
export function timeText(time: Date): string {
  return Number.isNaN(time.getTime()) ? 'no date' : `${time.toISOString().slice(0, -5)}Z`;
}

const secondMs = 1000;
const units: readonly (readonly [name: string, ms: number])[] = [
  ['year', 365.2425 * 86_400 * secondMs],
  ['day', 86_400 * secondMs],
  ['hour', 3600 * secondMs],
  ['minute', 60 * secondMs],
];

/** `12 days`: two of a unit at least, so that what is cut off is a third at most. */
export function spanText(ms: number): string {
  const [name, size] = units.find(([, unit]) => Math.abs(ms) >= 2 * unit) ?? ['second', secondMs];
  const count = Math.floor(Math.abs(ms) / size);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}

/** `in 12 days`, `3 hours ago` */
export function whenText(time: Date, now: Date): string {
  const ms = time.getTime() - now.getTime();
  return ms >= 0 ? `in ${spanText(ms)}` : `${spanText(ms)} ago`;
}

/** A certificate's name, escaped once, in quotes. */
export function quotedName(certificate: Certificate): string {
  return `"${nameOf(certificate)}"`;
}

/** `AB:CD:…` */
export function colonHex(bytes: Uint8Array): string {
  return (Buffer.from(bytes).toString('hex').toUpperCase().match(/../g) ?? []).join(':');
}

/** Bytes of something unknown that are shown. */
const shownBytes = 24;

/** `5 bytes: 3003020105` */
export function hexText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.subarray(0, shownBytes)).toString('hex');
  return `${bytes.length} byte${bytes.length === 1 ? '' : 's'}: ${hex}${bytes.length > shownBytes ? '…' : ''}`;
}

/** `3 certificates` */
export function countText(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

/** Items of one list that are shown; the rest is a count. */
export const shownItems = 100;

/** A list of lines, cut where it is very long. */
export function itemLines(items: readonly string[]): readonly string[] {
  if (items.length <= shownItems) return items;
  return [...items.slice(0, shownItems), `and ${items.length - shownItems} more`];
}

/** What a decoder says, or its refusal as text: one field that is wrong hides no other. */
export function decodedOr<T>(read: () => T, refused: (message: string) => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof CertificateError) return refused(`(${error.message})`);
    throw error;
  }
}
