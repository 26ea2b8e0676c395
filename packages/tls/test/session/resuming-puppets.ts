/**
 * Puppets that go on with a session: a server and a client, what each holds of it, and early data of both.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { type Bytes, concat } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import type { Session } from '../../src/index.ts';
import { type ClientHelloFields, writeClientHello } from '../../src/messages/client-hello.ts';
import { writeEndOfEarlyData } from '../../src/messages/end-of-early-data.ts';
import { writeServerHello } from '../../src/messages/server-hello.ts';
import { TLS13, type Tls13CipherSuite } from '../../src/registry.ts';
import type { SessionState } from '../../src/session/state.ts';
import { EarlySecret, Kdf } from '../../src/tls13/key-schedule.ts';
import { Transcript } from '../../src/tls13/transcript.ts';
import { now, serverCredential } from '../support/identities.ts';
import { PuppetClient, PuppetServer, type ServerStep } from '../support/puppet.ts';
import type { Step } from '../support/scripted.ts';
import { opaque16, u16 } from '../support/wire.ts';

const none: Bytes = new Uint8Array(0);
const share = { group: 0x001d, keyExchange: new Uint8Array(32).fill(9) };
const leaf = serverCredential.chain[0]?.raw ?? none;
/** The key of that session. */
export const psk = (): Bytes => new Uint8Array(32).fill(0x5a);
const leaveOut: Step = () => [];

/** A session that a client has kept of the puppet's. */
export const sessionOf = (change: Partial<Session> = {}): Session => ({
  ...{ version: TLS13, cipherSuite: 0x1301, secret: psk(), ticket: Buffer.from('a ticket'), sessionId: none },
  ...{
    received: now.getTime() - 1000,
    lifetimeMs: 60_000,
    authenticated: now.getTime() - 1000,
    ticketAgeAdd: 5,
    maxEarlyData: 0,
  },
  ...{ alpnProtocol: undefined, serverName: 'localhost', verifyName: 'localhost' },
  proof: { chain: [leaf], ocspResponse: undefined, signedCertificateTimestamps: undefined },
  ...{ ownLeaf: undefined, askedForCertificate: false, extendedMasterSecret: true },
  ...change,
});

/** What the server under test finds in a ticket. */
export const state: SessionState = {
  ...{
    version: TLS13,
    cipherSuite: 0x1301,
    secret: psk(),
    lifetime: 7200,
    ageAdd: 0,
    maxEarlyData: 0,
    extendedMasterSecret: true,
  },
  ...{ issued: now.getTime(), authenticated: now.getTime(), serverName: 'localhost', alpnProtocol: undefined },
  serverLeaf: nodeProvider.digest('sha256', leaf),
  ...{ askedForCertificate: false, client: undefined },
};

/** A puppet that goes on with a session, once it is told the key. */
export class ResumingServer extends PuppetServer {
  psk: Bytes | undefined;

  override agree(secret: Uint8Array): void {
    this.handshakeSecret = new EarlySecret(this.kdf, this.psk).handshakeSecret(secret);
    this.traffic = this.handshakeSecret.trafficSecrets(this.transcript.hash());
  }

  /** ServerHello with these extensions over the right ones. */
  serverHello(extensions: object, cipherSuite: number = this.suite.id): Bytes {
    return writeServerHello({
      ...{ random: new Uint8Array(32).fill(3), legacySessionIdEcho: this.hello?.legacySessionId ?? none, cipherSuite },
      extensions: { key_share: share, supported_versions: TLS13, ...extensions },
    });
  }

  /** The flight of a resumption, with `changes`. */
  async resume(
    changes: Partial<Record<ServerStep, Step>> = {},
    options?: { readonly keepsReading?: boolean },
  ): Promise<void> {
    const hello = this.hello ?? (await this.readHello());
    assert.equal(hello.extensions.pre_shared_key?.identities.length, 1);
    this.psk = psk();
    await this.flight(
      {
        server_hello: (right) => selecting(right, 0),
        certificate: leaveOut,
        certificate_verify: leaveOut,
        ...changes,
      },
      options,
    );
  }

