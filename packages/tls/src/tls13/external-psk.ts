/**
 * Pre-shared keys from outside in TLS 1.3 (RFC 9846 §4.3.11, RFC 9257): what a user's callback answers, looked at; and keys
 * that are imported (RFC 9258), so that one secret serves several hashes, and is bound to what it is for.
 *
 * ```
 * struct {
 *     opaque external_identity<1...2^16-1>;
 *     opaque context<0..2^16-1>;
 *     uint16 target_protocol;
 *     uint16 target_kdf;
 * } ImportedIdentity;
 * ```
 *
 * @module
 */

import { type Bytes, type Cryptography, type HashName, hashLength, hkdfExtract, wipe } from '@handfast/crypto';
import type { ClientConfig, PreSharedKey, ServerConfig, SharedKey } from '../config.ts';
import { TlsError } from '../errors.ts';
import { callUser, type Flow } from '../flow.ts';
import { Reader } from '../messages/reader.ts';
import { Writer } from '../messages/writer.ts';
import { TLS13 } from '../registry.ts';
import { checkedKey, hashOf } from '../shared-key.ts';
import { expandLabel } from './key-schedule.ts';

/** How many keys of its own a client offers at once. */
const mostKeys = 4;
/** With a ticket beside them they all fit a hello. */
const longestIdentity = 4096;

/** A key that was found good. */
export interface ExternalPsk {
  readonly identity: Uint8Array;
  readonly key: Uint8Array;
  readonly hash: HashName;
  readonly kind: 'ext' | 'imp';
}

/** The client's keys for TLS 1.3, best first: those that name a hash. */
export function* clientExternalPsks({ preSharedKey }: ClientConfig): Flow<readonly ExternalPsk[]> {
  if (preSharedKey === undefined) return [];
  const answer: unknown = yield* callUser('preSharedKey', () => preSharedKey(undefined));
  if (answer === null) return [];
  const all: readonly unknown[] = Array.isArray(answer) ? answer : [answer];
  return all
    .filter((one) => hashOf(one) !== undefined)
    .slice(0, mostKeys)
    .map((one) => {
      const { identity, key, ...use } = one as Partial<PreSharedKey>;
      if (!(identity instanceof Uint8Array) || identity.length === 0 || identity.length > longestIdentity) {
        throw new TlsError(
          'callback_failed',
          `the preSharedKey callback answered no identity of 1 to ${longestIdentity} bytes`,
        );
      }
      return { identity, key: checkedKey(key), ...useOf(use) };
    });
}

/** The server's key of an identity; undefined: it knows none, or none of TLS 1.3. */
export function* serverExternalPsk(
  { preSharedKey }: ServerConfig,
  identity: Uint8Array,
): Flow<ExternalPsk | undefined> {
  if (preSharedKey === undefined) return undefined;
  const answer: unknown = yield* callUser('preSharedKey', () => preSharedKey(identity));
  // Bytes alone are a key of TLS 1.2 and before, as is one without a hash.
  if (answer === undefined || answer instanceof Uint8Array) return undefined;
  const shared = (answer ?? {}) as Partial<SharedKey>;
  const key = checkedKey(shared.key);
  return hashOf(shared) === undefined ? undefined : { identity, key, ...useOf(shared) };
}

/** What a key is to be used with. */
function useOf({ hash, imported }: Partial<SharedKey>): Pick<ExternalPsk, 'hash' | 'kind'> {
  if (hash !== 'sha256' && hash !== 'sha384') {
    throw new TlsError('callback_failed', 'the preSharedKey callback answered a hash that no suite of TLS 1.3 has');
  }
  return { hash, kind: imported === true ? 'imp' : 'ext' };
}

/** KDF identifiers (RFC 9258 §10). */
const kdfIds: Readonly<Record<TargetHash, number>> = { sha256: 1, sha384: 2 };
type TargetHash = 'sha256' | 'sha384';

export interface ImportOptions {
  readonly provider: Pick<Cryptography, 'hmac' | 'digest'>;
  /** The name of the key outside: 1 byte or more. */
  readonly identity: Uint8Array;
  /** At random, of 16 bytes or more: a password can be guessed from one handshake. */
  readonly key: Uint8Array;
  /** What the key is for: both sides' roles or names, which keeps a node from talking to itself. Default: empty. */
  readonly context?: Uint8Array;
  /** The hash of the suites that it is to be used with. */
  readonly hash: TargetHash;
  /** The hash that the key itself came with. Default: `sha256`. */
  readonly keyHash?: HashName;
}

/**
 * Imports a key into TLS 1.3 (RFC 9258 §5.1): what a client's `preSharedKey` answers, once for each hash of its suites.
 *
 * @example
 * ```ts
 * const hashes = ['sha256', 'sha384'] as const;
 * const config = clientConfig({
 *   provider, versions: [tls13], trust,
 *   preSharedKey: () => hashes.map((hash) => importKey({ provider, identity, key, context, hash })),
 * });
 * ```
 */
export function importKey({
  provider,
  identity,
  key,
  context = none,
  hash,
  keyHash = 'sha256',
}: ImportOptions): PreSharedKey {
  const name = new Writer().opaque16(identity).opaque16(context).u16(TLS13).u16(kdfIds[hash]).finish();
  return { identity: name, key: derive(provider, name, key, hash, keyHash), hash, imported: true };
}

/** What a server looks a key up by. */
export interface ImportedName {
  readonly identity: Uint8Array;
  readonly context: Uint8Array;
}

/**
 * A server's `preSharedKey` for imported keys: `lookUp` answers the key outside, as bytes.
 *
 * @param keyHash the hash that the keys themselves came with. Default: `sha256`.
 */
export function importedKeys(
  provider: Pick<Cryptography, 'hmac' | 'digest'>,
  lookUp: (name: ImportedName) => Uint8Array | undefined | Promise<Uint8Array | undefined>,
  keyHash: HashName = 'sha256',
): (identity: Uint8Array) => Promise<SharedKey | undefined> {
  return async (identity) => {
    const name = readImportedIdentity(identity);
    const key = name && (await lookUp(name));
    if (name === undefined || key === undefined) return undefined;
    return { key: derive(provider, identity, key, name.hash, keyHash), hash: name.hash, imported: true };
  };
}

const none: Bytes = new Uint8Array(0);

function readImportedIdentity(bytes: Uint8Array): (ImportedName & { readonly hash: TargetHash }) | undefined {
  try {
    const reader = new Reader(bytes, 'ImportedIdentity');
    const identity = reader.opaque16(1);
    const context = reader.opaque16();
    const protocol = reader.u16();
    const kdf = reader.u16();
    reader.end();
    const hash = kdf === kdfIds.sha256 ? 'sha256' : kdf === kdfIds.sha384 ? 'sha384' : undefined;
    return protocol === TLS13 && hash !== undefined ? { identity, context, hash } : undefined;
  } catch (error) {
    // Somebody's ticket, or another kind of key.
    if (error instanceof TlsError) return undefined;
    throw error;
  }
}

function derive(
  provider: Pick<Cryptography, 'hmac' | 'digest'>,
  name: Uint8Array,
  key: Uint8Array,
  hash: TargetHash,
  keyHash: HashName,
): Bytes {
  const extracted = hkdfExtract(provider, keyHash, none, key);
  const context = provider.digest(keyHash, name);
  const derived = expandLabel(keyHash, provider.hmac(keyHash, extracted), 'derived psk', context, hashLength[hash]);
  wipe(extracted);
  return derived;
}
