/**
 * How much work a file under a password may ask for: iterations and memory, counted over all that one call derives, and
 * refused before any of it is done. A file's author chooses these numbers; its reader pays.
 *
 * @module
 */

import { type Bytes, CryptoError, type CryptoProvider, type PasswordCryptography, utf8 } from '@handfast/crypto';
import { CertificateError, malformed } from '../errors.ts';
import { utf8Text } from '../text.ts';

/** The most that one file may cost. */
export interface PasswordLimits {
  /** Iterations of all key derivations together. Unless set: 10,000,000. */
  readonly iterations?: number | undefined;
  /** Bytes of memory that scrypt may take at once, 128·N·r. Unless set: 64 MiB. */
  readonly scryptBytes?: number | undefined;
}

/**
 * OWASP advises 600,000 for PBKDF2-HMAC-SHA256 and 1,300,000 for SHA-1; the JDK refuses a PKCS#12 file above 5,000,000.
 * Twice that is some five seconds of one processor.
 */
const defaultIterations = 10_000_000;

/** OpenSSL writes N = 16,384 and r = 8 (16 MiB), and reads 32 MiB unless told otherwise; RFC 7914 has examples of 1 GiB. */
const defaultScryptBytes = 64 << 20;

/** scrypt's time goes with 128·N·r·p: so many passes over the largest memory, in one file. */
const scryptPasses = 8;

/** A salt is 8 to 64 bytes; one of the public test files has 1,208. */
export const maxSaltLength = 4096;

/** The provider's means, and what is left to spend. */
export interface PasswordWork {
  readonly passwords: PasswordCryptography;
  spendIterations(count: number, what: string): void;
  spendScrypt(cost: { readonly N: number; readonly r: number; readonly p: number }, what: string): void;
}

/** A password: text, or its UTF-8. */
export type Password = string | Uint8Array;

/** What is left to spend in this call. Throws `RangeError` where the provider opens nothing under a password. */
export function passwordWork(provider: CryptoProvider, limits: PasswordLimits = {}): PasswordWork {
  const { passwords } = provider;
  if (passwords === undefined) {
    throw new RangeError(
      `the provider "${provider.name}" has no means for passwords; @handfast/crypto/node and /web/full have`,
    );
  }
  const { iterations = defaultIterations, scryptBytes = defaultScryptBytes } = limits;
  let iterationsLeft = iterations;
  let scryptLeft = scryptPasses * scryptBytes;
  return {
    passwords,
    spendIterations(count, what) {
      if (count < 1) throw malformed(what, 'an iteration count of zero');
      if (count > iterationsLeft) {
        throw costly(
          what,
          `${count} iterations${iterationsLeft === iterations ? '' : ' more'}`,
          `${iterations} a file`,
        );
      }
      iterationsLeft -= count;
    },
    spendScrypt({ N, r, p }, what) {
      // RFC 7914 §2: N is a power of two larger than 1. Products of three INTEGERs below 2^31 are no safe integers, but are
      // compared with small ones.
      if (N < 2 || !Number.isInteger(Math.log2(N)) || r < 1 || p < 1) {
        throw malformed(what, `scrypt with N = ${N}, r = ${r} and p = ${p}, which is none`);
      }
      const bytes = 128 * N * r;
      if (bytes > scryptBytes) throw costly(what, `scrypt in ${bytes} bytes of memory`, `${scryptBytes}`);
      if (bytes * p > scryptLeft) {
        throw costly(what, `scrypt over ${bytes * p} bytes`, `${scryptPasses * scryptBytes} a file`);
      }
      scryptLeft -= bytes * p;
    },
  };
}

function costly(what: string, asked: string, limit: string): CertificateError {
  return new CertificateError('budget', `${what}: it asks for ${asked}, over the limit of ${limit}`, {
    hint: 'raise the limit if you trust the file',
  });
}

/** What a provider cannot do for this file (numbers that its scrypt does not take, AES of 192 bits) is the file's affair. */
export function providerRefusal(error: unknown, what: string): unknown {
  if (!(error instanceof CryptoError)) return error;
  return new CertificateError('unsupported_algorithm', `${what}: ${error.message}`, { cause: error });
}

/** A password as the octets that PBES2 takes: UTF-8. A copy: the caller's to wipe. */
export function passwordBytes(password: Password): Bytes {
  return typeof password === 'string' ? utf8(password) : new Uint8Array(password);
}

/**
 * A password as PKCS#12's own derivation takes it (RFC 7292 §B.1): a BMPString with two zero bytes behind it.
 *
 * @throws RangeError for bytes that are no UTF-8
 */
export function passwordBmp(password: Password): Bytes {
  const text = typeof password === 'string' ? password : utf8Text(password);
  if (text === undefined) throw new RangeError('a password of PKCS#12 is text: these bytes are no UTF-8');
  const out = new Uint8Array(2 * text.length + 2);
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    out[2 * at] = unit >> 8;
    out[2 * at + 1] = unit & 0xff;
  }
  return out;
}
