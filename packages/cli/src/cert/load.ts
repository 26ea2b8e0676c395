/**
 * Files of any format on their way in: PEM with any number of blocks and text between, or one DER value. What each piece
 * is, is found by its content (`shape.ts`); the label of a PEM block only has to agree with it.
 *
 * A piece that cannot be read does not hide the others: it becomes an entry of its own, with the error. Private keys stay
 * closed until somebody asks (`open`).
 *
 * @module
 */

import type { Readable } from 'node:stream';
import type { Bytes } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import {
  type Certificate,
  CertificateError,
  type CertificateRequest,
  type Crl,
  decryptPrivateKey,
  type OcspRequest,
  type OcspResponse,
  type PemBlock,
  parseCertificate,
  parseCrl,
  parseOcspRequest,
  parseOcspResponse,
  parsePem,
  parsePkcs7,
  parsePrivateKey,
  parseRequest,
  toPem,
} from '@handfast/x509';
import { legacyPbe } from '@handfast/x509/legacy';
import { type CliError, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { parsingFile, readFileFor } from '../options.ts';
import { encryptionOf } from './encryption.ts';
import { type Shape, shapeOf } from './shape.ts';

/** Where a piece stood. */
export interface Origin {
  /** As it was given; `stdin` for `-`. */
  readonly file: string;
  /** Which piece of its file, from 0. */
  readonly index: number;
  /** How many pieces the file has. */
  readonly count: number;
  /** Of a PEM block; absent for DER. */
  readonly label?: string | undefined;
}

export type Content =
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  | { readonly kind: 'request'; readonly request: CertificateRequest }
  | { readonly kind: 'crl'; readonly crl: Crl }
  | { readonly kind: 'ocspRequest'; readonly request: OcspRequest }
  | { readonly kind: 'ocspResponse'; readonly response: OcspResponse }
  | { readonly kind: 'publicKey'; readonly spki: Bytes }
  | { readonly kind: 'pkcs12'; readonly bytes: Bytes }
  | { readonly kind: 'pkcs7'; readonly certificates: readonly Certificate[]; readonly crls: readonly Bytes[] }
  | PrivateKeyContent
  /** A PEM block of a label that is nothing here, such as `EC PARAMETERS`. */
  | { readonly kind: 'other'; readonly bytes: Bytes }
  | { readonly kind: 'unreadable'; readonly what: string; readonly error: CertificateError };

export interface PrivateKeyContent {
  readonly kind: 'privateKey';
  readonly form: 'PKCS #8' | 'SEC 1' | 'PKCS #1';
  /** How it is encrypted, in words; `undefined` for one that is not. */
  readonly encryption: string | undefined;
  /** Whether it was in a container under a password, and is open since that is. */
  readonly contained?: boolean;
  /**
   * PKCS#8 in fresh memory, the caller's to wipe.
   *
   * @throws CertificateError `encrypted_key` where a password is needed and there is none, `wrong_password`, …
   */
  open(access: KeyAccess): Promise<Bytes>;
}

/** What opens what is under a password. */
export interface KeyAccess {
  readonly password?: string | undefined;
  /** Read what is encrypted by schemes that are out of use. */
  readonly legacy?: boolean | undefined;
  /** Told where a piece that is shown all the same could not be opened. */
  readonly onRefusal?: () => void;
}

export type Entry = Origin & Content;
export type EntryOf<K extends Content['kind']> = Origin & Extract<Content, { readonly kind: K }>;

/** Bytes of stdin beyond which nothing is read: the largest CRLs in use are some 50 MB. */
const maxInputBytes = 64 << 20;

/** What PEM calls each thing (RFC 7468, and older habits). */
const labels: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ['CERTIFICATE', 'certificate'],
  ['X509 CERTIFICATE', 'certificate'],
  ['CERTIFICATE REQUEST', 'request'],
  ['NEW CERTIFICATE REQUEST', 'request'],
  ['X509 CRL', 'crl'],
  ['CRL', 'crl'],
  ['PUBLIC KEY', 'publicKey'],
  ['PRIVATE KEY', 'pkcs8'],
  ['ENCRYPTED PRIVATE KEY', 'encryptedPkcs8'],
  ['RSA PRIVATE KEY', 'pkcs1'],
  ['EC PRIVATE KEY', 'sec1'],
  ['PKCS7', 'pkcs7'],
  ['PKCS #7 SIGNED DATA', 'pkcs7'],
  ['CMS', 'pkcs7'],
  ['PKCS12', 'pkcs12'],
  ['OCSP REQUEST', 'ocspRequest'],
  ['OCSP RESPONSE', 'ocspResponse'],
]);

