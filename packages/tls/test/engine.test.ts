/**
 * The engine among its user's code: calls from inside callbacks and handlers, callbacks that fail or answer nonsense,
 * promises of any kind that settle at any time, and an end in every state.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runInNewContext } from 'node:vm';
import type { Bytes, CryptoProvider, KeyExchange, Signer } from '@handfast/crypto';
import type { AbortSignalLike } from '@handfast/x509';
import {
  type ClientOptions,
  type Connection,
  type Credential,
  clientConfig,
  memoryReplayCache,
  memorySessionCache,
  namedGroups,
  type ServerOptions,
  serverConfig,
  TlsError,
  type TlsErrorCode,
  type TraceEvent,
  ticketKeys,
  tlsClient,
  tlsServer,
} from '../src/index.ts';
import { type ClientState, clientStates, type ServerState, serverStates } from '../src/tls13/states.ts';
import { clientCredential, pki, serverCredential } from './support/identities.ts';
import {
  clientDefaults,
  connected,
  exchange,
  give,
  type Pair,
  type PairOptions,
  pair,
  providers,
  recorder,
  type Side,
  serverDefaults,
  settled,
  startClient,
  startServer,
} from './support/pair.ts';
import { type ClientStep, PuppetClient, PuppetServer, type ServerStep } from './support/puppet.ts';
import { recordsIn } from './support/wire.ts';

const groups = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
const fast = { groups: groups.filter(({ name }) => name === 'x25519') };
/** Everything that a handshake can have: a retry, a client certificate, ALPN. */
const mutual: PairOptions = {
  client: { ...fast, credentials: [clientCredential], alpnProtocols: ['a', 'b'] },
  server: { ...fast, clientCertificate: 'require', trust: pki.trust, alpnProtocols: ['b'] },
};
const retried: PairOptions = {
  client: { groups, keyShares: fast.groups },
  server: { groups: groups.filter(({ name }) => name === 'secp256r1') },
};

const mix = (options: PairOptions, more: PairOptions): PairOptions => ({
  ...options,
  ...more,
  client: { ...options.client, ...more.client },
  server: { ...options.server, ...more.server },
});

type Role = 'client' | 'server';
const roles: readonly Role[] = ['client', 'server'];
const other = (role: Role): Role => (role === 'client' ? 'server' : 'client');

/** An answer that no type allows. */
const nonsense = <T>(value: unknown): T => value as T;

/** What is thrown is not always an error, nor always printable. */
const thrown: readonly (readonly [string, unknown])[] = [
  ['an Error', new Error('of the user’s')],
  ['a string', 'of the user’s'],
  ['undefined', undefined],
  ['an object without a prototype', Object.create(null)],
  [
    'an Error whose message throws',
    Object.defineProperty(new Error('x'), 'message', {
      get: () => {
        throw new Error('deeper');
      },
    }),
  ],
  ['a symbol', Symbol('s')],
];

/** The side ended so, told its peer, and nobody else was hurt. */
function assertEnded(
  { client, server }: Pair,
  role: Role,
  code: TlsErrorCode,
  message: RegExp,
  alert = 'internal_error',
): void {
  const [own, peer] = role === 'client' ? [client, server] : [server, client];
  assert.equal(own.error?.code, code, own.error?.message);
  assert.match(own.error?.message ?? '', message);
  assert.equal(own.error?.alert, alert);
  assert.equal(peer.error?.code, 'peer_alert', peer.error?.message);
  assert.equal(peer.error?.alert, alert);
}

