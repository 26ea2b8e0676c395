/**
 * The key schedule (RFC 9846 §7), one type a stage: early, handshake, main. What a stage has not reached has no type to
 * derive from, so a derivation out of order does not compile. Each stage's secret is wiped when the next is made.
 *
 * @module
 */

import {
  type Bytes,
  type Cryptography,
  type HashName,
  type Hmac,
  hashLength,
  hkdfExpand,
  hkdfExtract,
  utf8,
  wipe,
} from '@handfast/crypto';
import type { TrafficKey } from '../record/protection13.ts';
import type { Tls13CipherSuite } from '../registry.ts';

const none: Bytes = new Uint8Array(0);

/** The provider and the suite's hash: what every derivation needs. */
export class Kdf {
  readonly suite: Tls13CipherSuite;
  readonly provider: Cryptography;
  /** Most secrets are the key of several derivations in a row: it is prepared once. */
  #last: { readonly secret: Uint8Array; readonly hmac: Hmac } | undefined;

  constructor(provider: Cryptography, suite: Tls13CipherSuite) {
    this.provider = provider;
    this.suite = suite;
  }

  get length(): number {
    return hashLength[this.suite.hash];
  }

  /** What stands where a schedule has no secret: as many zeros as its hash is long. */
  zeros(): Bytes {
    return new Uint8Array(this.length);
  }

  /** The hash of no messages: a constant. */
  emptyHash(): Bytes {
    const { hash } = this.suite;
    let empty = emptyHashes.get(hash);
    if (empty === undefined) {
      empty = this.provider.digest(hash, none);
      emptyHashes.set(hash, empty);
    }
    return empty;
  }

  extract(salt: Uint8Array, inputKey: Uint8Array): Bytes {
    return hkdfExtract(this.provider, this.suite.hash, salt, inputKey);
  }

