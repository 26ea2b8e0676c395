/**
 * What is out of use for files under a password, as a value that a caller passes in: `legacyPbe` of `@handfast/x509/legacy`
 * is one. Without it, such files are refused by name. Here are only its shape and the names.
 *
 * @module
 */

import type { Bytes, MaybePromise } from '@handfast/crypto';
import type { Oid } from '../der/oid.ts';
import type { Password, PasswordWork } from './work.ts';

/** Reading of what nobody should write any more. All answer `undefined` for what they do not know. */
export interface LegacyPbe {
  /** A scheme of PBES1 (RFC 8018 §A.3) or of PKCS#12 (RFC 7292 §C), by its object identifier. */
  scheme(oid: Oid): LegacyScheme | undefined;
  /** A cipher of PBES2 (RFC 8018 §B.2) beside AES. */
  cipher(oid: Oid): LegacyCipher | undefined;
  /** A cipher of the old PEM format, by the name in `DEK-Info`. */
  pemCipher(name: string): LegacyPemCipher | undefined;
  /** It is a part of what `legacyPbe` reads, which is then named where this is not enough. */
  readonly partial?: boolean;
}

export interface LegacyScheme {
  /** The plaintext, or `undefined` where its padding is wrong. `parameters`: of the AlgorithmIdentifier. */
  open(
    work: PasswordWork,
    parameters: Bytes | undefined,
    password: PasswordForms,
    ciphertext: Bytes,
  ): MaybePromise<Bytes | undefined>;
}

export interface LegacyCipher {
  /** Bytes of its key; of those of variable length, what the key derivation says, or this. */
  readonly keyLength: number;
  readonly variableKeyLength: boolean;
  open(key: Uint8Array, parameters: Bytes | undefined, ciphertext: Bytes): Bytes | undefined;
}

export interface LegacyPemCipher {
  /** `iv`: from `DEK-Info`; it is the salt, too. */
  open(work: PasswordWork, password: Password, iv: Bytes, ciphertext: Bytes): MaybePromise<Bytes | undefined>;
}

/** A password as a PKCS#12 file may mean it: with or without the two zero bytes where it is empty. */
export interface PasswordForms {
  /** For PBES1 and PBES2: UTF-8. */
  readonly text: Password;
  /** For PKCS#12's own schemes: the empty password is one of two zero bytes, or of none. */
  readonly emptyIsAbsent: boolean;
}

/** Schemes that we name where we refuse them: those of RFC 8018 §A.3 and of RFC 7292 §C. */
export const legacySchemeNames: ReadonlyMap<Oid, string> = new Map([
  ['1.2.840.113549.1.5.1', 'pbeWithMD2AndDES-CBC'],
  ['1.2.840.113549.1.5.3', 'pbeWithMD5AndDES-CBC'],
  ['1.2.840.113549.1.5.4', 'pbeWithMD2AndRC2-CBC'],
  ['1.2.840.113549.1.5.6', 'pbeWithMD5AndRC2-CBC'],
  ['1.2.840.113549.1.5.10', 'pbeWithSHA1AndDES-CBC'],
  ['1.2.840.113549.1.5.11', 'pbeWithSHA1AndRC2-CBC'],
  ['1.2.840.113549.1.12.1.1', 'pbeWithSHAAnd128BitRC4'],
  ['1.2.840.113549.1.12.1.2', 'pbeWithSHAAnd40BitRC4'],
  ['1.2.840.113549.1.12.1.3', 'pbeWithSHAAnd3-KeyTripleDES-CBC'],
  ['1.2.840.113549.1.12.1.4', 'pbeWithSHAAnd2-KeyTripleDES-CBC'],
  ['1.2.840.113549.1.12.1.5', 'pbeWithSHAAnd128BitRC2-CBC'],
  ['1.2.840.113549.1.12.1.6', 'pbeWithSHAAnd40BitRC2-CBC'],
]);

/** Ciphers of PBES2 that we name where we refuse them (RFC 8018 §B.2). */
export const legacyCipherNames: ReadonlyMap<Oid, string> = new Map([
  ['1.3.14.3.2.7', 'DES-CBC'],
  ['1.2.840.113549.3.2', 'RC2-CBC'],
  ['1.2.840.113549.3.7', 'DES-EDE3-CBC'],
  ['1.2.840.113549.3.9', 'RC5-CBC'],
]);
