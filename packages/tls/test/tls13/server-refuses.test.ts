/**
 * What a server refuses of a client: the alert, the code, the message.
 *
 * @module
 */

import { describe, it } from 'node:test';
import { type Bytes, concat, fromHex } from '@handfast/crypto';
import { writeCertificate } from '../../src/messages/certificate.ts';
import { writeCertificateRequest } from '../../src/messages/certificate-request.ts';
import { writeCertificateVerify } from '../../src/messages/certificate-verify.ts';
import { type ClientHelloFields, writeClientHello } from '../../src/messages/client-hello.ts';
import { writeEncryptedExtensions } from '../../src/messages/encrypted-extensions.ts';
import { writeKeyUpdate } from '../../src/messages/key-update.ts';
import { namedGroups } from '../../src/registry.ts';
import { assertRefused } from '../support/assert.ts';
import { makeCredential, otherPki, pki } from '../support/identities.ts';
import { providers, startServer } from '../support/pair.ts';
import { PuppetClient } from '../support/puppet.ts';
import { handshake, opaque8, u16 } from '../support/wire.ts';

const none: Bytes = new Uint8Array(0);
const groups = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
const secp256r1 = groups.filter(({ name }) => name === 'secp256r1');
const stranger = await makeCredential({ purpose: 'clientAuth', issuer: otherPki });
const serverOnly = await makeCredential({ purpose: 'serverAuth' });

/** Where things stand in a hello of the puppet's: version, random, session id of 32, suites. */
const versionAt = 4;

type Options = Parameters<typeof startServer>[0];