const nouns: Readonly<Record<Shape, string>> = {
  certificate: 'a certificate',
  request: 'a certificate request',
  crl: 'a CRL',
  ocspRequest: 'an OCSP request',
  ocspResponse: 'an OCSP response',
  publicKey: 'a public key',
  pkcs8: 'a private key',
  encryptedPkcs8: 'an encrypted private key',
  pkcs1: 'an RSA private key (PKCS #1)',
  sec1: 'an EC private key (SEC 1)',
  pkcs12: 'a PKCS #12 file',
  pkcs7: 'a PKCS #7 bundle',
};

/**
 * The pieces of files, in order; `-` is stdin, once.
 *
 * @throws CliError where a file cannot be read, or holds nothing at all that is known here
 */
export async function loadFiles(option: string, paths: readonly string[], io: Io): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  if (paths.filter((path) => path === '-').length > 1) throw usageError('stdin (-) is given twice');
  for (const path of paths) entries.push(...(await loadFile(option, path, io)));
  return entries;
}

/** The pieces of one file. */
export async function loadFile(option: string, path: string, io: Io): Promise<readonly Entry[]> {
  const bytes = path === '-' ? await readAll(io.stdin) : readFileFor(option, path);
  const file = path === '-' ? 'stdin' : path;
  if (bytes.length === 0) throw usageError(`${option} ${quote(file)} is empty`);
  const shape = shapeOf(bytes);
  // DER first: what somebody wrote into a name of a certificate must not be read in its place.
  if (shape !== undefined) return [{ file, index: 0, count: 1, ...read(shape, Uint8Array.from(bytes)) }];
  const blocks = bytes.includes('-----BEGIN ') ? parsingFile(option, file, () => parsePem(bytes)) : [];
  if (blocks.length === 0) throw nothingKnown(option, file);
  return blocks.map((block, index) => ({ file, index, count: blocks.length, label: block.label, ...readBlock(block) }));
}

/**
 * The entries, none of which may be unreadable: a command that acts must know what it acts on. Blocks of
 * other labels are passed over: OpenSSL writes `EC PARAMETERS` before a key.
 */
export function readableEntries(
  entries: readonly Entry[],
): readonly Exclude<Entry, { readonly kind: 'other' | 'unreadable' }>[] {
  return entries.flatMap((entry) => {
    if (entry.kind === 'other') return [];
    if (entry.kind !== 'unreadable') return [entry];
    throw usageError(`${whereOf(entry)}: ${entry.error.message}`, entry.error.hint);
  });
}

/** `"chain.pem"`, `block 2 of "chain.pem"`, `piece 1 of "server.p12"`: for messages. */
export function whereOf({ file, index, count, label }: Origin): string {
  return count === 1 ? quote(file) : `${label === undefined ? 'piece' : 'block'} ${index + 1} of ${quote(file)}`;
}

