/**
 * What follows the handshake before TLS 1.3: data, exports, and peers that want to renegotiate. They are answered with a
 * warning, no_renegotiation, and the connection goes on (RFC 5746 §4.5, RFC 9325 §3.5).
 *
 * @module
 */

import { type Bytes, concat, wipe } from '@handfast/crypto';
import { TlsError } from '../errors.ts';
import { type Established, expect, type Flow, type FlowHost, type Negotiated } from '../flow.ts';
import { maxConsecutive } from '../limits.ts';
import { Writer } from '../messages/writer.ts';
import type { KeySchedule12 } from './prf.ts';

export interface Secrets12 {
  readonly schedule: KeySchedule12;
  readonly master: Bytes;
  readonly clientRandom: Bytes;
  readonly serverRandom: Bytes;
}

/** Labels that the protocol itself uses (RFC 5705 §4). */
const ownLabels: ReadonlySet<string> = new Set([
  'client finished',
  'server finished',
  'master secret',
  'extended master secret',
  'key expansion',
]);

export class Connected12 implements Established {
  readonly negotiated: Negotiated;
  readonly #secrets: Secrets12;
  #requestsWithoutData = 0;

  /** Takes the master secret over: it is wiped by `dispose`. */
  constructor(negotiated: Negotiated, secrets: Secrets12) {
    this.negotiated = negotiated;
    this.#secrets = secrets;
  }

  beforeApplicationData(): void {}

  receivedApplicationData(): void {
    this.#requestsWithoutData = 0;
  }

  updateKeys(): void {
    throw new TlsError('internal', `${this.negotiated.version} has no key updates`);
  }

  exportKeyingMaterial(length: number, label: string, context: Uint8Array | undefined): Bytes {
    const { schedule, master, clientRandom, serverRandom } = this.#secrets;
    if (!this.negotiated.extendedMasterSecret) {
      throw new TlsError('closed', 'without extended_master_secret exported keys are not bound to this connection', {
        hint: 'the peer must be brought to RFC 7627, or to TLS 1.3',
      });
    }
    if (ownLabels.has(label)) throw new RangeError(`the label ${label} is the protocol's own`);
    const ofContext = context === undefined ? new Uint8Array(0) : new Writer().opaque16(context).finish();
    return schedule.exporter(master, label, concat(clientRandom, serverRandom, ofContext), length);
  }

  dispose(): void {
    wipe(this.#secrets.master);
  }

  /** Many requests without data between them come from nobody who means it. */
  refusedRenegotiation(): void {
    if (++this.#requestsWithoutData > maxConsecutive.warnings) {
      throw new TlsError('too_many_alerts', `more than ${maxConsecutive.warnings} wishes to renegotiate without data`);
    }
  }
}

/** The rest of the connection's life. */
export function* afterHandshake12(host: FlowHost, connection: Connected12): Flow<never> {
  host.established(connection);
  for (;;) {
    if (host.role === 'client') yield* expect('CONNECTED_12', 'hello_request');
    else yield* expect('CONNECTED_12', 'client_hello');
    connection.refusedRenegotiation();
    host.warn('no_renegotiation');
  }
}
