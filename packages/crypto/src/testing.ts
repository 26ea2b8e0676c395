/**
 * A provider that never answers at once, for tests of code that must work with any provider: see `forcedAsync`.
 *
 * @module
 */

import { copyBytes } from './bytes.ts';
import type {
  Aead,
  CryptoProvider,
  DhExchange,
  EphemeralKey,
  GeneratedKeyPair,
  KeyExchange,
  LegacyCryptography,
  LegacyKey,
  LegacySignatureVerifier,
  MaybePromise,
  PasswordCryptography,
  SignatureVerifier,
  Signer,
} from './provider.ts';

/** Steps of the microtask queue before an answer: more than one, so that code which counts on one is found. */
const delayMicrotasks = 3;

/**
 * `provider` with every operation that may be asynchronous made so: AEAD, key exchange, signatures, keys, passwords, and
 * those of `legacy`. Each answers a promise that settles a few microtasks later; what throws in `provider` rejects here. The work itself starts
 * in the call, on copies of the borrowed arguments, so that a key may be disposed of while its answer is under way, as
 * with WebCrypto. Randomness, hashes and HMAC stay synchronous.
 */
export function forcedAsync(provider: CryptoProvider): CryptoProvider {
  return {
    name: `${provider.name}, asynchronous`,
    random: (length) => provider.random(length),
    createHash: (hash) => provider.createHash(hash),
    digest: (hash, data) => provider.digest(hash, data),
    hmac: (hash, key) => provider.hmac(hash, key),
    ...(provider.legacyDigests && { legacyDigests: provider.legacyDigests }),
    ...(provider.legacySignatures && { legacySignatures: mapRows(provider.legacySignatures, lateLegacyVerifier) }),
    ...(provider.passwords && { passwords: latePasswords(provider.passwords) }),
    ...(provider.legacy && { legacy: lateLegacy(provider.legacy) }),
    aeads: mapRows(provider.aeads, lateAead),
    groups: mapRows(provider.groups, lateGroup),
    signatures: mapRows(provider.signatures, lateVerifier),
    importPrivateKey: (pkcs8) => late(async () => lateSigner(await provider.importPrivateKey(copyBytes(pkcs8)))),
    generateKeyPair: (type, options) =>
      late(async (): Promise<GeneratedKeyPair> => {
        const pair = await provider.generateKeyPair(type, options);
        return { signer: lateSigner(pair.signer), pkcs8: pair.pkcs8 };
      }),
  };
}

/** Does `work` now and answers some microtasks later, its failure too. */
async function late<T>(work: () => MaybePromise<T>): Promise<T> {
  // Inside a promise, so that a throw waits as a value does; `allSettled` takes the rejection at once.
  const outcome = Promise.allSettled([new Promise<T>((resolve) => resolve(work()))]);
  for (let i = 0; i < delayMicrotasks; i++) await undefined;
  const [settled] = await outcome;
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}

function mapRows<Name extends string, Row>(
  rows: Readonly<Partial<Record<Name, Row>>>,
  wrap: (row: Row) => Row,
): Readonly<Partial<Record<Name, Row>>> {
  const wrapped: Partial<Record<Name, Row>> = {};
  for (const name in rows) {
    const row = rows[name];
    if (row !== undefined) wrapped[name] = wrap(row);
  }
  return wrapped;
}

function lateAead(aead: Aead): Aead {
  return {
    name: aead.name,
    keyLength: aead.keyLength,
    tagLength: aead.tagLength,
    key: (raw) => {
      const key = aead.key(raw);
      return {
        seal: (nonce, additionalData, plaintext, reserve) =>
          late(() => key.seal(copyBytes(nonce), copyBytes(additionalData), copyBytes(plaintext), reserve)),
        open: (nonce, additionalData, sealed) =>
          late(() => key.open(copyBytes(nonce), copyBytes(additionalData), copyBytes(sealed))),
        dispose: () => key.dispose(),
      };
    },
  };
}

/** The provider's own key inside each wrapped one: a hybrid generated from parts must get the keys that it made. */
const innerKeys = new WeakMap<EphemeralKey, EphemeralKey>();

