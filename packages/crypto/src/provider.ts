/**
 * What a TLS stack needs of cryptography, as one interface: a plain object that is passed in, never a global.
 *
 * Always synchronous: randomness, hashes, HMAC (and HKDF over it, in `hkdf.ts`). Possibly asynchronous: key exchange,
 * signatures, and record protection where a provider says so. Features are rows: what a runtime or a build lacks is
 * absent from the table, so callers ask `provider.groups[name]` and never a version number.
 *
 * Not here: which rows TLS may negotiate (that is `@handfast/tls`), and any arithmetic (that is a library's).
 *
 * @module
 */

/** A byte string of ours: never backed by shared memory. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** A value, or a promise of it. Callers await only promises, so that a synchronous provider stays synchronous. */
export type MaybePromise<T> = T | Promise<T>;

/** Hash functions of TLS 1.3 and of the certificates it accepts. */
export type HashName = 'sha256' | 'sha384' | 'sha512';

/** Hash functions that are broken, and still name things: a key, an issuer. */
export type LegacyHashName = 'sha1';

/** Hash functions that files under a password name: those of PBKDF2 (RFC 8018 §B.1) and of PKCS#12. */
export type PasswordHash = 'sha1' | 'sha224' | HashName;

/** An incremental hash. The transcript is read at several points, so it can be cloned. */
export interface Hash {
  update(data: Uint8Array): this;
  /** A hash in the same state; both go on independently. */
  clone(): Hash;
  /** The digest of all bytes so far. The hash is used up. */
  digest(): Bytes;
}

/** The HMAC of `data`: as many bytes as the hash has. */
export type Hmac = (data: Uint8Array) => Bytes;

export type AeadName = 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305' | 'aes-128-ccm' | 'aes-128-ccm-8';

/** An AEAD of RFC 5116 with a nonce of 12 bytes. */
export interface Aead {
  readonly name: AeadName | LegacyAeadName;
  /** Bytes in a key. */
  readonly keyLength: number;
  /** Bytes that a sealed message is longer than its plaintext. */
  readonly tagLength: number;
  /** Whether `reserve` costs a copy of all that was sealed: who can do without asks for none. */
  readonly reserveCopies?: true;
  /** Prepares a key. The bytes of `raw` are copied: the caller wipes its own. */
  key(raw: Uint8Array): AeadKey;
}

export interface AeadKey {
  /**
   * Encrypts `plaintext`. The result is `reserve` zero bytes (room for a record header), then ciphertext and tag.
   * Arguments are borrowed until the call returns; an asynchronous provider copies what it still needs.
   */
  seal(nonce: Uint8Array, additionalData: Uint8Array, plaintext: Uint8Array, reserve?: number): MaybePromise<Bytes>;
  /**
   * Decrypts ciphertext and tag into fresh memory, or answers `undefined` where authentication fails or the input is
   * shorter than a tag. Nothing of the plaintext is released before the tag is verified.
   */
  open(nonce: Uint8Array, additionalData: Uint8Array, sealed: Uint8Array): MaybePromise<Bytes | undefined>;
  /** Forgets the key as far as the runtime allows. */
  dispose(): void;
}

export type GroupName =
  | 'x25519'
  | 'x448'
  | 'secp256r1'
  | 'secp384r1'
  | 'secp521r1'
  | 'ffdhe2048'
  | 'ffdhe3072'
  | 'ffdhe4096'
  | 'ffdhe6144'
  | 'ffdhe8192'
  | 'mlkem768'
  | 'mlkem1024'
  | 'x25519mlkem768'
  | 'secp256r1mlkem768'
  | 'secp384r1mlkem1024';

/**
 * A key exchange as TLS 1.3 sees it: the client makes an ephemeral key and sends its share; the server answers a share
 * with its own and has the secret. Diffie-Hellman and KEMs have the same two steps.
 *
 * A peer's share that the group's rules refuse (wrong length, point not on the curve, all-zero result, out of range,
 * encapsulation-key check) throws or rejects with a `CryptoError` of code `invalid_share`.
 */
