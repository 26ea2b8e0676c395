/**
 * What a run leaves in `bench/results/`: a table for readers, a chart of it, and every figure of every round.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Bar, chart } from './chart.ts';
import { opensslVersion } from './openssl.ts';
import { figure, goal, median, type Result, ratioText, type Standing, span } from './rounds.ts';

/** Rows that belong together. */
export interface Part {
  readonly title: string;
  readonly results: readonly Result[];
}

export interface Length {
  readonly rounds: number;
  /** Of a round. */
  readonly seconds: number;
}

/** What it ran on, without whose it is or where. */
export function machine(): readonly string[] {
  const all = cpus();
  const [first] = all;
  const command = opensslVersion();
  return [
    `Node ${process.versions.node}, its OpenSSL ${process.versions.openssl}${command === undefined ? '' : `; the openssl command is ${command}`}.`,
    `${process.platform} ${process.arch}, ${all.length} cores: ${first?.model.trim() ?? 'unknown'}.`,
  ];
}

/** Answers the files' paths, from the top of the repository. */
export function writeResults(name: string, length: Length, parts: readonly Part[], task = 'bench'): readonly string[] {
  const folder = new URL('../results/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const bars = parts.flatMap(({ results }) => results.flatMap(barOf));
  const files: Readonly<Record<string, string>> = {
    [`${name}.md`]: table(name, length, parts, task, bars.length > 0),
    [`${name}.json`]: figures(length, parts),
    ...(bars.length > 0 && {
      [`${name}.svg`]: chart('How much better than its peer, and how much it should be', bars),
    }),
  };
  return Object.entries(files).map(([file, text]) => {
    writeFileSync(fileURLToPath(new URL(file, folder)), text);
    return `bench/results/${file}`;
  });
}

/** Rows that have something to reach: a ratio to a peer, or a figure, which is the once of itself. */
function barOf({ row: { name, reach, aim, unit, better }, standings: [ours, peer], reached }: Result): readonly Bar[] {
  const wanted = reach ?? (aim === undefined ? undefined : 1);
  if (wanted === undefined) return [];
  const ofAim = (value: number): number => (better === 'more' ? value / (aim ?? 1) : (aim ?? 1) / value);
  const all = reach === undefined ? ours?.values.map(ofAim) : peer?.ratios;
  const ratios = all?.filter((ratio) => !Number.isNaN(ratio)) ?? [];
  if (ratios.length === 0) return [];
  return [
    {
      name,
      peer: reach === undefined ? `the aim of ${aim} ${unit}` : (peer?.name ?? ''),
      ...{ ratio: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios), reach: wanted },
      reached: reached === true,
    },
  ];
}

function table(
  name: string,
  { rounds, seconds }: Length,
  parts: readonly Part[],
  task: string,
  withChart: boolean,
): string {
  const lines = [
    `# Measured: ${name}`,
    '',
    ...machine().map((line) => `${line}  `),
    `${rounds} rounds of ${seconds} s each at most, in turns; medians, with least and most. A ratio is how many times better ours is,`,
    'faster or smaller: above 1 ours is ahead. Ratios are what to quote: absolute figures are of this machine and its mood.',
    `Written by \`npm run ${task}\`.`,
    '',
    ...(withChart ? [`![Ratios, and what they should be](${name}.svg)`, ''] : []),
  ];
  for (const { title, results } of parts) {
    lines.push(`## ${title}`, '');
    for (const result of results) lines.push(...section(result));
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function section({ row, standings, reached }: Result): readonly string[] {
  const aim = goal(row);
  const verdict = reached === undefined ? '' : reached ? ' **Reached.**' : ' **Not reached.**';
  return [
    `### ${row.name}`,
    '',
    ...(aim === '' ? [] : [`The aim: ${aim}, or ${row.better === 'more' ? 'more' : 'better'}.${verdict}`, '']),
    '| | figure | least … most | ours is | note |',
    '|---|---|---|---|---|',
    ...standings.map((standing, which) => `| ${cells(standing, which === 0, row.unit).join(' | ')} |`),
    '',
  ];
}

function cells({ name, values, ratios, note, failure }: Standing, isOurs: boolean, unit: string): readonly string[] {
  const remark = [failure, note].filter((text) => text !== undefined).join('; ');
  const middle = median(values);
  const none = Number.isNaN(middle);
  return [
    name,
    none ? '—' : `${figure(middle)} ${unit}`,
    none ? '' : span(values, figure),
    isOurs ? '' : ratioText(ratios),
    remark.replaceAll('|', '\\|'),
  ];
}

function figures({ rounds, seconds }: Length, parts: readonly Part[]): string {
  const [first] = cpus();
  const { node, openssl } = process.versions;
  const where = { platform: process.platform, arch: process.arch, cores: cpus().length, cpu: first?.model.trim() };
  const rows = parts.flatMap(({ title, results }) =>
    results.map(({ row: { name, unit, better, aim, reach }, standings, reached }) => ({
      ...{ group: title, name, unit, better, aim, reach, reached },
      contestants: standings.map(({ ratios: _computed, values, ...standing }) => ({
        ...standing,
        // NaN, a round without a figure, becomes null.
        values: values.map((value) => Number(value.toPrecision(5))),
      })),
    })),
  );
  const text = JSON.stringify({ node, openssl, command: opensslVersion(), ...where, rounds, seconds, rows }, null, 2);
  // A contestant's figures on one line, as the repository's formatter has them.
  return `${text.replace(/\[[^[\]{}"]*\]/g, (list) => list.replace(/\s+/g, ' ').replace('[ ', '[').replace(' ]', ']'))}\n`;
}
