/**
 * A connection that stands (RFC 9846 §4.7): key updates both ways, and exports. Holds the application secrets until the
 * end.
 *
 * @module
 */

import { type Bytes, wipe } from '@handfast/crypto';
import { TlsError } from '../errors.ts';
import type { Established, FlowHost, Negotiated } from '../flow.ts';
import { maxConsecutive } from '../limits.ts';
import { type KeyUpdate, writeKeyUpdate } from '../messages/key-update.ts';
import { setReadSecret, setWriteSecret } from './carrier.ts';
import type { ConnectionSecrets, Kdf } from './key-schedule.ts';

/** RFC 9846 §4.7.3: no sender goes beyond so many generations of keys. */
const lastGeneration = 2 ** 48 - 1;

interface Direction {
  secret: Bytes;
  generation: number;
}

export class Connected implements Established {
  readonly negotiated: Negotiated;
  readonly #host: FlowHost;
  readonly kdf: Kdf;
  readonly #read: Direction;
  readonly #write: Direction;
  readonly #exporterSecret: Bytes;
  /** The peer asked for fresh keys of ours, which go out before our next application record. */
  #owesUpdate = false;
  /** We asked the peer for fresh keys and have seen none yet. */
  #awaitsUpdate = false;
  #updatesWithoutData = 0;

  /** Takes the secrets over: they are wiped by `dispose`. */
  constructor(host: FlowHost, kdf: Kdf, negotiated: Negotiated, secrets: ConnectionSecrets) {
    const [read, write] = host.role === 'client' ? [secrets.server, secrets.client] : [secrets.client, secrets.server];
    this.#host = host;
    this.kdf = kdf;
    this.negotiated = negotiated;
    this.#read = { secret: read, generation: 0 };
    this.#write = { secret: write, generation: 0 };
    this.#exporterSecret = secrets.exporter;
  }

  beforeApplicationData(): void {
    const { records, limit } = this.#host.records.writeUsage;
    // One record of the old key is kept for the KeyUpdate itself, one for an alert.
    if (this.#owesUpdate || records >= limit - 2) this.#sendUpdate(false);
  }

  receivedApplicationData(): void {
    this.#updatesWithoutData = 0;
  }

  updateKeys(requestPeer: boolean): void {
    // RFC 9846 §4.7.3: no second request before the peer's own update has come.
    const request = requestPeer && !this.#awaitsUpdate;
    if (request) this.#awaitsUpdate = true;
    this.#sendUpdate(request);
  }

  exportKeyingMaterial(length: number, label: string, context: Uint8Array | undefined): Bytes {
    return this.kdf.exporter(this.#exporterSecret, label, context ?? new Uint8Array(0), length);
  }

  dispose(): void {
    wipe(this.#read.secret, this.#write.secret, this.#exporterSecret);
  }

  /** The peer's KeyUpdate: its next records are under new keys. */
  receivedUpdate({ updateRequested }: KeyUpdate): void {
    if (++this.#updatesWithoutData > maxConsecutive.keyUpdates) {
      throw new TlsError('too_many_key_updates', `more than ${maxConsecutive.keyUpdates} key updates without data`);
    }
    this.#awaitsUpdate = false;
    this.#next(this.#read);
    setReadSecret(this.#host, this.kdf, 'application', this.#read.secret, this.#read.generation);
    // Many requests while we are silent get one answer.
    if (updateRequested) this.#owesUpdate = true;
  }

  #sendUpdate(request: boolean): void {
    if (this.#write.generation >= lastGeneration) {
      throw new TlsError('record_limit', 'the keys have been updated as often as TLS 1.3 allows');
    }
    this.#owesUpdate = false;
    this.#host.send(writeKeyUpdate(request));
    this.#next(this.#write);
    setWriteSecret(this.#host, this.kdf, 'application', this.#write.secret, this.#write.generation);
  }

  #next(direction: Direction): void {
    const next = this.kdf.nextTrafficSecret(direction.secret);
    wipe(direction.secret);
    direction.secret = next;
    direction.generation++;
  }
}