for (const provider of providers) {
  /** The engine is the same with every provider: the longer lists run with one. */
  const thorough = provider === providers[0];
  const run = (options: PairOptions, more: PairOptions = {}): Promise<Pair> =>
    connected({ provider, ...mix(options, more) });
  /** A client that comes back brings early data. */
  const early = (): PairOptions => ({
    client: { ...fast, sessions: memorySessionCache(), earlyData: 100 },
    server: {
      ...{ ...fast, tickets: { keys: ticketKeys({ provider }) } },
      earlyData: { replay: memoryReplayCache({ time: () => new Date(0) }) },
    },
  });

  describe(`the engine, provider ${provider.name}`, { timeout: 60_000 }, () => {
    describe('a callback that throws or rejects ends that connection alone', () => {
      const fails: readonly [string, Role, (fail: () => never) => PairOptions, RegExp, TlsErrorCode?][] = [
        ['verifyPeer', 'client', (fail) => ({ client: { verifyPeer: fail } }), /verifyPeer callback failed/],
        ['verifyPeer', 'server', (fail) => ({ server: { verifyPeer: fail } }), /verifyPeer callback failed/],
        [
          'selectCredential',
          'client',
          (fail) => ({ client: { selectCredential: fail } }),
          /selectCredential callback failed/,
        ],
        [
          'selectCredential',
          'server',
          (fail) => ({ server: { selectCredential: fail } }),
          /selectCredential callback failed/,
        ],
        ['selectConfig', 'server', (fail) => ({ server: { selectConfig: fail } }), /selectConfig callback failed/],
        ['selectAlpn', 'server', (fail) => ({ server: { selectAlpn: fail } }), /selectAlpn callback failed/],
        ['time', 'client', (fail) => ({ client: { time: fail } }), /time callback failed/],
        ['time', 'server', (fail) => ({ server: { time: fail } }), /time callback failed/],
        ['keyLog', 'client', (fail) => ({ client: { keyLog: fail } }), /key log callback failed/],
        ['keyLog', 'server', (fail) => ({ server: { keyLog: fail } }), /key log callback failed/],
        [
          'trace',
          'client',
          (fail) => ({ client: { trace: (event) => (event.type === 'key' ? fail() : undefined) } }),
          /trace callback failed/,
        ],
        [
          'trace',
          'server',
          (fail) => ({ server: { trace: (event) => (event.type === 'key' ? fail() : undefined) } }),
          /trace callback failed/,
        ],
        [
          'signer',
          'client',
          (fail) => ({ client: { credentials: [signing(clientCredential, fail)] } }),
          /signer of our certificate failed/,
          'signing_failed',
        ],
        [
          'signer',
          'server',
          (fail) => ({ server: { credentials: [signing(serverCredential, fail)] } }),
          /signer of our certificate failed/,
          'signing_failed',
        ],
      ];
      for (const [name, role, options, message, code = 'callback_failed'] of fails) {
        it(`${name} of a ${role}`, async () => {
          for (const [what, value] of thorough ? thrown : thrown.slice(0, 2)) {
            const throwing = options(() => {
              throw value;
            });
            assertEnded(await run(mutual, throwing), role, code, message);
            const both = await run(
              mutual,
              options(() => Promise.reject(value) as never),
            );
            // A listener's rejection comes after the step, and the peer may be told by then or not: it ends all the same.
            for (let turn = 0; turn < 3; turn++) await exchange(both);
            assertEnded(both, role, code, message);
            assert.equal(both[role].error?.cause, value, what);
          }
          assert.equal((await run(mutual)).client.established, true);
        });
      }

      for (const role of roles) {
        it(`clock of a ${role}`, async () => {
          let calls = 0;
          const clock = (): number => {
            if (++calls === 5) throw new Error('no time');
            return calls;
          };
          const both = await run(mutual, { [role]: { clock, trace: () => undefined } });
          assertEnded(both, role, 'callback_failed', /clock callback failed: no time/);
        });

        it(`padding of a ${role}`, async () => {
          for (const padding of [
            (): never => {
              throw new Error('no room');
            },
            () => nonsense<number>(Symbol('x')),
          ]) {
            const both = await run(mutual, { [role]: { padding } });
            assertEnded(both, role, 'callback_failed', /padding callback failed/);
          }
        });

        it(`clock of a ${role} that fails from the first call to the last`, async () => {
          const clock = (): never => {
            throw new Error('no time');
          };
          const both = await run(mutual, { [role]: { clock, trace: () => undefined } });
          assert.equal(both[role].error?.code, 'callback_failed');
        });
      }

      it('a TlsError of its own chooses code and alert', async () => {
        const verifyPeer = (): never => {
          throw new TlsError('certificate_expired', 'by our own calendar', { alert: 'access_denied' });
        };
        assertEnded(
          await run(mutual, { client: { verifyPeer } }),
          'client',
          'certificate_expired',
          /by our own calendar/,
          'access_denied',
        );
      });
    });

    describe('a callback that answers nonsense ends that connection alone', () => {
      const values: readonly unknown[] = [
        undefined,
        true,
        false,
        1,
        '',
        'yes',
        [],
        {},
        Symbol('s'),
        () => true,
        new Date(),
        { accepted: 'true' },
        { accepted: 1 },
      ];
      const answers =
        (options: (answer: () => never) => PairOptions, values_: readonly unknown[]) =>
        async (check: (both: Pair) => void) => {
          for (const value of thorough ? values_ : values_.slice(0, 2))
            check(
              await run(
                mutual,
                options(() => nonsense(value)),
              ),
            );
        };
      for (const role of roles) {
        it(`verifyPeer of a ${role}: refused`, () =>
          answers(
            (verifyPeer) => ({ [role]: { verifyPeer } }),
            [...values, null],
          )((both) => assertEnded(both, role, 'certificate_refused', /not a verdict: refused/, 'certificate_unknown')));

        it(`verifyPeer of a ${role}: a refusal that is malformed is a refusal`, () =>
          answers(
            (verifyPeer) => ({ [role]: { verifyPeer } }),
            [
              { accepted: false },
              { accepted: false, reason: {} },
              { accepted: false, reason: Object.create(null), alert: 'nonsense' },
            ],
          )((both) => assertEnded(both, role, 'certificate_refused', /no reason given/, 'certificate_unknown')));

        it(`selectCredential of a ${role}`, () =>
          answers(
            (selectCredential) => ({ [role]: { selectCredential } }),
            [
              ...values,
              { chain: [] },
              { chain: serverCredential.chain },
              { chain: [], signer: serverCredential.signer },
              { chain: 'x', signer: {} },
            ],
          )((both) => assertEnded(both, role, 'callback_failed', /selectCredential callback answered/)));

        it(`signer of a ${role}`, () => {
          const credential = role === 'client' ? clientCredential : serverCredential;
          return answers(
            (answer) => ({ [role]: { credentials: [signing(credential, answer)] } }),
            [...values, null, new Uint8Array(0)],
          )((both) => assertEnded(both, role, 'signing_failed', /answered no signature/));
        });

        it(`signer of a ${role} whose signature is wrong: the peer notices`, async () => {
          const credential = role === 'client' ? clientCredential : serverCredential;
          const both = await run(mutual, {
            [role]: { credentials: [signing(credential, () => nonsense(new Uint8Array(70)))] },
          });
          assertEnded(both, other(role), 'decrypt_error', /the signature is not by the key/, 'decrypt_error');
        });

        it(`time of a ${role}`, () =>
          answers(
            (time) => ({ [role]: { time } }),
            [undefined, null, 0, Number.NaN, new Date(Number.NaN), 'today', {}],
          )((both) => assertEnded(both, role, 'callback_failed', /time callback answered no valid Date/)));

        it(`padding of a ${role}: taken as a number, or as none`, () =>
          answers(
            (padding) => ({ [role]: { padding } }),
            [undefined, Number.NaN, -1, 2.7, '3', 1e9, Number.POSITIVE_INFINITY, {}],
          )(({ client, server }) => assert.deepEqual([client.established, server.established], [true, true])));
      }

      it('selectConfig', () =>
        answers(
          (selectConfig) => ({ server: { selectConfig } }),
          [...values, null, { ...serverConfig(serverDefaults()) }, clientConfig(clientDefaults())],
        )((both) => assertEnded(both, 'server', 'callback_failed', /answered no config made by serverConfig/)));

      it('selectAlpn: undefined is no protocol, all else must have been offered', async () => {
        await answers(
          (selectAlpn) => ({ server: { selectAlpn } }),
          [...values.slice(1), null, 'c'],
        )((both) => assertEnded(both, 'server', 'callback_failed', /chose a protocol that the client does not offer/));
        const both = await run(mutual, { server: { selectAlpn: () => undefined } });
        assert.equal(both.client.connection.negotiated?.alpnProtocol, undefined);
      });

      it('selectCredential of a client: null sends none', async () => {
        const both = await run(mutual, {
          client: { selectCredential: () => null },
          server: { clientCertificate: 'request' },
        });
        assert.equal(both.server.connection.negotiated?.peer, undefined);
        assert.equal(both.server.established, true);
      });
    });

    describe('promises', () => {
      const accepted = { accepted: true } as const;
      const foreign: (value: unknown) => PromiseLike<never> = runInNewContext(
        '(value) => new Promise((resolve) => queueMicrotask(() => resolve(value)))',
        { queueMicrotask },
      );
      const kinds: readonly [string, (value: unknown) => PromiseLike<unknown>][] = [
        ['a promise', (value) => Promise.resolve(value)],
        ['a promise of another realm', foreign],
        [
          'a thenable that answers at once',
          (value) => ({ then: (resolve: (value: unknown) => void) => resolve(value) }) as PromiseLike<unknown>,
        ],
        [
          'a thenable that answers twice',
          (value) =>
            ({
              then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => {
                resolve(value);
                reject(new Error('late'));
                resolve(0);
              },
            }) as PromiseLike<unknown>,
        ],
        [
          'a thenable of a thenable',
          (value) =>
            Promise.resolve({
              then: (resolve: (value: unknown) => void) => resolve(foreign(value)),
            }) as PromiseLike<unknown>,
        ],
      ];
      for (const [kind, of] of kinds) {
        it(`${kind} answers every callback`, async () => {
          const late =
            <T>(value: T) =>
            () =>
              nonsense<Promise<T>>(of(value));
          const base: ServerOptions = { ...serverDefaults(provider), ...mutual.server, alpnProtocols: ['b'] };
          const both = await run(mutual, {
            client: { verifyPeer: late(accepted), selectCredential: late(signing(clientCredential, undefined, of)) },
            server: {
              selectConfig: late(
                serverConfig({
                  ...base,
                  verifyPeer: late(accepted),
                  selectAlpn: late('a'),
                  selectCredential: late(signing(serverCredential, undefined, of)),
                }),
              ),
            },
          });
          assert.deepEqual([both.client.error, both.server.error], [undefined, undefined]);
          assert.equal(both.client.connection.negotiated?.alpnProtocol, 'a');
          assert.ok(both.server.connection.negotiated?.peer);
        });
      }

      it('a thenable whose `then` throws is a failure of the callback', async () => {
        const broken = () =>
          nonsense<never>({
            then: () => {
              throw new Error('then');
            },
          });
        assertEnded(
          await run(mutual, { client: { verifyPeer: broken } }),
          'client',
          'callback_failed',
          /verifyPeer callback failed: then/,
        );
      });

      it('no input is taken while one is out, and all of it after', async () => {
        let answer: ((verdict: typeof accepted) => void) | undefined;
        const verifyPeer = (): Promise<typeof accepted> =>
          new Promise((resolve) => {
            answer = resolve;
          });
        const both = pair({ provider, ...mix(mutual, { client: { verifyPeer } }) });
        await deliverUntil(both, () => answer !== undefined);
        await settled(both.server);
        const { connection } = both.client;
        assert.equal(connection.parked, true);
        assert.equal(connection.state, undefined);
        assert.equal(connection.receive(Buffer.from('nothing of this is looked at')), 0);
        assert.equal(both.client.error, undefined);
        answer?.(accepted);
        await exchange(both);
        assert.deepEqual([both.client.established, both.server.established], [true, true]);
      });

      it('a callback’s signal is aborted at the end, with its error', async () => {
        for (const role of roles) {
          let signal: AbortSignalLike | undefined;
          let heard = 0;
          const verifyPeer = (peer: { readonly signal: AbortSignalLike }): Promise<never> => {
            signal = peer.signal;
            signal.addEventListener('abort', () => heard++);
            return new Promise(() => undefined);
          };
          const { client, server } = pair({ provider, ...mix(mutual, { [role]: { verifyPeer } }) });
          const side = role === 'client' ? client : server;
          await deliverUntil({ client, server }, () => signal !== undefined);
          assert.equal(signal?.aborted, false);
          side.connection.fail(new TlsError('handshake_timeout', 'too late'));
          assert.equal(signal?.aborted, true);
          assert.equal(signal?.reason, side.error);
          assert.equal(side.error?.code, 'handshake_timeout');
          assert.equal(heard, 1);
        }
      });

      it('a promise that settles after the end changes nothing', async () => {
        for (const settle of ['resolve', 'reject'] as const) {
          let settleIt: (value: unknown) => void = () => undefined;
          const verifyPeer = (): Promise<never> =>
            new Promise((resolve, reject) => {
              settleIt = settle === 'resolve' ? (value) => resolve(nonsense(value)) : reject;
            });
          let asked = false;
          const both = pair({
            provider,
            ...mix(mutual, {
              client: {
                verifyPeer: () => {
                  asked = true;
                  return verifyPeer();
                },
              },
            }),
          });
          await deliverUntil(both, () => asked);
          both.client.connection.abort();
          await settled(both.client);
          const { error } = both.client;
          const sent = both.client.outbox.length;
          settleIt(accepted);
          await turns();
          assert.equal(both.client.error, error);
          assert.equal(both.client.outbox.length, sent);
          assert.equal(both.client.established, false);
        }
      });

      it('a secret that comes after the end is wiped, a key disposed of', async () => {
        const late: ((value: unknown) => void)[] = [];
        const secret: Bytes = new Uint8Array(32).fill(7);
        const share: Bytes = new Uint8Array(32).fill(9);
        let asked = false;
        const slow: CryptoProvider = {
          ...provider,
          groups: {
            ...provider.groups,
            x25519: new Proxy(provider.groups.x25519 ?? assert.fail(), {
              get: (target, key) =>
                key === 'encapsulate'
                  ? () => {
                      asked = true;
                      return new Promise((resolve) => late.push(resolve));
                    }
                  : Reflect.get(target, key),
            }) as KeyExchange,
          },
        };
        const both = pair({ provider, client: fast, server: { ...fast, provider: slow } });
        await deliverUntil(both, () => asked);
        both.server.connection.abort();
        late[0]?.({ secret, share });
        await turns();
        assert.deepEqual([...new Set(secret)], [0]);
        let disposed = 0;
        const generating: CryptoProvider = {
          ...provider,
          groups: {
            ...provider.groups,
            x25519: {
              ...provider.groups.x25519,
              name: 'x25519',
              generate: () => new Promise<never>((resolve) => late.push((key) => resolve(nonsense(key)))),
            } as KeyExchange,
          },
        };
        const config = clientConfig({ ...clientDefaults(generating), groups: fast.groups });
        const client = tlsClient(config, { serverName: 'localhost' }, { send: () => undefined });
        client.start();
        client.abort();
        late[1]?.({ share, dispose: () => disposed++ });
        await turns();
        assert.equal(disposed, 1);
      });
    });

    describe('calls from inside', () => {
      /** Every method, as a careless user calls it; what it throws by its contract is caught. */
      const methods: Readonly<Record<string, (connection: Connection) => void>> = {
        start: (connection) => connection.start(),
        receive: (connection) => void connection.receive(new Uint8Array(0)),
        'receive of garbage': (connection) => void connection.receive(Buffer.from('garbage garbage garbage')),
        receiveEnd: (connection) => connection.receiveEnd(),
        write: (connection) => connection.write(Buffer.from('written inside')),
        closeWrite: (connection) => connection.closeWrite(),
        abort: (connection) => connection.abort(),
        fail: (connection) => connection.fail(new TlsError('handshake_timeout', 'from inside')),
        updateKeys: (connection) => connection.updateKeys({ requestPeer: true }),
        exportKeyingMaterial: (connection) => void connection.exportKeyingMaterial(16, 'inside'),
      };
      const endings: ReadonlySet<unknown> = new Set<TlsErrorCode>([
        'truncated',
        'aborted',
        'handshake_timeout',
        'peer_alert',
        'unexpected_message',
        'bad_record_mac',
        'not_tls',
        'record_overflow',
      ]);
      /** The places where user code runs. Each is given what to do there, once. */
      const places: Readonly<Record<string, Role | undefined>> = {
        send: undefined,
        established: undefined,
        data: undefined,
        end: undefined,
        drained: undefined,
        resume: undefined,
        closed: undefined,
        trace: undefined,
        keyLog: undefined,
        clock: undefined,
        time: undefined,
        padding: undefined,
        verifyPeer: undefined,
        selectCredential: undefined,
        signer: undefined,
        selectConfig: 'server',
        selectAlpn: 'server',
      };

      for (const [place, only] of Object.entries(places)) {
        it(`of ${place}`, async () => {
          for (const role of roles.filter((one) => only === undefined || one === only)) {
            for (const [method, call] of Object.entries(methods)) {
              if (!thorough && !['abort', 'write', 'receiveEnd'].includes(method)) continue;
              const outcome = await liveWith(provider, role, place, call);
              const what = `${method} in ${place} of the ${role}`;
              for (const side of [outcome.client, outcome.server]) {
                assert.ok(side.closedCalls <= 1, what);
                assert.equal(
                  side.error === undefined || side.error === null || endings.has(side.error.code),
                  true,
                  `${what}: ${side.error?.code} ${side.error?.message}`,
                );
                assert.equal(side.connection.phase, 'closed', what);
              }
              if (['start', 'receive', 'exportKeyingMaterial', 'updateKeys'].includes(method)) {
                assert.deepEqual([outcome.client.error, outcome.server.error], [null, null], what);
              }
              if (method === 'write' || method === 'updateKeys') {
                // It came whole, and once, if it was written at all.
                for (const side of [outcome.client, outcome.server])
                  assert.match(side.text(), /^(written inside)?x*(written inside)?x*(written inside)?$/, what);
              }
            }
          }
        });
      }

      it('what is written in `established` and in `data` goes out in order', async () => {
        const { side: server, handlers } = recorder();
        const connection: Connection = tlsServer(serverConfig({ ...serverDefaults(provider), ...fast }), {
          ...handlers,
          established: () => {
            connection.write(Buffer.from('1'));
            connection.updateKeys();
            connection.write(Buffer.from('2'));
          },
          data: (data) => {
            const borrowed = Uint8Array.from(data);
            connection.write(borrowed);
            borrowed.fill(0);
          },
          end: () => connection.closeWrite(),
        });
        Object.assign(server, { connection });
        connection.start();
        const both: Pair = { client: pair({ provider, client: fast }).client, server: server as Side };
        await exchange(both);
        both.client.connection.write(Buffer.from('3'));
        both.client.connection.closeWrite();
        await exchange(both);
        assert.equal(both.client.text(), '123');
        assert.deepEqual([both.client.error, both.server.error], [null, null]);
      });

      it('bytes written inside a step are copied: the caller may change them', async () => {
        const buffer = Buffer.from('kept');
        let server: Side | undefined;
        let written = false;
        const clock = (): number => {
          if (server?.connection.negotiated !== undefined && !written) {
            written = true;
            server.connection.write(buffer);
            buffer.fill(0);
          }
          return 0;
        };
        const both = pair({ provider, client: fast, server: { ...fast, clock, trace: () => undefined } });
        server = both.server;
        await exchange(both);
        assert.equal(written, true);
        assert.equal(both.client.text(), 'kept');
      });
    });

    describe('an end in every state', () => {
      /** Brings a side into a state by a peer that says one thing at a time, and does `act` there. */
      const client = async (state: ClientState, act: (side: Side) => void): Promise<Side> => {
        if (state === 'WAIT_SH_AFTER_RETRY') {
          const both = pair({ provider, ...retried });
          await deliverUntil(both, () => both.client.connection.state === state);
          act(both.client);
          return both.client;
        }
        const puppet = new PuppetServer(startClient({ provider, ...fast, credentials: [clientCredential] }));
        await puppet.readHello();
        const steps: Readonly<Partial<Record<ClientState, ServerStep>>> = {
          WAIT_SH: 'server_hello',
          WAIT_EE: 'encrypted_extensions',
          WAIT_CERT_CR: 'certificate_request',
          WAIT_CERT: 'certificate',
          WAIT_CV: 'certificate_verify',
          WAIT_FINISHED: 'finished',
        };
        const step = steps[state];
        const stop = (): readonly Bytes[] => {
          act(puppet.side);
          return [];
        };
        await puppet.flight(step === undefined ? {} : { [step]: stop }, { requestCertificate: true });
        if (step === undefined) act(puppet.side);
        return puppet.side;
      };
      const server = async (state: ServerState, act: (side: Side) => void): Promise<Side> => {
        if (state === 'START_AFTER_RETRY' || state === 'WAIT_EOED') {
          const options = state === 'WAIT_EOED' ? early() : retried;
          if (state === 'WAIT_EOED') await run(options);
          const both = pair({ provider, ...options });
          await deliverUntil(both, () => both.server.connection.state === state);
          await settled(both.server);
          act(both.server);
          return both.server;
        }
        const puppet = new PuppetClient(
          startServer({ provider, ...fast, clientCertificate: 'require', trust: pki.trust }),
        );
        const steps: Readonly<Partial<Record<ServerState, ClientStep>>> = {
          WAIT_CERT: 'certificate',
          WAIT_CV: 'certificate_verify',
          WAIT_FINISHED: 'finished',
        };
        const step = steps[state];
        const stop = (): readonly Bytes[] => {
          act(puppet.side);
          return [];
        };
        if (state === 'START') {
          stop();
          return puppet.side;
        }
        await puppet.sendHello();
        await puppet.readFlight();
        await puppet.flight(step === undefined ? {} : { [step]: stop }, { authenticate: true });
        if (step === undefined) act(puppet.side);
        return puppet.side;
      };
      const cases = [
        ...(Object.keys(clientStates) as ClientState[]).map(
          (state) => ['client', state, (act: (side: Side) => void) => client(state, act)] as const,
        ),
        ...(Object.keys(serverStates) as ServerState[]).map(
          (state) => ['server', state, (act: (side: Side) => void) => server(state, act)] as const,
        ),
      ];
      const codes = {
        abort: 'aborted',
        fail: 'crypto_failed',
        receiveEnd: 'truncated',
        closeWrite: 'aborted',
      } as const;

      for (const [role, state, reach] of cases) {
        it(`${role}, ${state}`, async () => {
          for (const how of ['abort', 'fail', 'receiveEnd', 'closeWrite'] as const) {
            const side = await reach(({ connection, outbox }) => {
              assert.equal(connection.state, state);
              outbox.splice(0);
              if (how === 'fail') connection.fail(new TlsError('crypto_failed', 'by the test'));
              else connection[how]();
            });
            const { connection, error } = side;
            await settled(side);
            if (how === 'closeWrite' && state === 'WAIT_EOED') {
              // Held until the handshake is done.
              assert.deepEqual([connection.phase, connection.writable, side.outbox.length], ['handshake', false, 0]);
              continue;
            }
            if (how === 'closeWrite' && state === 'CONNECTED') {
              assert.equal(connection.phase, 'closing');
              assert.equal(side.outbox.length, 1);
              continue;
            }
            assert.equal(error?.code, codes[how]);
            assert.equal(error?.phase, state === 'CONNECTED' ? 'connected' : 'handshake');
            assert.equal(error?.state, state);
            assert.equal(connection.phase, 'closed');
            // What a fault of ours says is one alert; a truncation says nothing; an abort two warnings in the handshake, unless
            // data may have gone out.
            const said = { abort: 2, closeWrite: 2, fail: 1, receiveEnd: 0 }[how];
            const saysNothing = error?.code === 'aborted' && (state === 'CONNECTED' || state === 'WAIT_EOED');
            assert.equal(side.outbox.length, saysNothing ? 0 : said);
            // The end is the end: nothing of this does anything, nothing throws but what says so.
            side.outbox.splice(0);
            connection.start();
            connection.abort();
            connection.fail(new TlsError('internal', 'too late'));
            connection.closeWrite();
            connection.receiveEnd();
            assert.equal(connection.receive(Buffer.from('anything')), 8);
            const closed = (thrownBy: unknown): boolean => thrownBy instanceof TlsError && thrownBy.code === 'closed';
            assert.throws(() => connection.write(Buffer.from('x')), closed);
            assert.throws(() => connection.updateKeys(), closed);
            assert.throws(() => connection.exportKeyingMaterial(1, 'x'), closed);
            assert.deepEqual(side.outbox, []);
            assert.equal(side.error, error);
          }
        });
      }

      it('before `start` nothing is sent', () => {
        for (const end of ['abort', 'receiveEnd', 'closeWrite'] as const) {
          const { side, handlers } = recorder();
          const connection = tlsClient(clientConfig(clientDefaults(provider)), { serverName: 'localhost' }, handlers);
          connection[end]();
          connection.start();
          assert.equal(side.outbox.length, 0);
          assert.ok(side.error);
          assert.equal(connection.phase, 'closed');
        }
      });
    });

    it('the states of every handshake form paths of the tables', async () => {
      const met: Record<Role, Set<string>> = { client: new Set(), server: new Set() };
      for (const options of [
        mutual,
        retried,
        mix(mutual, { server: { clientCertificate: 'request' }, client: { credentials: [] } }),
        { client: fast, server: fast },
        ...Array<PairOptions>(2).fill(early()),
      ]) {
        const traces: Record<Role, TraceEvent[]> = { client: [], server: [] };
        const both = await run(options, {
          client: { trace: (event) => traces.client.push(event) },
          server: { trace: (event) => traces.server.push(event) },
        });
        assert.deepEqual([both.client.established, both.server.established], [true, true]);
        both.client.connection.updateKeys({ requestPeer: true });
        both.client.connection.write(Buffer.from('x'));
        await exchange(both);
        both.server.connection.write(Buffer.from('y'));
        await exchange(both);
        for (const role of roles) {
          const tables: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> =
            role === 'client' ? clientStates : serverStates;
          let state: string | undefined;
          let legal: readonly string[] =
            role === 'client' ? ['WAIT_SH' satisfies ClientState] : ['START' satisfies ServerState];
          for (const event of traces[role]) {
            if (event.type === 'state') {
              assert.ok(legal.includes(event.state), `${role}: ${event.state} after ${state}`);
              state = event.state;
              met[role].add(state);
            } else if (event.type === 'message' && event.direction === 'in') {
              const next = tables[state ?? '']?.[event.message.type];
              assert.ok(next, `${role}: ${event.message.type} in ${state}`);
              legal = next;
            }
          }
          assert.equal(state, 'CONNECTED');
        }
      }
      assert.deepEqual([...met.client].sort(), Object.keys(clientStates).sort());
      assert.deepEqual([...met.server].sort(), Object.keys(serverStates).sort());
    });

    it('events come in order, with times that never go back', async () => {
      let now = 0;
      const events: TraceEvent[] = [];
      const both = await run(mutual, { client: { clock: () => now++, trace: (event) => events.push(event) } });
      both.client.connection.closeWrite();
      both.server.connection.closeWrite();
      await exchange(both);
      const times = events.map(({ at }) => at);
      assert.deepEqual(
        times,
        [...new Set(times)].sort((a, b) => a - b),
      );
      assert.equal(
        events.every(({ role }) => role === 'client'),
        true,
      );
      assert.equal(events.at(-1)?.type, 'closed');
      const once = (type: TraceEvent['type']): number => events.filter((event) => event.type === type).length;
      assert.deepEqual([once('established'), once('closed'), once('certificate')], [1, 1, 1]);
    });

    it('a record is overwritten after `receive`, and nothing of it was kept', async () => {
      // `give` overwrites what it gave; here with cuts that leave every kind of rest.
      for (const size of [1, 3, 7, 100]) {
        const both = pair({ provider, ...mutual });
        await exchange(both, (bytes) => {
          const out: Uint8Array[] = [];
          for (let at = 0; at < bytes.length; at += size) out.push(bytes.subarray(at, at + size));
          return out;
        });
        both.client.connection.write(Buffer.from('x'.repeat(300)));
        await settled(both.client);
        for (const one of recordsIn(Buffer.concat(both.client.outbox.splice(0)))) await give(both.server, one);
        assert.equal(both.server.text(), 'x'.repeat(300));
        assert.ok(both.server.connection.negotiated?.peer?.chain[0]?.raw.some((byte) => byte !== 0xaa));
      }
    });
  });
}

