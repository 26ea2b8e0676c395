/**
 * The tables of states (`tls12/states.ts`) and the flows say the same: in each state every other message ends the connection,
 * every handshake walks along the tables, and no transition stands there that no handshake makes.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, type CryptoProvider, concat } from '@handfast/crypto';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { createWebLegacyProvider } from '@handfast/crypto/legacy/web';
import { nodeProvider } from '@handfast/crypto/node';
import { forcedAsync } from '@handfast/crypto/testing';
import { fullWebProvider } from '@handfast/crypto/web/full';
import {
  type CipherSuite,
  type Credential,
  memorySessionCache,
  namedGroups,
  type TraceEvent,
  ticketKeys,
  tls12,
} from '../../src/index.ts';
import { allLegacyCipherSuites, secureRenegotiation } from '../../src/legacy/index.ts';
import { messageTitle } from '../../src/messages/handshake.ts';
import { writeHelloRequest } from '../../src/messages/messages12.ts';
import { contentType, handshakeType } from '../../src/registry.ts';
import { messages12 } from '../../src/tls12/messages.ts';
import { clientStates12, serverStates12 } from '../../src/tls12/states.ts';
import { clientStates, serverStates } from '../../src/tls13/states.ts';
import { rewriting } from '../legacy/rewriting.ts';
import { assertRefused } from '../support/assert.ts';
import { clientCredential, makeCredential, now, pki, serverCredential } from '../support/identities.ts';
import {
  exchange,
  type Pair,
  type PairOptions,
  pair,
  providers,
  startClient,
  startServer,
  type Wire,
} from '../support/pair.ts';
import {
  type ClientStep12,
  PuppetClient12,
  PuppetServer12,
  type ServerFlight12,
  type ServerStep12,
} from '../support/puppet12.ts';
import { handshake, record } from '../support/wire.ts';
import { after, FirstClient, FirstServer, listening } from './second-handshake.ts';

type Table = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
type Role = 'client' | 'server';
type Client12 = keyof typeof clientStates12;
type Server12 = keyof typeof serverStates12;

const tables: Readonly<Record<Role, Table>> = { client: clientStates12, server: serverStates12 };
/** Hellos are waited for in the states of all versions together. */
const other: Readonly<Record<Role, Table>> = { client: clientStates, server: serverStates };
const groups = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
const renegotiation = secureRenegotiation({ most: 2 });
const staple = Uint8Array.of(0x30, 0);
const none: Bytes = new Uint8Array(0);

/** What a state takes by its table, over all versions where it is a hello's. */
function legalIn(role: Role, state: string): readonly string[] {
  const shared = state === 'WAIT_SH' ? Object.keys(other[role][state] ?? {}) : [];
  return [...new Set([...shared, ...Object.keys(tables[role][state] ?? assert.fail(state))])];
}

/** A message of every number that has a name, and of one that has none. */
const strays: readonly number[] = [...Object.values(handshakeType), 99];

/** Whether a message of that number may be one that the state takes. */
function isLegal(role: Role, state: string, number: number): boolean {
  const legal = legalIn(role, state);
  return messages12.get(number)?.types.some((type) => legal.includes(type)) === true;
}

/** The refusal names what the flow waited for: exactly what the table has for the state. */
function refusalOf(state: string, number: number): RegExp {
  return new RegExp(`^${messageTitle(number)} came in state ${state}, which takes ([a-z_0-9 ]+)$`);
}

function assertNames(role: Role, state: string, message: string | undefined): void {
  const [, list = ''] = / which takes (.*)$/.exec(message ?? '') ?? [];
  assert.deepEqual(list.split(' or ').sort(), [...legalIn(role, state)].sort());
}

interface ServerPlace {
  readonly step: ServerStep12 | 'connected';
  readonly flight?: ServerFlight12;
}

