/**
 * A connection that stands before TLS 1.3: data, exports, and peers that want to renegotiate. Unless the config has a policy
 * of `@handfast/tls/legacy` for it, they are answered with a warning, no_renegotiation, and the connection goes on (RFC 5746
 * §4.5, RFC 9325 §3.5).
 *
 * @module
 */

import { type Bytes, concat, isThenable, wipe } from '@handfast/crypto';
import type { Certificate } from '@handfast/x509';
import type { RenegotiationPolicy } from '../config.ts';
import type { Chosen } from '../credentials.ts';
import { TlsError } from '../errors.ts';
import type { Established, FlowHost, Negotiated } from '../flow.ts';
import { maxConsecutive } from '../limits.ts';
import { Writer } from '../messages/writer.ts';
import type { Session } from '../session/session.ts';
import type { KeySchedule12 } from './prf.ts';

export interface Secrets12 {
  readonly schedule: KeySchedule12;
  readonly master: Bytes;
  readonly clientRandom: Bytes;
  readonly serverRandom: Bytes;
}

/** What a handshake made, and what another one on the same connection is held to. */
export interface Standing {
  readonly negotiated: Negotiated;
  /** Whoever ends the connection wipes the master secret. */
  readonly secrets: Secrets12;
  /** Both Finished: they tie the next handshake to this one (RFC 5746 §3.2). */
  readonly verifyData: { readonly client: Bytes; readonly server: Bytes };
  /** Whether both sides know RFC 5746; where not, there is no next one. */
  readonly secureRenegotiation: boolean;
  /** The server's certificate, as the client saw it: it may not change (the triple handshake attack). */
  readonly serverLeaf: Certificate | undefined;
  /** The server's credential, as the server chose it. */
  readonly serverCredential: Chosen | undefined;
  /** What a client keeps of it, to come back by. */
  readonly session?: Session | undefined;
  /** What a server stored it under. */
  readonly sessionId?: Bytes | undefined;
}

/** Forgets a session whose connection failed (RFC 5246 §7.2.2). */
export type Forget = () => unknown;

/** Labels that the protocol itself uses (RFC 5705 §4). */
const ownLabels: ReadonlySet<string> = new Set([
  'client finished',
  'server finished',
  'master secret',
  'extended master secret',
  'key expansion',
]);

export class Connected12 implements Established {
  readonly #host: FlowHost;
  readonly #policy: RenegotiationPolicy | undefined;
  #standing: Standing;
  /** Set once the session has been kept. */
  forget: Forget | undefined;
  #requestsWithoutData = 0;
  #renegotiations = 0;

  constructor(host: FlowHost, standing: Standing, policy: RenegotiationPolicy | undefined) {
    this.#host = host;
    this.#standing = standing;
    this.#policy = policy;
  }

  get standing(): Standing {
    return this.#standing;
  }

  get negotiated(): Negotiated {
    return this.#standing.negotiated;
  }

  beforeApplicationData(): void {}

  receivedApplicationData(): void {
    this.#requestsWithoutData = 0;
  }

  exportKeyingMaterial(length: number, label: string, context: Uint8Array | undefined): Bytes {
    const { schedule, master, clientRandom, serverRandom } = this.#standing.secrets;
    if (!this.negotiated.extendedMasterSecret) {
      throw new TlsError(
        'not_supported',
        'exported keys are not bound to a connection without extended_master_secret',
        {
          hint: 'the peer must be brought to RFC 7627, or to TLS 1.3',
        },
      );
    }
    if (ownLabels.has(label)) throw new RangeError(`the label ${label} is the protocol's own`);
    const ofContext = context === undefined ? new Uint8Array(0) : new Writer().opaque16(context).finish();
    return schedule.exporter(master, label, concat(clientRandom, serverRandom, ofContext), length);
  }

  dispose(error?: TlsError): void {
    wipe(this.#standing.secrets.master);
    if (error?.alert) this.#forgetSession();
  }

  #forgetSession(): void {
    try {
      const answer = this.forget?.();
      // Nobody is left to be told.
      if (isThenable(answer)) Promise.resolve(answer).catch(() => undefined);
    } catch {
      // The same.
    }
  }

  /** Whether another handshake may begin now. */
  mayRenegotiate(): boolean {
    return this.#standing.secureRenegotiation && this.#renegotiations < (this.#policy?.most ?? 0);
  }

  /** Says no to the peer. Many wishes without data between them come from nobody who means it. */
  refuseRenegotiation(): void {
    if (++this.#requestsWithoutData > maxConsecutive.warnings) {
      throw new TlsError('too_many_alerts', `more than ${maxConsecutive.warnings} wishes to renegotiate without data`);
    }
    this.#host.warn('no_renegotiation');
  }

  /** Another handshake is done. */
  renewed(standing: Standing): void {
    this.dispose();
    this.#standing = standing;
    this.#renegotiations++;
    this.#host.trace?.({ type: 'established', negotiated: standing.negotiated });
  }
}
