/**
 * Keys and certificates as `node:tls` takes them (`key`, `cert`, `pfx`, `passphrase`, `ca`, `crl`) to what the engine
 * takes: credentials, certificates to trust, revocation lists. What Node refuses is refused in the same order with the same
 * `code`, and what it takes is taken, but for
 *
 * - keys that the engine has no use for (DSA, curves beside P-256, P-384 and P-521) and certificates that break the rules of
 *   DER: `CertificateError`;
 * - engines of OpenSSL, of which there are none here: `ERR_CRYPTO_CUSTOM_ENGINE_NOT_SUPPORTED`.
 *
 * Added are a `Signer` as `key`, DER, and several revocation lists in one text.
 *
 * Like OpenSSL we have one place for each kind of key (RSA, RSA-PSS, EC whichever the curve, Ed25519, …), a certificate's
 * and a key's, and the last that was given stands in it.
 *
 * @module
 */

import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import {
  type Bytes,
  CryptoError,
  type CryptoProvider,
  isThenable,
  type LegacyKey,
  type MaybePromise,
  type Signer,
  wipe,
} from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import {
  type Certificate,
  CertificateError,
  type Crl,
  keyMatches,
  type LegacyPbe,
  parsePrivateKey,
  parseSubjectKey,
} from '@handfast/x509';
import { ownOf } from '../config.ts';
import type { Credential } from '../credentials.ts';
import { TlsConfigError } from '../errors.ts';
import { coded, invalidArgType, invalidArgValue } from './argument-errors.ts';
import { openSslError } from './openssl-error.ts';
import { isPemInput, type PemInput, type ReadKey, readChain, readCrls, readKey, readTrusted } from './pem-files.ts';
import { readPfx } from './pfx.ts';
import { keySecurityBits } from './security-bits.ts';
import { defaultSecurityLevel, type SecurityLevel, securityDemands } from './security-level.ts';

/** A private key: PEM, plain or under the `passphrase` of all or of its own; or what signs with one. */
export type KeyInput = PemInput | Signer;

/** A key among several, with its own passphrase. */
export interface KeyWithPassphrase {
  readonly pem: KeyInput;
  readonly passphrase?: string | undefined;
}

/** A PKCS#12 file. */
export type PfxInput = string | NodeJS.ArrayBufferView;

/** A PKCS#12 file among several, with its own passphrase. */
export interface PfxWithPassphrase {
  readonly buf: PfxInput;
  readonly passphrase?: string | NodeJS.ArrayBufferView | undefined;
}

type OneOrMore<T> = T | readonly T[];
type Maybe<T> = T | null | undefined;

/** The options of `tls.createSecureContext` that are about keys and certificates. */
export interface KeyMaterialOptions {
  /** One for each kind of key. */
  readonly key?: Maybe<KeyInput | readonly (KeyInput | KeyWithPassphrase)[]>;
  /** A chain for each of `key`: our certificate, then those that signed it. */
  readonly cert?: Maybe<OneOrMore<PemInput>>;
  /** Key, chain and certificates to trust in one. */
  readonly pfx?: Maybe<PfxInput | readonly (PfxInput | PfxWithPassphrase)[]>;
  readonly passphrase?: Maybe<string | NodeJS.ArrayBufferView>;
  readonly ca?: Maybe<OneOrMore<PemInput>>;
  readonly crl?: Maybe<OneOrMore<PemInput>>;
  /** These three exist to be refused. */
  readonly clientCertEngine?: Maybe<string>;
  readonly privateKeyEngine?: Maybe<string>;
  readonly privateKeyIdentifier?: Maybe<string>;
}

/** What they are read for. */
export interface KeyMaterialContext {
  /** Keys are imported into it. Default: `nodeProvider`. */
  readonly provider?: CryptoProvider | undefined;
  /** OpenSSL's `@SECLEVEL`: how strong the keys in our chains must be at least. Default: 2, which is Node 24's. */
  readonly securityLevel?: SecurityLevel | undefined;
  /** Reads PKCS#12 files under what is out of use. Default: triple DES alone; `legacyPbe` of `@handfast/x509/legacy` has RC2 too. */
  readonly legacyPbe?: LegacyPbe | undefined;
}

export interface KeyMaterial {
  /** Certificates with their keys, in the order in which a certificate of their kind was first given. */
  readonly credentials: readonly Credential[];
  /** Those of `ca`, then those of PKCS#12 files that stood beside a key's own; `undefined`: neither was given. */
  readonly trustedCertificates: readonly Certificate[] | undefined;
  /** Whether whom Node trusts by default is trusted as well: there is no `ca`. */
  readonly trustsDefaults: boolean;
  /** Absent lists are none; with any, certificates must be covered (`revocationByCrls`). */
  readonly crls: readonly Crl[];
  /** Certificates without a key and keys without a certificate, in words. Node takes them in silence, and uses none. */
  readonly unpaired: readonly string[];
}