/** The step of a server's that comes to a client in each state. */
const serverPlaces: Readonly<Record<Exclude<Client12, 'WAIT_SH_AGAIN_12'>, ServerPlace>> = {
  WAIT_SH: { step: 'server_hello' },
  WAIT_CERT_12: { step: 'certificate' },
  WAIT_STATUS_12: { step: 'certificate_status', flight: { staple } },
  WAIT_SKE_12: { step: 'server_key_exchange' },
  WAIT_CR_12: { step: 'certificate_request', flight: { requestCertificate: true } },
  WAIT_SHD_12: { step: 'server_hello_done', flight: { requestCertificate: true } },
  WAIT_NST_12: { step: 'new_session_ticket', flight: { ticket: Uint8Array.of(1) } },
  WAIT_CCS_12: { step: 'change_cipher_spec' },
  WAIT_FINISHED_12: { step: 'finished' },
  CONNECTED_12: { step: 'connected' },
};

/** A session is neither offered nor kept in a renegotiation. */
const firstAlone: ReadonlySet<string> = new Set(['WAIT_SH', 'WAIT_NST_12']);

interface ClientPlace {
  readonly step: ClientStep12 | 'hello' | 'connected';
  readonly authenticate?: true;
}

const clientPlaces: Readonly<Record<Server12, ClientPlace>> = {
  START: { step: 'hello' },
  WAIT_CERT_12: { step: 'certificate', authenticate: true },
  WAIT_CKE_12: { step: 'client_key_exchange' },
  WAIT_CV_12: { step: 'certificate_verify', authenticate: true },
  WAIT_CCS_12: { step: 'change_cipher_spec' },
  WAIT_FINISHED_12: { step: 'finished' },
  CONNECTED_12: { step: 'connected' },
};

/** Does something in a state; a peer in the first handshake or the second has brought the side there. */
type Reach<P> = (state: string, act: (puppet: P) => Promise<void>) => Promise<P>;

