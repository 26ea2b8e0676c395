/**
 * `puppet.ts` for TLS 1.2: the right handshake of RFC 5246 §7.3 (ECDHE over x25519, ECDSA certificates on P-256,
 * AES-128-GCM), step by step, any step of which can be changed, left out, doubled or moved. It is written with the engine's
 * codecs, PRF and record protection, and without its flows.
 *
 * @module
 */

import { type Bytes, concat, type EphemeralKey, equalBytes } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { type Credential, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, type Tls12CipherSuite } from '../../src/index.ts';
import { writeCertificateStatus } from '../../src/messages/certificate-status.ts';
import { type ClientHello, type ClientHelloFields, writeClientHello } from '../../src/messages/client-hello.ts';
import type { ServerHello12Extensions } from '../../src/messages/extensions.ts';
import { writeFinished } from '../../src/messages/finished.ts';
import type { MessageTable } from '../../src/messages/handshake.ts';
import { writeClientKeyExchange, writeServerKeyExchange } from '../../src/messages/key-exchange.ts';
import {
  writeCertificate12,
  writeCertificateRequest12,
  writeCertificateVerify12,
  writeDigitallySigned,
  writeNewSessionTicket12,
  writeServerHelloDone,
} from '../../src/messages/messages12.ts';
import { type LegacyServerHello, writeServerHello12 } from '../../src/messages/server-hello.ts';
import type { Protection } from '../../src/record/protection.ts';
import { contentType, TLS12 } from '../../src/registry.ts';
import { messages12 } from '../../src/tls12/messages.ts';
import { type KeySchedule12, prf12, scheduleOf } from '../../src/tls12/prf.ts';
import { Transcript12 } from '../../src/tls12/transcript.ts';
import { clientCredential, serverCredential } from './identities.ts';
import type { Side } from './pair.ts';
import { type Opened, ScriptedPeer, type Step, stepOf } from './scripted.ts';
import { opaque8, record, u16 } from './wire.ts';

const provider = nodeProvider;
const x25519Id = 0x001d;
const secp256r1Id = 0x0017;
const ecdsaSha256 = 0x0403;
const ecdsaSign = 64;
const namedCurve = 3;
const nothing: Bytes = new Uint8Array(0);

/** Parameters of ServerKeyExchange (RFC 8422 §5.4): a curve by its number, and a point. */
export function ecdhParams(point: Uint8Array, group: number = x25519Id, curveType: number = namedCurve): Bytes {
  return concat(Uint8Array.of(curveType), u16(group), opaque8(point));
}

/** Both roles' keys, records and transcript. */
export abstract class Puppet12 extends ScriptedPeer {
  readonly suite: Tls12CipherSuite = TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
  readonly schedule: KeySchedule12 = scheduleOf(prf12(provider, this.suite.hash));
  readonly transcript: Transcript12 = new Transcript12();
  readonly key: EphemeralKey = x25519Key();
  clientRandom: Bytes = nothing;
  serverRandom: Bytes = nothing;
  extendedMasterSecret = true;
  master: Bytes | undefined;
  protected override readonly table: MessageTable = messages12;
  protected readonly role: 'client' | 'server';
  #write: Protection | undefined;
  #read: Protection | undefined;
  #pendingWrite: Protection | undefined;
  #pendingRead: Protection | undefined;

  constructor(side: Side, role: 'client' | 'server') {
    super(side);
    this.role = role;
    this.transcript.hashBy([provider.createHash(this.suite.hash)]);
  }