/**
 * Reads keys, certificates and lists.
 *
 * @throws TypeError `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`
 * @throws Error with Node's code: `ERR_OSSL_PEM_NO_START_LINE`, `ERR_OSSL_UNSUPPORTED`, `ERR_OSSL_BAD_DECRYPT` (a passphrase that
 * is wrong or missing), `ERR_OSSL_X509_KEY_VALUES_MISMATCH`, `ERR_SSL_EE_KEY_TOO_SMALL`, …
 * @throws CertificateError for what Node would take and we cannot use
 * @throws TlsConfigError for a provider that imports keys asynchronously
 */
export function readKeyMaterial(given: KeyMaterialOptions, context: KeyMaterialContext = {}): KeyMaterial {
  const options = ownOf(given);
  const reader = new Reader(options, context);
  // The order is Node's: the first fault is told.
  reader.readTrusted();
  reader.readCertificates();
  reader.readKeys();
  refusePrivateKeyEngine(options);
  reader.readLists();
  reader.readPfxFiles();
  refuseClientEngine(options);
  return reader.result();
}

/** A private key that was imported, or that can be. */
interface OwnKey {
  /** Which place it takes. */
  readonly kind: string;
  /** Its public key. */
  readonly spki: Bytes;
  credential(chain: readonly Certificate[]): Credential;
}

/** A place for a kind of key. */
interface Slot {
  chain?: readonly Certificate[];
  key?: OwnKey;
}

class Reader {
  readonly #options: KeyMaterialOptions;
  readonly #provider: CryptoProvider;
  readonly #legacyPbe: LegacyPbe | undefined;
  readonly #leastBits: number;
  readonly #slots = new Map<string, Slot>();
  readonly #trusted: Certificate[] = [];
  readonly #crls: Crl[] = [];
  #pfxTrusts = false;

  constructor(
    options: KeyMaterialOptions,
    { provider, securityLevel = defaultSecurityLevel, legacyPbe }: KeyMaterialContext,
  ) {
    this.#options = options;
    this.#provider = provider ?? nodeProvider;
    this.#leastBits = securityDemands(securityLevel).bits;
    this.#legacyPbe = legacyPbe;
  }