for (const provider of providers) {
  /** In the first handshake. */
  const reachClient: Reach<PuppetServer12> = async (state, act) => {
    const puppet = new PuppetServer12(
      startClient({ provider, groups, versions: [tls12], renegotiation, sessions: memorySessionCache() }),
    );
    const { step, flight } = serverPlaces[state as keyof typeof serverPlaces];
    const there = async (): Promise<readonly Bytes[]> => {
      await act(puppet);
      return [];
    };
    const changes = step === 'connected' ? {} : { [step]: there };
    await puppet.flight(changes, flight);
    await puppet.receive();
    if (puppet.messages.some(({ type }) => type === 'client_key_exchange')) await puppet.finish(changes);
    if (step === 'connected') await act(puppet);
    return puppet;
  };

  /** In the second one. */
  const reachClientAgain: Reach<PuppetServer12> = async (state, act) => {
    const { trace, seen } = listening('client');
    const first = new FirstServer(startClient({ provider, groups, versions: [tls12], renegotiation, trace }));
    await first.flight();
    await first.finish();
    const { client, server } = seen();
    await first.give(first.seal(contentType.handshake, writeHelloRequest()));
    const puppet = after(first, PuppetServer12);
    const { step, flight } =
      state === 'WAIT_SH_AGAIN_12' ? serverPlaces.WAIT_SH : serverPlaces[state as keyof typeof serverPlaces];
    const there = async (): Promise<readonly Bytes[]> => {
      await act(puppet);
      return [];
    };
    const changes = step === 'connected' ? {} : { [step]: there };
    await puppet.flight(changes, { ...flight, extensions: { renegotiation_info: concat(client, server) } });
    await puppet.receive();
    if (puppet.messages.some(({ type }) => type === 'client_key_exchange')) await puppet.finish(changes);
    if (step === 'connected') await act(puppet);
    return puppet;
  };

  const serverOptions = (authenticate: boolean | undefined) => ({
    ...{ provider, groups, versions: [tls12], renegotiation },
    ...(authenticate && { clientCertificate: 'request' as const, trust: pki.trust }),
  });

  const reachFrom = async (
    puppet: PuppetClient12,
    hello: () => Promise<unknown>,
    state: string,
    act: (puppet: PuppetClient12) => Promise<void>,
  ): Promise<PuppetClient12> => {
    const { step, authenticate = false } = clientPlaces[state as Server12];
    if (step === 'hello') {
      await act(puppet);
      return puppet;
    }
    await hello();
    await puppet.readFlight();
    puppet.messages.length = 0;
    const there = async (): Promise<readonly Bytes[]> => {
      await act(puppet);
      return [];
    };
    await puppet.flight(step === 'connected' ? {} : { [step]: there }, { authenticate });
    if (step !== 'connected') return puppet;
    await puppet.finish();
    await act(puppet);
    return puppet;
  };

  const reachServer: Reach<PuppetClient12> = async (state, act) => {
    const { authenticate } = clientPlaces[state as Server12];
    const puppet = new PuppetClient12(startServer(serverOptions(authenticate)));
    return reachFrom(puppet, () => puppet.sendHello(), state, act);
  };

  const reachServerAgain: Reach<PuppetClient12> = async (state, act) => {
    const { authenticate } = clientPlaces[state as Server12];
    const { trace, seen } = listening('server');
    const first = new FirstClient(startServer({ ...serverOptions(authenticate), trace }));
    await first.sendHello();
    await first.readFlight();
    first.messages.length = 0;
    await first.flight({}, { authenticate: authenticate === true });
    await first.finish();
    const puppet = after(first, PuppetClient12);
    const extensions = { renegotiation_info: seen().client };
    return reachFrom(puppet, () => puppet.sendHello({ extensions }), state, act);
  };

  describe(`a state of TLS 1.2 takes its own messages alone, provider ${provider.name}`, () => {
    const cases = [
      ['client', 'first', Object.keys(serverPlaces), reachClient],
      ['client', 'second', Object.keys(clientStates12).filter((state) => !firstAlone.has(state)), reachClientAgain],
      ['server', 'first', Object.keys(serverStates12), reachServer],
      ['server', 'second', Object.keys(serverStates12).filter((state) => state !== 'START'), reachServerAgain],
    ] as const;

    for (const [role, which, states, reach] of cases) {
      for (const state of states) {
        it(`${role}, ${which} handshake: ${state}`, async () => {
          const illegal = strays.filter((number) => !isLegal(role, state, number));
          assert.ok(illegal.length > 10);
          // All of them by one provider in the first handshake; else a third, or two: that costs two handshakes each.
          const third = illegal.filter((_, index) => provider === nodeProvider || index % 3 === 0);
          const some = which === 'first' ? third : illegal.slice(-6, -4);
          for (const number of some) {
            let met: string | undefined;
            const puppet = await (reach as Reach<PuppetServer12 | PuppetClient12>)(state, async (there) => {
              await there.receive();
              met = there.side.connection.state;
              there.alerts.length = 0;
              await there.give(there.seal(contentType.handshake, handshake(number, none)));
            });
            assert.equal(met, state);
            await assertRefused(puppet, 'unexpected_message', refusalOf(state, number));
            assertNames(role, state, puppet.side.error?.message);
          }
        });
        // Before ServerHello a client drops one, as TLS 1.3 wants it, and refuses the ServerHello.
        if (legalIn(role, state).includes('change_cipher_spec') || state === 'WAIT_SH') continue;
        it(`${role}, ${which} handshake: ChangeCipherSpec in ${state}`, async () => {
          const puppet = await (reach as Reach<PuppetServer12 | PuppetClient12>)(state, async (there) => {
            there.alerts.length = 0;
            await there.give(there.seal(contentType.change_cipher_spec, Uint8Array.of(1)));
          });
          const inTheClear = which === 'first' && !['WAIT_FINISHED_12', 'CONNECTED_12'].includes(state);
          const pattern = inTheClear
            ? /^a ChangeCipherSpec came where none was due$/
            : /^a protected ChangeCipherSpec came$/;
          await assertRefused(puppet, 'unexpected_message', pattern);
        });
      }
    }
  });
}

