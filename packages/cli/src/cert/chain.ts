/**
 * `handfast cert chain`: a bundle put in the order that a server sends it in (RFC 9846 §4.4.2: each certificate certifies
 * the one before it), and what is missing in it, superfluous, or expired.
 *
 * @module
 */

import { quote } from '@handfast/tls';
import { type Certificate, parseAuthorityInfoAccess, type TrustStore, toPem } from '@handfast/x509';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import { systemTrust } from '../identity.ts';
import { colorsFor, type Io } from '../io.ts';
import { nameOf, wrap } from '../transcript.ts';
import { openContainers } from './contents.ts';
import { validityText } from './describe.ts';
import { countText, decodedOr, quotedName } from './layout.ts';
import { type Entry, loadFiles, readableEntries, readPassword, whereOf } from './load.ts';
import { distinct, isSelfSigned, issuerAmong, isValidAt, orderChain } from './order.ts';
import { type OutputOptions, writeResult } from './output.ts';
import { parseTime } from './time.ts';
import { anchorsOf } from './trust.ts';

export interface ChainOptions extends OutputOptions {
  readonly ca?: readonly string[];
  readonly withRoot?: boolean;
  readonly json?: boolean;
  readonly color?: boolean;
  readonly passwordFile?: string;
  readonly legacy?: boolean;
  readonly time?: string;
}

/** Something to say of the bundle. */
interface Finding {
  readonly kind: 'missing' | 'expired' | 'superfluous' | 'note';
  readonly text: string;
}

/** Exits with 1 where something is missing or expired; the PEM is written all the same. */
export async function chain(files: readonly string[], options: ChainOptions, io: Io): Promise<ExitCode> {
  const time = parseTime(options.time);
  const access = { password: readPassword(options.passwordFile), legacy: options.legacy };
  const entries = await openContainers(readableEntries(await loadFiles('FILE', files, io)), access);
  const given = entries.flatMap((entry) => (entry.kind === 'certificate' ? [entry.certificate] : []));
  const certificates = distinct(given);
  if (certificates.length === 0) throw usageError(`${files.map(quote).join(', ')}: no certificate in it`);
  const trust = options.ca === undefined ? systemTrust() : await anchorsOf('--ca', options.ca, io);
  const { path, others } = orderChain(certificates, time);
  const kept = options.withRoot === true ? path : withoutRoot(path);
  const findings = [
    ...endFindings(path, kept, trust, time),
    ...path.flatMap((certificate) => expiryFindings(certificate, time)),
    ...others.map((other) => superfluous(other, path)),
    ...repeated(given.length - certificates.length),
    ...entries.flatMap(leftOut),
  ];
  report(kept, findings, options, io);
  const pem = kept.map(({ raw }) => toPem('CERTIFICATE', raw)).join('');
  writeResult({ bytes: new TextEncoder().encode(pem), secret: false, binary: false }, options, io);
  return findings.some(({ kind }) => kind === 'missing' || kind === 'expired') ? exitCodes.failed : exitCodes.ok;
}

/** Whoever verifies has the root, or does not trust it: it need not be sent. */
function withoutRoot(path: readonly Certificate[]): readonly Certificate[] {
  const last = path.at(-1);
  return path.length > 1 && last !== undefined && isSelfSigned(last) ? path.slice(0, -1) : path;
}

/** What is to be said of the path's upper end. */
function endFindings(
  path: readonly Certificate[],
  kept: readonly Certificate[],
  trust: TrustStore,
  time: Date,
): readonly Finding[] {
  const last = path.at(-1);
  if (last === undefined) return [];
  if (isSelfSigned(last)) {
    const left: Finding = {
      kind: 'superfluous',
      text: `the root ${quotedName(last)}: who verifies has it (--with-root keeps it)`,
    };
    const unknown: Finding = {
      kind: 'note',
      text: `the root ${quotedName(last)} is not among those that are trusted here`,
    };
    return [...(kept.length < path.length ? [left] : []), ...(trust.has(last) ? [] : [unknown])];
  }
  const anchor = issuerAmong(last, trust.bySubject(last.issuer), path, time);
  if (anchor !== undefined)
    return [{ kind: 'note', text: `it ends below ${quotedName(anchor)}, which is trusted here` }];
  return [
    {
      kind: 'missing',
      text: `the certificate of ${quote(last.issuer.toString())}, which signed ${quotedName(last)}${whereToGet(last)}`,
    },
  ];
}

/** ` (it may be had from "http://…")` */
function whereToGet(certificate: Certificate): string {
  const extension = certificate.extension('authorityInfoAccess');
  const [url] =
    extension === undefined
      ? []
      : decodedOr(
          () => parseAuthorityInfoAccess(extension.value, 'authorityInfoAccess').issuerUrls,
          () => [],
        );
  return url === undefined ? '' : ` (it may be had from ${quote(url)})`;
}

function expiryFindings(certificate: Certificate, time: Date): readonly Finding[] {
  if (isValidAt(certificate, time)) return [];
  return [{ kind: 'expired', text: `${quotedName(certificate)} ${validityText(certificate, time)}` }];
}

function superfluous(other: Certificate, path: readonly Certificate[]): Finding {
  const rival = path.some(({ subject }) => subject.toString() === other.subject.toString());
  const why = rival ? 'another one of that name is in the chain' : 'it signed nothing in the chain';
  return { kind: 'superfluous', text: `${quotedName(other)}: ${why}` };
}

function repeated(count: number): readonly Finding[] {
  return count === 0
    ? []
    : [{ kind: 'superfluous', text: `${countText(count, 'certificate')} that stood there twice` }];
}

/** A chain is of certificates alone. */
function leftOut(entry: Entry): readonly Finding[] {
  if (entry.kind === 'certificate') return [];
  const what = entry.kind === 'privateKey' ? 'the private key' : 'what is no certificate';
  return [{ kind: 'superfluous', text: `${what} in ${whereOf(entry)}, which is not written` }];
}

function report(kept: readonly Certificate[], findings: readonly Finding[], options: ChainOptions, io: Io): void {
  if (options.json) {
    io.stderr.write(`${JSON.stringify({ event: 'chain', certificates: kept.map(nameOf), findings })}\n`);
    return;
  }
  const { bold, red, yellow, dim } = colorsFor(io.stderr, io.env, options.color ?? true);
  io.stderr.write(`${bold(kept.map(quotedName).join(' ← '))}\n`);
  const styles = { missing: red, expired: red, superfluous: yellow, note: dim } as const;
  for (const { kind, text } of findings) {
    for (const [index, line] of wrap(text, 66).entries())
      io.stderr.write(`  ${index === 0 ? styles[kind](kind.padEnd(12)) : ' '.repeat(12)}${line}\n`);
  }
}
