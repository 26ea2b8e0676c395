/**
 * A peer that does what a test tells it: the right handshake, step by step, any step of which can be changed, left out,
 * doubled or moved. It is written against RFC 9846 with the engine's codecs and key schedule, and without its flows.
 *
 * @module
 */

import { type Bytes, concat, type EphemeralKey } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import type { Credential } from '../../src/index.ts';
import { writeCertificate } from '../../src/messages/certificate.ts';
import { writeCertificateRequest } from '../../src/messages/certificate-request.ts';
import { signedContent, writeCertificateVerify } from '../../src/messages/certificate-verify.ts';
import { type ClientHello, type ClientHelloFields, writeClientHello } from '../../src/messages/client-hello.ts';
import { writeEncryptedExtensions } from '../../src/messages/encrypted-extensions.ts';
import { writeFinished } from '../../src/messages/finished.ts';
import type { MessageTable } from '../../src/messages/handshake.ts';
import { writeServerHello } from '../../src/messages/server-hello.ts';
import { RecordProtection } from '../../src/record/protection13.ts';
import { contentType, TLS_AES_128_GCM_SHA256, TLS13, type Tls13CipherSuite } from '../../src/registry.ts';
import { EarlySecret, type HandshakeSecret, Kdf, type TrafficSecrets } from '../../src/tls13/key-schedule.ts';
import { messages13 } from '../../src/tls13/messages.ts';
import { Transcript } from '../../src/tls13/transcript.ts';
import { clientCredential, serverCredential } from './identities.ts';
import type { Side } from './pair.ts';
import { type Opened, ScriptedPeer, type Step, stepOf } from './scripted.ts';
import { record } from './wire.ts';

const x25519Id = 0x001d;
const provider = nodeProvider;

/** Both roles' keys, records and transcript. */
class Puppet extends ScriptedPeer {
  readonly suite: Tls13CipherSuite;
  readonly kdf: Kdf;
  readonly transcript: Transcript;
  traffic: TrafficSecrets | undefined;
  handshakeSecret: HandshakeSecret | undefined;
  application: TrafficSecrets | undefined;
  protected override readonly table: MessageTable = messages13;
  #write: RecordProtection | undefined;
  #read: RecordProtection | undefined;

  constructor(side: Side, suite: Tls13CipherSuite = TLS_AES_128_GCM_SHA256) {
    super(side);
    this.suite = suite;
    this.kdf = new Kdf(provider, suite);
    this.transcript = new Transcript(provider, suite.hash);
  }

  setWrite(secret: Uint8Array): void {
    this.#write = new RecordProtection(provider, this.suite, this.kdf.trafficKey(secret));
  }

  setRead(secret: Uint8Array, suite: Tls13CipherSuite = this.suite): void {
    this.#read = new RecordProtection(provider, suite, new Kdf(provider, suite).trafficKey(secret));
  }

  override seal(type: number, content: Uint8Array, padding = 0): Bytes {
    if (this.#write === undefined) return record(type, content);
    return this.sealInner(concat(content, Uint8Array.of(type), new Uint8Array(padding)));
  }

  /** A record around any inner plaintext. */
  sealInner(inner: Uint8Array): Bytes {
    const sealed = this.#write?.seal(inner);
    if (!(sealed instanceof Uint8Array)) throw new TypeError('no key, or an asynchronous one');
    return sealed;
  }

  /** A handshake message into the transcript and onto the wire, as one record. */
  async send(message: Bytes): Promise<void> {
    this.transcript.add(message);
    await this.give(this.seal(contentType.handshake, message));
  }

  protected override open(header: Uint8Array, payload: Uint8Array): Opened | undefined {
    if (header[0] !== contentType.application_data) return { type: header[0] as number, content: payload };
    const inner = this.#read?.open(header, payload);
    if (!(inner instanceof Uint8Array)) return undefined;
    const end = inner.findLastIndex((byte) => byte !== 0);
    return { type: inner[end] as number, content: inner.subarray(0, end) };
  }

  agree(secret: Uint8Array): void {
    this.handshakeSecret = new EarlySecret(this.kdf).handshakeSecret(secret);
    this.traffic = this.handshakeSecret.trafficSecrets(this.transcript.hash());
  }

  finishedHash(): void {
    const main = this.handshakeSecret?.mainSecret();
    this.application = main?.trafficSecrets(this.transcript.hash());
  }

  certificateVerify(role: 'client' | 'server', credential: Credential, scheme = 0x0403): Bytes {
    const signature = credential.signer.sign('ecdsa-sha256', signedContent(role, this.transcript.hash()));
    if (!(signature instanceof Uint8Array)) throw new TypeError('an asynchronous signer');
    return writeCertificateVerify(scheme, signature);
  }

  finished(secret: Uint8Array | undefined): Bytes {
    if (secret === undefined) throw new TypeError('no secret yet');
    return writeFinished(this.kdf.finished(secret, this.transcript.hash()));
  }
}

export type ServerStep =
  | 'server_hello'
  | 'encrypted_extensions'
  | 'certificate_request'
  | 'certificate'
  | 'certificate_verify'
  | 'finished';

export class PuppetServer extends Puppet {
  hello: ClientHello | undefined;
  readonly credential: Credential = serverCredential;