/** Those of key exchanges that are out of use. */
const legacyProviders: readonly CryptoProvider[] = [
  nodeLegacyProvider,
  forcedAsync(nodeLegacyProvider),
  createWebLegacyProvider(fullWebProvider),
];

const rsaPair = await nodeProvider.generateKeyPair('rsa');
const rsaCertificate = await makeCredential({
  with: { publicKey: rsaPair.signer.publicKey, keyUsage: ['digitalSignature', 'keyEncipherment'] },
});

/** An RSA credential that decrypts by `provider`. */
async function decrypting(provider: CryptoProvider): Promise<Credential> {
  const legacyKey = await provider.legacy?.importPrivateKey(rsaPair.pkcs8);
  const signer = await provider.importPrivateKey(rsaPair.pkcs8);
  return { ...rsaCertificate, signer, ...(legacyKey && { legacyKey }) };
}

const stapled: Credential = { ...serverCredential, ocspResponse: () => staple };
const hello = writeHelloRequest();

/** Puts a HelloRequest in front of messages of the server's: nobody's transcript has it. */
function helloRequestsBefore(...types: readonly number[]): Wire {
  return rewriting((type, message, from) => (from === 'server' && types.includes(type) ? [hello, message] : undefined));
}

/** Puts one in front of the server's ChangeCipherSpec. */
const helloRequestBeforeSpec: Wire = (bytes, from) => {
  const [type] = bytes;
  if (from !== 'server' || type !== contentType.change_cipher_spec) return [bytes];
  return [record(contentType.handshake, hello), bytes];
};

/** A handshake, what is done after it, and what is done to bytes on their way. */
interface Walk {
  readonly options: PairOptions;
  /** A connection before it, which leaves a session. */
  readonly earlier?: PairOptions;
  readonly afterwards?: (both: Pair) => Promise<void>;
  readonly wire?: Wire;
  /** Whether somebody in between makes it fail. */
  readonly fails?: true;
}

function suiteNamed(name: string): CipherSuite {
  return allLegacyCipherSuites.find((suite) => suite.name === name) ?? assert.fail(name);
}

const preSharedKey = new Uint8Array(16).fill(7);