for (const provider of providers) {
  describe(`server refuses, provider ${provider.name}`, () => {
    const start = (options: Options = {}) => new PuppetClient(startServer({ provider, groups, ...options }));
    const withAuthentication: Options = { clientCertificate: 'require', trust: pki.trust };

    /** Sends a hello with fields changed, then its bytes changed. */
    const greeted = async (
      fields: (right: ClientHelloFields) => ClientHelloFields,
      options?: Options,
      change: (hello: Bytes) => Bytes = (hello) => hello,
    ) => {
      const client = start(options);
      await client.send(change(writeClientHello(fields(client.helloFields()))));
      return client;
    };
    const withExtensions =
      (changes: object) =>
      (right: ClientHelloFields): ClientHelloFields => ({
        ...right,
        extensions: { ...right.extensions, ...changes },
      });
    const withRaw =
      (...last: readonly { readonly type: number; readonly data: Bytes }[]) =>
      (right: ClientHelloFields): ClientHelloFields => ({
        ...right,
        raw: { last },
      });
    const without =
      (...names: readonly string[]) =>
      (right: ClientHelloFields): ClientHelloFields => ({
        ...right,
        extensions: Object.fromEntries(Object.entries(right.extensions).filter(([name]) => !names.includes(name))),
      });
    const psk = (identities: number, binders: number): Bytes =>
      concat(
        u16(identities * 7),
        ...Array.from({ length: identities }, () => concat(u16(1), Uint8Array.of(1), u16(0), u16(0))),
        u16(binders * 33),
        ...Array.from({ length: binders }, () => opaque8(new Uint8Array(32))),
      );
    const same = (right: ClientHelloFields): ClientHelloFields => right;

    describe('in ClientHello', () => {
      const point = (length: number) => new Uint8Array(length).fill(4);
      const cases: readonly [
        string,
        (right: ClientHelloFields) => ClientHelloFields,
        RegExp,
        Parameters<typeof assertRefused>[1]?,
        ((hello: Bytes) => Bytes)?,
      ][] = [
        ['no key_share', without('key_share'), /key_share is missing/, 'missing_extension'],
        ['no supported_groups', without('supported_groups'), /supported_groups is missing/, 'missing_extension'],
        [
          'no signature_algorithms',
          without('signature_algorithms'),
          /signature_algorithms is missing/,
          'missing_extension',
        ],
        [
          'no supported_versions',
          without('supported_versions'),
          /the client offers TLS 1.2, we speak TLS 1.3/,
          'protocol_version',
        ],
        [
          'only TLS 1.2 in supported_versions',
          withExtensions({ supported_versions: [0x0303] }),
          /the client offers TLS 1.2/,
          'protocol_version',
        ],
        [
          'two shares of one group',
          withExtensions({
            key_share: [
              { group: 29, keyExchange: point(32) },
              { group: 29, keyExchange: point(32) },
            ],
          }),
          /two key shares of x25519/,
        ],
        [
          'a share outside supported_groups',
          withExtensions({ key_share: [{ group: 24, keyExchange: point(97) }] }),
          /supported_groups does not list/,
        ],
        [
          'an all-zero x25519 share',
          withExtensions({ key_share: [{ group: 29, keyExchange: new Uint8Array(32) }] }),
          /x25519 share is invalid/,
        ],
        [
          'a point that is not on the curve',
          withExtensions({ supported_groups: [23], key_share: [{ group: 23, keyExchange: point(65) }] }),
          /secp256r1 share is invalid/,
        ],
        [
          'a compressed point',
          withExtensions({
            supported_groups: [23],
            key_share: [{ group: 23, keyExchange: concat(Uint8Array.of(2), new Uint8Array(32)) }],
          }),
          /secp256r1 share is invalid/,
        ],
        [
          'no suite in common',
          (right) => ({ ...right, cipherSuites: [0x1304, 0xcaca] }),
          /no cipher suite in common: the client offers 0x1304, 0xCACA/,
          'handshake_failure',
        ],
        [
          'no group in common',
          withExtensions({ supported_groups: [0x001e], key_share: [] }),
          /no group in common: the client offers x448/,
          'handshake_failure',
        ],
        [
          'no scheme in common',
          withExtensions({ signature_algorithms: [0x0807] }),
          /no signature scheme in common/,
          'handshake_failure',
        ],
        [
          'pre_shared_key that is not last',
          withRaw({ type: 41, data: psk(1, 1) }, { type: 0xabcd, data: none }),
          /not its last extension/,
        ],
        [
          'pre_shared_key without modes',
          withRaw({ type: 41, data: psk(1, 1) }),
          /without psk_key_exchange_modes/,
          'missing_extension',
        ],
        [
          'other numbers of identities and binders',
          withRaw({ type: 45, data: Uint8Array.of(1, 1) }, { type: 41, data: psk(2, 1) }),
          /2 identities and 1 binders/,
        ],
        [
          'an extension twice',
          withRaw({ type: 0xabcd, data: none }, { type: 0xabcd, data: none }),
          /unknown \(43981\) stands twice/,
        ],
        ['a known extension of another message', withRaw({ type: 48, data: none }), /oid_filters may not stand/],
        [
          'an extension that cannot be decoded',
          withRaw({ type: 44, data: Uint8Array.of(0, 9, 1) }),
          /cookie of ClientHello: ends after/,
          'decode_error',
        ],
        ['a record_size_limit below 64', withExtensions({ record_size_limit: 63 }), /where 64 is the least/],
        ['a host name with a line feed', withExtensions({ server_name: 'a\nb' }), /not visible ASCII/],
        [
          'another legacy_version',
          same,
          /legacy_version is 0x0301/,
          'protocol_version',
          (hello) => hello.with(versionAt + 1, 1),
        ],
        [
          'compression methods beside null',
          same,
          /compression methods other than null/,
          'illegal_parameter',
          (hello) => {
            const at = 4 + 2 + 32 + 33 + 4;
            return handshake(1, concat(hello.subarray(4, at), opaque8(Uint8Array.of(1, 0)), hello.subarray(at + 2)));
          },
        ],
        [
          'trailing bytes',
          same,
          /1 bytes left over/,
          'decode_error',
          (hello) => handshake(1, concat(hello.subarray(4), Uint8Array.of(0))),
        ],
        ['a cut', same, /ends after/, 'decode_error', (hello) => handshake(1, hello.subarray(4, 60))],
        ['no suites', (right) => ({ ...right, cipherSuites: [] }), /a vector of 0 bytes/, 'decode_error'],
      ];
      for (const [name, fields, message, code = 'illegal_parameter', change] of cases) {
        it(name, async () => assertRefused(await greeted(fields, {}, change), code, message));
      }
      it('no protocol in common', async () => {
        const client = await greeted(withExtensions({ application_layer_protocol_negotiation: ['h3'] }), {
          alpnProtocols: ['h2'],
        });
        await assertRefused(client, 'no_application_protocol', /the client offers "h3"/);
      });
      it('an unknown name, where asked to', async () => {
        const client = await greeted(withExtensions({ server_name: 'nobody.example' }), { strictServerName: true });
        await assertRefused(client, 'unrecognized_name', /"nobody.example"/);
      });
      it('a body beyond the largest legal size', async () => {
        const client = start();
        await client.give(concat(Uint8Array.of(22, 3, 1, 0, 4, 1), Uint8Array.of(2, 1, 0x45)));
        await assertRefused(
          client,
          'message_too_large',
          /ClientHello announces 131397 bytes, where 131396/,
          'illegal_parameter',
        );
      });
    });

    describe('in the second ClientHello', () => {
      const retried = async (
        change: (first: ClientHelloFields) => ClientHelloFields,
        options: Options = {},
        firstHello: (right: ClientHelloFields) => ClientHelloFields = same,
      ) => {
        const client = start({ groups: secp256r1, ...options });
        const base = firstHello(client.helloFields());
        const first = { ...base, extensions: { ...base.extensions, supported_groups: [29, 23] } };
        await client.send(writeClientHello(first));
        await client.receive();
        const retry = client.next('hello_retry_request');
        const share = { group: 23, keyExchange: p256Share() };
        const { cookie } = retry.extensions;
        const right = {
          ...first,
          extensions: { ...first.extensions, key_share: [share], ...(cookie ? { cookie } : {}) },
        };
        await client.send(writeClientHello(change(right)));
        return client;
      };
      const p256Share = (): Bytes => {
        const key = provider.groups.secp256r1 && providers[0]?.groups.secp256r1?.generate();
        if (!key || key instanceof Promise) throw new TypeError('secp256r1 is asynchronous');
        return key.share;
      };
      const cases: readonly [string, (right: ClientHelloFields) => ClientHelloFields, RegExp][] = [
        ['another random', (right) => ({ ...right, random: new Uint8Array(32) }), /random changed/],
        [
          'another session id',
          (right) => ({ ...right, legacySessionId: new Uint8Array(32) }),
          /legacy_session_id changed/,
        ],
        ['other suites', (right) => ({ ...right, cipherSuites: [0x1301, 0x1302] }), /cipher_suites changed/],
        ['another name', withExtensions({ server_name: 'other' }), /server_name changed/],
        ['other groups', withExtensions({ supported_groups: [23] }), /supported_groups changed/],
        ['another extension more', withRaw({ type: 0xabcd, data: none }), /unknown \(43981\) was added/],
        ['an extension less', without('server_name'), /server_name changed/],
        [
          'a share of the first group again',
          withExtensions({ key_share: [{ group: 29, keyExchange: new Uint8Array(32) }] }),
          /one key share, of secp256r1/,
        ],
        [
          'two shares',
          (right) =>
            withExtensions({
              key_share: [...(right.extensions.key_share ?? []), { group: 29, keyExchange: new Uint8Array(32) }],
            })(right),
          /one key share, of secp256r1/,
        ],
        ['no share', withExtensions({ key_share: [] }), /one key share, of secp256r1/],
        ['a cookie that was not sent', withExtensions({ cookie: Uint8Array.of(1) }), /cookie is not the one/],
        ['early_data', withExtensions({ early_data: true }), /early_data is still there/],
      ];
      for (const [name, change, message] of cases) {
        it(name, async () => assertRefused(await retried(change), 'illegal_parameter', message));
      }
      it('another cookie', async () => {
        const client = await retried(withExtensions({ cookie: Uint8Array.of(1) }), { retryCookie: true });
        await assertRefused(client, 'illegal_parameter', /cookie is not the one/);
      });
      it('no cookie', async () => {
        await assertRefused(
          await retried(without('cookie'), { retryCookie: true }),
          'illegal_parameter',
          /cookie is not the one/,
        );
      });
      it('but not padding that was added', async () => {
        const client = await retried(withRaw({ type: 21, data: new Uint8Array(9) }), { retryCookie: true });
        await client.receive();
        client.next('server_hello');
      });
      it('a message of another type', async () => {
        const client = start({ groups: secp256r1 });
        await client.sendHello({ extensions: { supported_groups: [29, 23] } });
        await client.send(handshake(20, new Uint8Array(32)));
        await assertRefused(client, 'unexpected_message', /Finished came in state START_AFTER_RETRY/);
      });
    });

    describe('in the client’s flight', () => {
      const played = async (
        changes: Parameters<PuppetClient['flight']>[0],
        options?: Options,
        authenticate = false,
      ) => {
        const client = start(options);
        await client.sendHello();
        await client.readFlight();
        await client.flight(changes, { authenticate });
        return client;
      };
      it('a wrong Finished', async () => {
        await assertRefused(
          await played({ finished: () => handshake(20, new Uint8Array(32)) }),
          'decrypt_error',
          /the client saw another handshake/,
        );
      });
      it('no certificate where one is required', async () => {
        const client = await played(
          { certificate: () => writeCertificate(none, []), certificate_verify: () => [] },
          withAuthentication,
          true,
        );
        await assertRefused(client, 'certificate_required', /the client sent no certificate/);
      });
      it('Finished where Certificate is due', async () => {
        await assertRefused(
          await played({}, withAuthentication),
          'unexpected_message',
          /Finished came in state WAIT_CERT/,
        );
      });
      it('no CertificateVerify', async () => {
        const client = await played({ certificate_verify: () => [] }, withAuthentication, true);
        await assertRefused(client, 'unexpected_message', /Finished came in state WAIT_CV/);
      });
      it('CertificateVerify after an empty Certificate', async () => {
        const client = await played(
          { certificate: () => writeCertificate(none, []) },
          { clientCertificate: 'request', trust: pki.trust },
          true,
        );
        await assertRefused(client, 'unexpected_message', /CertificateVerify came in state WAIT_FINISHED/);
      });
      it('a request context', async () => {
        const certificate = (right: Bytes): Bytes =>
          handshake(11, concat(opaque8(Uint8Array.of(1)), right.subarray(5)));
        await assertRefused(
          await played({ certificate }, withAuthentication, true),
          'illegal_parameter',
          /request context/,
        );
      });
      it('a wrong signature', async () => {
        const certificate_verify = (right: Bytes): Bytes => right.with(right.length - 1, (right.at(-1) as number) ^ 1);
        const client = await played({ certificate_verify }, withAuthentication, true);
        await assertRefused(client, 'decrypt_error', /does not hold that key/);
      });
      it('PKCS#1 in CertificateVerify', async () => {
        const certificate_verify = (right: Bytes): Bytes => writeCertificateVerify(0x0401, right.subarray(8));
        await assertRefused(
          await played({ certificate_verify }, withAuthentication, true),
          'illegal_parameter',
          /certificates alone/,
        );
      });
      for (const [name, credential, code, alert] of [
        ['a certificate of an unknown authority', stranger, 'certificate_unknown_issuer', 'unknown_ca'],
        ['a server’s certificate', serverOnly, 'certificate_refused', 'certificate_unknown'],
      ] as const) {
        it(name, async () => {
          const client = start(withAuthentication);
          Object.defineProperty(client, 'credential', { value: credential });
          await client.sendHello();
          await client.readFlight();
          await client.flight({}, { authenticate: true });
          await assertRefused(client, code, /./, alert);
        });
      }
      const strays: readonly [string, Bytes][] = [
        ['client_hello', handshake(1, new Uint8Array(40))],
        ['server_hello', handshake(2, new Uint8Array(40))],
        ['encrypted_extensions', writeEncryptedExtensions({})],
        ['certificate_request', writeCertificateRequest(none, { signature_algorithms: [0x0403] })],
        ['certificate', writeCertificate(none, [])],
        ['certificate_verify', writeCertificateVerify(0x0403, none)],
        ['key_update', writeKeyUpdate(false)],
        ['new_session_ticket', handshake(4, new Uint8Array(20))],
        ['end_of_early_data', handshake(5, none)],
        ['an unknown type', handshake(77, none)],
      ];
      for (const [name, stray] of strays) {
        it(`${name} for Finished`, async () => {
          await assertRefused(
            await played({ finished: () => stray }),
            'unexpected_message',
            /came in state WAIT_FINISHED/,
          );
        });
        if (name !== 'client_hello') {
          it(`${name} for ClientHello`, async () => {
            const client = start();
            await client.give(client.seal(22, stray));
            await assertRefused(client, 'unexpected_message', /came in state START,/);
          });
        }
        if (name !== 'key_update') {
          it(`${name} after the handshake`, async () => {
            const client = await played({});
            await client.give(client.seal(22, stray));
            await assertRefused(client, 'unexpected_message', /came in state CONNECTED/);
          });
        }
      }
      it('Finished twice', async () => {
        const client = await played({ finished: (right) => [right] });
        await client.give(client.seal(22, handshake(20, new Uint8Array(32))));
        await assertRefused(client, 'unexpected_message', /Finished came in state CONNECTED/);
      });
    });

    describe('early data', () => {
      const early = withExtensions({ early_data: true });
      const junk = (length: number): Bytes =>
        concat(Uint8Array.of(23, 3, 3, length >> 8, length & 0xff), new Uint8Array(length).fill(1));
      it('is skipped', async () => {
        const client = await greeted(early);
        for (let i = 0; i < 4; i++) await client.give(junk(500));
        await client.readFlight();
        await client.flight();
        if (!client.side.established) throw client.side.error;
      });
      it('beyond the limit', async () => {
        const client = await greeted(early, { limits: { skippedEarlyData: 965 } });
        for (let i = 0; i < 2; i++) await client.give(junk(500));
        await client.readFlight();
        await assertRefused(client, 'bad_record_mac', /more early data than is skipped/);
      });
      it('that was not announced', async () => {
        const client = await greeted(same);
        await client.give(junk(500));
        await client.readFlight();
        await assertRefused(client, 'bad_record_mac', /does not authenticate/);
      });
      const retryFields = withExtensions({ early_data: true, supported_groups: [29, 23] });
      it('is skipped after a HelloRetryRequest', async () => {
        const client = await greeted(retryFields, { groups: secp256r1 });
        await client.give(junk(500));
        if (client.side.error !== undefined) throw client.side.error;
      });
      it('beyond the limit after a HelloRetryRequest', async () => {
        const client = await greeted(retryFields, { groups: secp256r1, limits: { skippedEarlyData: 965 } });
        for (let i = 0; i < 2; i++) await client.give(junk(500));
        await assertRefused(client, 'unexpected_message', /more early data than is skipped/);
      });
    });

    it('answers a hello in the format of SSL 2.0 with protocol_version', async () => {
      const client = start();
      // Two bytes of length, CLIENT-HELLO, TLS 1.0, one cipher of three bytes, no session, a challenge of 16.
      const body = concat(fromHex('01 0301 0003 0000 0010 00002f'), new Uint8Array(16));
      await client.give(concat(Uint8Array.of(0x80, body.length), body));
      await assertRefused(client, 'protocol_version', /a hello in the format of SSL 2.0/);
    });

    it('names other protocols', async () => {
      for (const [bytes, what] of [
        ['GET / HTTP/1.1\r\n\r\n', /an HTTP request/],
        ['SSH-2.0-OpenSSH_9.2\r\n', /an SSH banner/],
        ['220 mail.example ESMTP\r\n', /an SMTP or FTP greeting/],
        ['EHLO client\r\n', /an SMTP command/],
      ] as const) {
        const client = start();
        await client.give(Buffer.from(bytes));
        await assertRefused(client, 'not_tls', what, 'unexpected_message');
      }
    });
  });
}