function lateGroup(group: KeyExchange): KeyExchange {
  return {
    name: group.name,
    clientShareLength: group.clientShareLength,
    serverShareLength: group.serverShareLength,
    ...(group.parts ? { parts: [lateGroup(group.parts[0]), lateGroup(group.parts[1])] as const } : {}),
    generate: (parts) => {
      const inner = parts && ([innerKeys.get(parts[0]) ?? parts[0], innerKeys.get(parts[1]) ?? parts[1]] as const);
      return late(async () => lateKey(await group.generate(inner)));
    },
    encapsulate: (clientShare) => late(() => group.encapsulate(copyBytes(clientShare))),
  };
}

function lateKey(key: EphemeralKey): EphemeralKey {
  const outer: EphemeralKey = {
    share: key.share,
    agree: (serverShare) => late(() => key.agree(copyBytes(serverShare))),
    dispose: () => key.dispose(),
  };
  innerKeys.set(outer, key);
  return outer;
}

function lateVerifier(verifier: SignatureVerifier): SignatureVerifier {
  return { verify: (key, data, signature) => late(() => verifier.verify(key, copyBytes(data), copyBytes(signature))) };
}

function lateLegacyVerifier(verifier: LegacySignatureVerifier): LegacySignatureVerifier {
  return {
    verify: (spki, data, signature) =>
      late(() => verifier.verify(copyBytes(spki), copyBytes(data), copyBytes(signature))),
  };
}

function latePasswords(passwords: PasswordCryptography): PasswordCryptography {
  return {
    digest: (hash, data) => passwords.digest(hash, data),
    hmac: (hash, key) => passwords.hmac(hash, key),
    pbkdf2: (hash, password, salt, iterations, length) =>
      late(() => passwords.pbkdf2(hash, copyBytes(password), copyBytes(salt), iterations, length)),
    scrypt: (password, salt, cost, length) =>
      late(() => passwords.scrypt(copyBytes(password), copyBytes(salt), cost, length)),
    encryptAesCbc: (key, iv, plaintext) =>
      late(() => passwords.encryptAesCbc(copyBytes(key), copyBytes(iv), copyBytes(plaintext))),
    decryptAesCbc: (key, iv, ciphertext) =>
      late(() => passwords.decryptAesCbc(copyBytes(key), copyBytes(iv), copyBytes(ciphertext))),
  };
}

function lateLegacy(legacy: LegacyCryptography): LegacyCryptography {
  const { rsaEncrypt, finiteField } = legacy;
  return {
    createHash: (hash) => legacy.createHash(hash),
    digest: (hash, data) => legacy.digest(hash, data),
    hmac: (hash, key) => legacy.hmac(hash, key),
    blockCiphers: legacy.blockCiphers,
    streamCiphers: legacy.streamCiphers,
    aeads: mapRows(legacy.aeads, lateAead),
    verify: (algorithm, key, data, signature) =>
      late(() => legacy.verify(algorithm, key, copyBytes(data), copyBytes(signature))),
    importPrivateKey: (pkcs8) => late(async () => lateLegacyKey(await legacy.importPrivateKey(copyBytes(pkcs8)))),
    ...(rsaEncrypt && { rsaEncrypt: (key, plaintext) => late(() => rsaEncrypt(key, copyBytes(plaintext))) }),
    ...(finiteField && { finiteField: (prime, generator) => lateExchange(finiteField(prime, generator)) }),
  };
}

function lateLegacyKey(key: LegacyKey): LegacyKey {
  const { decryptRaw, agree } = key;
  return {
    publicKey: key.publicKey,
    algorithms: key.algorithms,
    sign: (algorithm, data) => late(() => key.sign(algorithm, copyBytes(data))),
    ...(decryptRaw && { decryptRaw: (ciphertext) => late(() => decryptRaw(copyBytes(ciphertext))) }),
    ...(agree && { agree: (share) => late(() => agree(copyBytes(share))) }),
  };
}

function lateExchange(exchange: DhExchange): DhExchange {
  return {
    generate: () => late(async () => lateKey(await exchange.generate())),
    encapsulate: (peerShare) => late(() => exchange.encapsulate(copyBytes(peerShare))),
  };
}

function lateSigner(signer: Signer): Signer {
  return {
    publicKey: signer.publicKey,
    algorithms: signer.algorithms,
    sign: (algorithm, data) => late(() => signer.sign(algorithm, copyBytes(data))),
  };
}
