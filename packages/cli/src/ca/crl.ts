/**
 * `handfast ca crl export` and `ca crl root`: the lists of what is revoked, for programs that read them from a file, and a
 * new list of the root's, for which its key has to be fetched.
 *
 * @module
 */

import { issuerIdOf } from '@handfast/ca';
import { equalBytes, wipe } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import {
  type Certificate,
  type Crl,
  decryptPrivateKey,
  issueCrl,
  parseCrl,
  parsePem,
  parsePrivateKey,
  toPem,
} from '@handfast/x509';
import { dayMs } from '../authority.ts';
import { timeText, whenText } from '../cert/layout.ts';
import { writeResult } from '../cert/output.ts';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { parsingFile, readFileFor } from '../options.ts';
import { Report } from '../report.ts';
import type { FolderOptions } from './folder.ts';
import { type OpenCa, operator, withCa } from './open.ts';
import { type OutputChoice, print, printJson } from './output.ts';
import { askPassphrase, passphraseFile } from './passphrase.ts';

export interface ExportOptions extends FolderOptions, OutputChoice {
  readonly out?: string;
}

export interface RootCrlOptions extends FolderOptions, OutputChoice {
  readonly rootKey: string;
  readonly passphraseFile?: string;
}

const rootCrlDays = 365;
/** A list of the root's that ends so soon is told of. */
const soonMs = 30 * dayMs;

/** One PEM for `curl --crlfile`, nginx's `ssl_crl` and their like, which want a list of every CA in the chain. */
export async function exportCrls(options: ExportOptions, io: Io): Promise<ExitCode> {
  const report = new Report(io, options);
  if (options.json === true && options.out === undefined) {
    throw usageError('--json without --out', 'name a file for the lists: --json tells what is in it');
  }
  const crls = await withCa(options, io, async (ca) => [await crlOf(ca.intermediate, ca), await crlOf(ca.root, ca)]);
  const pem = crls.map(({ raw }) => toPem('X509 CRL', raw)).join('');
  const bytes = new TextEncoder().encode(pem);
  writeResult({ bytes, secret: false, binary: false }, options.out === undefined ? {} : { out: options.out }, io);
  const now = new Date();
  const end = crls[1]?.nextUpdate;
  if (end !== undefined && end.getTime() - now.getTime() < soonMs) {
    report.warning(`the root’s list ends ${whenText(end, now)}: handfast ca crl root --root-key FILE signs another`);
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

/** The root's own list, signed anew: its key is read, used once, and forgotten. */
export async function renewRootCrl(options: RootCrlOptions, io: Io): Promise<ExitCode> {
  const crl = await withCa(options, io, async (ca) => {
    const newest = await crlOf(ca.root, ca);
    if ((newest.nextUpdate?.getTime() ?? 0) >= ca.root.notAfter.getTime()) {
      throw usageError('the root’s list lasts as long as the root itself: there is nothing to renew');
    }
    const signed = await signRootCrl(ca.root, newest, options, io);
    await ca.authority.importCrl({ crl: signed.raw, by: operator() });
    return signed;
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

async function crlOf(issuer: Certificate, { authority }: OpenCa): Promise<Crl> {
  return parseCrl(await authority.crl(issuerIdOf(provider, issuer)));
}

async function signRootCrl(root: Certificate, newest: Crl, options: RootCrlOptions, io: Io): Promise<Crl> {
  const pkcs8 = await openRootKey(options, io);
  try {
    const signer = await provider.importPrivateKey(pkcs8);
    if (!equalBytes(signer.publicKey.spki, root.publicKey.spki)) {
      throw usageError(`--root-key ${quote(options.rootKey)} is not the key of this CA’s root`);
    }
    const now = Date.now();
    return await issueCrl({
      issuer: { certificate: root, signer },
      number: (newest.number ?? 0n) + 1n,
      thisUpdate: new Date(now),
      nextUpdate: new Date(Math.min(now + rootCrlDays * dayMs, root.notAfter.getTime())),
      revoked: [...newest.entries()].map(({ serialNumber, revokedAt, reason }) => ({
        serialNumber,
        revokedAt,
        reason,
      })),
    });
  } finally {
    wipe(pkcs8);
  }
}

async function openRootKey({ rootKey, passphraseFile: from }: RootCrlOptions, io: Io): Promise<Uint8Array> {
  const pem = readFileFor('--root-key', rootKey);
  try {
    const blocks = parsingFile('--root-key', rootKey, () => parsePem(pem));
    if (!blocks.some(({ label }) => label === 'ENCRYPTED PRIVATE KEY')) {
      return parsingFile('--root-key', rootKey, () => parsePrivateKey(pem));
    }
    const passphrase =
      from === undefined
        ? await askPassphrase(`Passphrase of ${rootKey}: `, io)
        : passphraseFile('--passphrase-file', from);
    return await decryptPrivateKey(provider, pem, passphrase);
  } finally {
    wipe(pem);
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
