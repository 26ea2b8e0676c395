/**
 * docs/errors.md as text: the diagnosis table joined with the codes of `TlsError` and `CertificateError`, their alerts, and what to do.
 *
 * @module
 */

import { alertOf, alerts, type TlsErrorCode } from '@handfast/tls';
import { certificateRefusals, connectionRefusals, type Refusal, type Turn } from '@handfast/viewer';
import type { Cause, Side } from './causes/cause.ts';
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

const turns: Readonly<Record<Turn, string>> = {
  'this side': 'this side',
  peer: 'peer',
  ca: 'the peer’s CA',
  network: 'network',
  either: 'either',
};

function wordsOf({ title, cause, turn, remedy }: Refusal): string {
  return `**${cell(title)}.** ${cell(cause)} | ${turns[turn]} | ${cell(remedy)}`;
}

function codeRow([code, refusal]: readonly [TlsErrorCode, Refusal]): string {
  const alert = alertOf[code];
  const sent = alert === null ? '–' : `${alert} (${alerts[alert]})`;
  const causes = causesOf(code).map((id) => `\`${id}\``);
  return `| \`${code}\` | ${wordsOf(refusal)} | ${sent} | ${causes.join(', ')} |`;
}

function certificateRow([code, refusal]: readonly [string, Refusal]): string {
  return `| \`${code}\` | ${wordsOf(refusal)} |`;
}

/** The page's text. */
export function errorsPage(): string {
  const codes = Object.entries(connectionRefusals) as [TlsErrorCode, Refusal][];
  return `# Errors, and what to do

Two lists, joined: what a program gets (the codes of \`TlsError\` and \`CertificateError\`), and what is behind it (the causes that
\`handfast doctor HOST:PORT\` tells apart). Written by \`npm run docs\` from the tables in \`packages/viewer/src/explain\` and
\`packages/cli/src/doctor\`; do not edit it by hand.

## Codes

\`error.code\` of a \`TlsError\`. Whose turn it is, is seen from the side that found the fault; the alert is what that side sends to
the other.

| code | what it means | whose turn | what to do | alert sent | causes the doctor knows |
|---|---|---|---|---|---|
${codes.map(codeRow).join('\n')}

## Codes of certificates

\`error.code\` of a \`CertificateError\`, which is the \`cause\` of a \`TlsError\` where a connection was refused for it.

| code | what it means | whose turn | what to do |
|---|---|---|---|
${Object.entries(certificateRefusals).map(certificateRow).join('\n')}

## Causes

What the doctor says, by the word that its \`--json\` has for it. It is as sure as the row says: *certain* where what was
seen allows nothing else, *likely* where it is so nearly always, *possible* where it is one reading of several.

${table.map(({ title, causes }) => `## ${title}\n\n${causes.map(causeText).join('\n')}`).join('\n')}`
    .trimEnd()
    .concat('\n');
}
