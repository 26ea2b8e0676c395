/**
 * A signer whose key never leaves its token.
 *
 * @module
 */

import { realpathSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { CryptoError, type PublicKeyInfo, type SignatureAlgorithm, type Signer } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { Pkcs11Error } from './errors.ts';
import type { Target } from './library.ts';
import { algorithmsOf, signatureOf, signInput } from './mechanisms.ts';
import type { KeyName, TokenName } from './names.ts';
import type { PinSource } from './pin.ts';
import { publicKeyOf } from './public-key.ts';
import { type TokenThread, threadOf } from './thread.ts';

export interface Pkcs11Options {
  /** The library that came with the token, by its whole path: `/usr/lib/softhsm/libsofthsm2.so`. */
  readonly module: string;
  /** Its label, or more. */
  readonly token: string | TokenName;
  /** Its label, or more. Unless set: the only private key that may sign. */
  readonly key?: string | KeyName;
  /** For tokens that need one. */
  readonly pin?: PinSource;
  /** How long the token may take: 30 seconds unless set. */
  readonly timeoutMs?: number;
}

export interface Pkcs11Signer extends Signer {
  sign(algorithm: SignatureAlgorithm, data: Uint8Array): Promise<Uint8Array>;
  /** Logs out and ends the session, after the signatures that are being made. */
  close(): Promise<void>;
}

let lastId = 0;

/**
 * Opens a key in a PKCS #11 token. Signing goes on in a thread of its own; a session that was lost is opened anew.
 *
 * @throws Pkcs11Error, as the signer's `sign` and `close`; `sign` CryptoError `unsupported` for an algorithm that it does not have
 *
 * @example
 * ```ts
 * const signer = await openPkcs11Signer({
 *   module: '/usr/lib/softhsm/libsofthsm2.so',
 *   token: 'ca',
 *   key: 'issuing',
 *   pin: { file: '/etc/handfast/pin' },
 * });
 * ```
 */
export async function openPkcs11Signer(options: Pkcs11Options): Promise<Pkcs11Signer> {
  const { module, token, key = {}, pin, timeoutMs = 30_000 } = options;
  if (!Number.isFinite(timeoutMs) || timeoutMs <= 0)
    throw new Pkcs11Error('settings', 'timeoutMs is no length of time');
  const target: Target = {
    token: typeof token === 'string' ? { label: token } : token,
    key: typeof key === 'string' ? { label: key } : key,
  };
  const thread = threadOf(realModule(module));
  const id = ++lastId;
  try {
    const result = await thread.ask({ what: 'describe', id, target }, pin, timeoutMs);
    if (result.what !== 'description') throw new Error(`the token’s thread answered ${result.what}`);
    const publicKey = publicKeyOf(result.description.publicKey);
    const algorithms = algorithmsOf(publicKey, result.description.mechanisms);
    if (algorithms.length > 0) {
      return new TokenSigner({ thread, id, target, pin, timeoutMs, publicKey, algorithms });
    }
    throw new Pkcs11Error('unsupported', `the token makes no signatures with a key of type ${publicKey.type}`, {
      hint: 'pkcs11-tool --module … --list-mechanisms shows what it makes',
    });
  } catch (error) {
    await thread.ask({ what: 'close', id }, undefined, timeoutMs).catch(() => undefined);
    await thread.release(timeoutMs);
    throw error;
  }
}

/** One file is one module, by whatever path. */
function realModule(path: string): string {
  const settings = (message: string): Pkcs11Error =>
    new Pkcs11Error('settings', message, { hint: 'name the library that came with the token by its whole path' });
  if (!isAbsolute(path)) throw settings(`the token’s module ${JSON.stringify(path)} is no whole path`);
  try {
    return realpathSync(path);
  } catch {
    throw settings(`the token’s module ${JSON.stringify(path)} is not there`);
  }
}

interface Parts {
  readonly thread: TokenThread;
  readonly id: number;
  readonly target: Target;
  readonly pin: PinSource | undefined;
  readonly timeoutMs: number;
  readonly publicKey: PublicKeyInfo;
  readonly algorithms: readonly SignatureAlgorithm[];
}

class TokenSigner implements Pkcs11Signer {
  readonly publicKey: PublicKeyInfo;
  readonly algorithms: readonly SignatureAlgorithm[];
  readonly #parts: Parts;
  readonly #signing = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.publicKey = parts.publicKey;
    this.algorithms = parts.algorithms;
  }

  async sign(algorithm: SignatureAlgorithm, data: Uint8Array): Promise<Uint8Array> {
    if (this.#closing !== undefined) throw new Pkcs11Error('settings', 'the signer is closed');
    if (!this.algorithms.includes(algorithm)) {
      const message = `a key of type ${this.publicKey.type} in this token makes no ${algorithm} signatures`;
      throw new CryptoError('unsupported', message);
    }
    const signing = this.#sign(algorithm, data);
    this.#signing.add(signing);
    try {
      return await signing;
    } finally {
      this.#signing.delete(signing);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #sign(algorithm: SignatureAlgorithm, data: Uint8Array): Promise<Uint8Array> {
    const { thread, id, target, pin, timeoutMs, publicKey } = this.#parts;
    const input = signInput(algorithm, publicKey, data);
    const result = await thread.ask({ what: 'sign', id, target, input }, pin, timeoutMs);
    if (result.what !== 'signature') throw new Error(`the token’s thread answered ${result.what}`);
    const signature = signatureOf(algorithm, result.signature);
    // A device that was disturbed, or that holds another key by now: what it made must not get out.
    if (await nodeProvider.signatures[algorithm]?.verify(publicKey, data, signature)) return signature;
    throw new Pkcs11Error('failed', 'the token made a signature that its own public key does not verify', {
      hint: 'was the key replaced, or does the public key beside it belong to another?',
    });
  }

  async #close(): Promise<void> {
    const { thread, id, timeoutMs } = this.#parts;
    await Promise.allSettled(this.#signing);
    try {
      await thread.ask({ what: 'close', id }, undefined, timeoutMs);
    } finally {
      await thread.release(timeoutMs);
    }
  }
}
