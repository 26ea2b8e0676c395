/**
 * Reads both directions of a connection as they passed, in the order of a capture. Versions and suites are taken from the hellos,
 * keys from a key log; what cannot be decrypted is told of by its length.
 *
 * @module
 */

import { type Bytes, type Cryptography, concat, copyBytes, toHex, wipe } from '@handfast/crypto';
import { reasonOf } from '../errors.ts';
import type { SecretLevel } from '../flow.ts';
import { everyExtension, type HandshakeMessage, type MessageTable, readHandshake } from '../messages/handshake.ts';
import type { LegacyServerHello } from '../messages/server-hello.ts';
import { maxCiphertext, type RawRecord } from '../record/deframer.ts';
import {
  type AlertName,
  alertName,
  type CipherSuite,
  cipherSuites,
  contentType,
  TLS12,
  type Tls13CipherSuite,
} from '../registry.ts';
import { pendingKeys } from '../tls12/authentication.ts';
import { tls12Family } from '../tls12/family.ts';
import { messages12 } from '../tls12/messages.ts';
import { defaultCipherSuites12, type Tls12CipherSuite } from '../tls12/suites.ts';
import { messages13 } from '../tls13/messages.ts';
import type { KeyLogSecrets } from './key-log.ts';
import { Lane, tryToOpen } from './lane.ts';

export type Side = 'client' | 'server';

/** What passed. */
export type Observed = { readonly from: Side } /** A whole record, with its header. */ & (
  | { readonly type: 'wire'; readonly bytes: Bytes }
  /** Its content. `opened` is false where it is protected, and nobody has the key. */
  | {
      readonly type: 'record';
      readonly contentType: number;
      readonly length: number;
      readonly protected: boolean;
      readonly opened: boolean;
    }
  /** `message` is absent where the bytes are not as its RFC has them. */
  | {
      readonly type: 'message';
      readonly name: HandshakeMessage['type'] | `message of type ${number}`;
      readonly raw: Bytes;
      readonly message?: HandshakeMessage;
    }
  | {
      readonly type: 'alert';
      readonly alert: AlertName | `unknown (${number})`;
      readonly level: number;
    }
  /** What follows is under other keys. */
  | {
      readonly type: 'key';
      readonly level: SecretLevel;
      readonly cipherSuite: string;
      readonly generation: number;
    }
  | { readonly type: 'data'; readonly bytes: Bytes }
  /** Nothing more of this direction can be read, and why. */
  | { readonly type: 'unreadable'; readonly why: string }
);

export interface ObserverOptions {
  readonly provider: Cryptography;
  readonly secrets: KeyLogSecrets;
  /** Suites whose records are decrypted. Default: TLS 1.3's, and those that TLS 1.2 offers by default. */
  readonly cipherSuites?: readonly CipherSuite[];
  readonly observed: (event: Observed) => void;
}

/** The largest message that is put together. */
const maxMessage = 1 << 18;

const labelOf: Readonly<Record<Side, Readonly<Partial<Record<SecretLevel, string>>>>> = {
  client: {
    early: 'CLIENT_EARLY_TRAFFIC_SECRET',
    handshake: 'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
    application: 'CLIENT_TRAFFIC_SECRET_0',
  },
  server: { handshake: 'SERVER_HANDSHAKE_TRAFFIC_SECRET', application: 'SERVER_TRAFFIC_SECRET_0' },
};

/**
 * @example
 * ```ts
 * const secrets = new KeyLogSecrets();
 * secrets.add(await readFile('keys.log', 'utf8'));
 * const observer = new Observer({ provider, secrets, observed: console.log });
 * await observer.receive('client', bytes);
 * ```
 */
export class Observer {
  readonly #options: ObserverOptions;
  readonly #suites13: readonly Tls13CipherSuite[];
  readonly #suites12: readonly Tls12CipherSuite[];
  readonly #lanes: Readonly<Record<Side, Lane>>;
  #clientRandom: Bytes | undefined;
  #chosen13: Tls13CipherSuite | undefined;
  #hello12: LegacyServerHello | undefined;
  #messages: MessageTable = messages13;

  constructor(options: ObserverOptions) {
    this.#options = options;
    const suites = options.cipherSuites ?? [...cipherSuites, ...defaultCipherSuites12];
    this.#suites13 = suites.filter((suite) => suite.family === 'tls13');
    this.#suites12 = suites.filter((suite) => suite.family === 'tls12');
    const lane = (from: Side): Lane =>
      new Lane(options.provider, (level) => {
        const label = labelOf[from][level];
        return label === undefined ? undefined : this.#secret(label);
      });
    this.#lanes = { client: lane('client'), server: lane('server') };
  }

  /** The random of the last client's hello: what a key log knows the connection by. */
  get clientRandom(): string | undefined {
    return this.#clientRandom && toHex(this.#clientRandom);
  }

  /** Bytes of one side, of any cut. One call after another: wait for each. Never rejects. */
  async receive(from: Side, bytes: Uint8Array): Promise<void> {
    const lane = this.#lanes[from];
    for (let at = 0; at < bytes.length && !lane.broken; ) {
      try {
        const { record, taken } = lane.deframer.next(bytes, at, maxCiphertext);
        at += taken;
        if (record !== undefined) await this.#record(from, copyOf(record));
      } catch (error) {
        this.#break(from, error);
      }
    }
  }

