/**
 * docs/errors.md as text: the diagnosis table joined with the codes of `TlsError`, their alerts, and what to do.
 *
 * @module
 */

import { alertOf, alerts, type TlsErrorCode } from '@handfast/tls';
import type { Cause, Side } from './causes/cause.ts';
import { codeMeanings } from './codes.ts';
import { table } from './table.ts';

const sides: Readonly<Record<Side, string>> = {
  server: 'server',
  client: 'client (this side)',
  network: 'network',
  ca: 'CA',
};

/** A pipe would end a cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function codesText({ codes = [], rules = [] }: Cause): string {
  const parts = [...codes.map((code) => `\`${code}\``), ...rules.map((rule) => `\`${rule}\``)];
  return [...new Set(parts)].join(', ');
}

function causeText(cause: Cause): string {
  const seen = codesText(cause);
  return [
    `### ${cause.title}`,
    '',
    `\`${cause.id}\` · whose: ${sides[cause.side]}${seen === '' ? '' : ` · in programs: ${seen}`}`,
    '',
    `- How it is told: ${cause.told}.`,
    `- What to do: ${cause.remedy}.`,
    '',
  ].join('\n');
}

/** The causes that may be behind a code. */
function causesOf(code: TlsErrorCode): readonly string[] {
  return table.flatMap(({ causes }) => causes.filter(({ codes = [] }) => codes.includes(code)).map(({ id }) => id));
}

function codeRow(code: TlsErrorCode): string {
  const { meaning, side, remedy } = codeMeanings[code];
  const alert = alertOf[code];
  const sent = alert === null ? '–' : `${alert} (${alerts[alert]})`;
  const causes = causesOf(code).map((id) => `\`${id}\``);
  return `| \`${code}\` | ${cell(meaning)} | ${sent} | ${side} | ${cell(remedy)} | ${causes.join(', ')} |`;
}

/** The page's text. */
export function errorsPage(): string {
  const codes = Object.keys(codeMeanings) as TlsErrorCode[];
  return `# Errors, and what to do

Two lists, joined: what a program gets (the codes of \`TlsError\`), and what is behind it (the causes that
\`handfast doctor HOST:PORT\` tells apart). Written by \`npm run docs\` from the tables in
\`packages/cli/src/doctor\`; do not edit it by hand.

## Codes

\`error.code\` of a \`TlsError\`. The alert is what our side sends to the other.

| code | it means that | alert sent | whose | what to do | causes the doctor knows |
|---|---|---|---|---|---|
${codes.map(codeRow).join('\n')}

## Causes

What the doctor says, by the word that its \`--json\` has for it. It is as sure as the row says: *certain* where what was
seen allows nothing else, *likely* where it is so nearly always, *possible* where it is one reading of several.

${table.map(({ title, causes }) => `## ${title}\n\n${causes.map(causeText).join('\n')}`).join('\n')}`
    .trimEnd()
    .concat('\n');
}
