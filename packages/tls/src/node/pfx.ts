/**
 * PKCS#12 files as the option `pfx` of `node:tls` takes them: a key, the certificate that is its own, and all others, which
 * are sent after it and trusted, as Node does.
 *
 * Node's own code reads such files for its own contexts alone, so it is `@handfast/x509` that does here. Triple DES, which
 * Node still reads, is read by `node:crypto`; RC2, which Node does not read, by `legacyPbe` of `@handfast/x509/legacy` where that
 * is passed in, and without it the error says so.
 *
 * @module
 */

import { type Bytes, equalBytes, isThenable, wipe } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { type Certificate, CertificateError, type LegacyPbe, type Pkcs12, readPkcs12 } from '@handfast/x509';
import { tripleDesPbe } from '@handfast/x509/node';
import { coded } from './argument-errors.ts';
import { derLength } from './pem-files.ts';

/** What of a file goes on. */
export interface PfxContent<K> {
  readonly key: K;
  readonly certificate: Certificate;
  /** The file's other certificates, in its order. */
  readonly others: readonly Certificate[];
}

/**
 * Reads a file. Its first key counts, and the first certificate that is for that key.
 *
 * @param passphrase UTF-8; an empty one also opens what was written without any
 * @param legacyPbe reads what is out of use; `undefined`: `tripleDesPbe`
 * @param importKey makes of a PKCS#8, which is wiped then, a key that tells its public one
 * @throws Error with Node's words and code: `mac verify failure` and `bad decrypt` (a wrong passphrase; no code),
 * `ERR_CRYPTO_UNSUPPORTED_OPERATION`, `ERR_CRYPTO_OPERATION_FAILED`. `cause` says more.
 */
export function readPfx<K extends { readonly spki: Bytes }>(
  file: Uint8Array,
  passphrase: Uint8Array,
  legacyPbe: LegacyPbe = tripleDesPbe,
  importKey: (pkcs8: Bytes) => K,
): PfxContent<K> {
  const { keys, certificates, skipped } = open(withoutRest(file), untilZero(passphrase), legacyPbe);
  try {
    const because = skipped[0] && { cause: new CertificateError('unsupported_key', skipped[0].reason) };
    const [first] = keys;
    if (first === undefined) throw failed('Unable to load private key from PFX data', because);
    const key = importKey(first.pkcs8);
    const all = certificates.map(({ certificate }) => certificate);
    const own = all.find(({ spki }) => equalBytes(spki, key.spki));
    if (own === undefined) throw failed('Unable to load certificate from PFX data', because);
    return { key, certificate: own, others: all.filter((one) => one !== own) };
  } finally {
    for (const { pkcs8 } of keys) wipe(pkcs8);
  }
}

/** As Node, we take a file without a MAC: it is the program's own. */
function open(file: Uint8Array, passphrase: Uint8Array, legacy: LegacyPbe): Pkcs12 {
  try {
    return read(file, passphrase, { legacy, allowNoMac: false });
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    if (error.code !== 'malformed') throw pfxError(error, 'mac verify failure');
  }
  try {
    return read(file, passphrase, { legacy, allowNoMac: true });
  } catch (error) {
    throw error instanceof CertificateError ? pfxError(error, 'bad decrypt') : error;
  }
}

function read(...[file, passphrase, options]: [Uint8Array, Uint8Array, Parameters<typeof readPkcs12>[3]]): Pkcs12 {
  const found = readPkcs12(nodeProvider, file, passphrase, options);
  if (isThenable(found)) throw new TypeError('the node provider is synchronous');
  return found;
}

function pfxError(cause: CertificateError, wrongPassphrase: string): Error {
  if (cause.code === 'wrong_password') return new Error(wrongPassphrase, { cause });
  if (cause.code !== 'unsupported_algorithm') return new Error(cause.message, { cause });
  const hint = cause.hint === undefined ? '' : ` (${cause.hint})`;
  return coded(
    new Error(`Unsupported PKCS12 PFX data: ${cause.message}${hint}`, { cause }),
    'ERR_CRYPTO_UNSUPPORTED_OPERATION',
  );
}

function failed(message: string, options?: ErrorOptions): Error {
  return coded(new Error(message, options), 'ERR_CRYPTO_OPERATION_FAILED');
}

/** OpenSSL takes a passphrase for a string of C's. */
function untilZero(passphrase: Uint8Array): Uint8Array {
  const end = passphrase.indexOf(0);
  return end < 0 ? passphrase : passphrase.subarray(0, end);
}

/** What stands behind a file is not read, as OpenSSL does not. */
function withoutRest(file: Uint8Array): Uint8Array {
  return file.subarray(0, derLength(file));
}
