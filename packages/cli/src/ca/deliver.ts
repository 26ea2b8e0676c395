/**
 * What `ca issue` and `ca renew` hand out: a key is made, a certificate issued over it, and both are written, whole or not at
 * all.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Issued, IssueRequest } from '@handfast/ca';
import { type Bytes, type GeneratedKeyPair, type KeyType, type PublicKeyInfo, wipe } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { formatIp, type SubjectAltName, toPem, writePkcs12 } from '@handfast/x509';
import { timeText, whenText } from '../cert/layout.ts';
import { usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { reasonOf } from '../options.ts';
import type { KeyTypeName } from './choices.ts';
import { writeNew } from './files.ts';
import type { OpenCa } from './open.ts';
import { type OutputChoice, print } from './output.ts';
import { passphraseFile } from './passphrase.ts';

/** What is asked for, but for the key. */
export type Asked = Omit<IssueRequest, 'publicKey'>;

export interface FileOptions {
  readonly keyType?: KeyTypeName;
  readonly days?: string;
  readonly p12?: boolean;
  readonly passwordFile?: string;
  readonly out?: string;
  readonly force?: boolean;
}

/** As people type them. */
const keyTypes: Readonly<Record<KeyTypeName, { readonly type: KeyType; readonly modulusBits?: number }>> = {
  p256: { type: 'secp256r1' },
  p384: { type: 'secp384r1' },
  ed25519: { type: 'ed25519' },
  rsa2048: { type: 'rsa', modulusBits: 2048 },
  rsa3072: { type: 'rsa', modulusBits: 3072 },
  rsa4096: { type: 'rsa', modulusBits: 4096 },
};

/** @param foreignKey the option by which the key is somebody else's, if it is */
export function checkFileOptions({ p12, passwordFile, keyType }: FileOptions, foreignKey: string | false): void {
  if (p12 === true && foreignKey !== false) {
    throw usageError(
      `--p12 and ${foreignKey} contradict each other`,
      'a PKCS #12 file is about a key, which is not here',
    );
  }
  if (keyType !== undefined && foreignKey !== false) {
    throw usageError(`--key-type and ${foreignKey} contradict each other`, 'the key is there already');
  }
  if (p12 === true && passwordFile === undefined) {
    throw usageError('a PKCS #12 file is under a password', 'name a file that holds it: --password-file FILE');
  }
  if (p12 !== true && passwordFile !== undefined) throw usageError('--password-file is for --p12');
}

export async function withNewKey<T>(
  { keyType = 'p256' }: FileOptions,
  use: (pair: GeneratedKeyPair) => Promise<T>,
): Promise<T> {
  const { type, ...size } = keyTypes[keyType];
  const pair = await provider.generateKeyPair(type, size);
  try {
    return await use(pair);
  } finally {
    wipe(pair.pkcs8);
  }
}

/** Where what is made goes. */
interface Files {
  readonly certificate?: string;
  readonly key?: string;
  readonly p12?: string;
}

/**
 * A key is on disk before its certificate is asked for, so that none is issued whose key is lost; and files take their names
 * when all are there, so that what they replace is whole until then.
 */
export async function deliver(
  ca: OpenCa,
  request: Asked & { readonly publicKey: PublicKeyInfo },
  pkcs8: Bytes | undefined,
  options: FileOptions & OutputChoice,
  io: Io,
): Promise<void> {
  const password = options.p12 ? passphraseFile('--password-file', options.passwordFile ?? '') : undefined;
  const files = filesFor(request, pkcs8 !== undefined, options);
  refuseExisting(files, options.force === true);
  const staged = new StagedFiles();
  // In whole seconds, as certificates are.
  const now = new Date(Math.floor(Date.now() / 1000) * 1000);
  let issued: Issued | undefined;
  try {
    if (files.key !== undefined && pkcs8 !== undefined) staged.write(files.key, toPem('PRIVATE KEY', pkcs8), 0o600);
    issued = await ca.authority.issue(request);
    const { chain } = issued;
    if (files.certificate !== undefined) {
      staged.write(files.certificate, chain.map(({ raw }) => toPem('CERTIFICATE', raw)).join(''), 0o644);
    }
    if (files.p12 !== undefined && pkcs8 !== undefined && password !== undefined) {
      const friendlyName = request.commonName ?? request.names[0] ?? '';
      const certificates = chain.map((certificate) => ({ certificate }));
      const p12 = await writePkcs12(provider, { keys: [{ pkcs8, friendlyName }], certificates }, password);
      staged.write(files.p12, p12, 0o600);
    }
    staged.finish();
  } catch (error) {
    staged.discard();
    if (!(error instanceof FileFailure)) throw error;
    const serial = issued?.certificate.serialNumberHex;
    throw usageError(
      error.message,
      serial === undefined
        ? 'name another folder with --out'
        : `the certificate is issued: handfast ca revoke ${serial} takes it back`,
    );
  }
  tell({ issued, request, files, now }, options, io);
}