  readTrusted(): void {
    for (const input of listUnlessFalsy(this.#options.ca)) this.#trusted.push(...readTrusted(checked('ca', input)));
  }

  readCertificates(): void {
    for (const input of listUnlessFalsy(this.#options.cert)) this.#setChain(readChain(checked('cert', input)));
  }

  readKeys(): void {
    const { key, passphrase } = this.#options;
    // One that stands alone has no passphrase of its own: Node looks for one in a list only.
    if (Array.isArray(key)) {
      for (const item of key) {
        const { pem = item, passphrase: own = passphrase } = ownParts(item);
        this.#setKey(this.#keyOf(pem, own));
      }
    } else if (key) {
      this.#setKey(this.#keyOf(key, passphrase));
    }
  }

  readLists(): void {
    const { crl } = this.#options;
    if (crl === undefined || crl === null) return;
    for (const input of listOf(crl)) this.#crls.push(...readCrls(checked('crl', input)));
  }

  readPfxFiles(): void {
    const { pfx, passphrase } = this.#options;
    if (pfx === undefined || pfx === null) return;
    if (!Array.isArray(pfx)) {
      this.#readPfx(pfx, passphrase || undefined);
      return;
    }
    for (const item of pfx) {
      const { buf, passphrase: own } = ownParts(item);
      this.#readPfx(buf || item, own || passphrase);
    }
  }

  result(): KeyMaterial {
    const named = Boolean(this.#options.ca);
    const credentials: Credential[] = [];
    const unpaired: string[] = [];
    for (const [kind, { chain, key }] of this.#slots) {
      if (chain !== undefined && key !== undefined) credentials.push(key.credential(this.#completed(chain)));
      else unpaired.push(chain === undefined ? `a key (${kind})` : `a certificate (${kind})`);
    }
    return {
      credentials,
      trustedCertificates: named || this.#pfxTrusts ? this.#trusted : undefined,
      trustsDefaults: !named,
      crls: this.#crls,
      unpaired,
    };
  }

  /** The leaf's key decides the place. A key there that is not its own goes. */
  #setChain(chain: readonly Certificate[]): void {
    const [leaf, ...others] = chain;
    if (leaf === undefined) return;
    this.#demandStrength(leaf, 0x18f, 'ee key too small');
    const slot = this.#slot(kindOf(leaf.spki));
    slot.chain = chain;
    if (slot.key !== undefined && !matches(leaf, slot.key)) delete slot.key;
    for (const other of others) this.#demandStrength(other, 0x18d, 'ca key too small');
  }

  #setKey(key: OwnKey): void {
    const slot = this.#slot(key.kind);
    const [leaf] = slot.chain ?? [];
    if (leaf !== undefined && !matches(leaf, key)) throw openSslError('x509', 0x74, 'key values mismatch');
    slot.key = key;
  }

  #slot(kind: string): Slot {
    if (!signingKinds.has(kind)) throw openSslError('ssl', 0xf7, 'unknown certificate type');
    const slot = this.#slots.get(kind) ?? {};
    this.#slots.set(kind, slot);
    return slot;
  }

  #demandStrength({ spki }: Certificate, number: number, reason: string): void {
    if (keySecurityBits(spki) < this.#leastBits) throw openSslError('ssl', number, reason);
  }

  #keyOf(input: unknown, passphrase: unknown): OwnKey {
    if (isSigner(input)) {
      const { spki } = input.publicKey;
      return { kind: kindOf(spki), spki, credential: (chain) => ({ chain, signer: input }) };
    }
    const pem = checked('key', input);
    if (passphrase !== undefined && passphrase !== null && typeof passphrase !== 'string') {
      throw invalidArgType('options.passphrase', ['string'], passphrase);
    }
    return this.#ownKey(readKey(pem, passphrase ?? undefined));
  }

  #ownKey(read: ReadKey): OwnKey {
    if ('pkcs8' in read) {
      try {
        return this.#importedKey(this.#import(read.pkcs8));
      } finally {
        wipe(read.pkcs8);
      }
    }
    const { object } = read;
    const spki = spkiOf(object);
    return {
      kind: object.asymmetricKeyType ?? kindOf(spki),
      spki,
      credential: (chain) => {
        const pkcs8 = pkcs8Of(object);
        try {
          return { chain, ...this.#import(pkcs8) };
        } finally {
          wipe(pkcs8);
        }
      },
    };
  }

  #importedKey(halves: Pick<Credential, 'signer' | 'legacyKey'>): OwnKey {
    const { spki } = halves.signer.publicKey;
    return { kind: kindOf(spki), spki, credential: (chain) => ({ chain, ...halves }) };
  }

  /** With a legacy provider, the key's old ways as well, where it has any. */
  #import(pkcs8: Bytes): Pick<Credential, 'signer' | 'legacyKey'> {
    const signer: MaybePromise<Signer> = this.#provider.importPrivateKey(pkcs8);
    const legacyKey = oldHalf(this.#provider, pkcs8);
    if (isThenable(signer) || isThenable(legacyKey)) {
      throw new TlsConfigError(
        'key',
        `the ${this.#provider.name} provider imports keys asynchronously: pass credentials instead`,
      );
    }
    return { signer, ...(legacyKey && { legacyKey }) };
  }

  #readPfx(input: unknown, passphrase: unknown): void {
    const file = bufferOf(input);
    if (file === undefined) {
      throw coded(new Error('Unable to load PFX certificate'), 'ERR_CRYPTO_OPERATION_FAILED');
    }
    const secret = passphrase === undefined || passphrase === null ? Buffer.alloc(0) : bufferOf(passphrase);
    if (secret === undefined) throw coded(new TypeError('Pass phrase must be a buffer'), 'ERR_INVALID_ARG_TYPE');
    const importKey = (pkcs8: Bytes): OwnKey => this.#ownKey(readPkcs8(pkcs8));
    const { key, certificate, others } = readPfx(file, secret, this.#legacyPbe, importKey);
    withoutCode(() => {
      this.#setChain([certificate, ...others]);
      this.#setKey(key);
    });
    if (others.length > 0) this.#pfxTrusts = true;
    this.#trusted.push(...others);
  }

  /**
   * As OpenSSL does it, a certificate that was given alone is sent with those of `ca` that lead on from it. A root is left out,
   * which OpenSSL would send: whoever trusts it has it.
   */
  #completed(chain: readonly Certificate[]): readonly Certificate[] {
    const completed = [...chain];
    const others = chain.length === 1 ? this.#trusted.filter(({ selfIssued }) => !selfIssued) : [];
    for (let last = chain[0]; last !== undefined; ) {
      const lower = new X509Certificate(last.raw);
      last = others.find((one) => !completed.includes(one) && lower.checkIssued(new X509Certificate(one.raw)));
      if (last !== undefined) completed.push(last);
    }
    return completed;
  }
}

/** Kinds of keys that have a place, by Node's `asymmetricKeyType`. */
const signingKinds: ReadonlySet<string> = new Set([
  ...['rsa', 'rsa-pss', 'dsa', 'ec', 'ed25519', 'ed448'],
  ...['ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'],
]);

/** Falsy values are no values, says Node. */
function listUnlessFalsy<T>(value: Maybe<OneOrMore<T>>): readonly T[] {
  return value ? listOf(value) : [];
}

function listOf<T>(value: OneOrMore<T>): readonly T[] {
  return Array.isArray(value) ? value : [value as T];
}

/** What an item of a list says itself: nothing, where it is text, bytes, or a signer. */
function ownParts(item: unknown): Readonly<Record<'pem' | 'buf' | 'passphrase', unknown>> {
  const speaks = typeof item === 'object' && item !== null && !ArrayBuffer.isView(item) && !isSigner(item);
  return speaks ? ownOf(item as never) : Object.create(null);
}

function checked(name: 'ca' | 'cert' | 'key' | 'crl', value: unknown): PemInput {
  if (isPemInput(value)) return value;
  throw invalidArgType(`options.${name}`, ['string', 'Buffer', 'TypedArray', 'DataView'], value);
}

function isSigner(value: unknown): value is Signer {
  if (typeof value !== 'object' || value === null) return false;
  const { sign, publicKey } = value as Partial<Signer>;
  return typeof sign === 'function' && publicKey?.spki instanceof Uint8Array;
}

function bufferOf(value: unknown): Buffer | undefined {
  if (typeof value === 'string') return Buffer.from(value);
  return ArrayBuffer.isView(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : undefined;
}

/** Which kind of key a SubjectPublicKeyInfo holds: as Node says, or for what it has no name for, as we do. */
function kindOf(spki: Bytes): string {
  let kind: string | undefined;
  try {
    kind = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }).asymmetricKeyType;
  } catch {
    // Of a kind that OpenSSL does not know.
  }
  return kind ?? parseSubjectKey(spki).type;
}

