/**
 * What the commands of the CA answer, on stdout: laid out for people, or a line of JSON a value (`--json`).
 *
 * @module
 */

import { layOut, type Section } from '../cert/layout.ts';
import { colorsFor, type Io } from '../io.ts';

export interface OutputChoice {
  readonly json?: boolean;
  readonly color?: boolean;
}

/** A whole answer: `value` for programs, `section` for people. */
export function print(value: unknown, section: Section, choice: OutputChoice, io: Io): void {
  if (choice.json === true) printJson(value, io);
  else printLines(layOut(section, colorsFor(io.stdout, io.env, choice.color ?? true)), io);
}

export function printJson(value: unknown, io: Io): void {
  io.stdout.write(`${JSON.stringify(value)}\n`);
}

export function printLines(lines: readonly string[], io: Io): void {
  io.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

/** Columns as wide as their widest cell; the last is not filled up. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = heads.map((head, at) => Math.max(head.length, ...rows.map((row) => row[at]?.length ?? 0)));
  return [heads, ...rows].map((row) =>
    row
      .map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