/** A credential whose signer does something else, or does it otherwise. */
function signing(
  { chain, signer }: Credential,
  instead?: () => never,
  of: (value: unknown) => unknown = (value) => value,
): Credential {
  const sign: Signer['sign'] = (algorithm, data) =>
    instead?.() ?? (instead ? nonsense(undefined) : nonsense(of(signer.sign(algorithm, data))));
  return {
    chain,
    signer: {
      publicKey: signer.publicKey,
      algorithms: signer.algorithms,
      sign: instead ? () => instead() : sign,
    } as Signer,
  };
}

async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Carries bytes until something has happened, without waiting for what does not answer. */
async function deliverUntil({ client, server }: Pair, happened: () => boolean): Promise<void> {
  while (!happened()) {
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      const bytes = from.outbox[0];
      if (bytes === undefined) continue;
      const taken = to.connection.receive(bytes);
      if (taken === bytes.length) from.outbox.shift();
      else from.outbox[0] = bytes.slice(taken);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

interface Outcome {
  readonly client: Side & { readonly closedCalls: number };
  readonly server: Side & { readonly closedCalls: number };
}

/** A whole life, in which `role` does `act` the third time that its user code runs at `place`, or else the first. */
async function liveWith(
  provider: CryptoProvider,
  role: Role,
  place: string,
  act: (connection: Connection) => void,
): Promise<Outcome> {
  const make = (own: Role): Side & { closedCalls: number } => {
    const { side, handlers } = recorder();
    let connection: Connection | undefined;
    let acted = false;
    const here = (name: string): void => {
      if (own !== role || name !== place || acted || connection === undefined) return;
      acted = true;
      try {
        act(connection);
      } catch (error) {
        if (!(error instanceof TlsError && error.code === 'closed')) throw error;
      }
    };
    const state = { closedCalls: 0 };
    const around =
      <A extends readonly unknown[], R>(name: string, call: (...args: A) => R) =>
      (...args: A): R => {
        here(name);
        return call(...args);
      };
    const watching = {
      send: around('send', handlers.send),
      established: around('established', handlers.established ?? assert.fail()),
      data: around('data', handlers.data ?? assert.fail()),
      end: around('end', handlers.end ?? assert.fail()),
      drained: around('drained', () => undefined),
      resume: around('resume', () => undefined),
      closed: around('closed', (error: TlsError | undefined) => {
        state.closedCalls++;
        handlers.closed?.(error);
      }),
    };
    const credential = own === 'client' ? clientCredential : serverCredential;
    const observing = {
      trace: around('trace', (_: TraceEvent) => undefined),
      keyLog: around('keyLog', () => undefined),
      clock: around('clock', () => 0),
      time: around('time', clientDefaults().time ?? assert.fail()),
      padding: around('padding', () => 0),
      verifyPeer: around('verifyPeer', () => ({ accepted: true }) as const),
      selectCredential: around('selectCredential', () => ({
        chain: credential.chain,
        signer: {
          publicKey: credential.signer.publicKey,
          algorithms: credential.signer.algorithms,
          sign: around('signer', credential.signer.sign.bind(credential.signer)),
        } as Signer,
      })),
    };
    if (own === 'client') {
      const options: ClientOptions = { ...clientDefaults(provider), ...mutual.client, ...observing };
      connection = tlsClient(clientConfig(options), { serverName: 'localhost' }, watching);
    } else {
      const options: ServerOptions = {
        ...serverDefaults(provider),
        ...mutual.server,
        ...observing,
        selectAlpn: around('selectAlpn', () => 'b'),
      };
      const chosen = serverConfig(options);
      connection = tlsServer(
        serverConfig({ ...options, selectConfig: around('selectConfig', () => chosen) }),
        watching,
      );
    }
    connection.start();
    return Object.defineProperties(side, {
      connection: { value: connection },
      closedCalls: { get: () => state.closedCalls },
    }) as unknown as Side & { closedCalls: number };
  };
  const both = { client: make('client'), server: make('server') };
  await exchange(both);
  for (const { connection } of [both.client, both.server])
    if (connection.phase === 'connected') connection.write(Buffer.from('x'.repeat(100)));
  await exchange(both);
  for (const { connection } of [both.client, both.server]) if (connection.phase !== 'closed') connection.closeWrite();
  await exchange(both);
  for (const { connection } of [both.client, both.server]) connection.receiveEnd();
  await settled(both.client, both.server);
  return both;
}
