/**
 * A diagnosis as a tired operator likes to read it: the verdict in one line, the paragraph, what was tried, what else was
 * noticed. And the same for programs.
 *
 * @module
 */

import { quote } from '@handfast/tls';
import type { Colors } from '../io.ts';
import { duration } from '../names.ts';
import { formatHostPort } from '../options.ts';
import { nameOf, wrap } from '../transcript.ts';
import type { Certainty, Side } from './causes/cause.ts';
import type { Diagnosis, Finding } from './diagnose.ts';
import { type Attempt, type Evidence, firstLine, type PlainEvidence } from './evidence.ts';
import { probeTitles } from './offers.ts';
import { table } from './table.ts';

/** Wider lines are hard to read. */
const widest = 100;

const sides: Readonly<Record<Side, string>> = {
  server: 'the server’s',
  client: 'ours (this side: who connects)',
  network: 'the network’s, between us and the server',
  ca: 'the CA’s that issued the certificate',
};

const certainties: Readonly<Record<Certainty, string>> = {
  certain: 'that is certain',
  likely: 'that is likely, not certain',
  possible: 'that is possible, no more',
};

/** Lines without their ends. */
export function render(
  diagnosis: Diagnosis,
  evidence: Evidence,
  colors: Colors,
  terminalWidth: number,
): readonly string[] {
  const { bold, dim, green, red, yellow } = colors;
  const width = Math.max(30, Math.min(terminalWidth, widest));
  const lines: string[] = [];
  const text = (head: string, headLength: number, content: string, style = (part: string): string => part): void => {
    for (const [index, part] of wrap(content, width - headLength).entries()) {
      lines.push(`${index === 0 ? head : ' '.repeat(headLength)}${style(part)}`);
    }
  };
  const where = formatHostPort(evidence.target);
  const [first, ...others] = diagnosis.problems;
  if (first === undefined) text(`${green('✓')} `, 2, `${where}: nothing is wrong`, bold);
  else text(`${red('✗')} `, 2, `${where}: ${first.title}`, bold);
  lines.push('');
  text('  ', 2, first === undefined ? healthyText(evidence) : paragraph(first));
  for (const other of others) {
    lines.push('');
    text(`  ${red('and')} `, 6, `${other.title}. ${paragraph(other)}`);
  }
  lines.push('', `  ${bold('Tried')}`);
  for (const attempt of evidence.attempts) {
    const mark = attempt.negotiated !== undefined && attempt.failure === undefined ? green('✓') : red('✗');
    text(
      `  ${mark} `,
      4,
      `${probeTitles[attempt.probe]}: ${outcome(attempt)} ${`(${duration(attempt.milliseconds)})`}`,
    );
  }
  if (evidence.plain !== undefined) {
    const mark = evidence.plain.protocol === undefined ? red('✗') : green('✓');
    text(`  ${mark} `, 4, `without TLS: ${plainOutcome(evidence.plain)}`);
  }
  if (evidence.chain !== undefined) {
    const mark = diagnosis.problems.some(({ id }) => aboutCertificates.has(id)) ? red('✗') : green('✓');
    text(`  ${mark} `, 4, chainOutcome(evidence));
  }
  if (diagnosis.notes.length > 0) lines.push('', `  ${bold('Noticed')}`);
  for (const { says, remedy } of diagnosis.notes) {
    text(`  ${yellow('·')} `, 4, says);
    if (!remedy.startsWith('nothing')) text(`    ${dim('→')} `, 6, remedy, dim);
  }
  return lines;
}

/** Rows of the table's groups about certificates. */
const aboutCertificates: ReadonlySet<string> = new Set(
  table.filter(({ title }) => title.startsWith('The certificate')).flatMap(({ causes }) => causes.map(({ id }) => id)),
);

function paragraph({ says, side, certainty, remedy }: Finding): string {
  return `${says} The fault is ${sides[side]}; ${certainties[certainty]}. What to do: ${remedy}.`;
}

function healthyText({ main, target, chain }: Evidence): string {
  const { negotiated } = main;
  if (negotiated === undefined) return 'There is nothing to say.';
  const { version, cipherSuite, group } = negotiated;
  const [leaf, issuer] = chain?.path ?? [];
  const until = leaf === undefined ? '' : `, valid until ${leaf.notAfter.toISOString().slice(0, 10)}`;
  const by = issuer === undefined ? '' : `, signed by "${nameOf(issuer)}"`;
  return `The connection stands: ${version}, ${cipherSuite.name}${group === undefined ? '' : `, ${group.name}`}. The certificate is for "${target.name}"${by}${until}.`;
}

function outcome({ failure, negotiated }: Attempt): string {
  if (negotiated === undefined) return failure === undefined ? 'nothing' : failure.message;
  const parts = [negotiated.version, negotiated.cipherSuite.name];
  if (negotiated.group !== undefined) parts.push(negotiated.group.name);
  if (negotiated.alpnProtocol !== undefined) parts.push(`ALPN ${quote(negotiated.alpnProtocol)}`);
  if (negotiated.resumed) parts.push('resumed');
  return failure === undefined ? parts.join(', ') : `${parts.join(', ')}; then ${failure.message}`;
}

function plainOutcome({ protocol, banner, startTls }: PlainEvidence): string {
  if (protocol === undefined)
    return banner === '' ? 'the port says nothing' : `the port says ${quote(firstLine(banner))}`;
  const more = startTls === undefined ? '' : startTls ? ', and begins TLS by its STARTTLS' : ', and does not begin TLS';
  return `the port speaks ${protocol}${more}`;
}

function chainOutcome({ chain }: Evidence): string {
  const sent = (chain?.sent ?? []).slice(0, 8).map((certificate) => `"${nameOf(certificate)}"`);
  const looked = chain?.path.length
    ? `a path of ${chain.path.length} to our trust store`
    : 'no path to our trust store';
  return `certificates sent: ${sent.join(' ← ') || 'none that decodes'}; ${looked}`;
}