  /** Reads the client's hello. */
  async readHello(): Promise<ClientHello> {
    await this.receive();
    this.hello = this.next('client_hello');
    this.transcript.add(this.hello.raw);
    return this.hello;
  }

  /**
   * The server's flight, with `changes` made to its steps; `requestCertificate` puts a request in, `keepsReading` is of who
   * took early data: its key goes on.
   */
  async flight(
    changes: Partial<Record<ServerStep, Step>> = {},
    { requestCertificate = false, keepsReading = false } = {},
  ): Promise<void> {
    const hello = this.hello ?? (await this.readHello());
    const share =
      hello.extensions.key_share?.find(({ group }) => group === x25519Id)?.keyExchange ?? new Uint8Array(32);
    const answer = provider.groups.x25519?.encapsulate(share);
    if (answer === undefined || answer instanceof Promise) throw new TypeError('x25519 is asynchronous');
    const step = async (name: ServerStep, right: Bytes): Promise<void> => {
      for (const message of await stepOf(changes[name], right)) await this.send(message);
    };
    await step(
      'server_hello',
      writeServerHello({
        random: provider.random(32),
        legacySessionIdEcho: hello.legacySessionId,
        cipherSuite: this.suite.id,
        extensions: { key_share: { group: x25519Id, keyExchange: answer.share }, supported_versions: TLS13 },
      }),
    );
    this.agree(answer.secret);
    if (this.traffic === undefined) return;
    this.setWrite(this.traffic.server);
    if (!keepsReading) this.setRead(this.traffic.client);
    await step('encrypted_extensions', writeEncryptedExtensions({}));
    if (requestCertificate || changes.certificate_request) {
      const request = writeCertificateRequest(new Uint8Array(0), { signature_algorithms: [0x0403] });
      await step('certificate_request', request);
    }
    await step(
      'certificate',
      writeCertificate(
        new Uint8Array(0),
        this.credential.chain.map(({ raw }) => raw),
      ),
    );
    await step('certificate_verify', this.certificateVerify('server', this.credential));
    await step('finished', this.finished(this.traffic.server));
    this.finishedHash();
    if (this.application) this.setWrite(this.application.server);
  }

  /** The client's flight; after it both sides are connected. */
  async finish(): Promise<void> {
    await this.receive();
    if (this.application) this.setRead(this.application.client);
    await this.receive();
  }
}

export type ClientStep = 'certificate' | 'certificate_verify' | 'finished';

export class PuppetClient extends Puppet {
  readonly credential: Credential = clientCredential;
  #key: EphemeralKey | undefined;
  #groupOfShare = 0;

  /** A right hello's fields, with `changes`; a share of x25519. */
  helloFields(changes: Partial<ClientHelloFields> = {}): ClientHelloFields {
    const key = provider.groups.x25519?.generate();
    if (key === undefined || key instanceof Promise) throw new TypeError('x25519 is asynchronous');
    this.#key = key;
    this.#groupOfShare = x25519Id;
    return {
      random: provider.random(32),
      legacySessionId: provider.random(32),
      cipherSuites: [this.suite.id],
      ...changes,
      extensions: {
        server_name: 'localhost',
        supported_versions: [TLS13],
        supported_groups: [this.#groupOfShare],
        signature_algorithms: [0x0403],
        key_share: [{ group: this.#groupOfShare, keyExchange: key.share }],
        ...changes.extensions,
      },
    };
  }

  async sendHello(changes: Partial<ClientHelloFields> = {}): Promise<Bytes> {
    const hello = writeClientHello(this.helloFields(changes));
    await this.send(hello);
    return hello;
  }

  /** Reads the server's flight up to its Finished; `keepsWriting`: early data goes on. */
  async readFlight({ keepsWriting = false } = {}): Promise<void> {
    await this.receive();
    const hello = this.next('server_hello');
    this.transcript.add(hello.raw);
    const secret = this.#key?.agree(hello.extensions.key_share?.keyExchange ?? new Uint8Array(0));
    if (!(secret instanceof Uint8Array)) throw new TypeError('x25519 is asynchronous');
    this.agree(secret);
    if (this.traffic === undefined) return;
    this.setRead(this.traffic.server);
    if (!keepsWriting) this.setWrite(this.traffic.client);
    await this.receive();
    for (const message of this.messages) this.transcript.add(message.raw);
    this.finishedHash();
    if (this.application) this.setRead(this.application.server);
    await this.receive();
  }

  /** The client's flight, with `changes`; a certificate where `authenticate` says so. */
  async flight(changes: Partial<Record<ClientStep, Step>> = {}, { authenticate = false } = {}): Promise<void> {
    const step = async (name: ClientStep, right: Bytes): Promise<void> => {
      for (const message of await stepOf(changes[name], right)) await this.send(message);
    };
    if (authenticate) {
      await step(
        'certificate',
        writeCertificate(
          new Uint8Array(0),
          this.credential.chain.map(({ raw }) => raw),
        ),
      );
      await step('certificate_verify', this.certificateVerify('client', this.credential));
    }
    await step('finished', this.finished(this.traffic?.client));
    if (this.application) this.setWrite(this.application.client);
  }
}

export { type Refusal, refusal } from './scripted.ts';
