/**
 * Cryptography on the web platform: WebCrypto for AES-GCM, RSA, the P curves, X25519 and Ed25519, asynchronous; noble for
 * SHA-2 and HMAC, synchronous. ChaCha20-Poly1305 and ML-KEM are WebCrypto's where the runtime has them, else noble's: which it is,
 * is tried when one is first used. Runs in browsers, workers, Deno, Bun and Node.
 *
 * Absent: CCM and the finite-field groups, which neither has. X448, Ed448, ML-DSA and files under a password are rows of
 * `./full`; synchronous AES-GCM and curves are rows of `./noble`.
 *
 * @module
 */

import { wipe } from '../bytes.ts';
import { hybrid } from '../hybrid.ts';
import { readPkcs8, writePkcs8 } from '../key-containers.ts';
import {
  type Aead,
  type AeadName,
  CryptoError,
  type Cryptography,
  type CryptoProvider,
  type GeneratedKeyPair,
  type GroupName,
  type KeyExchange,
  type KeyType,
  type PasswordCryptography,
  type SignatureAlgorithm,
  type SignatureVerifier,
  type Signer,
} from '../provider.ts';
import { aes128gcm, aes256gcm, chacha20poly1305 } from './aead.ts';
import { secp256r1, secp384r1, secp521r1, x25519 } from './groups.ts';
import { legacyDigests, sha2 } from './hash.ts';
import { mlkem768, mlkem1024 } from './kem.ts';
import { verifiers } from './signatures.ts';
import { ecKeys, ed25519Keys, type PrivateKeyRow, rsaKeys } from './signers.ts';
import { random } from './subtle.ts';

export type { PrivateKeyInfo } from '../key-containers.ts';
export { type PrivateKeyRow, signerFromCryptoKey } from './signers.ts';

/** The tables of a web provider. */
export interface WebRows {
  readonly aeads?: Readonly<Partial<Record<AeadName, Aead>>>;
  readonly groups?: Readonly<Partial<Record<GroupName, KeyExchange>>>;
  readonly signatures?: Readonly<Partial<Record<SignatureAlgorithm, SignatureVerifier>>>;
  /** For keys and PKCS#12 files under a password; none unless given. */
  readonly passwords?: PasswordCryptography;
}

/** The same for one that has private keys. */
export interface WebProviderRows extends WebRows {
  /** The first row that names a key's type handles it. */
  readonly privateKeys?: readonly PrivateKeyRow[];
}

const defaultRows: Required<Omit<WebRows, 'passwords'>> = {
  aeads: {
    'aes-128-gcm': aes128gcm,
    'aes-256-gcm': aes256gcm,
    'chacha20-poly1305': chacha20poly1305,
  },
  groups: {
    x25519,
    secp256r1,
    secp384r1,
    secp521r1,
    mlkem768,
    mlkem1024,
    x25519mlkem768: /* @__PURE__ */ hybrid('x25519mlkem768', mlkem768, x25519),
    secp256r1mlkem768: /* @__PURE__ */ hybrid('secp256r1mlkem768', secp256r1, mlkem768),
    secp384r1mlkem1024: /* @__PURE__ */ hybrid('secp384r1mlkem1024', secp384r1, mlkem1024),
  },
  signatures: verifiers,
};

/**
 * A web provider: the default rows, and `rows` added to them or in their place. Nothing is asked of the runtime here; a
 * row whose algorithm it lacks fails with a `CryptoError` of code `unsupported` when it is used.
 *
 * @example
 * ```ts
 * import { createWebProvider } from '@handfast/crypto/web';
 * import { x448 } from '@handfast/crypto/web/full';
 *
 * const provider = createWebProvider({ groups: { x448 } });
 * ```
 */
export function createWebProvider(rows: WebProviderRows = {}): CryptoProvider {
  const privateKeys = [...(rows.privateKeys ?? []), ecKeys, rsaKeys, ed25519Keys];

  function rowFor(type: KeyType): PrivateKeyRow {
    const row = privateKeys.find(({ types }) => types.includes(type));
    if (row === undefined)
      throw new CryptoError('unsupported', `this web provider has no row for private keys of type ${type}`);
    return row;
  }

  async function importPrivateKey(pkcs8: Uint8Array): Promise<Signer> {
    const info = readPkcs8(pkcs8);
    try {
      return await rowFor(info.type).import(info);
    } finally {
      wipe(info.privateKey);
    }
  }

  return {
    ...createWebCryptography(rows),
    importPrivateKey,
    async generateKeyPair(type, { modulusBits = 2048 } = {}): Promise<GeneratedKeyPair> {
      const privateKey = await rowFor(type).generate(type, modulusBits);
      const pkcs8 = writePkcs8(privateKey, type);
      wipe(privateKey);
      return { signer: await importPrivateKey(pkcs8), pkcs8 };
    },
  };
}

/** The same without private keys: for who is handed signers (`signerFromCryptoKey`), or needs none. Smaller. */
export function createWebCryptography(rows: WebRows = {}): Cryptography {
  return {
    name: 'web',
    random,
    ...sha2,
    legacyDigests,
    aeads: { ...defaultRows.aeads, ...rows.aeads },
    groups: { ...defaultRows.groups, ...rows.groups },
    signatures: { ...defaultRows.signatures, ...rows.signatures },
    ...(rows.passwords && { passwords: rows.passwords }),
  };
}

/** The default rows without private keys: all that a client without a certificate needs. */
export const webCryptography: Cryptography = /* @__PURE__ */ createWebCryptography();

/** The default rows. */
export const webProvider: CryptoProvider = /* @__PURE__ */ createWebProvider();
