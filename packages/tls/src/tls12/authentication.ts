/**
 * What both sides do alike before TLS 1.3: signatures in messages, Finished (RFC 5246 §7.4.8, §7.4.9), and the keys that a
 * ChangeCipherSpec brings in.
 *
 * @module
 */

import { type Bytes, type Cryptography, equalConstantTime, settle, wipe } from '@handfast/crypto';
import type { Certificate } from '@handfast/x509';
import { badKey } from '../checks.ts';
import type { Chosen } from '../credentials.ts';
import { reasonOf, TlsError } from '../errors.ts';
import { type Flow, type FlowHost, timed } from '../flow.ts';
import type { Finished } from '../messages/finished.ts';
import { type DigitallySigned, writeDigitallySigned } from '../messages/messages12.ts';
import type { DirectionKeys } from '../record/cipher12.ts';
import type { Protection } from '../record/protection.ts';
import type { HandshakeScheme, SignatureScheme } from '../registry.ts';
import type { Secrets12 } from './connected.ts';
import type { Family, Signing } from './family.ts';
import type { Tls12CipherSuite } from './suites.ts';
import type { Transcript12 } from './transcript.ts';

type Side = 'client' | 'server';

/** Sends a message and adds it to the transcript. */
export function sendAndAdd(host: FlowHost, transcript: Transcript12, message: Bytes): void {
  host.send(message);
  transcript.add(message);
}

/** Our signature over `content`, as it stands in a message. */
export function* signed(
  { signing }: Family,
  host: FlowHost,
  provider: Cryptography,
  chosen: Chosen,
  content: Uint8Array,
): Flow<Bytes> {
  let signature: unknown;
  try {
    signature = yield* timed(host, 'sign', () => settle(signing.sign(provider, chosen, content)));
  } catch (cause) {
    throw new TlsError('signing_failed', `the signer of our certificate failed: ${reasonOf(cause)}`, { cause });
  }
  if (!(signature instanceof Uint8Array) || signature.length === 0) {
    throw new TlsError('signing_failed', 'the signer of our certificate answered no signature');
  }
  return writeDigitallySigned(signing.namesScheme ? chosen.scheme.id : undefined, signature);
}

/** Refuses a signature that is not by the key of the peer's certificate. Answers its scheme, where it names one. */
export function* checkSigned(
  { signing }: Family,
  host: FlowHost,
  provider: Cryptography,
  message: string,
  leaf: Certificate,
  content: Uint8Array,
  signature: DigitallySigned,
  offered: readonly SignatureScheme[],
): Flow<HandshakeScheme | undefined> {
  let verdict: Awaited<ReturnType<Signing['verify']>>;
  try {
    verdict = yield* timed(host, 'verify', () =>
      settle(signing.verify(provider, message, leaf, content, signature, offered)),
    );
  } catch (error) {
    throw badKey(error, message);
  }
  if (verdict.good === true) return verdict.scheme;
  throw new TlsError(
    'decrypt_error',
    `${message}: the signature is not by the key of the peer's certificate: it does not hold that key`,
  );
}

/** Refuses a Finished of another handshake. */
export function checkFinished({ verifyData }: Finished, expected: Uint8Array, from: Side): void {
  if (verifyData.length !== expected.length) {
    throw new TlsError('decode_error', `Finished: ${verifyData.length} bytes, where ${expected.length} are due`);
  }
  if (!equalConstantTime(verifyData, expected)) {
    throw new TlsError('decrypt_error', `Finished: the ${from} saw another handshake than we did`);
  }
}

/** Protection for each direction, made and not yet in use. */
export class PendingKeys {
  readonly #waiting: Map<Side, Protection>;

  constructor(client: Protection, server: Protection) {
    this.#waiting = new Map([
      ['client', client],
      ['server', server],
    ]);
  }

  /** The protection of what `side` writes: the record layer's from now on. */
  take(side: Side): Protection {
    const protection = this.#waiting.get(side);
    if (protection === undefined) throw new TypeError(`the keys of the ${side} have been taken`);
    this.#waiting.delete(side);
    return protection;
  }

  /** Forgets what was not taken. */
  dispose(): void {
    for (const protection of this.#waiting.values()) protection.dispose();
    this.#waiting.clear();
  }
}

/** Cuts the key block (RFC 5246 §6.3): MAC keys, keys and IVs, the client's first. */
export function pendingKeys(
  provider: Cryptography,
  { id: version }: Family,
  { cipher }: Tls12CipherSuite,
  { schedule, master, clientRandom, serverRandom }: Secrets12,
  encryptThenMac: boolean,
): PendingKeys {
  const { macKeyLength, keyLength, ivLength } = cipher;
  const block = schedule.keyBlock(master, clientRandom, serverRandom, 2 * (macKeyLength + keyLength + ivLength));
  let at = 0;
  const take = (length: number): Uint8Array => {
    at += length;
    return block.subarray(at - length, at);
  };
  const [macC, macS, keyC, keyS] = [take(macKeyLength), take(macKeyLength), take(keyLength), take(keyLength)];
  const make = (keys: DirectionKeys): Protection => cipher.protection(provider, keys, { version, encryptThenMac });
  try {
    const client = make({ macKey: macC, key: keyC, iv: take(ivLength) });
    return new PendingKeys(client, make({ macKey: macS, key: keyS, iv: take(ivLength) }));
  } finally {
    wipe(block);
  }
}

/** ChangeCipherSpec of ours: what follows is under the new keys. */
export function changeWriteKeys(host: FlowHost, keys: PendingKeys, cipherSuite: string): void {
  host.records.changeCipherSpec();
  host.records.setWriteProtection(keys.take(host.role));
  host.trace?.({ type: 'key', direction: 'out', level: 'application', cipherSuite, generation: 0 });
}

/** The peer's ChangeCipherSpec has come. */
export function changeReadKeys(host: FlowHost, keys: PendingKeys, cipherSuite: string): void {
  host.requireAligned();
  host.records.setReadProtection(keys.take(host.role === 'client' ? 'server' : 'client'));
  host.trace?.({ type: 'key', direction: 'in', level: 'application', cipherSuite, generation: 0 });
}