function walksOf(provider: CryptoProvider, rsa: Credential): Readonly<Record<string, Walk>> {
  const resuming = (after: number): PairOptions => ({
    client: { sessions: memorySessionCache() },
    server: { tickets: { keys: ticketKeys({ provider }) }, time: () => new Date(now.getTime() + after) },
  });
  const [at, late, once, twice, asked] = [resuming(0), resuming(4_000_000), resuming(0), resuming(0), resuming(0)];
  const mutual = { clientCertificate: 'require', trust: pki.trust } as const;
  const rsaSuite = { cipherSuites: [suiteNamed('TLS_RSA_WITH_AES_128_GCM_SHA256')] };
  const byKey = (name: string) => {
    const cipherSuites = [suiteNamed(name)];
    return {
      client: { cipherSuites, preSharedKey: () => ({ identity: Uint8Array.of(1), key: preSharedKey }) },
      server: { cipherSuites, preSharedKey: () => preSharedKey, credentials: [] },
    };
  };
  const anonymous = suiteNamed('TLS_ECDH_anon_WITH_AES_128_CBC_SHA');
  const nobody = { client: { cipherSuites: [anonymous] }, server: { cipherSuites: [anonymous], credentials: [] } };
  const again =
    (...roles: readonly Role[]) =>
    async (both: Pair): Promise<void> => {
      for (const role of roles) both[role].connection.renegotiate();
      await exchange(both);
    };
  const renegotiating = ({ client, server }: PairOptions = {}): PairOptions => ({
    client: { ...client, renegotiation },
    server: { ...server, renegotiation },
  });
  const withoutStatus = rewriting((type, _, from) =>
    from === 'server' && type === handshakeType.certificate_status ? [] : undefined,
  );
  const rsaStapled = { ...rsa, ocspResponse: () => staple };
  return {
    plain: { options: {} },
    'client certificate required': { options: { client: { credentials: [clientCredential] }, server: mutual } },
    'client certificate requested, none there': {
      options: { server: { ...mutual, clientCertificate: 'request' } },
    },
    'staple announced and sent': { options: { server: { credentials: [stapled] } } },
    'staple announced and sent, client certificate required': {
      options: { client: { credentials: [clientCredential] }, server: { ...mutual, credentials: [stapled] } },
    },
    'staple announced and absent': {
      ...{ options: { server: { credentials: [stapled] } }, wire: withoutStatus, fails: true },
    },
    'RSA key transport': { options: { client: rsaSuite, server: { ...rsaSuite, credentials: [rsa] } } },
    'RSA key transport, client certificate required': {
      options: {
        client: { ...rsaSuite, credentials: [clientCredential] },
        server: { ...rsaSuite, ...mutual, credentials: [rsa] },
      },
    },
    'RSA key transport, staple announced and sent': {
      options: { client: rsaSuite, server: { ...rsaSuite, credentials: [rsaStapled] } },
    },
    'RSA key transport, staple announced and absent': {
      options: { client: rsaSuite, server: { ...rsaSuite, credentials: [rsaStapled] } },
      ...{ wire: withoutStatus, fails: true },
    },
    'RSA key transport, staple announced and absent, client certificate required': {
      options: {
        client: { ...rsaSuite, credentials: [clientCredential] },
        server: { ...rsaSuite, ...mutual, credentials: [rsaStapled] },
      },
      ...{ wire: withoutStatus, fails: true },
    },
    'a pre-shared key alone': { options: byKey('TLS_PSK_WITH_AES_128_GCM_SHA256') },
    'a pre-shared key beside ECDHE': { options: byKey('TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256') },
    'a pre-shared key beside RSA': {
      options: {
        client: byKey('TLS_RSA_PSK_WITH_AES_128_GCM_SHA256').client,
        server: { ...byKey('TLS_RSA_PSK_WITH_AES_128_GCM_SHA256').server, credentials: [rsa] },
      },
    },
    anonymous: { options: nobody },
    'RSA key transport, a session kept': {
      options: {
        client: { ...rsaSuite, ...once.client },
        server: { ...rsaSuite, ...once.server, credentials: [rsa] },
      },
    },
    'RSA key transport, staple announced and absent, a session kept': {
      options: {
        client: { ...rsaSuite, ...twice.client },
        server: { ...rsaSuite, ...twice.server, credentials: [rsaStapled] },
      },
      ...{ wire: withoutStatus, fails: true },
    },
    'a session that goes on': { earlier: at, options: at },
    'a session that goes on, with another ticket': {
      earlier: { ...late, server: { ...late.server, time: () => now } },
      options: late,
    },
    'HelloRequests in front of every message': {
      options: {
        client: { credentials: [clientCredential], ...asked.client },
        server: { ...mutual, credentials: [stapled], ...asked.server },
      },
      wire: helloRequestsBefore(
        handshakeType.new_session_ticket,
        ...[handshakeType.certificate, handshakeType.certificate_status, handshakeType.server_key_exchange],
        ...[handshakeType.certificate_request, handshakeType.server_hello_done],
      ),
    },
    'a HelloRequest in front of ChangeCipherSpec': { options: {}, wire: helloRequestBeforeSpec },
    'renegotiation by the client': { options: renegotiating(), afterwards: again('client') },
    'renegotiation by the server': { options: renegotiating(), afterwards: again('server') },
    'renegotiation by both at once': { options: renegotiating(), afterwards: again('client', 'server') },
    'renegotiation by the server, who asks twice': { options: renegotiating(), afterwards: again('server', 'server') },
    'renegotiation with client certificates': {
      options: renegotiating({ client: { credentials: [clientCredential] }, server: mutual }),
      afterwards: again('client'),
    },
    'renegotiation without certificates': { options: renegotiating(nobody), afterwards: again('server') },
    'renegotiation that the server does not want': {
      options: { ...renegotiating(), server: {} },
      afterwards: again('client'),
    },
    'renegotiation that the client does not want': {
      options: { ...renegotiating(), client: {} },
      afterwards: again('server'),
    },
  };
}