export interface KeyExchange {
  readonly name: GroupName;
  /** Bytes in a client's share, and in a server's. */
  readonly clientShareLength: number;
  readonly serverShareLength: number;
  /** The groups that a hybrid is made of, in wire order; absent for a plain group. */
  readonly parts?: readonly [KeyExchange, KeyExchange];
  /** Client: a fresh ephemeral key. `parts` (a hybrid's, in order) lets two shares use one component key. */
  generate(parts?: readonly [EphemeralKey, EphemeralKey]): MaybePromise<EphemeralKey>;
  /** Server: the answer to a client's share. */
  encapsulate(clientShare: Uint8Array): MaybePromise<Encapsulation>;
}

export interface EphemeralKey {
  /** What goes on the wire. */
  readonly share: Bytes;
  /** The shared secret, from the server's share. The result is the caller's to wipe. */
  agree(serverShare: Uint8Array): MaybePromise<Bytes>;
  /** Forgets the private key as far as the runtime allows. */
  dispose(): void;
}

export interface Encapsulation {
  readonly share: Bytes;
  /** The caller's to wipe. */
  readonly secret: Bytes;
}

/** A kind of public key, as its SubjectPublicKeyInfo's algorithm says. `rsa-pss` is id-RSASSA-PSS. */
export type KeyType =
  | 'rsa'
  | 'rsa-pss'
  | 'secp256r1'
  | 'secp384r1'
  | 'secp521r1'
  | 'ed25519'
  | 'ed448'
  | 'ml-dsa-44'
  | 'ml-dsa-65'
  | 'ml-dsa-87';

/**
 * How a signature is made, apart from the key: the parameters that X.509 and TLS both name in their own ways. ECDSA
 * signatures are DER; RSA-PSS salts are as long as the hash, and its MGF1 uses the same hash.
 */
export type SignatureAlgorithm =
  | 'ecdsa-sha256'
  | 'ecdsa-sha384'
  | 'ecdsa-sha512'
  | 'rsa-pss-sha256'
  | 'rsa-pss-sha384'
  | 'rsa-pss-sha512'
  | 'rsa-pkcs1-sha256'
  | 'rsa-pkcs1-sha384'
  | 'rsa-pkcs1-sha512'
  | 'ed25519'
  | 'ed448'
  | 'ml-dsa-44'
  | 'ml-dsa-65'
  | 'ml-dsa-87';

/**
 * Signatures that nobody should make any more. No protocol negotiates them; certificates are verified with them only
 * where a policy says so in words: for archives, and for test suites that are older than their end.
 */
export type LegacySignatureAlgorithm = 'rsa-pkcs1-sha1' | 'ecdsa-sha1' | 'dsa-sha1' | 'dsa-sha256';

export interface LegacySignatureVerifier {
  /**
   * Whether `signature` (DER for ECDSA and DSA) is good. `spki`: the SubjectPublicKeyInfo, with a DSA key's parameters in
   * it. A malformed signature is `false`; a key that cannot be imported throws a `CryptoError` of code `invalid_key`.
   */
  verify(spki: Uint8Array, data: Uint8Array, signature: Uint8Array): MaybePromise<boolean>;
}

/** A public key that has been parsed strictly (by `@handfast/x509`); what a provider verifies with. */
export interface PublicKeyInfo {
  readonly type: KeyType;
  /** The whole SubjectPublicKeyInfo, DER. */
  readonly spki: Bytes;
  /** The content of its BIT STRING: RSAPublicKey DER, an uncompressed EC point, or the raw key. */
  readonly raw: Bytes;
  /** The modulus for RSA, the field or security size for the others, in bits. */
  readonly bits: number;
}

export interface SignatureVerifier {
  /**
   * Whether `signature` is good. A signature that is malformed is `false`; a key that the provider cannot import
   * throws a `CryptoError` of code `invalid_key`.
   */
  verify(key: PublicKeyInfo, data: Uint8Array, signature: Uint8Array): MaybePromise<boolean>;
}

/**
 * A private key that signs. A PEM file, a non-extractable WebCrypto key, an HSM and a KMS are all the same thing here.
 *
 * @example
 * ```ts
 * const kms: Signer = { publicKey, algorithms: ['ecdsa-sha256'], sign: (algorithm, data) => kmsClient.sign(data) };
 * ```
 */