  /**
   * HKDF-Expand-Label(Secret, Label, Context, Length) (RFC 9846 §7.1).
   * @param label without its `tls13 ` prefix.
   */
  expandLabel(secret: Uint8Array, label: string, context: Uint8Array, length: number): Bytes {
    const { hash } = this.suite;
    if (this.#last?.secret !== secret) this.#last = { secret, hmac: this.provider.hmac(hash, secret) };
    return expandLabel(hash, this.#last.hmac, label, context, length);
  }

  /** Derive-Secret(Secret, Label, Messages), with the transcript hash of Messages given. */
  deriveSecret(secret: Uint8Array, label: string, transcriptHash: Uint8Array): Bytes {
    return this.expandLabel(secret, label, transcriptHash, this.length);
  }

  /** Derive-Secret(Secret, "derived", ""): the salt of the next stage. */
  derivedSalt(secret: Uint8Array): Bytes {
    return this.deriveSecret(secret, 'derived', this.emptyHash());
  }

  /** A traffic secret's key and IV (RFC 9846 §7.3): the caller's to wipe. */
  trafficKey(secret: Uint8Array): TrafficKey {
    return {
      key: this.expandLabel(secret, 'key', none, this.suite.keyLength),
      iv: this.expandLabel(secret, 'iv', none, 12),
    };
  }

  /** The next generation of a traffic secret (RFC 9846 §7.2). */
  nextTrafficSecret(secret: Uint8Array): Bytes {
    return this.expandLabel(secret, 'traffic upd', none, this.length);
  }

  /** The pre-shared key of a ticket (RFC 9846 §4.7.1). */
  ticketKey(resumptionSecret: Uint8Array, nonce: Uint8Array): Bytes {
    return this.expandLabel(resumptionSecret, 'resumption', nonce, this.length);
  }

  /** verify_data of a Finished (RFC 9846 §4.5.3). */
  finished(baseKey: Uint8Array, transcriptHash: Uint8Array): Bytes {
    const key = this.expandLabel(baseKey, 'finished', none, this.length);
    const verifyData = this.provider.hmac(this.suite.hash, key)(transcriptHash);
    wipe(key);
    return verifyData;
  }

  /** TLS-Exporter(label, context, length) (RFC 9846 §7.5). */
  exporter(exporterSecret: Uint8Array, label: string, context: Uint8Array, length: number): Bytes {
    const secret = this.deriveSecret(exporterSecret, label, this.emptyHash());
    const exported = this.expandLabel(secret, 'exporter', this.provider.digest(this.suite.hash, context), length);
    wipe(secret);
    return exported;
  }
}

const emptyHashes = new Map<HashName, Bytes>();

/** HKDF-Expand-Label by an HMAC that is keyed with the secret. */
export function expandLabel(hash: HashName, hmac: Hmac, label: string, context: Uint8Array, length: number): Bytes {
  return hkdfExpand(hash, hmac, hkdfLabel(label, context, length), length);
}

/** `struct { uint16 length; opaque label<7..255>; opaque context<0..255>; } HkdfLabel` */
function hkdfLabel(label: string, context: Uint8Array, length: number): Bytes {
  const name = scheduleLabels.get(label) ?? prefixed(label);
  if (name.length > 255) throw new RangeError(`a label of ${name.length - 6} bytes, where 249 are the most`);
  const out = new Uint8Array(4 + name.length + context.length);
  out[0] = length >> 8;
  out[1] = length;
  out[2] = name.length;
  out.set(name, 3);
  out[3 + name.length] = context.length;
  out.set(context, 4 + name.length);
  return out;
}

function prefixed(label: string): Bytes {
  return utf8(`tls13 ${label}`);
}

/** The schedule's own labels, encoded once; those of exporters are the application's. */
const scheduleLabels: ReadonlyMap<string, Bytes> = new Map(
  [
    'derived',
    'c e traffic',
    'c hs traffic',
    's hs traffic',
    'c ap traffic',
    's ap traffic',
    'exp master',
    'res master',
    'resumption',
    'res binder',
    'ext binder',
    'imp binder',
    'finished',
    'key',
    'iv',
    'traffic upd',
    'exporter',
  ].map((label) => [label, prefixed(label)]),
);

/** Two secrets, one a direction. The caller's to wipe. */
export interface TrafficSecrets {
  readonly client: Bytes;
  readonly server: Bytes;
}

/** What outlives a handshake. The caller's to wipe. */
export interface ConnectionSecrets extends TrafficSecrets {
  readonly exporter: Bytes;
}

/** Where a pre-shared key comes from: a ticket, outside, or outside and imported (RFC 9258). */
export type PskKind = 'res' | 'ext' | 'imp';

/** PSK → Early Secret. Without a PSK its input is a string of zeros, and it is no secret. */
export class EarlySecret {
  readonly #kdf: Kdf;
  readonly #secret: Bytes | undefined;

  constructor(kdf: Kdf, psk?: Uint8Array) {
    this.#kdf = kdf;
    this.#secret = psk && kdf.extract(kdf.zeros(), psk);
  }

  /** The binder of a pre-shared key over a hello up to its binders (RFC 9846 §4.3.11.2). */
  binder(kind: PskKind, transcriptHash: Uint8Array): Bytes {
    if (this.#secret === undefined) throw new TypeError('a binder is of a pre-shared key');
    const key = this.#kdf.deriveSecret(this.#secret, `${kind} binder`, this.#kdf.emptyHash());
    const binder = this.#kdf.finished(key, transcriptHash);
    wipe(key);
    return binder;
  }

  /** `c e traffic`, over ClientHello: of a pre-shared key that early data goes under. The caller's to wipe. */
  trafficSecret(helloHash: Uint8Array): Bytes {
    if (this.#secret === undefined) throw new TypeError('early data is of a pre-shared key');
    return this.#kdf.deriveSecret(this.#secret, 'c e traffic', helloHash);
  }

  /** (EC)DHE or KEM → Handshake Secret. Wipes the shared secret and this stage. */
  handshakeSecret(sharedSecret: Uint8Array): HandshakeSecret {
    const kdf = this.#kdf;
    const salt = this.#secret ? kdf.derivedSalt(this.#secret) : saltWithoutPsk(kdf);
    const secret = kdf.extract(salt, sharedSecret);
    wipe(sharedSecret);
    if (this.#secret) wipe(salt, this.#secret);
    return new HandshakeSecret(kdf, secret);
  }

  dispose(): void {
    wipe(this.#secret);
  }
}

const saltsWithoutPsk = new Map<HashName, Bytes>();

/** What the early stage gives the next where there is no PSK: a constant of the hash. */
function saltWithoutPsk(kdf: Kdf): Bytes {
  const { hash } = kdf.suite;
  let salt = saltsWithoutPsk.get(hash);
  if (salt === undefined) {
    const zeros = kdf.zeros();
    salt = kdf.derivedSalt(kdf.extract(zeros, zeros));
    saltsWithoutPsk.set(hash, salt);
  }
  return salt;
}

export class HandshakeSecret {
  readonly #kdf: Kdf;
  readonly #secret: Bytes;

  constructor(kdf: Kdf, secret: Bytes) {
    this.#kdf = kdf;
    this.#secret = secret;
  }

  /** `c hs traffic` and `s hs traffic`, over ClientHello…ServerHello. */
  trafficSecrets(helloHash: Uint8Array): TrafficSecrets {
    return {
      client: this.#kdf.deriveSecret(this.#secret, 'c hs traffic', helloHash),
      server: this.#kdf.deriveSecret(this.#secret, 's hs traffic', helloHash),
    };
  }

  /** → Main Secret. Wipes this stage. */
  mainSecret(): MainSecret {
    const kdf = this.#kdf;
    const salt = kdf.derivedSalt(this.#secret);
    const secret = kdf.extract(salt, kdf.zeros());
    wipe(salt, this.#secret);
    return new MainSecret(kdf, secret);
  }

  dispose(): void {
    wipe(this.#secret);
  }
}

export class MainSecret {
  readonly #kdf: Kdf;
  readonly #secret: Bytes;

  constructor(kdf: Kdf, secret: Bytes) {
    this.#kdf = kdf;
    this.#secret = secret;
  }

  /** `c ap traffic` and `s ap traffic`, over ClientHello…server Finished. */
  trafficSecrets(finishedHash: Uint8Array): TrafficSecrets {
    return {
      client: this.#kdf.deriveSecret(this.#secret, 'c ap traffic', finishedHash),
      server: this.#kdf.deriveSecret(this.#secret, 's ap traffic', finishedHash),
    };
  }

  /** `exp master`, over ClientHello…server Finished. */
  exporterSecret(finishedHash: Uint8Array): Bytes {
    return this.#kdf.deriveSecret(this.#secret, 'exp master', finishedHash);
  }

  /** `res master`, over ClientHello…client Finished. */
  resumptionSecret(clientFinishedHash: Uint8Array): Bytes {
    return this.#kdf.deriveSecret(this.#secret, 'res master', clientFinishedHash);
  }

  dispose(): void {
    wipe(this.#secret);
  }
}