function spkiOf(key: KeyObject): Bytes {
  return Uint8Array.from(createPublicKey(key).export({ format: 'der', type: 'spki' }));
}

/** Read once more, by ours: it says best of which kind a key is that we do not take. */
function pkcs8Of(key: KeyObject): Bytes {
  const der = key.export({ format: 'der', type: 'pkcs8' });
  try {
    return parsePrivateKey(der);
  } finally {
    wipe(der);
  }
}

function readPkcs8(pkcs8: Bytes): ReadKey {
  try {
    return { object: createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }) };
  } catch {
    return { pkcs8: pkcs8.slice() };
  }
}

function matches(leaf: Certificate, key: OwnKey): boolean {
  try {
    return keyMatches(leaf, key);
  } catch (error) {
    // Two different keys, of which one is of a kind that we cannot read.
    if (error instanceof CertificateError) return false;
    throw error;
  }
}

function oldHalf({ legacy }: CryptoProvider, pkcs8: Uint8Array): MaybePromise<LegacyKey> | undefined {
  try {
    return legacy?.importPrivateKey(pkcs8);
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'unsupported') return undefined;
    throw error;
  }
}

/** What OpenSSL refuses of a PKCS#12 file Node tells by the reason alone. */
function withoutCode(act: () => void): void {
  try {
    act();
  } catch (cause) {
    if (cause instanceof Error && 'reason' in cause) throw new Error(String(cause.reason), { cause });
    throw cause;
  }
}

function refusePrivateKeyEngine({ key, privateKeyEngine, privateKeyIdentifier }: KeyMaterialOptions): void {
  const [engine, identifier]: readonly unknown[] = [privateKeyEngine, privateKeyIdentifier];
  if (identifier === undefined || identifier === null) return;
  if (engine === undefined || engine === null) throw invalidArgValue('options.privateKeyEngine', engine);
  if (key) throw invalidArgValue('options.privateKeyIdentifier', identifier);
  if (typeof identifier !== 'string') throw notAnEngine('privateKeyIdentifier', identifier);
  if (typeof engine !== 'string') throw notAnEngine('privateKeyEngine', engine);
  throw noEngines();
}

function refuseClientEngine({ clientCertEngine }: { readonly clientCertEngine?: unknown }): void {
  if (clientCertEngine === undefined || clientCertEngine === null) return;
  if (typeof clientCertEngine !== 'string') throw notAnEngine('clientCertEngine', clientCertEngine);
  throw noEngines();
}

function notAnEngine(name: string, value: unknown): Error {
  return invalidArgType(`options.${name}`, ['string', 'null', 'undefined'], value);
}

/** What Node throws where its OpenSSL was built without engines. */
function noEngines(): Error {
  const words =
    'Custom engines not supported by this OpenSSL: this TLS has no OpenSSL engine; a key that is elsewhere is a Signer, as `key`';
  return coded(new Error(words), 'ERR_CRYPTO_CUSTOM_ENGINE_NOT_SUPPORTED');
}
