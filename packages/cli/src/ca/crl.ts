/**
 * `handfast ca crl export` and `ca crl root`: the lists of what is revoked, for programs that read them from a file, and a
 * new list of the root's, for which its key has to be fetched.
 *
 * @module
 */

import { CaError, type IssuerRecord, issuerIdOf } from '@handfast/ca';
import { equalBytes } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { type Certificate, type Crl, escapeText, parseCrl, toPem } from '@handfast/x509';
import { dayMs } from '../authority.ts';
import { timeText, whenText } from '../cert/layout.ts';
import { writeResult } from '../cert/output.ts';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { Report } from '../report.ts';
import type { FolderOptions } from './folder.ts';
import { makeRootCrl } from './hierarchy.ts';
import { type OpenCa, operator, withCa } from './open.ts';
import { type OutputChoice, print, printJson } from './output.ts';
import { rootKeyFile, withRootKey } from './root-key.ts';

export interface ExportOptions extends FolderOptions, OutputChoice {
  readonly out?: string;
}

export interface RootCrlOptions extends FolderOptions, OutputChoice {
  readonly rootKey: string;
  readonly passphraseFile?: string;
}

/** A list of the root's that ends so soon is told of. */
const soonMs = 30 * dayMs;

/** One PEM for `curl --crlfile`, nginx's `ssl_crl` and their like, which want a list of every CA in the chain. */
export async function exportCrls(options: ExportOptions, io: Io): Promise<ExitCode> {
  const report = new Report(io, options);
  if (options.json === true && options.out === undefined) {
    throw usageError('--json without --out', 'name a file for the lists: --json tells what is in it');
  }
  const { crls, roots, keyless } = await withCa(options, io, neededCrls);
  const pem = crls.map(({ raw }) => toPem('X509 CRL', raw)).join('');
  const bytes = new TextEncoder().encode(pem);
  writeResult({ bytes, secret: false, binary: false }, options.out === undefined ? {} : { out: options.out }, io);
  const now = new Date();
  for (const { nextUpdate: end } of roots) {
    if (end === undefined || end.getTime() - now.getTime() >= soonMs) continue;
    report.warning(`the root’s list ends ${whenText(end, now)}: handfast ca crl root --root-key FILE signs another`);
  }
  for (const { id, certificate, lastEnd = now } of keyless) {
    const name = escapeText(certificate.subject.toString());
    report.warning(
      `nothing that is revoked of ${name} appears in a list: its key is not here, and its certificates are good until ${timeText(lastEnd)}: a backup may have issuers/${id}/`,
    );
  }
  if (options.out === undefined) return exitCodes.ok;
  if (options.json === true) printJson({ file: options.out, crls: crls.map(crlJson) }, io);
  else {
    const ends = crls.flatMap(({ nextUpdate }) => (nextUpdate === undefined ? [] : [nextUpdate.getTime()]));
    const first = new Date(Math.min(...ends));
    report.news(`${options.out}: export it again before ${timeText(first)}, and after each revocation`, 'exported', {});
  }
  return exitCodes.ok;
}

/**
 * A list of every CA that a certificate which is good may have above it: of those that sign, and of those that did until their last
 * certificate ends; then of those above them.
 */
async function neededCrls({ authority, roots: own }: OpenCa): Promise<Crls> {
  const now = Date.now();
  const issuers = await authority.issuers();
  const needed = issuers.filter(({ state, signs, lastEnd = new Date(0) }) => {
    return state === 'current' || !signs || lastEnd.getTime() >= now;
  });
  // No CA above others has certificates of leaves.
  const keyless = needed.filter(({ signs, lastEnd = new Date(0) }) => !signs && lastEnd.getTime() >= now);
  const signed: Crl[] = [];
  const roots: Crl[] = [];
  for (const issuer of needed) {
    const { id, certificate, state, signs } = issuer;
    try {
      const crl = parseCrl(await authority.crl(id));
      (signs || keyless.includes(issuer) ? signed : roots).push(crl);
    } catch (error) {
      // Of one that is retired there may be no list; without one of all others nobody who wants them gets along.
      if (!(error instanceof CaError && error.code === 'not_found')) throw error;
      if (state !== 'current') continue;
      const text = `there is no list of ${escapeText(certificate.subject.toString())}`;
      throw usageError(text, own.some(({ raw }) => equalBytes(raw, certificate.raw)) ? rootListHint : otherListHint);
    }
  }
  return { crls: [...signed, ...roots], roots, keyless };
}

const otherListHint = 'handfast ca import --crl FILE takes one from whoever has its key';
const rootListHint = `handfast ca crl root --root-key FILE signs one, where its key is yours; ${otherListHint}`;

interface Crls {
  readonly crls: readonly Crl[];
  readonly roots: readonly Crl[];
  /** Those whose certificates are good, and whose lists nobody here can sign. */
  readonly keyless: readonly IssuerRecord[];
}

/** A root's own list, signed anew: its key is read, used once, and forgotten. */
export async function renewRootCrl(options: RootCrlOptions, io: Io): Promise<ExitCode> {
  const crl = await withCa(options, io, async ({ authority, roots }) => {
    const newest = new Map<Certificate, Crl | undefined>();
    for (const root of roots) newest.set(root, await newestOf(root, authority));
    const due = roots.filter((root) => (newest.get(root)?.nextUpdate ?? new Date(0)) < root.notAfter);
    if (due.length === 0) {
      throw usageError('the root’s list lasts as long as the root itself: there is nothing to renew');
    }
    return await withRootKey(rootKeyFile(options), due, io, async (root) => {
      const before = newest.get(root.certificate);
      const revoked = [...(before?.entries() ?? [])].map(({ serialNumber, revokedAt, reason }) => ({
        serialNumber,
        revokedAt,
        reason,
      }));
      const now = new Date();
      const signed = await makeRootCrl(root, numberAfter(before, now), now, revoked);
      await authority.importCrl({ crl: signed.raw, by: operator() });
      return signed;
    });
  });
  print(
    crlJson(crl),
    {
      heading: 'The root has signed a new list of revoked intermediates',
      fields: [
        ['Number', String(crl.number)],
        ['Until', timeText(crl.nextUpdate ?? crl.thisUpdate)],
      ],
    },
    options,
    io,
  );
  return exitCodes.ok;
}

/** Never below the time, so that a CA which was put back to an older state gives no number again that it has forgotten. */
function numberAfter(before: Crl | undefined, now: Date): bigint {
  const next = (before?.number ?? 0n) + 1n;
  const time = BigInt(now.getTime());
  return next > time ? next : time;
}

/** None, where it was not imported yet. */
async function newestOf(issuer: Certificate, authority: OpenCa['authority']): Promise<Crl | undefined> {
  try {
    return parseCrl(await authority.crl(issuerIdOf(provider, issuer)));
  } catch (error) {
    if (error instanceof CaError && error.code === 'not_found') return undefined;
    throw error;
  }
}

function crlJson(crl: Crl): object {
  return {
    issuer: crl.issuer.toString(),
    number: crl.number?.toString() ?? null,
    thisUpdate: timeText(crl.thisUpdate),
    nextUpdate: crl.nextUpdate === undefined ? null : timeText(crl.nextUpdate),
    revoked: [...crl.entries()].length,
  };
}
