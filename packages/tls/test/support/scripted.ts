/**
 * A peer that keeps to a script, of any version: what it sends goes out record by record as a test says, what the side
 * under test sends is cut into messages, alerts and data. Keys are the version's own: `puppet.ts` has those of TLS 1.3,
 * `puppet12.ts` those of TLS 1.2.
 *
 * @module
 */

import { type Bytes, concat } from '@handfast/crypto';
import type { TlsError } from '../../src/index.ts';
import { type HandshakeMessage, type MessageTable, readHandshake } from '../../src/messages/handshake.ts';
import { headerLength, maxCiphertext } from '../../src/record/deframer.ts';
import { alertName, contentType } from '../../src/registry.ts';
import { give, type Side, settled } from './pair.ts';

const anyExtension: ReadonlySet<number> = Object.assign(new Set<number>(), { has: () => true });

/** A step of a script: its message, or several, or none. It is made when its turn comes, and may do more by the way. */
export type Step = (right: Bytes) => Bytes | readonly Bytes[] | Promise<Bytes | readonly Bytes[]>;

/** What a step comes to: the right message, or what it was changed to. */
export async function stepOf(change: Step | undefined, right: Bytes): Promise<readonly Bytes[]> {
  const made = (await change?.(right)) ?? right;
  return Array.isArray(made) ? (made as readonly Bytes[]) : [made as Bytes];
}

/** A record's content, opened. */
export interface Opened {
  readonly type: number;
  readonly content: Uint8Array;
}

export abstract class ScriptedPeer {
  readonly side: Side;
  /** What the side under test has sent, decoded. */
  readonly messages: HandshakeMessage[] = [];
  /** Alerts that it sent. */
  readonly alerts: string[] = [];
  /** Their levels: 1 for a warning, 2 for the end. */
  readonly alertLevels: number[] = [];
  readonly data: Uint8Array[] = [];
  protected abstract readonly table: MessageTable;
  #stream: Bytes = new Uint8Array(0);
  #handshakeBytes: Bytes = new Uint8Array(0);

  constructor(side: Side) {
    this.side = side;
  }

  /** A record under the current key; in the clear before there is one. */
  abstract seal(type: number, content: Uint8Array): Bytes;

  /** What a record of the side holds; undefined where its key is not there yet. */
  protected abstract open(header: Uint8Array, payload: Uint8Array): Opened | undefined;

  async give(bytes: Uint8Array): Promise<void> {
    await give(this.side, bytes);
  }

  async sendData(text: string): Promise<void> {
    await this.give(this.seal(contentType.application_data, Buffer.from(text)));
  }

  async sendAlert(level: number, description: number): Promise<void> {
    await this.give(this.seal(contentType.alert, Uint8Array.of(level, description)));
  }

  /** Reads what the side has sent; stops at the first record of another key than the current. */
  async receive(): Promise<void> {
    await settled(this.side);
    this.#stream = concat(this.#stream, ...this.side.outbox.splice(0));
    while (this.#stream.length >= headerLength) {
      const length = ((this.#stream[3] as number) << 8) | (this.#stream[4] as number);
      if (length > maxCiphertext) throw new RangeError('a record too large');
      if (this.#stream.length < headerLength + length) return;
      const header = this.#stream.subarray(0, headerLength);
      const opened = this.open(header, this.#stream.subarray(headerLength, headerLength + length));
      if (opened === undefined) return;
      this.#take(opened);
      this.#stream = this.#stream.slice(headerLength + length);
    }
  }

  #take({ type, content }: Opened): void {
    if (type === contentType.alert) {
      this.alertLevels.push(content[0] as number);
      this.alerts.push(alertName(content[1] as number));
    } else if (type === contentType.application_data) this.data.push(content);
    else if (type === contentType.handshake) this.#handshake(content);
  }

  #handshake(content: Uint8Array): void {
    this.#handshakeBytes = concat(this.#handshakeBytes, content);
    for (;;) {
      const bytes = this.#handshakeBytes;
      const length = ((bytes[1] ?? 0) << 16) | ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
      if (bytes.length < 4 || bytes.length < 4 + length) return;
      this.messages.push(readHandshake(this.table, bytes.slice(0, 4 + length), anyExtension));
      this.#handshakeBytes = bytes.slice(4 + length);
    }
  }

  /** The next message of the side, which must be of this type. */
  next<T extends HandshakeMessage['type']>(type: T): Extract<HandshakeMessage, { type: T }> {
    const message = this.messages.shift();
    if (message?.type !== type) throw new TypeError(`the side sent ${message?.type ?? 'nothing'}, not ${type}`);
    return message as Extract<HandshakeMessage, { type: T }>;
  }
}

/** What a side ended with, and what it told its peer. */
export interface Refusal {
  readonly error: TlsError | null | undefined;
  readonly alert: string | undefined;
}

/** After the peer has misbehaved: the error, and the alert that went out. */
export async function refusal(peer: ScriptedPeer): Promise<Refusal> {
  await peer.receive();
  return { error: peer.side.error, alert: peer.alerts.at(-1) };
}