  /** The end: keys are forgotten. */
  end(): void {
    for (const lane of Object.values(this.#lanes)) lane.dispose();
  }

  async #record(from: Side, record: RawRecord): Promise<void> {
    this.#tell({ type: 'wire', from, bytes: concat(record.header, record.payload) });
    const { type, payload } = record;
    const content = await this.#contentOf(from, record);
    if (content === undefined) {
      this.#tell({ type: 'record', from, contentType: type, length: payload.length, protected: true, opened: false });
      return;
    }
    const { bytes, protected: isProtected } = content;
    const { length } = bytes;
    this.#tell({ type: 'record', from, contentType: content.type, length, protected: isProtected, opened: true });
    if (content.type === contentType.handshake) this.#handshake(from, bytes);
    else if (content.type === contentType.application_data) this.#tell({ type: 'data', from, bytes });
    else if (content.type === contentType.alert) this.#alert(from, bytes);
    else if (content.type === contentType.change_cipher_spec) this.#changeKeys(from);
  }

  /** undefined: it is protected, and there is no key for it. */
  async #contentOf(
    from: Side,
    record: RawRecord,
  ): Promise<{ readonly type: number; readonly bytes: Bytes; readonly protected: boolean } | undefined> {
    const lane = this.#lanes[from];
    const { type, payload } = record;
    if (this.#hello12 !== undefined) {
      if (!lane.changedKeys) return { type, bytes: copyBytes(payload), protected: false };
      const plaintext = lane.legacy && (await tryToOpen(lane.legacy, record));
      return plaintext && { ...plaintext, protected: true };
    }
    if (type !== contentType.application_data) return { type, bytes: copyBytes(payload), protected: false };
    const opened = await lane.open(record, this.#chosen13 ? [this.#chosen13] : this.#suites13);
    if (opened === undefined) return undefined;
    if (opened.fresh) this.#tell({ type: 'key', from, ...opened.fresh });
    return { ...opened.plaintext, protected: true };
  }

  #handshake(from: Side, bytes: Uint8Array): void {
    const { joiner } = this.#lanes[from];
    joiner.append(bytes);
    for (let raw = joiner.take(maxMessage); raw !== undefined; raw = joiner.take(maxMessage)) this.#message(from, raw);
  }

  #message(from: Side, raw: Bytes): void {
    const type = raw[0] ?? 0;
    const row = this.#messages.get(type);
    const message = row && readOrNot(this.#messages, raw);
    const name = message?.type ?? row?.types[0] ?? (`message of type ${type}` as const);
    this.#tell({ type: 'message', from, name, raw, ...(message && { message }) });
    const lane = this.#lanes[from];
    if (message?.type === 'client_hello') this.#clientHello(message.random, message.extensions.early_data === true);
    else if (message?.type === 'server_hello') {
      this.#chosen13 = this.#suites13.find(({ id }) => id === message.cipherSuite);
      this.#lanes.server.rise('handshake');
    } else if (message?.type === 'legacy_server_hello') {
      this.#hello12 = message;
      this.#messages = messages12;
    } else if (message?.type === 'end_of_early_data') lane.rise('handshake');
    else if (message?.type === 'finished') lane.rise('application');
    else if (message?.type === 'key_update') lane.update();
  }

  #clientHello(random: Bytes, early: boolean): void {
    this.#clientRandom = copyBytes(random);
    if (!early) this.#lanes.client.rise('handshake');
  }

  /** ChangeCipherSpec: in TLS 1.3 it says nothing. */
  #changeKeys(from: Side): void {
    const lane = this.#lanes[from];
    if (this.#hello12 === undefined) return;
    lane.legacy?.dispose();
    lane.legacy = this.#protection12(from, this.#hello12);
    lane.changedKeys = true;
  }

  #protection12(from: Side, hello: LegacyServerHello): Lane['legacy'] {
    const { provider } = this.#options;
    const suite = this.#suites12.find(({ id }) => id === hello.cipherSuite);
    const master = this.#secret('CLIENT_RANDOM');
    if (suite === undefined || master === undefined || this.#clientRandom === undefined) return undefined;
    if (hello.legacyVersion !== TLS12 || !suite.supportedBy(provider)) return undefined;
    const keys = pendingKeys(
      provider,
      tls12Family,
      suite,
      {
        schedule: tls12Family.schedule(provider, suite),
        master,
        clientRandom: this.#clientRandom,
        serverRandom: hello.random,
      },
      hello.extensions.encrypt_then_mac === true,
    );
    try {
      this.#tell({ type: 'key', from, level: 'application', cipherSuite: suite.name, generation: 0 });
      return keys.take(from);
    } finally {
      keys.dispose();
      wipe(master);
    }
  }

  #alert(from: Side, bytes: Uint8Array): void {
    const [level = 0, description = 0] = bytes;
    this.#tell({ type: 'alert', from, level, alert: alertName(description) });
  }

  #secret(label: string): Bytes | undefined {
    const { clientRandom } = this;
    return clientRandom === undefined ? undefined : this.#options.secrets.find(label, clientRandom);
  }

  #break(from: Side, error: unknown): void {
    this.#lanes[from].broken = true;
    this.#tell({ type: 'unreadable', from, why: reasonOf(error) });
  }

  #tell(event: Observed): void {
    this.#options.observed(event);
  }
}

function readOrNot(table: MessageTable, raw: Bytes): HandshakeMessage | undefined {
  try {
    return readHandshake(table, raw, everyExtension);
  } catch {
    return undefined;
  }
}

/** The deframer's is valid until its next call. */
function copyOf({ type, header, payload }: RawRecord): RawRecord {
  return { type, header: copyBytes(header), payload: copyBytes(payload) };
}