  override seal(type: number, content: Uint8Array): Bytes {
    if (this.#write === undefined) return record(type, content);
    const sealed = this.#write.protect(type, content, 0);
    if (!(sealed instanceof Uint8Array)) throw new TypeError('an asynchronous AEAD');
    return sealed;
  }

  protected override open(header: Uint8Array, payload: Uint8Array): Opened | undefined {
    const type = header[0] as number;
    if (this.#read !== undefined) {
      const opened = this.#read.unprotect({ type, header, payload });
      if (opened === undefined || opened instanceof Promise) throw new TypeError('a record of the side does not open');
      return { type, content: opened.bytes };
    }
    if (type === contentType.change_cipher_spec) {
      if (this.#pendingRead === undefined) return undefined;
      this.#read = this.#pendingRead;
    }
    return { type, content: payload };
  }

  /** A handshake message into the transcript and onto the wire, as one record. */
  async send(message: Bytes): Promise<void> {
    this.transcript.add(message);
    await this.give(this.seal(contentType.handshake, message));
  }

  /** A step that is a message. */
  protected async step(change: Step | undefined, right: Bytes): Promise<void> {
    for (const message of await stepOf(change, right)) await this.send(message);
  }

  /** ChangeCipherSpec, and from then on the new keys; where it is left out, the old ones stay. */
  protected async changeCipherSpec(change: Step | undefined): Promise<void> {
    for (const content of await stepOf(change, Uint8Array.of(1))) {
      await this.give(this.seal(contentType.change_cipher_spec, content));
      this.changeWriteKey();
    }
  }

  changeWriteKey(): void {
    this.#write = this.#pendingWrite ?? this.#write;
  }

  /** Derives everything from the peer's point; the transcript goes up to ClientKeyExchange. */
  agree(point: Uint8Array): void {
    const premaster = this.key.agree(point);
    if (premaster instanceof Promise) throw new TypeError('x25519 is asynchronous');
    this.setPremaster(premaster);
  }

  setPremaster(premaster: Uint8Array): void {
    const { schedule, clientRandom, serverRandom, transcript } = this;
    this.setMaster(
      this.extendedMasterSecret
        ? schedule.extendedMasterSecret(premaster, transcript.hash())
        : schedule.masterSecret(premaster, clientRandom, serverRandom),
    );
  }

  /** Keys of this connection from a master secret: its own, or that of a session. */
  setMaster(master: Uint8Array): void {
    const { schedule, suite, clientRandom, serverRandom } = this;
    this.master = Uint8Array.from(master);
    const { keyLength, ivLength } = suite.cipher;
    const block = schedule.keyBlock(this.master, clientRandom, serverRandom, 2 * (keyLength + ivLength));
    const directionOf = (index: 0 | 1): Protection => {
      const ivAt = 2 * keyLength + index * ivLength;
      const keys = {
        macKey: nothing,
        key: block.subarray(index * keyLength, (index + 1) * keyLength),
        iv: block.subarray(ivAt, ivAt + ivLength),
      };
      return suite.cipher.protection(provider, keys, { version: TLS12, encryptThenMac: false });
    };
    const [client, server] = [directionOf(0), directionOf(1)];
    this.#pendingWrite = this.role === 'client' ? client : server;
    this.#pendingRead = this.role === 'client' ? server : client;
  }

  finished(from: 'client' | 'server'): Bytes {
    if (this.master === undefined) throw new TypeError('no secret yet');
    return writeFinished(this.schedule.finished(this.master, from, this.transcript));
  }
}

function x25519Key(): EphemeralKey {
  const key = provider.groups.x25519?.generate();
  if (key === undefined || key instanceof Promise) throw new TypeError('x25519 is asynchronous');
  return key;
}

function signature({ signer }: Credential, content: Uint8Array): Uint8Array {
  const made = signer.sign('ecdsa-sha256', content);
  if (made instanceof Promise) throw new TypeError('an asynchronous signer');
  return made;
}

export type ServerStep12 =
  | 'server_hello'
  | 'certificate'
  | 'certificate_status'
  | 'server_key_exchange'
  | 'certificate_request'
  | 'server_hello_done'
  | 'new_session_ticket'
  | 'change_cipher_spec'
  | 'finished';

export type ServerChanges12 = Partial<Record<ServerStep12, Step>>;

export interface ServerFlight12 {
  /** What ServerHello says beside renegotiation_info and extended_master_secret. */
  readonly extensions?: ServerHello12Extensions;
  /** An OCSP response (DER): announced in ServerHello, and sent. */
  readonly staple?: Uint8Array;
  readonly requestCertificate?: boolean;
  /** A ticket: announced in ServerHello, and sent by `finish`. */
  readonly ticket?: Uint8Array;
  /** Seconds, of the ticket. Default: 7,200. */
  readonly lifetimeHint?: number;
  /** What ServerHello calls the session. Default: nothing; where a session goes on, what the client called it. */
  readonly sessionId?: Uint8Array;
}

export class PuppetServer12 extends Puppet12 {
  hello: ClientHello | undefined;
  readonly credential: Credential = serverCredential;
  #ticket: Uint8Array | undefined;
  #lifetimeHint = 7200;

  constructor(side: Side) {
    super(side, 'server');
  }

  /** Reads the client's hello. */
  async readHello(): Promise<ClientHello> {
    await this.receive();
    this.hello = this.next('client_hello');
    this.clientRandom = this.hello.random;
    this.transcript.add(this.hello.raw);
    return this.hello;
  }

  /** The server's first flight, with `changes` made to its steps. */
  async flight(changes: ServerChanges12 = {}, options: ServerFlight12 = {}): Promise<void> {
    const { staple, requestCertificate } = options;
    await this.#sendHello(changes.server_hello, options.sessionId ?? nothing, options);
    await this.step(changes.certificate, writeCertificate12(this.credential.chain.map(({ raw }) => raw)));
    if (staple !== undefined || changes.certificate_status) {
      await this.step(changes.certificate_status, writeCertificateStatus(staple ?? Uint8Array.of(0x30, 0)));
    }
    await this.step(changes.server_key_exchange, this.serverKeyExchange(ecdhParams(this.key.share)));
    if (requestCertificate || changes.certificate_request) {
      const request = writeCertificateRequest12({
        certificateTypes: [ecdsaSign],
        signatureAlgorithms: [ecdsaSha256],
        certificateAuthorities: [],
      });
      await this.step(changes.certificate_request, request);
    }
    await this.step(changes.server_hello_done, writeServerHelloDone());
  }

  async #sendHello(
    change: Step | undefined,
    legacySessionIdEcho: Uint8Array,
    { staple, ticket, lifetimeHint = 7200, extensions: more }: ServerFlight12,
  ): Promise<void> {
    this.#ticket = ticket;
    this.#lifetimeHint = lifetimeHint;
    if (this.hello === undefined) await this.readHello();
    this.serverRandom = provider.random(32);
    const extensions: ServerHello12Extensions = {
      renegotiation_info: nothing,
      extended_master_secret: true,
      ...(staple && { status_request: true }),
      ...(ticket && { session_ticket: true }),
      ...more,
    };
    this.extendedMasterSecret = extensions.extended_master_secret === true;
    const { serverRandom: random, suite } = this;
    const fields = { version: TLS12, random, legacySessionIdEcho, cipherSuite: suite.id, extensions };
    await this.step(change, writeServerHello12(fields));
  }

  async #sendTicket(change: Step | undefined): Promise<void> {
    if (this.#ticket === undefined && change === undefined) return;
    await this.step(change, writeNewSessionTicket12(this.#lifetimeHint, this.#ticket ?? nothing));
  }

  /** The abbreviated handshake of a session of this master secret, with `changes`; both sides are connected after it. */
  async resume(master: Uint8Array, changes: ServerChanges12 = {}, options: ServerFlight12 = {}): Promise<void> {
    const { legacySessionId } = this.hello ?? (await this.readHello());
    await this.#sendHello(changes.server_hello, options.sessionId ?? legacySessionId, options);
    this.setMaster(master);
    await this.#sendTicket(changes.new_session_ticket);
    await this.changeCipherSpec(changes.change_cipher_spec);
    await this.step(changes.finished, this.finished('server'));
    await this.receive();
  }

  /** A ServerKeyExchange with these parameters, signed. */
  serverKeyExchange(params: Uint8Array, scheme: number = ecdsaSha256): Bytes {
    const content = concat(this.clientRandom, this.serverRandom, params);
    return writeServerKeyExchange(params, writeDigitallySigned(scheme, signature(this.credential, content)));
  }

  /** Reads the client's flight up to its ClientKeyExchange, and derives the keys. */
  async readKeyExchange(): Promise<void> {
    await this.receive();
    if (this.messages[0]?.type === 'certificate_12') this.transcript.add(this.next('certificate_12').raw);
    const exchange = this.next('client_key_exchange');
    this.transcript.add(exchange.raw);
    this.agree(exchange.body.subarray(1));
  }

  /** Reads the client's flight and ends the handshake, with `changes`; after it both sides are connected. */
  async finish(changes: ServerChanges12 = {}): Promise<void> {
    await this.readKeyExchange();
    await this.receive();
    if (this.messages[0]?.type === 'certificate_verify_12') this.transcript.add(this.next('certificate_verify_12').raw);
    this.transcript.add(this.next('finished').raw);
    await this.#sendTicket(changes.new_session_ticket);
    await this.changeCipherSpec(changes.change_cipher_spec);
    await this.step(changes.finished, this.finished('server'));
    await this.receive();
  }
}

export type ClientStep12 =
  | 'certificate'
  | 'client_key_exchange'
  | 'certificate_verify'
  | 'change_cipher_spec'
  | 'finished';

export type ClientChanges12 = Partial<Record<ClientStep12, Step>>;

export class PuppetClient12 extends Puppet12 {
  readonly credential: Credential = clientCredential;
  /** The server's hello and, where one came, its ticket. */
  serverHello: LegacyServerHello | undefined;
  ticket: Bytes | undefined;
  #serverShare: Bytes = nothing;

  constructor(side: Side) {
    super(side, 'client');
  }

  /** A right hello's fields, with `changes`. */
  helloFields(changes: Partial<ClientHelloFields> = {}): ClientHelloFields {
    return {
      random: provider.random(32),
      legacySessionId: nothing,
      cipherSuites: [this.suite.id],
      ...changes,
      extensions: {
        server_name: 'localhost',
        // The second for certificates (RFC 8422 §5.1).
        supported_groups: [x25519Id, secp256r1Id],
        ec_point_formats: [0],
        signature_algorithms: [ecdsaSha256],
        extended_master_secret: true,
        renegotiation_info: nothing,
        ...changes.extensions,
      },
    };
  }

  async sendHello(changes: Partial<ClientHelloFields> = {}): Promise<Bytes> {
    const fields = this.helloFields(changes);
    this.clientRandom = Uint8Array.from(fields.random);
    const hello = writeClientHello(fields);
    await this.send(hello);
    return hello;
  }

  /** Reads the server's flight up to its ServerHelloDone. */
  async readFlight(): Promise<void> {
    await this.receive();
    this.#takeHello();
    for (const message of this.messages) {
      this.transcript.add(message.raw);
      if (message.type === 'server_key_exchange') this.#serverShare = message.body.slice(4, 4 + 32);
    }
  }

  #takeHello(): void {
    const hello = this.next('legacy_server_hello');
    this.serverHello = hello;
    this.serverRandom = hello.random;
    this.extendedMasterSecret = hello.extensions.extended_master_secret === true;
    this.transcript.add(hello.raw);
  }

  #takeTicket(): void {
    if (this.messages[0]?.type !== 'new_session_ticket_12') return;
    const { raw, ticket } = this.next('new_session_ticket_12');
    this.transcript.add(raw);
    this.ticket = ticket;
  }

  /** After a hello that named a session of this master secret: reads the server's flight, and sends ours, with `changes`. */
  async resume(
    master: Uint8Array,
    changes: Pick<ClientChanges12, 'change_cipher_spec' | 'finished'> = {},
  ): Promise<void> {
    await this.receive();
    this.#takeHello();
    this.#takeTicket();
    this.setMaster(master);
    await this.receive();
    const right = this.finished('server');
    const theirs = this.next('finished').raw;
    if (!equalBytes(theirs, right)) throw new TypeError('the server saw another handshake');
    this.transcript.add(theirs);
    await this.changeCipherSpec(changes.change_cipher_spec);
    await this.step(changes.finished, this.finished('client'));
    await this.receive();
  }

  /** The client's flight, with `changes`; a certificate where `authenticate` says so. */
  async flight(changes: ClientChanges12 = {}, { authenticate = false } = {}): Promise<void> {
    if (authenticate || changes.certificate) {
      await this.step(changes.certificate, writeCertificate12(this.credential.chain.map(({ raw }) => raw)));
    }
    await this.step(changes.client_key_exchange, writeClientKeyExchange(opaque8(this.key.share)));
    this.agree(this.#serverShare);
    if (authenticate || changes.certificate_verify) {
      await this.step(changes.certificate_verify, this.certificateVerify());
    }
    await this.changeCipherSpec(changes.change_cipher_spec);
    await this.step(changes.finished, this.finished('client'));
  }

  certificateVerify(credential: Credential = this.credential, scheme: number = ecdsaSha256): Bytes {
    return writeCertificateVerify12(writeDigitallySigned(scheme, signature(credential, this.transcript.bytes())));
  }

  /** Reads the server's end of the handshake; after it both sides are connected. */
  async finish(): Promise<void> {
    await this.receive();
    this.#takeTicket();
    this.transcript.add(this.next('finished').raw);
  }
}