export interface Signer {
  readonly publicKey: PublicKeyInfo;
  /** What `sign` can do, in order of preference. */
  readonly algorithms: readonly SignatureAlgorithm[];
  sign(algorithm: SignatureAlgorithm, data: Uint8Array): MaybePromise<Uint8Array>;
}

/** A new key pair: the signer and its PKCS#8, unencrypted: keep it, or wipe it. */
export interface GeneratedKeyPair {
  readonly signer: Signer;
  readonly pkcs8: Bytes;
}

/**
 * What files under a password are made of (RFC 8018, RFC 7914, RFC 7292). Limits on the work that a file may ask for are
 * its reader's. Arguments are borrowed until the call settles; results are the caller's to wipe.
 */
export interface PasswordCryptography {
  digest(hash: PasswordHash, data: Uint8Array): Bytes;
  /** HMAC under a key that is prepared once. The bytes of `key` are copied. */
  hmac(hash: PasswordHash, key: Uint8Array): Hmac;
  /** PBKDF2 with HMAC: `length` bytes. */
  pbkdf2(
    hash: PasswordHash,
    password: Uint8Array,
    salt: Uint8Array,
    iterations: number,
    length: number,
  ): MaybePromise<Bytes>;
  /** scrypt: `length` bytes. It takes 128 · `N` · `r` bytes of memory. */
  scrypt(password: Uint8Array, salt: Uint8Array, cost: ScryptCost, length: number): MaybePromise<Bytes>;
  /** AES-CBC with the padding of PKCS#7. `key`: 16, 24 or 32 bytes; `iv`: 16. */
  encryptAesCbc(key: Uint8Array, iv: Uint8Array, plaintext: Uint8Array): MaybePromise<Bytes>;
  /**
   * The plaintext, or `undefined` where length or padding is wrong. Not authenticated: for files alone, where nobody
   * learns how it failed by asking often.
   */
  decryptAesCbc(key: Uint8Array, iv: Uint8Array, ciphertext: Uint8Array): MaybePromise<Bytes | undefined>;
}

/** RFC 7914 §2, by its letters: the cost `N` (a power of two), the block size `r` and the parallelization `p`. */
export interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** Hash functions that are broken, and still hold TLS 1.1, TLS 1.0 and SSL 3.0 together. */
export type LegacyHash = 'md5' | 'sha1';

export type CbcName =
  | 'aes-128-cbc'
  | 'aes-256-cbc'
  | '3des-ede-cbc'
  | 'camellia-128-cbc'
  | 'camellia-256-cbc'
  | 'aria-128-cbc'
  | 'aria-256-cbc';

/** AEADs of TLS 1.2 that nobody else uses: nothing is wrong with them but their age. */
export type LegacyAeadName = 'aes-256-ccm' | 'aes-256-ccm-8' | 'aria-128-gcm' | 'aria-256-gcm';

/** A block cipher in CBC mode, without padding: in TLS, padding and MAC are the record layer's (RFC 5246 §6.2.3.2). */
export interface BlockCipher {
  readonly name: CbcName;
  /** Bytes in a key. */
  readonly keyLength: number;
  /** Bytes in a block, and in an initialization vector. */
  readonly blockLength: number;
  /** Prepares a key. The bytes of `raw` are copied: the caller wipes its own. Another length: `RangeError`. */
  key(raw: Uint8Array): BlockCipherKey;
}

/**
 * Arguments are borrowed until the call returns; results are fresh memory. `RangeError` where `iv` is not a block long,
 * or the data no whole number of blocks.
 */
export interface BlockCipherKey {
  encrypt(iv: Uint8Array, plaintext: Uint8Array): Bytes;
  /** Nothing is authenticated: whatever the ciphertext is, there is a plaintext. */
  decrypt(iv: Uint8Array, ciphertext: Uint8Array): Bytes;
  /** Forgets the key as far as the runtime allows. */
  dispose(): void;
}

