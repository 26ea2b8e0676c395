/**
 * What an observer finds in a connection, written down as a recording of the client's side.
 *
 * @module
 */

import type { Cryptography } from '@handfast/crypto';
import type { CipherSuite } from '@handfast/tls';
import { type KeyLogSecrets, type Observed, Observer, type Side } from '@handfast/tls/observe';
import {
  type RecordedError,
  type RecordedEvent,
  type RecordedNegotiated,
  type RecordedPeer,
  type Recording,
  recordingLimits,
  toBase64,
} from '@handfast/tls/recording';
import { curveOf, groupName, type HandshakeMessage, schemeName, suiteName, versionName } from '../names.ts';
import type { Stream } from './streams.ts';

export interface ImporterOptions {
  readonly provider: Cryptography;
  readonly secrets: KeyLogSecrets;
  readonly cipherSuites?: readonly CipherSuite[];
  /** Told of what could not be read. */
  readonly say: (note: string) => void;
}

export class Importer {
  readonly #observer: Observer;
  readonly #secrets: KeyLogSecrets;
  readonly #say: (note: string) => void;
  readonly #events: RecordedEvent[] = [];
  readonly #facts: Facts = new Facts();
  /** Of all handshakes: a renegotiation has another. */
  readonly #randoms: Set<string> = new Set();
  #first: number | undefined;
  #ms = 0;
  #bytes = 0;
  #sealed = 0;
  #dropped = { events: 0, bytes: 0 };
  #full = false;

  constructor({ provider, secrets, cipherSuites, say }: ImporterOptions) {
    this.#secrets = secrets;
    this.#say = say;
    const observed = (event: Observed): void => this.#observed(event);
    this.#observer = new Observer({ provider, secrets, ...(cipherSuites && { cipherSuites }), observed });
  }

  async receive(from: Side, bytes: Uint8Array, ms: number): Promise<void> {
    this.#first ??= ms;
    this.#ms = ms;
    await this.#observer.receive(from, bytes);
  }