  /** Reads what the client has sent early, of a session of this suite. */
  async readEarlyData(suite: Tls13CipherSuite = this.suite): Promise<string> {
    const hello = this.hello ?? (await this.readHello());
    const transcript = new Transcript(nodeProvider, suite.hash).add(hello.raw);
    this.setRead(new EarlySecret(new Kdf(nodeProvider, suite), psk()).trafficSecret(transcript.hash()), suite);
    await this.receive();
    return Buffer.concat(this.data.splice(0)).toString();
  }

  /** Reads EndOfEarlyData, and what follows it. */
  async finishEarlyData(): Promise<void> {
    await this.receive();
    this.transcript.add(this.next('end_of_early_data').raw);
    if (this.traffic) this.setRead(this.traffic.client);
    await this.finish();
  }
}

/** A ServerHello with pre_shared_key put at its end. */
export function selecting(hello: Bytes, index: number): Bytes {
  // Type and length, version, random, an echo of 32 bytes, suite, compression: then the extensions' length.
  const at = 4 + 2 + 32 + 33 + 2 + 1;
  const list = concat(hello.subarray(at + 2), u16(41), opaque16(u16(index)));
  const body = concat(hello.subarray(4, at), opaque16(list));
  return concat(Uint8Array.of(2, 0, body.length >> 8, body.length & 0xff), body);
}

export interface OfferedIdentity {
  readonly identity: Uint8Array;
  readonly key?: Bytes;
  /** In place of the right one. */
  readonly binder?: Uint8Array;
}

export class ResumingClient extends PuppetClient {
  psk: Bytes | undefined;

  override agree(secret: Uint8Array): void {
    this.handshakeSecret = new EarlySecret(this.kdf, this.psk).handshakeSecret(secret);
    this.traffic = this.handshakeSecret.trafficSecrets(this.transcript.hash());
  }

  /** Behind the hello, which has gone out. */
  beginEarlyData(): void {
    this.setWrite(new EarlySecret(this.kdf, psk()).trafficSecret(this.transcript.hash()));
  }

  /** EndOfEarlyData, or these in its place, after the server's flight was read. */
  async endEarlyData(...messages: readonly Bytes[]): Promise<void> {
    for (const message of messages.length > 0 ? messages : [writeEndOfEarlyData()]) await this.send(message);
    if (this.traffic) this.setWrite(this.traffic.client);
  }

  /** A hello that offers these, its binders made over `before` and itself. */
  offering(
    fields: ClientHelloFields,
    offered: readonly OfferedIdentity[],
    { modes = [1], before = new Transcript(nodeProvider, 'sha256') }: { modes?: number[]; before?: Transcript } = {},
  ): Bytes {
    const binders = offered.map(({ binder }) => binder ?? new Uint8Array(32));
    const hello = writeClientHello({
      ...fields,
      extensions: {
        ...fields.extensions,
        psk_key_exchange_modes: modes,
        pre_shared_key: {
          identities: offered.map(({ identity }) => ({ identity: Uint8Array.from(identity), obfuscatedTicketAge: 0 })),
          binders: binders.map((binder) => Uint8Array.from(binder)),
        },
      },
    });
    const length = 2 + binders.reduce((sum, binder) => sum + 1 + binder.length, 0);
    const hash = before.hashWith(hello.subarray(0, hello.length - length));
    let at = hello.length - length + 2;
    for (const { key = psk(), binder } of offered) {
      const early = this.kdf.extract(new Uint8Array(this.kdf.length), key);
      const binderKey = this.kdf.deriveSecret(early, 'res binder', this.kdf.emptyHash());
      const right = this.kdf.finished(binderKey, hash);
      if (binder === undefined) hello.set(right, at + 1);
      at += 1 + (binder ?? right).length;
    }
    return hello;
  }
}