export interface StreamCipher {
  readonly name: 'rc4';
  /** Bytes in a key. */
  readonly keyLength: number;
  /** Prepares a key. The bytes of `raw` are copied: the caller wipes its own. Another length: `RangeError`. */
  key(raw: Uint8Array): StreamCipherKey;
}

export interface StreamCipherKey {
  /** Encrypts or decrypts, which is the same. The keystream goes on from call to call. */
  process(data: Uint8Array): Bytes;
  /** Wipes key and state. */
  dispose(): void;
}

/**
 * Handshake signatures of the old versions: `rsa-pkcs1-sha1` and `ecdsa-sha1` (which TLS 1.2 still lists), and
 * `rsa-pkcs1-md5-sha1`: PKCS #1 block type 1 around MD5(data) || SHA1(data), no DigestInfo (RFC 4346 §4.7).
 */
export type LegacyHandshakeSignature = 'rsa-pkcs1-md5-sha1' | 'rsa-pkcs1-sha1' | 'ecdsa-sha1';

/** A private key for the old ways: signatures over broken hashes, and RSA key transport. */
export interface LegacyKey {
  readonly publicKey: PublicKeyInfo;
  /** What `sign` can do, in order of preference. */
  readonly algorithms: readonly LegacyHandshakeSignature[];
  /**
   * ECDSA signatures are DER. Throws or rejects with a `CryptoError`: `unsupported` for an algorithm that is not in
   * `algorithms`, `failed` where the runtime makes none (an RSA key that is too short, a policy against the hash).
   */
  sign(algorithm: LegacyHandshakeSignature, data: Uint8Array): MaybePromise<Uint8Array>;
  /**
   * RSA alone: ciphertext ^ d mod n, as long as the modulus, zeros in front, the padding untouched, and the caller's to
   * wipe. Throws `CryptoError` `failed` only for what is public: a ciphertext that is not as long as the modulus, or not
   * less than it. For TLS's premaster secret, go on with `premasterOf` of `@handfast/crypto/legacy`.
   */
  readonly decryptRaw?: (ciphertext: Uint8Array) => MaybePromise<Bytes>;
  /**
   * Keys on P curves alone: ECDH with the peer's uncompressed point; the x-coordinate, the caller's to wipe. Throws or rejects
   * with `CryptoError` `invalid_share` where the point cannot be used.
   */
  readonly agree?: (share: Uint8Array) => MaybePromise<Bytes>;
}

/** A Diffie-Hellman exchange in a group that was sent, not named: the two steps of `KeyExchange`. */
export interface DhExchange {
  /** A fresh ephemeral key. Its share and its secrets are as long as the prime. */
  generate(): MaybePromise<EphemeralKey>;
  /**
   * The answer to a peer's share, which may lack its leading zeros: as a number, it must be in 1 < Y < p - 1, else
   * `CryptoError` `invalid_share` (the same goes for `agree`).
   */
  encapsulate(peerShare: Uint8Array): MaybePromise<Encapsulation>;
}

/**
 * What TLS 1.2's old suites and the versions before it need, and nothing else should touch. Rows that a runtime lacks
 * are absent, as in `CryptoProvider`.
 */
