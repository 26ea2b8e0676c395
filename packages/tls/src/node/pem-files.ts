/**
 * Certificates, keys and revocation lists as options of `node:tls` hold them: PEM, read as OpenSSL reads it, by OpenSSL. So
 * what is refused is refused with Node's own error, and what it passes over (text between blocks, blocks of another kind) is
 * passed over. Blocks are found here and decoded there.
 *
 * DER is taken as well, which `node:tls` does not: its `cert` and `key` refuse it, its `ca` passes over it in silence.
 *
 * @module
 */

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { Bytes } from '@handfast/crypto';
import {
  type Certificate,
  CertificateError,
  type Crl,
  parseCertificate,
  parseCrl,
  parseCrls,
  parsePrivateKey,
} from '@handfast/x509';
import { coded } from './argument-errors.ts';

/** What may hold PEM: text, or the bytes of text. */
export type PemInput = string | NodeJS.ArrayBufferView;

/** Whether it is one. */
export function isPemInput(value: unknown): value is PemInput {
  return typeof value === 'string' || ArrayBuffer.isView(value);
}

/** A certificate of ours with its chain, in the order of the file: the first is our own. */
export function readChain(input: PemInput): readonly Certificate[] {
  const der = derOf(input);
  if (der !== undefined) return [parseCertificate(der)];
  const text = textOf(input);
  const chain = [...certificateBlocks(text)].map(({ raw }) => parseCertificate(raw));
  // That there is none is OpenSSL's to say.
  return chain.length > 0 ? chain : [parseCertificate(new X509Certificate(text).raw)];
}

/**
 * Certificates to trust. As in Node, bytes that hold none are no error, and what stands after the first one that cannot be
 * read is passed over; so is one that OpenSSL takes and we do not, and one in OpenSSL's own format (`TRUSTED CERTIFICATE`)
 * that says what it is to be trusted for, or is not.
 */
export function readTrusted(input: PemInput): readonly Certificate[] {
  const certificates: Certificate[] = [];
  const take = (raw: Uint8Array): void => {
    try {
      certificates.push(parseCertificate(raw));
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
    }
  };
  const der = derOf(input);
  if (der !== undefined) {
    take(der);
    return certificates;
  }
  try {
    for (const { raw, limited } of certificateBlocks(textOf(input))) if (!limited) take(raw);
  } catch (error) {
    if (!isOpenSslError(error)) throw error;
  }
  return certificates;
}

/**
 * Revocation lists. All of a text are read, and each must be one, as in Node 26; Node 24 reads the first and does not look at
 * what follows.
 *
 * @throws Error `ERR_CRYPTO_OPERATION_FAILED`
 */
export function readCrls(input: PemInput): readonly Crl[] {
  try {
    const der = derOf(input);
    if (der !== undefined) return [parseCrl(der)];
    const blocks = [...pemBlocks(textOf(input))].filter(({ label }) => label === 'X509 CRL');
    return parseCrls(blocks.map(({ text }) => text).join('\n'));
  } catch (cause) {
    if (!(cause instanceof CertificateError)) throw cause;
    throw coded(new Error('Failed to parse CRL', { cause }), 'ERR_CRYPTO_OPERATION_FAILED');
  }
}

/** A private key that was read: OpenSSL's, or (of a kind that this Node's OpenSSL lacks) its PKCS#8, the reader's to wipe. */
export type ReadKey = { readonly object: KeyObject } | { readonly pkcs8: Bytes };

/**
 * The first private key of a text, plain or under a passphrase: all that OpenSSL reads (PKCS#8, with PBES2 and triple DES,
 * and the old encrypted PEM among it). Without a passphrase an empty one is tried, as `tls` does.
 */
export function readKey(input: PemInput, passphrase: string | undefined): ReadKey {
  const der = derOf(input);
  if (der !== undefined) return readDerKey(der, passphrase);
  const text = textOf(input);
  try {
    return { object: createPrivateKey({ key: text, format: 'pem', passphrase: passphrase ?? '' }) };
  } catch (error) {
    const pkcs8 = isOpenSslError(error) && error.code.endsWith('UNSUPPORTED') ? plainKeyOf(text) : undefined;
    if (pkcs8 === undefined) throw error;
    return { pkcs8 };
  }
}

