/**
 * `handfast cert verify`: whether a certificate is good for a use, a name and a moment, with the path that makes it so, or
 * every path that was tried.
 *
 * @module
 */

import { nodeProvider } from '@handfast/crypto/node';
import {
  CertificateError,
  type CertificateUsage,
  type Crl,
  type PathCheck,
  pathChecks,
  type RevocationAnswer,
  revocation,
  type VerifiedPath,
  verifyCertificate,
} from '@handfast/x509';
import { toAscii } from '@handfast/x509/idna';
import { getPublicSuffix } from 'tldts';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import { explain, explainJson } from '../explain.ts';
import { systemTrust } from '../identity.ts';
import { type Colors, colorsFor, type Io, widthOf } from '../io.ts';
import { wrap } from '../transcript.ts';
import { profiles } from './choices.ts';
import { certificateJson } from './json.ts';
import { quotedName, timeText } from './layout.ts';
import { loadFiles, readableEntries, readPassword, whereOf } from './load.ts';
import { parseTime } from './time.ts';
import { anchorsOf, certificatesOf } from './trust.ts';

export interface VerifyOptions {
  readonly ca?: readonly string[];
  readonly intermediates?: readonly string[];
  readonly name?: string;
  readonly time?: string;
  readonly usage: CertificateUsage;
  readonly profile?: keyof typeof profiles;
  readonly crl?: readonly string[];
  readonly ocsp?: readonly string[];
  readonly passwordFile?: string;
  readonly legacy?: boolean;
  readonly json?: boolean;
  readonly color?: boolean;
}

/** Exits with 5 where the certificate is refused. */
export async function verify(file: string, options: VerifyOptions, io: Io): Promise<ExitCode> {
  const access = { password: readPassword(options.passwordFile), legacy: options.legacy };
  const [leaf, ...rest] = await certificatesOf('FILE', [file], access, io);
  const more =
    options.intermediates === undefined
      ? []
      : await certificatesOf('--intermediates', options.intermediates, access, io);
  const known = await statusesOf(options, io);
  const trust = options.ca === undefined ? systemTrust() : await anchorsOf('--ca', options.ca, io);
  try {
    const verified = await verifyCertificate({
      provider: nodeProvider,
      leaf,
      intermediates: [...rest, ...more],
      trust,
      time: parseTime(options.time),
      usage: options.usage,
      name: options.name,
      profile: options.profile && profiles[options.profile],
      policy: { toAscii, isPublicSuffix },
      ...(known && { revocation: revocation({ mode: 'require', mustStaple: false, ...known }) }),
    });
    if (options.json) io.stdout.write(`${JSON.stringify(verifiedJson(verified))}\n`);
    else
      for (const line of drawn(verified, colorsFor(io.stdout, io.env, options.color ?? true)))
        io.stdout.write(`${line}\n`);
    return exitCodes.ok;
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    refuse(error, options, io);
    return exitCodes.certificateRefused;
  }
}

/** Whether a wildcard over this name would be one over other people's: `co.uk`, `github.io`. */
function isPublicSuffix(name: string): boolean {
  return getPublicSuffix(name, { allowPrivateDomains: true }) === name;
}

/** The CRLs and OCSP responses that are given; with any, every certificate's status must be known. */
async function statusesOf(
  { crl, ocsp }: VerifyOptions,
  io: Io,
): Promise<{ readonly crls: readonly Crl[]; readonly ocsp: readonly Uint8Array[] } | undefined> {
  if (crl === undefined && ocsp === undefined) return undefined;
  const lists = crl === undefined ? [] : readableEntries(await loadFiles('--crl', crl, io));
  const responses = ocsp === undefined ? [] : readableEntries(await loadFiles('--ocsp', ocsp, io));
  for (const [option, entries, kind] of [
    ['--crl', lists, 'crl'],
    ['--ocsp', responses, 'ocspResponse'],
  ] as const) {
    const other = entries.find((entry) => entry.kind !== kind);
    if (other !== undefined) throw usageError(`${option}: ${whereOf(other)} is none`);
  }
  return {
    crls: lists.flatMap((entry) => (entry.kind === 'crl' ? [entry.crl] : [])),
    ocsp: responses.flatMap((entry) => (entry.kind === 'ocspResponse' ? [entry.response.raw] : [])),
  };
}

function refuse(error: CertificateError, options: VerifyOptions, io: Io): void {
  if (options.json) {
    const verdict = { verified: false, ...explainJson(error), exitCode: exitCodes.certificateRefused };
    io.stdout.write(`${JSON.stringify(verdict)}\n`);
    return;
  }
  const colors = colorsFor(io.stderr, io.env, options.color ?? true);
  for (const line of explain(error, colors, widthOf(io.stderr))) io.stderr.write(`${line}\n`);
}

const lineWidth = 80;
const ruleWidth = 18;

/** The path from the leaf up, and below each certificate what it was checked for. */
function drawn(verified: VerifiedPath, colors: Colors): readonly string[] {
  const { path, revocation: verdicts } = verified;
  const checks = pathChecks(verified);
  const { green, bold, dim } = colors;
  const [leaf] = path;
  const lines = leaf === undefined ? [] : [`${green('✓')} ${bold(`${quotedName(leaf)} is verified`)}`];
  for (const [depth, certificate] of path.entries()) {
    lines.push('', `${depth} ${bold(quotedName(certificate))}`);
    for (const { rule, detail } of checks.filter((check) => check.certificate === certificate)) {
      for (const [index, part] of wrap(detail, lineWidth - 2 - ruleWidth).entries())
        lines.push(`  ${dim((index === 0 ? ruleText(rule) : '').padEnd(ruleWidth))}${part}`);
    }
    const status = verdicts.find((verdict) => verdict.certificate === certificate);
    if (status !== undefined) lines.push(`  ${dim('revocation'.padEnd(ruleWidth))}${statusText(status.answer)}`);
  }
  return lines;
}

function statusText(answer: RevocationAnswer): string {
  if (answer.status === 'unknown') return `not known: ${answer.why}`;
  const source = answer.source === 'crl' ? 'CRL' : 'OCSP response';
  return `${answer.status}, says the ${source} of ${timeText(answer.thisUpdate)}`;
}

function statusJson(answer: RevocationAnswer | undefined): object | null {
  if (answer === undefined) return null;
  if (answer.status === 'unknown') return answer;
  const { status, source, thisUpdate, nextUpdate } = answer;
  return {
    status,
    source,
    thisUpdate: timeText(thisUpdate),
    nextUpdate: nextUpdate === undefined ? null : timeText(nextUpdate),
  };
}

function ruleText(rule: PathCheck['rule']): string {
  return rule.replaceAll('_', ' ');
}

function verifiedJson(verified: VerifiedPath): object {
  const { path, revocation: verdicts } = verified;
  const checks = pathChecks(verified);
  return {
    verified: true,
    path: path.map((certificate) => ({
      ...certificateJson(certificate),
      checks: checks.filter((check) => check.certificate === certificate).map(({ rule, detail }) => ({ rule, detail })),
      revocation: statusJson(verdicts.find((verdict) => verdict.certificate === certificate)?.answer),
    })),
  };
}