/** `--password-file`: its first line, without the line's end. */
export function readPassword(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const [line = ''] = readFileFor('--password-file', path).toString('utf8').split('\n');
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

async function readAll(stdin: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk as Uint8Array | string);
    length += bytes.length;
    if (length > maxInputBytes) throw usageError(`stdin is longer than ${maxInputBytes >> 20} MiB`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

function nothingKnown(option: string, file: string): CliError {
  return usageError(
    `${option} ${quote(file)} holds neither PEM nor any DER that is known here`,
    'known are certificates, requests, CRLs, OCSP requests and responses, keys, PKCS #7 and PKCS #12',
  );
}

function readBlock(block: PemBlock): Content {
  const { label, bytes, headers } = block;
  const expected = labels.get(label);
  if (expected === undefined) return { kind: 'other', bytes };
  if (headers.some((header) => header.startsWith('DEK-Info'))) return oldEncryptedKey(block);
  const shape = shapeOf(bytes) ?? expected;
  if (shape !== expected) return unreadable(quote(label), `a PEM block ${quote(label)} that holds ${nouns[shape]}`);
  return read(shape, bytes);
}

function read(shape: Shape, bytes: Bytes): Content {
  try {
    return readers[shape](bytes);
  } catch (error) {
    if (error instanceof CertificateError) return { kind: 'unreadable', what: nouns[shape], error };
    throw error;
  }
}

const readers: Readonly<Record<Shape, (bytes: Bytes) => Content>> = {
  certificate: (bytes) => ({ kind: 'certificate', certificate: parseCertificate(bytes) }),
  request: (bytes) => ({ kind: 'request', request: parseRequest(bytes) }),
  crl: (bytes) => ({ kind: 'crl', crl: parseCrl(bytes) }),
  ocspRequest: (bytes) => ({ kind: 'ocspRequest', request: parseOcspRequest(bytes) }),
  ocspResponse: (bytes) => ({ kind: 'ocspResponse', response: parseOcspResponse(bytes) }),
  publicKey: (bytes) => ({ kind: 'publicKey', spki: bytes }),
  pkcs8: (bytes) => privateKey('PKCS #8', toPem('PRIVATE KEY', bytes)),
  encryptedPkcs8: (bytes) => privateKey('PKCS #8', toPem('ENCRYPTED PRIVATE KEY', bytes), encryptionOf(bytes)),
  pkcs1: (bytes) => privateKey('PKCS #1', toPem('RSA PRIVATE KEY', bytes)),
  sec1: (bytes) => privateKey('SEC 1', toPem('EC PRIVATE KEY', bytes)),
  pkcs12: (bytes) => ({ kind: 'pkcs12', bytes }),
  pkcs7: (bytes) => ({ kind: 'pkcs7', ...parsePkcs7(bytes) }),
};

function unreadable(what: string, message: string): Content {
  return { kind: 'unreadable', what, error: new CertificateError('malformed', message) };
}

export function privateKey(form: PrivateKeyContent['form'], pem: string, encryption?: string): PrivateKeyContent {
  return {
    kind: 'privateKey',
    form,
    encryption,
    async open({ password, legacy }) {
      if (encryption === undefined) return parsePrivateKey(pem);
      if (password === undefined) throw needsPassword('the private key');
      return advisingLegacy(() => decryptPrivateKey(nodeProvider, pem, password, legacy ? { legacy: legacyPbe } : {}));
    },
  };
}

/** RFC 1421's, as OpenSSL wrote them: the label tells the form, `DEK-Info` the cipher. */
function oldEncryptedKey({ label, bytes, headers }: PemBlock): Content {
  const form = label === 'EC PRIVATE KEY' ? 'SEC 1' : label === 'RSA PRIVATE KEY' ? 'PKCS #1' : 'PKCS #8';
  const info = headers.find((header) => header.startsWith('DEK-Info')) ?? '';
  const cipher = info.slice('DEK-Info:'.length).split(',')[0]?.trim() ?? '';
  const text = toPem(label, bytes).split('\n');
  return privateKey(form, [text[0], ...headers, '', ...text.slice(1)].join('\n'), `${cipher} under MD5, out of use`);
}

/** What needs `--password-file`. */
export function needsPassword(what: string): CertificateError {
  return new CertificateError('encrypted_key', `${what} is encrypted, and no password is given`, {
    hint: 'write the password into a file that only you can read, and name it with --password-file',
  });
}

/** What is out of use is read under `--legacy`: the library's own hint is for programmers. */
export async function advisingLegacy<T>(open: () => T | Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof CertificateError) || error.hint?.includes('legacyPbe') !== true) throw error;
    throw new CertificateError(error.code, error.message, { hint: '--legacy reads it', cause: error });
  }
}