function readDerKey(der: Bytes, passphrase: string | undefined): ReadKey {
  try {
    return { pkcs8: parsePrivateKey(der) };
  } catch (error) {
    if (!(error instanceof CertificateError) || error.code !== 'encrypted_key') throw error;
    const key = Buffer.from(der);
    return { object: createPrivateKey({ key, format: 'der', type: 'pkcs8', passphrase: passphrase ?? '' }) };
  }
}

/** A key that OpenSSL does not know and we do: ML-DSA before OpenSSL 3.5. */
function plainKeyOf(text: string): Bytes | undefined {
  const block = [...pemBlocks(text)].find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (block === undefined) return undefined;
  try {
    return parsePrivateKey(block.text);
  } catch {
    return undefined;
  }
}

interface CertificateBlock {
  readonly raw: Uint8Array;
  /** Whether it says what it is trusted for: OpenSSL's own addition to a certificate. */
  readonly limited: boolean;
}

const certificateLabels: ReadonlySet<string> = new Set(['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE']);

/** The certificates of a text. What OpenSSL cannot read it refuses, in blocks of other kinds, too. */
function* certificateBlocks(text: string): Generator<CertificateBlock> {
  for (const { label, text: block } of pemBlocks(text)) {
    try {
      const { raw } = new X509Certificate(block);
      yield { raw, limited: label.startsWith('TRUSTED') && isLimited(block, raw.length) };
    } catch (error) {
      const another = !certificateLabels.has(label) && isOpenSslError(error) && error.code === noStartLine;
      if (!another) throw error;
    }
  }
}

const noStartLine = 'ERR_OSSL_PEM_NO_START_LINE';

function isOpenSslError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_OSSL_');
}

/**
 * Behind the certificate:
 * ```
 * CertAux ::= SEQUENCE {
 *     trust  SEQUENCE OF OBJECT IDENTIFIER OPTIONAL,
 *     reject [0] IMPLICIT SEQUENCE OF OBJECT IDENTIFIER OPTIONAL,
 *     alias  UTF8String OPTIONAL, … }
 * ```
 */
function isLimited(block: string, certificateLength: number): boolean {
  const base64 = block.split('\n').slice(1).join('').split('-----')[0] ?? '';
  const [outer, length = 0, first] = Buffer.from(base64, 'base64').subarray(certificateLength);
  if (outer === undefined || (outer === 0x30 && length === 0)) return false;
  const nameAlone = outer === 0x30 && length < 0x80 && first === 0x0c;
  return !nameAlone;
}

interface Block {
  readonly label: string;
  /** From its BEGIN line through its END line; through the end of the text where there is none. */
  readonly text: string;
}

/** Blocks by their boundaries, as OpenSSL sees them: at the beginning of a line, white space behind them, a BOM before all. */
function* pemBlocks(text: string): Generator<Block> {
  let open: { readonly label: string; readonly from: number } | undefined;
  let at = /^(?:\ufeff|\u00ef\u00bb\u00bf)?/.exec(text)?.[0].length ?? 0;
  while (at < text.length) {
    const feed = text.indexOf('\n', at);
    const next = feed < 0 ? text.length : feed + 1;
    if (text.startsWith('-----', at)) {
      const line = text.slice(at, next).trimEnd();
      if (open === undefined) {
        const label = /^-----BEGIN (.{0,200})-----$/.exec(line)?.[1];
        if (label !== undefined) open = { label, from: at };
      } else if (line.startsWith('-----END ')) {
        yield { label: open.label, text: text.slice(open.from, next) };
        open = undefined;
      }
    }
    at = next;
  }
  if (open !== undefined) yield { label: open.label, text: text.slice(open.from) };
}

/** Bytes that are one SEQUENCE from end to end, which no text is. */
function derOf(input: PemInput): Bytes | undefined {
  if (typeof input === 'string') return undefined;
  const bytes = viewOf(input);
  return bytes[0] === 0x30 && derLength(bytes) === bytes.length ? Uint8Array.from(bytes) : undefined;
}

/** Bytes of the value that begins here, by its definite length; `undefined` where it has none. */
export function derLength(bytes: Uint8Array): number | undefined {
  const [, first] = bytes;
  if (first === undefined || first === 0x80 || first > 0x84) return undefined;
  if (first < 0x80) return 2 + first;
  const header = 2 + (first & 0x7f);
  return bytes.subarray(2, header).reduce((sum, byte) => sum * 256 + byte, 0) + header;
}

function textOf(input: PemInput): string {
  return typeof input === 'string' ? input : viewOf(input).toString('latin1');
}

function viewOf({ buffer, byteOffset, byteLength }: NodeJS.ArrayBufferView): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