/** A step along a table: `state message next`. */
type Transition = string;

/** What a trace tells of the way: CCS and our own wishes are no messages, and stand between two states without one. */
function transitionsIn(role: Role, events: readonly TraceEvent[]): readonly Transition[] {
  const found: Transition[] = [];
  let state: string | undefined;
  let met: string | undefined;
  for (const event of events) {
    if (event.type === 'message' && event.direction === 'in') met = event.message.type;
    else if (event.type === 'alert' && event.direction === 'in' && event.alert === 'no_renegotiation') {
      if (state === 'WAIT_SH_AGAIN_12') met = event.alert;
    } else if (event.type === 'state') {
      const between = state === 'WAIT_CCS_12' ? 'change_cipher_spec' : 'renegotiate';
      if (state === undefined) assert.equal(event.state, role === 'client' ? 'WAIT_SH' : 'START');
      else found.push(`${state} ${met ?? between} ${event.state}`);
      state = event.state;
      met = undefined;
    }
  }
  return found;
}

function transitionsOf(table: Table): readonly Transition[] {
  return Object.entries(table).flatMap(([state, messages]) =>
    Object.entries(messages).flatMap(([message, next]) => next.map((one) => `${state} ${message} ${one}`)),
  );
}

for (const provider of legacyProviders) {
  describe(`handshakes walk along the tables of TLS 1.2, provider ${provider.name}`, async () => {
    const rsa = await decrypting(provider);
    const all = Object.entries(walksOf(provider, rsa));
    // WebCrypto has no RSA key transport.
    const walks = all.filter(
      ([, { options }]) => options.client?.cipherSuites?.every(({ supportedBy }) => supportedBy(provider)) ?? true,
    );
    const seen: Readonly<Record<Role, Set<Transition>>> = { client: new Set(), server: new Set() };

    const walk = async ({ options, earlier, afterwards, wire, fails }: Walk): Promise<void> => {
      if (earlier) await walk({ options: earlier });
      const events: Record<Role, TraceEvent[]> = { client: [], server: [] };
      const both = pair({
        provider,
        client: { groups, versions: [tls12], ...options.client, trace: (event) => events.client.push(event) },
        server: { groups, versions: [tls12], ...options.server, trace: (event) => events.server.push(event) },
      });
      await exchange(both, wire);
      await afterwards?.(both);
      for (const role of ['server', 'client'] as const) {
        const legal = transitionsOf(tables[role]);
        for (const transition of transitionsIn(role, events[role])) {
          assert.ok(legal.includes(transition), `${role}: ${transition} is not in the table`);
          seen[role].add(transition);
        }
        if (fails) assert.ok(both[role].error);
        else {
          assert.equal(both[role].error?.message, undefined);
          assert.equal(both[role].connection.state, 'CONNECTED_12');
        }
      }
    };

    for (const [name, one] of walks) it(name, () => walk(one));

    if (walks.length < all.length) return;

    it('and no transition stands there that none of them makes', async () => {
      // Walks anew: the first ones left sessions.
      for (const one of Object.values(walksOf(provider, rsa))) await walk(one);
      for (const role of ['server', 'client'] as const) {
        const unseen = transitionsOf(tables[role]).filter((transition) => !seen[role].has(transition));
        assert.deepEqual(unseen, [], role);
      }
    });
  });
}