export interface LegacyCryptography {
  createHash(hash: LegacyHash): Hash;
  digest(hash: LegacyHash, data: Uint8Array): Bytes;
  /**
   * HMAC under a key that is prepared once, for records: its time tells of a message's length no more than how many blocks
   * the hash takes. The bytes of `key` are copied.
   */
  hmac(hash: LegacyHash | HashName, key: Uint8Array): Hmac;
  readonly blockCiphers: Readonly<Partial<Record<CbcName, BlockCipher>>>;
  readonly streamCiphers: Readonly<{ rc4: StreamCipher }>;
  readonly aeads: Readonly<Partial<Record<LegacyAeadName, Aead>>>;
  /**
   * Whether `signature` (DER for ECDSA) is good; a malformed one is `false`, and so is one by another kind of key. Throws
   * or rejects with a `CryptoError`: `invalid_key` where the key cannot be imported, `unsupported` where the runtime has
   * no such algorithm.
   */
  verify(
    algorithm: LegacyHandshakeSignature,
    key: PublicKeyInfo,
    data: Uint8Array,
    signature: Uint8Array,
  ): MaybePromise<boolean>;
  /**
   * An RSA or EC key out of an unencrypted PKCS#8 PrivateKeyInfo (DER). Throws or rejects with a `CryptoError`:
   * `invalid_key`, or `unsupported` for a kind of key that has no old ways (id-RSASSA-PSS, Ed25519 and younger ones).
   */
  importPrivateKey(pkcs8: Uint8Array): MaybePromise<LegacyKey>;
  /**
   * RSAES-PKCS1-v1_5 (RFC 8017 §7.2.1): for a client's premaster secret. Absent where the runtime has none. Throws
   * `CryptoError`: `unsupported` where the key is not of type `rsa`, `failed` where its modulus is too short.
   */
  readonly rsaEncrypt?: (key: PublicKeyInfo, plaintext: Uint8Array) => MaybePromise<Bytes>;
  /**
   * Finite-field Diffie-Hellman with a server's own parameters, unsigned big-endian. Absent where the runtime has none.
   * Only their form is checked (an odd prime, 1 < g < p - 1; `CryptoError` `invalid_share`), and that the runtime takes
   * a prime of this size (`unsupported`). Whether the prime is prime, safe or large enough is nobody's to know but the
   * caller's policy.
   */
  readonly finiteField?: (prime: Uint8Array, generator: Uint8Array) => DhExchange;
}

/**
 * What connections and verification ask of cryptography. A `CryptoProvider` is one that has private keys besides: who is handed
 * signers, or needs none, does without that code.
 */
export interface Cryptography {
  /** For messages and traces: `node`, `web`. */
  readonly name: string;
  /** Cryptographically strong random bytes, in memory of their own (never from a shared pool). */
  random(length: number): Bytes;
  createHash(hash: HashName): Hash;
  digest(hash: HashName, data: Uint8Array): Bytes;
  /**
   * Digests for identifiers alone, such as the CertID of OCSP: never for what is signed, and never for a secret. Absent
   * where the runtime has none of it.
   */
  readonly legacyDigests?: Readonly<Partial<Record<LegacyHashName, (data: Uint8Array) => Bytes>>>;
  /**
   * HMAC under one key, for any number of messages. `key` is borrowed for as long as it is used: it may not change before.
   */
  hmac(hash: HashName, key: Uint8Array): Hmac;
  readonly aeads: Readonly<Partial<Record<AeadName, Aead>>>;
  readonly groups: Readonly<Partial<Record<GroupName, KeyExchange>>>;
  readonly signatures: Readonly<Partial<Record<SignatureAlgorithm, SignatureVerifier>>>;
  /** Verification of what is out of use; absent where the runtime has none of it. */
  readonly legacySignatures?: Readonly<Partial<Record<LegacySignatureAlgorithm, LegacySignatureVerifier>>>;
  /** For keys and PKCS#12 files under a password; absent where a build leaves it out. */
  readonly passwords?: PasswordCryptography;
  /** Present only on providers of `@handfast/crypto/legacy/…`: what violates RFC 9846 appendix E on purpose. */
  readonly legacy?: LegacyCryptography;
}

/** Everything that the stack asks of cryptography. Made by `@handfast/crypto/node` and `@handfast/crypto/web`. */
export interface CryptoProvider extends Cryptography {
  /** A signer over an unencrypted PKCS#8 PrivateKeyInfo (DER). Throws `CryptoError` `invalid_key`. */
  importPrivateKey(pkcs8: Uint8Array): MaybePromise<Signer>;
  /** A new key pair. RSA: 2048 bits unless `modulusBits` says otherwise. */
  generateKeyPair(type: KeyType, options?: { readonly modulusBits?: number }): MaybePromise<GeneratedKeyPair>;
}

export type CryptoErrorCode = 'invalid_share' | 'invalid_key' | 'unsupported' | 'failed';

/** A failure of a primitive. `message` says what was wrong in words; it never holds key material. */
export class CryptoError extends Error {
  override readonly name = 'CryptoError';
  readonly code: CryptoErrorCode;

  constructor(code: CryptoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