export class FileFailure extends Error {}

/** Files beside their names, until all are written. */
export class StagedFiles {
  readonly #files: { readonly aside: string; readonly file: string }[] = [];

  write(file: string, content: string | Uint8Array, mode: 0o600 | 0o644): void {
    const aside = `${file}.${randomBytes(6).toString('hex')}`;
    this.#attempt(file, () => {
      this.#files.push({ aside, file });
      writeNew(aside, content, mode);
    });
  }

  finish(): void {
    for (const { aside, file } of this.#files) this.#attempt(file, () => renameSync(aside, file));
  }

  discard(): void {
    for (const { aside } of this.#files) rmSync(aside, { force: true });
  }

  #attempt(file: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      throw new FileFailure(`${quote(file)} cannot be written: ${reasonOf(error)}`, { cause: error });
    }
  }
}

function filesFor(request: Asked, withKey: boolean, { out = '.', p12 }: FileOptions): Files {
  try {
    mkdirSync(out, { recursive: true });
  } catch (error) {
    throw usageError(`--out ${quote(out)} cannot be made: ${reasonOf(error)}`);
  }
  const base = join(out, fileName(request));
  if (p12 === true) return { p12: `${base}.p12` };
  return { certificate: `${base}.pem`, ...(withKey && { key: `${base}-key.pem` }) };
}

/** `app.test`; `wildcard.app.test` for `*.app.test`; what has no place in a file's name becomes `-`. */
export function fileName({ names, emails = [], commonName }: Pick<Asked, 'names' | 'emails' | 'commonName'>): string {
  const name = commonName ?? names[0] ?? emails[0] ?? 'certificate';
  return name
    .replace(/^\*\./, 'wildcard.')
    .replace(/[^\p{L}\p{N}@._-]/gu, '-')
    .replace(/^\.+/, '')
    .slice(0, 100);
}

function refuseExisting({ certificate, key, p12 }: Files, force: boolean): void {
  const existing = [key, p12, certificate].find((file) => file !== undefined && existsSync(file));
  if (existing === undefined || force) return;
  throw usageError(`${quote(existing)} is there already`, '--force replaces it; --out writes elsewhere');
}

interface Delivery {
  readonly issued: Issued;
  readonly request: Asked;
  readonly files: Files;
  readonly now: Date;
}

function tell({ issued, request, files, now }: Delivery, choice: OutputChoice, io: Io): void {
  const { certificate } = issued;
  const { subjectAltName, subject, notBefore, notAfter, serialNumberHex: serial } = certificate;
  const names = [
    ...(subjectAltName?.dnsNames ?? []),
    ...(subjectAltName?.ipAddresses ?? []).map((address) => formatIp(address)),
    ...mailboxesIn(subjectAltName),
  ];
  const { certificate: chain, key, p12 } = files;
  print(
    {
      serial,
      commonName: subject.commonName ?? null,
      names,
      notBefore: timeText(notBefore),
      notAfter: timeText(notAfter),
      replaces: request.replaces ?? null,
      files: { certificate: chain ?? null, key: key ?? null, p12: p12 ?? null },
    },
    {
      heading: `Issued: ${names.length > 0 ? names.join(', ') : (subject.commonName ?? '')}`,
      fields: [
        ['Serial', serial],
        ['Ends', `${timeText(notAfter)}, ${whenText(notAfter, now)}`],
        ...(chain === undefined
          ? []
          : [['Certificate', [chain, 'and behind it the intermediate, as servers send it']] as const]),
        ...(key === undefined ? [] : [['Key', key] as const]),
        ...(p12 === undefined ? [] : [['PKCS #12', [p12, 'key, certificate and intermediate']] as const]),
      ],
    },
    choice,
    io,
  );
}

/** The mailboxes among a certificate's names. */
export function mailboxesIn(names: SubjectAltName | undefined): readonly string[] {
  return (names?.names ?? []).flatMap((name) => (name.kind === 'email' ? [name.text] : []));
}