  finish({ serverText, end }: Stream): Recording {
    this.#observer.end();
    if (this.#sealed > 0) this.#say(`${this.#sealed} records could not be decrypted: no secrets of theirs are known`);
    const error = this.#facts.error;
    if (end !== 'open' || error !== undefined) {
      this.#events.push({ at: this.#at(), type: 'closed', failed: error !== undefined });
    }
    const keyLog = [...this.#randoms].flatMap((random) => this.#secrets.lines(random));
    const { negotiated, peer } = this.#facts;
    return {
      format: 'handfast-recording',
      version: 1,
      program: 'capture',
      role: 'client',
      target: this.#facts.serverName === undefined ? serverText : `${this.#facts.serverName}:${portOf(serverText)}`,
      started: isoOf(this.#first ?? 0),
      events: this.#events,
      ...(keyLog.length > 0 && { keyLog: keyLog.slice(0, recordingLimits.keyLogLines) }),
      ...(negotiated && { negotiated }),
      ...(peer && { peer }),
      ...(error && { error }),
      ...(this.#dropped.events > 0 && { dropped: this.#dropped }),
    };
  }

  #at(): number {
    return Math.min(1e15, Math.max(0, Math.round((this.#ms - (this.#first ?? 0)) * 1000) / 1000));
  }

  #observed(event: Observed): void {
    const { clientRandom } = this.#observer;
    if (clientRandom !== undefined && this.#randoms.size < 16) this.#randoms.add(clientRandom);
    if (event.type === 'unreadable') {
      this.#say(`nothing more of the ${event.from} can be read: ${event.why}`);
      return;
    }
    if (event.type === 'record' && !event.opened) this.#sealed++;
    this.#keep(event);
    if (this.#facts.take(event)) this.#events.push({ at: this.#at(), type: 'established' });
  }

  #keep(event: Exclude<Observed, { readonly type: 'unreadable' }>): void {
    const bytes = event.type === 'message' ? event.raw : 'bytes' in event ? event.bytes : undefined;
    const length = bytes?.length ?? 0;
    this.#full ||=
      this.#bytes + length > recordingLimits.bytes / 2 || this.#events.length >= recordingLimits.events - 2;
    if (this.#full) {
      this.#dropped.events++;
      this.#dropped.bytes += length;
      return;
    }
    this.#bytes += length;
    this.#events.push({ at: this.#at(), ...detailOf(event) } as RecordedEvent);
  }
}

function detailOf(event: Exclude<Observed, { readonly type: 'unreadable' }>): object {
  const direction = event.from === 'client' ? 'out' : 'in';
  const { type } = event;
  switch (type) {
    case 'wire':
    case 'data':
      return { type, direction, bytes: toBase64(event.bytes) };
    case 'record': {
      const { contentType, length, protected: isProtected } = event;
      return { type, direction, contentType, length, protected: isProtected };
    }
    case 'message':
      return { type, direction, name: event.name, bytes: toBase64(event.raw) };
    case 'alert':
      return { type, direction, alert: event.alert, level: event.level };
    case 'key': {
      const { level, cipherSuite, generation } = event;
      return { type, direction, level, cipherSuite, generation };
    }
  }
}

type MessageNamed<T extends HandshakeMessage['type']> = Extract<HandshakeMessage, { readonly type: T }>;

/** What both sides have agreed on, as far as it could be read. */
class Facts {
  serverName: string | undefined;
  peer: RecordedPeer | undefined;
  error: RecordedError | undefined;
  #hello: MessageNamed<'client_hello'> | undefined;
  #answer: MessageNamed<'server_hello' | 'legacy_server_hello'> | undefined;
  #curve: string | undefined;
  #retried = false;
  #certificates = 0;
  #alpn: string | undefined;
  #earlyAccepted = false;
  #schemes: { client?: string | undefined; server?: string | undefined } = {};
  #finished: Set<Side> = new Set();
  #established = false;

  /** @returns whether this ends the handshake. */
  take(event: Observed): boolean {
    if (event.type === 'alert') this.#alert(event);
    if (event.type !== 'message' || event.message === undefined) return false;
    this.#message(event.from, event.message);
    if (this.#established || this.#finished.size < 2) return false;
    this.#established = true;
    return true;
  }

  get negotiated(): RecordedNegotiated | undefined {
    const [hello, answer] = [this.#hello, this.#answer];
    if (hello === undefined || answer === undefined) return undefined;
    const is13 = answer.type === 'server_hello';
    const share = is13 ? answer.extensions.key_share : undefined;
    const group = share ? groupName(share.group) : this.#curve;
    const psk = is13 && answer.extensions.pre_shared_key !== undefined;
    const { legacySessionId } = hello;
    const echoed = legacySessionId.length > 0 && legacySessionId.join() === answer.legacySessionIdEcho.join();
    const { client, server } = this.#schemes;
    return {
      version: versionName(is13 ? 0x0304 : answer.legacyVersion),
      cipherSuite: suiteName(answer.cipherSuite),
      ...(group !== undefined && { group }),
      postQuantum: group?.includes('MLKEM') ?? false,
      extendedMasterSecret: is13 || answer.extensions.extended_master_secret === true,
      ...(this.#alpn !== undefined && { alpnProtocol: this.#alpn }),
      ...(this.serverName !== undefined && { serverName: this.serverName }),
      resumed: is13 ? psk : echoed && this.#certificates === 0,
      preSharedKey: psk,
      ...(hello.extensions.early_data && { earlyData: this.#earlyAccepted ? 'accepted' : 'rejected' }),
      helloRetryRequest: this.#retried,
      ...(client !== undefined && { signatureScheme: client }),
      ...(server !== undefined && { peerSignatureScheme: server }),
    };
  }

  #message(from: Side, message: HandshakeMessage): void {
    switch (message.type) {
      case 'client_hello':
        // The first one offers early data, and a renegotiation's comes after all that is told of here.
        this.#hello ??= message;
        this.serverName ??= message.extensions.server_name?.slice(0, 255);
        return;
      case 'hello_retry_request':
        this.#retried = true;
        return;
      case 'legacy_server_hello':
      case 'server_hello':
        this.#answer ??= message;
        if (message.type === 'legacy_server_hello')
          this.#alpn ??= message.extensions.application_layer_protocol_negotiation;
        return;
      case 'encrypted_extensions':
        this.#alpn ??= message.extensions.application_layer_protocol_negotiation;
        this.#earlyAccepted ||= message.extensions.early_data === true;
        return;
      case 'server_key_exchange':
        this.#curve ??= curveOf(message.body);
        this.#schemes.server ??= this.#answer?.legacyVersion === 0x0303 ? signedWith(message.body) : undefined;
        return;
      case 'certificate':
      case 'certificate_12':
        this.#certificates++;
        if (from === 'server')
          this.peer ??= { chain: message.chain.slice(0, 100).map(toBase64), verified: false, paths: [] };
        return;
      case 'certificate_verify':
      case 'certificate_verify_12':
        if (message.algorithm !== undefined) this.#schemes[from] ??= schemeName(message.algorithm);
        return;
      case 'finished':
        this.#finished.add(from);
        return;
      default:
    }
  }

  #alert({ from, alert, level }: Extract<Observed, { readonly type: 'alert' }>): void {
    const ends =
      alert !== 'close_notify' && alert !== 'user_canceled' && (level === 2 || this.#answer?.type === 'server_hello');
    if (!ends || this.error !== undefined) return;
    this.error = {
      code: 'peer_alert',
      message: `the ${from} sent the alert ${alert}${this.#established ? '' : ' during the handshake'}`,
      origin: from === 'server' ? 'peer' : 'local',
      alert,
      phase: this.#established ? 'connected' : 'handshake',
    };
  }
}

/** What a ServerKeyExchange of a named curve is signed with (RFC 8422 §5.4): it stands behind the point. */
function signedWith(body: Uint8Array): string | undefined {
  const [form, , , length = 0] = body;
  const [high, low] = body.subarray(4 + length);
  return form !== 3 || high === undefined || low === undefined ? undefined : schemeName((high << 8) | low);
}

function portOf(text: string): string {
  return text.slice(text.lastIndexOf(':') + 1);
}

/** A date that a file made up may be none. */
function isoOf(ms: number): string {
  const date = new Date(Math.min(Math.max(0, ms), 253_402_300_799_999));
  return date.toISOString();
}
