/**
 * One direction of an observed connection: its records, and the keys that may be theirs. Of TLS 1.3 the level of a record is found by
 * trying, in the order in which keys can follow each other: a capture may lack what would tell (a Finished, an EndOfEarlyData).
 *
 * @module
 */

import type { Cryptography } from '@handfast/crypto';
import type { SecretLevel } from '../flow.ts';
import { Deframer, type RawRecord } from '../record/deframer.ts';
import { HandshakeJoiner } from '../record/joiner.ts';
import type { Plaintext, Protection } from '../record/protection.ts';
import { RecordProtection } from '../record/protection13.ts';
import type { Tls13CipherSuite } from '../registry.ts';
import { Kdf } from '../tls13/key-schedule.ts';

/** Keys that records may be under. */
interface Candidate {
  readonly level: SecretLevel;
  readonly suite: Tls13CipherSuite;
  readonly secret: Uint8Array;
  readonly protection: Protection;
}

const levels: readonly SecretLevel[] = ['early', 'handshake', 'application'];

/** What opened a record. */
export interface OpenedRecord {
  readonly plaintext: Plaintext;
  /** Its keys, where they are in use for the first time. */
  readonly fresh?: { readonly level: SecretLevel; readonly cipherSuite: string; readonly generation: number };
}

export class Lane {
  readonly deframer: Deframer = new Deframer();
  readonly joiner: HandshakeJoiner = new HandshakeJoiner();
  /** Before TLS 1.3: what its ChangeCipherSpec brought in. Undefined where that could not be made. */
  legacy: Protection | undefined;
  /** Whether records are protected, before TLS 1.3. */
  changedKeys = false;
  /** Nothing more can be read. */
  broken = false;
  readonly #provider: Cryptography;
  readonly #secretOf: (level: SecretLevel) => Uint8Array | undefined;
  readonly #candidates: Map<SecretLevel, Candidate[]> = new Map();
  #floor: SecretLevel = 'early';
  #inUse: Candidate | undefined;
  #generation = 0;

  /** @param secretOf what the key log has of this direction. */
  constructor(provider: Cryptography, secretOf: (level: SecretLevel) => Uint8Array | undefined) {
    this.#provider = provider;
    this.#secretOf = secretOf;
  }

  /** No earlier level is used any more. */
  rise(level: SecretLevel): void {
    if (levels.indexOf(level) > levels.indexOf(this.#floor)) this.#floor = level;
  }

  /** A KeyUpdate has passed. */
  update(): void {
    const before = this.#inUse;
    if (before === undefined) return;
    const kdf = new Kdf(this.#provider, before.suite);
    const secret = kdf.nextTrafficSecret(before.secret);
    before.protection.dispose();
    this.#candidates.set(before.level, [this.#candidate(before.level, before.suite, secret)]);
    this.#inUse = undefined;
    this.#generation++;
  }

  /** A record of TLS 1.3. @param suites those that it may be under. */
  async open(record: RawRecord, suites: readonly Tls13CipherSuite[]): Promise<OpenedRecord | undefined> {
    for (const level of levels.slice(levels.indexOf(this.#floor))) {
      for (const candidate of this.#of(level, suites)) {
        const plaintext = await tryToOpen(candidate.protection, record);
        if (plaintext === undefined) continue;
        const isFresh = this.#inUse !== candidate;
        this.#inUse = candidate;
        this.rise(level);
        this.#candidates.set(level, [candidate]);
        const fresh = { level, cipherSuite: candidate.suite.name, generation: this.#generation };
        return { plaintext, ...(isFresh && { fresh }) };
      }
    }
    return undefined;
  }

  dispose(): void {
    for (const { protection } of [...this.#candidates.values()].flat()) protection.dispose();
    this.#candidates.clear();
    this.legacy?.dispose();
    this.legacy = undefined;
  }

  #of(level: SecretLevel, suites: readonly Tls13CipherSuite[]): readonly Candidate[] {
    const made = this.#candidates.get(level);
    if (made !== undefined) return made;
    const secret = this.#secretOf(level);
    if (secret === undefined) return [];
    const candidates = suites
      .filter((suite) => suite.supportedBy(this.#provider) && new Kdf(this.#provider, suite).length === secret.length)
      .map((suite) => this.#candidate(level, suite, secret));
    this.#candidates.set(level, candidates);
    return candidates;
  }

  #candidate(level: SecretLevel, suite: Tls13CipherSuite, secret: Uint8Array): Candidate {
    const protection = new RecordProtection(this.#provider, suite, new Kdf(this.#provider, suite).trafficKey(secret));
    return { level, suite, secret, protection };
  }
}

/** What breaks a rule was not to be read either. */
export async function tryToOpen(protection: Protection, record: RawRecord): Promise<Plaintext | undefined> {
  try {
    return await protection.unprotect(record);
  } catch {
    return undefined;
  }
}
