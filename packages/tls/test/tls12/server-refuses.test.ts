/**
 * What a server of TLS 1.2 refuses of a client: the code, the alert, the message.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, concat, fromHex } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { type AlertName, type Credential, type TlsErrorCode, tls12, tls13 } from '../../src/index.ts';
import { type ClientHelloFields, writeClientHello } from '../../src/messages/client-hello.ts';
import {
  writeCertificate12,
  writeCertificateVerify12,
  writeDigitallySigned,
  writeHelloRequest,
  writeServerHelloDone,
} from '../../src/messages/messages12.ts';
import { contentType, namedGroups, signatureSchemes } from '../../src/registry.ts';
import { assertRefused } from '../support/assert.ts';
import { makeCredential, otherPki, pki } from '../support/identities.ts';
import { providers, startServer } from '../support/pair.ts';
import { type ClientChanges12, type ClientStep12, PuppetClient12 } from '../support/puppet12.ts';
import { extensions, handshake, opaque8, opaque16, record } from '../support/wire.ts';
import { damaged, refusesChangeCipherSpec, refusesFinished } from './last-flight-refuses.ts';

const curves = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
const secp256r1 = curves.filter(({ name }) => name === 'secp256r1');
const none: Bytes = new Uint8Array(0);
const stranger = await makeCredential({ purpose: 'clientAuth', issuer: otherPki });
const serverOnly = await makeCredential({ purpose: 'serverAuth' });
const expired = await makeCredential({
  purpose: 'clientAuth',
  with: { notAfter: new Date('2026-11-20T00:00:00Z') },
});
const otherKey = await makeCredential({ purpose: 'clientAuth' });

/** Where things stand in a hello of the puppet's: version, random, an empty session id, one suite, one method. */
const at = { version: 4, random: 6, suites: 39, methods: 43 } as const;

type Options = NonNullable<Parameters<typeof startServer>[0]>;
type Change = (right: ClientHelloFields) => ClientHelloFields;

const both: Options = { versions: [tls13, tls12] };
const withAuthentication: Options = { clientCertificate: 'require', trust: pki.trust };

const withExtensions =
  (changes: object): Change =>
  (right) => ({ ...right, extensions: { ...right.extensions, ...changes } });
const withRaw =
  (type: number, data: Bytes): Change =>
  (right) => ({ ...right, raw: { last: [{ type, data }] } });
const without =
  (...names: readonly string[]): Change =>
  (right) => ({
    ...right,
    extensions: Object.fromEntries(Object.entries(right.extensions).filter(([name]) => !names.includes(name))),
  });
const withSuites =
  (...cipherSuites: readonly number[]): Change =>
  (right) => ({ ...right, cipherSuites });
const ofVersion =
  (legacyVersion: number): Change =>
  (right) => ({ ...right, legacyVersion });
const bare: Change = (right) => ({ ...right, extensions: {} });
const same: Change = (right) => right;

/** A point of secp256r1, uncompressed. */
function p256Point(): Bytes {
  const key = nodeProvider.groups.secp256r1?.generate();
  if (key === undefined || key instanceof Promise) throw new TypeError('secp256r1 is asynchronous');
  return key.share;
}

for (const provider of providers) {
  describe(`server of TLS 1.2 refuses, provider ${provider.name}`, () => {
    const start = (options: Options = {}) =>
      new PuppetClient12(startServer({ provider, groups: curves, versions: [tls12], ...options }));

    /** Sends a hello with fields changed, then its bytes changed. */
    const greeted = async (fields: Change, options?: Options, change: (hello: Bytes) => Bytes = (hello) => hello) => {
      const client = start(options);
      const hello = change(writeClientHello(fields(client.helloFields())));
      client.clientRandom = hello.slice(at.random, at.random + 32);
      await client.send(hello);
      return client;
    };

    /** Goes on to the end of the handshake, with steps changed. */
    const goOn = async (
      client: PuppetClient12,
      changes: ClientChanges12 | ((client: PuppetClient12) => ClientChanges12) = {},
      authenticate = false,
    ) => {
      await client.readFlight();
      client.messages.length = 0;
      await client.flight(typeof changes === 'function' ? changes(client) : changes, { authenticate });
      await client.receive();
      if (client.messages.length > 0) await client.finish();
      return client;
    };

    /** Plays the whole handshake with steps changed. */
    const played = async (
      changes: ClientChanges12 | ((client: PuppetClient12) => ClientChanges12) = {},
      options?: Options,
      authenticate = false,
      fields: Change = same,
    ) => goOn(await greeted(fields, options), changes, authenticate);

    const assertConnected = async (client: PuppetClient12) => {
      await client.receive();
      if (client.side.error) throw client.side.error;
      assert.equal(client.side.established, true);
      assert.deepEqual(client.alerts, []);
      assert.equal(client.side.connection.negotiated?.version, 'TLS 1.2');
      await client.sendData('hello');
      assert.equal(client.side.text(), 'hello');
    };

    it('nothing of the right handshake', async () => {
      await assertConnected(await played());
      await assertConnected(await played({}, both));
      await assertConnected(await played({}, withAuthentication, true));
    });

    describe('in ClientHello', () => {
      const cases: readonly [string, Change, RegExp, TlsErrorCode?, Options?, ((hello: Bytes) => Bytes)?][] = [
        [
          'compression methods without null',
          same,
          /compression methods without null/,
          'illegal_parameter',
          {},
          (hello) => hello.with(at.methods + 1, 1),
        ],
        [
          'no compression methods',
          same,
          /ClientHello: a vector of 0 bytes/,
          'decode_error',
          {},
          (hello) =>
            handshake(1, concat(hello.subarray(4, at.methods), Uint8Array.of(0), hello.subarray(at.methods + 2))),
        ],
        [
          'ec_point_formats without uncompressed',
          withExtensions({ ec_point_formats: [1, 2] }),
          /ec_point_formats without uncompressed points/,
        ],
        [
          'ec_point_formats that is empty',
          withExtensions({ ec_point_formats: [] }),
          /ec_point_formats of ClientHello: a vector of 0 bytes/,
          'decode_error',
        ],
        [
          'renegotiation_info that is not empty',
          withExtensions({ renegotiation_info: new Uint8Array(12) }),
          /renegotiation_info of another handshake/,
          'handshake_failure',
        ],
        [
          'no signature_algorithms',
          without('signature_algorithms'),
          /signature_algorithms is missing, which once meant SHA-1/,
          'handshake_failure',
        ],
        [
          'signature_algorithms that is empty',
          withExtensions({ signature_algorithms: [] }),
          /signature_algorithms of ClientHello: a vector of 0 bytes/,
          'decode_error',
        ],
        [
          'SHA-1 alone in signature_algorithms',
          withExtensions({ signature_algorithms: [0x0203, 0x0201] }),
          /no signature scheme in common: our keys are secp256r1; the client takes 0x0203, 0x0201/,
          'handshake_failure',
        ],
        [
          'schemes of other keys alone',
          withExtensions({ signature_algorithms: [0x0804, 0x0807] }),
          /no signature scheme in common: our keys are secp256r1; the client takes rsa_pss_rsae_sha256, ed25519/,
          'handshake_failure',
        ],
        [
          'no curve in common',
          withExtensions({ supported_groups: [24, 25] }),
          /no key exchange in common for TLS 1\.2: no curve in common/,
          'handshake_failure',
        ],
        [
          'groups that are no curves',
          withExtensions({ supported_groups: [0x11ec, 0x0100] }),
          /no key exchange in common for TLS 1\.2: no curve in common/,
          'handshake_failure',
          { groups: namedGroups.filter(({ id }) => id === 0x11ec || id === 0x001d) },
        ],
        [
          'a curve in common, and none for our certificate',
          withExtensions({ supported_groups: [29] }),
          /our keys are secp256r1/,
          'handshake_failure',
        ],
        [
          'supported_groups that is empty',
          withExtensions({ supported_groups: [] }),
          /supported_groups of ClientHello: a vector of 0 bytes/,
          'decode_error',
        ],
        [
          'no suite in common',
          withSuites(0xc009, 0x009c),
          /no cipher suite in common for TLS 1\.2: the client offers 0xC009, 0x009C/,
          'handshake_failure',
        ],
        [
          'suites of TLS 1.3 alone, without its supported_versions',
          withSuites(0x1301, 0x1302),
          /no cipher suite in common for TLS 1\.2/,
          'handshake_failure',
          both,
        ],
        [
          'a suite that our certificate does not fit',
          withSuites(0xc02f),
          /our keys are secp256r1/,
          'handshake_failure',
        ],
        [
          'a fallback to a version that is not our best',
          withSuites(0xc02b, 0x5600),
          /the client fell back to TLS 1\.2, and we speak TLS 1\.3/,
          'inappropriate_fallback',
          both,
        ],
        [
          'a fallback by supported_versions',
          (right) => withSuites(0xc02b, 0x5600)(withExtensions({ supported_versions: [0x0303] })(right)),
          /the client fell back to TLS 1\.2, and we speak TLS 1\.3/,
          'inappropriate_fallback',
          both,
        ],
        ['no extensions', bare, /signature_algorithms is missing/, 'handshake_failure'],
        [
          'no extensions, by a server of TLS 1.3 too',
          bare,
          /signature_algorithms is missing/,
          'handshake_failure',
          both,
        ],
        [
          'SSL 3.0',
          ofVersion(0x0300),
          /no version in common: the client offers SSL 3\.0, we speak TLS 1\.2/,
          'protocol_version',
        ],
        [
          'TLS 1.0',
          ofVersion(0x0301),
          /no version in common: the client offers TLS 1\.0, we speak TLS 1\.3, TLS 1\.2/,
          'protocol_version',
          both,
        ],
        [
          'TLS 1.1',
          ofVersion(0x0302),
          /no version in common: the client offers TLS 1\.1, we speak TLS 1\.2/,
          'protocol_version',
        ],
        [
          'TLS 1.3 alone',
          withExtensions({ supported_versions: [0x0304] }),
          /no version in common: the client offers TLS 1\.3, we speak TLS 1\.2/,
          'protocol_version',
        ],
        [
          'no extended_master_secret, where it is required',
          without('extended_master_secret'),
          /the client does not know extended_master_secret, and it is required/,
          'handshake_failure',
          { requireExtendedMasterSecret: true },
        ],
        [
          'extended_master_secret that is not empty',
          (right) => withRaw(23, Uint8Array.of(0))(without('extended_master_secret')(right)),
          /extended_master_secret of ClientHello: 1 bytes left over/,
          'decode_error',
        ],
        [
          'max_fragment_length of no meaning',
          withExtensions({ max_fragment_length: 5 }),
          /max_fragment_length is 5, where 1 to 4 are legal/,
        ],
        [
          'a record_size_limit below 64',
          withExtensions({ record_size_limit: 63 }),
          /record_size_limit is 63, where 64 is the least/,
        ],
        [
          'no application protocol in common',
          withExtensions({ application_layer_protocol_negotiation: ['h3'] }),
          /the client offers "h3"/,
          'no_application_protocol',
          { alpnProtocols: ['h2'] },
        ],
        [
          'an unknown name, where asked to',
          withExtensions({ server_name: 'nobody.example' }),
          /no certificate of ours is for "nobody\.example"/,
          'unrecognized_name',
          { strictServerName: true },
        ],
        ['an extension twice', withRaw(23, none), /extended_master_secret stands twice/],
        [
          'trailing bytes',
          same,
          /ClientHello: 1 bytes left over/,
          'decode_error',
          {},
          (hello) => handshake(1, concat(hello.subarray(4), Uint8Array.of(0))),
        ],
        ['a cut', same, /ends after/, 'decode_error', {}, (hello) => handshake(1, hello.subarray(4, 60))],
        ['no suites', withSuites(), /ClientHello: a vector of 0 bytes/, 'decode_error'],
        [
          'an odd number of bytes of suites',
          same,
          /an odd number of bytes in cipher_suites/,
          'decode_error',
          {},
          (hello) =>
            handshake(
              1,
              concat(
                hello.subarray(4, at.suites),
                opaque16(concat(hello.subarray(at.suites + 2, at.methods), none, Uint8Array.of(0))),
                hello.subarray(at.methods),
              ),
            ),
        ],
      ];
      for (const [name, fields, pattern, code = 'illegal_parameter', options, change] of cases) {
        it(name, async () => assertRefused(await greeted(fields, options, change), code, pattern));
      }

      const accepted: readonly [string, Change, Options?, ((hello: Bytes) => Bytes)?][] = [
        ['a version beyond ours', ofVersion(0x0305)],
        ['a version beyond ours, by a server of TLS 1.3 too', ofVersion(0x0305), both],
        ['TLS 1.3 as its legacy_version', ofVersion(0x0304), both],
        ['TLS 1.2 alone in supported_versions', withExtensions({ supported_versions: [0x0303] }), both],
        [
          'another legacy_version beside supported_versions',
          (right) => ofVersion(0x0301)(withExtensions({ supported_versions: [0x0303] })(right)),
          both,
        ],
        ['a fallback, where TLS 1.2 is our best', withSuites(0x5600, 0xc02b)],
        [
          'compression methods beside null',
          same,
          {},
          (hello) =>
            handshake(
              1,
              concat(hello.subarray(4, at.methods), opaque8(Uint8Array.of(64, 1, 0)), hello.subarray(at.methods + 2)),
            ),
        ],
        ['ec_point_formats with more than uncompressed', withExtensions({ ec_point_formats: [2, 1, 0] })],
        ['no ec_point_formats', without('ec_point_formats')],
        ['no server_name', without('server_name')],
        ['no extended_master_secret, unless it is required', without('extended_master_secret')],
        ['an unknown extension', withRaw(0xabcd, Uint8Array.of(1))],
        ['a session id of another connection', (right) => ({ ...right, legacySessionId: new Uint8Array(32).fill(1) })],
      ];
      for (const [name, fields, options, change] of accepted) {
        it(`but not ${name}`, async () => assertConnected(await goOn(await greeted(fields, options, change))));
      }
      it('but not the absence of supported_groups: then it takes any curve', async () => {
        const client = await greeted(without('supported_groups'));
        await client.receive();
        const [, , exchange] = client.messages;
        assert.equal(exchange?.type === 'server_key_exchange' && exchange.body[2], 23);
        assert.equal(client.side.error, undefined);
      });

      /** renegotiation_info of the answer, and the end of its random. */
      const answerTo = async (fields: Change, options?: Options) => {
        const client = await greeted(fields, options);
        await client.receive();
        return client.next('legacy_server_hello');
      };
      it('but answers renegotiation_info to either signal, and to none with nothing', async () => {
        const info = async (fields: Change) => (await answerTo(fields)).extensions.renegotiation_info;
        assert.deepEqual(await info(same), none);
        assert.deepEqual(await info((right) => withSuites(0xc02b, 0x00ff)(without('renegotiation_info')(right))), none);
        assert.equal(await info(without('renegotiation_info')), undefined);
      });
      it('but marks its random, where it could have had TLS 1.3', async () => {
        const end = async (options?: Options) => (await answerTo(same, options)).random.slice(24);
        assert.deepEqual(await end(both), fromHex('444F574E47524401'));
        assert.notDeepEqual(await end(), fromHex('444F574E47524401'));
      });
      it('but resumes no session', async () => {
        const hello = await answerTo((right) => ({ ...right, legacySessionId: new Uint8Array(32).fill(1) }));
        assert.deepEqual(hello.legacySessionIdEcho, none);
      });
    });

    describe('in ClientKeyExchange', () => {
      const point = (bytes: Uint8Array): Bytes => handshake(16, opaque8(bytes));
      const overX25519: readonly [string, (right: Bytes) => Bytes, TlsErrorCode, RegExp][] = [
        ['an empty body', () => handshake(16, none), 'decode_error', /ends after 0 bytes where a field of 1 was due/],
        ['an empty point', () => point(none), 'decode_error', /ClientKeyExchange: a vector of 0 bytes/],
        [
          'a cut in the point',
          (right) => handshake(16, right.subarray(4, -1)),
          'decode_error',
          /ClientKeyExchange: ends after 31 bytes where a field of 32 was due/,
        ],
        [
          'trailing bytes',
          (right) => handshake(16, concat(right.subarray(4), Uint8Array.of(0))),
          'decode_error',
          /ClientKeyExchange: 1 bytes left over/,
        ],
        [
          'a point of x25519 that is too short',
          () => point(new Uint8Array(31).fill(9)),
          'illegal_parameter',
          /ClientKeyExchange: the x25519 share is invalid/,
        ],
        [
          'a point of x25519 that is too long',
          () => point(new Uint8Array(33).fill(9)),
          'illegal_parameter',
          /ClientKeyExchange: the x25519 share is invalid/,
        ],
        [
          'a point of x25519 whose secret would be zero',
          () => point(new Uint8Array(32)),
          'illegal_parameter',
          /ClientKeyExchange: the x25519 share is invalid/,
        ],
        [
          'a point of another curve',
          () => point(p256Point()),
          'illegal_parameter',
          /ClientKeyExchange: the x25519 share is invalid/,
        ],
      ];
      for (const [name, change, code, pattern] of overX25519) {
        it(name, async () => assertRefused(await played({ client_key_exchange: change }), code, pattern));
      }
      const overP256: readonly [string, Bytes][] = [
        ['a point that is not on the curve', concat(Uint8Array.of(4), new Uint8Array(64).fill(1))],
        ['a point beyond the field', concat(Uint8Array.of(4), new Uint8Array(64).fill(0xff))],
        ['a compressed point', concat(Uint8Array.of(2), p256Point().subarray(1, 33))],
        ['a point in hybrid form', hybridForm(p256Point())],
        ['the point at infinity', Uint8Array.of(0)],
        ['a point that is too long', concat(p256Point(), Uint8Array.of(0))],
        ['a point that is too short', p256Point().slice(0, 64)],
      ];
      for (const [name, bytes] of overP256) {
        it(name, async () => {
          const client = await played({ client_key_exchange: () => point(bytes) }, { groups: secp256r1 });
          await assertRefused(client, 'illegal_parameter', /ClientKeyExchange: the secp256r1 share is invalid/);
        });
      }
    });

    describe('in Certificate', () => {
      it('an empty one, where one is required', async () => {
        await assertRefused(
          await played({ certificate: () => writeCertificate12([]), certificate_verify: () => [] }, withAuthentication),
          'certificate_required',
          /the client sent no certificate, and one is required/,
          'handshake_failure',
        );
      });
      it('its absence, where one was asked for', async () => {
        await assertRefused(
          await played({}, withAuthentication),
          'unexpected_message',
          /ClientKeyExchange came in state WAIT_CERT_12/,
        );
        await assertRefused(
          await played({}, { ...withAuthentication, clientCertificate: 'request' }),
          'unexpected_message',
          /ClientKeyExchange came in state WAIT_CERT_12/,
        );
      });
      it('it at all, where none was asked for', async () => {
        await assertRefused(await played({}, {}, true), 'unexpected_message', /Certificate came in state WAIT_CKE_12/);
        await assertRefused(
          await played({ certificate: () => writeCertificate12([]) }),
          'unexpected_message',
          /Certificate came in state WAIT_CKE_12/,
        );
      });
      const cases: readonly [string, Bytes, TlsErrorCode, RegExp, Options?][] = [
        ['an empty certificate', handshake(11, Uint8Array.of(0, 0, 3, 0, 0, 0)), 'decode_error', /a vector of 0 bytes/],
        ['bytes that are no certificate', writeCertificate12([Uint8Array.of(0x30, 0)]), 'certificate_malformed', /./],
        [
          'trailing bytes',
          handshake(11, concat(writeCertificate12([]).subarray(4), Uint8Array.of(0))),
          'decode_error',
          /Certificate: 1 bytes left over/,
        ],
        [
          'more bytes than the limit',
          writeCertificate12([new Uint8Array(5000)]),
          'message_too_large',
          /Certificate announces 5006 bytes, where 4096 are the most that we take/,
          { limits: { certificateBytes: 4096 } },
        ],
        [
          'more certificates than the limit',
          writeCertificate12(Array.from({ length: 20 }, () => Uint8Array.of(0x30, 0))),
          'message_too_large',
          /a chain of 20 certificates, where 16 are taken/,
        ],
      ];
      for (const [name, message, code, pattern, options] of cases) {
        it(name, async () => {
          const client = await played({ certificate: () => message }, { ...withAuthentication, ...options }, true);
          await assertRefused(client, code, pattern);
        });
      }
      const distrusted: readonly [string, Credential, TlsErrorCode, RegExp, AlertName][] = [
        ['one of an unknown authority', stranger, 'certificate_unknown_issuer', /./, 'unknown_ca'],
        ['one that has expired', expired, 'certificate_expired', /expired/, 'certificate_expired'],
        ['a server’s', serverOnly, 'certificate_refused', /./, 'certificate_unknown'],
      ];
      for (const [name, credential, code, pattern, alert] of distrusted) {
        it(name, async () => {
          const client = start(withAuthentication);
          Object.defineProperty(client, 'credential', { value: credential });
          await client.sendHello();
          await goOn(client, {}, true);
          await assertRefused(client, code, pattern, alert);
        });
      }
      it('but not an empty one, where none is required', async () => {
        await assertConnected(
          await played(
            { certificate: () => writeCertificate12([]) },
            { ...withAuthentication, clientCertificate: 'request' },
          ),
        );
      });
    });

    describe('in CertificateVerify', () => {
      const cases: readonly [string, (right: Bytes, client: PuppetClient12) => Bytes, TlsErrorCode, RegExp][] = [
        ['a wrong signature', damaged, 'decrypt_error', /CertificateVerify: the signature is not by the key/],
        [
          'a signature by another key',
          (_, client) => client.certificateVerify(otherKey),
          'decrypt_error',
          /it does not hold that key/,
        ],
        [
          'a signature over other messages',
          (right, client) => {
            client.transcript.add(right);
            return client.certificateVerify();
          },
          'decrypt_error',
          /it does not hold that key/,
        ],
        [
          'an empty signature',
          () => writeCertificateVerify12(writeDigitallySigned(0x0403, none)),
          'decrypt_error',
          /it does not hold that key/,
        ],
        [
          'SHA-1',
          (_, client) => client.certificateVerify(client.credential, 0x0203),
          'illegal_parameter',
          /CertificateVerify: signed with 0x0203, which we did not offer/,
        ],
        [
          'a scheme of another kind of key',
          (_, client) => client.certificateVerify(client.credential, 0x0401),
          'illegal_parameter',
          /rsa_pkcs1_sha256 does not fit a key of type secp256r1/,
        ],
        [
          'a scheme that is TLS 1.3’s',
          (_, client) => client.certificateVerify(client.credential, 0x0904),
          'illegal_parameter',
          /signed with mldsa44|mldsa44 does not fit/,
        ],
        [
          'another hash than the one that signed',
          (_, client) => client.certificateVerify(client.credential, 0x0503),
          'decrypt_error',
          /it does not hold that key/,
        ],
        [
          'the form of TLS 1.1',
          (right) => handshake(15, right.subarray(6)),
          'decode_error',
          /CertificateVerify: ends after/,
        ],
        ['a cut', (right) => handshake(15, right.subarray(4, -1)), 'decode_error', /CertificateVerify: ends after/],
        [
          'trailing bytes',
          (right) => handshake(15, concat(right.subarray(4), Uint8Array.of(0))),
          'decode_error',
          /CertificateVerify: 1 bytes left over/,
        ],
      ];
      for (const [name, change, code, pattern] of cases) {
        it(name, async () => {
          const client = await played(
            (puppet) => ({ certificate_verify: (right) => change(right, puppet) }),
            withAuthentication,
            true,
          );
          await assertRefused(client, code, pattern);
        });
      }
      it('a scheme that fits the key, and was not offered', async () => {
        const client = await played(
          (puppet) => ({ certificate_verify: () => puppet.certificateVerify(puppet.credential, 0x0503) }),
          { ...withAuthentication, signatureSchemes: signatureSchemes.filter(({ id }) => id === 0x0403) },
          true,
        );
        await assertRefused(client, 'illegal_parameter', /signed with ecdsa_secp384r1_sha384, which we did not offer/);
      });
      it('its absence', async () => {
        await assertRefused(
          await played({ certificate_verify: () => [] }, withAuthentication, true),
          'unexpected_message',
          /a ChangeCipherSpec came where none was due/,
        );
        await assertRefused(
          await played({ certificate_verify: () => [], change_cipher_spec: () => [] }, withAuthentication, true),
          'unexpected_message',
          /Finished came in state WAIT_CV_12/,
        );
      });
      it('it at all, after an empty Certificate', async () => {
        await assertRefused(
          await played(
            { certificate: () => writeCertificate12([]) },
            { ...withAuthentication, clientCertificate: 'request' },
            true,
          ),
          'unexpected_message',
          /CertificateVerify came in state WAIT_CCS_12/,
        );
      });
      it('it at all, where no certificate was asked for', async () => {
        await assertRefused(
          await played({ certificate_verify: (right) => right }),
          'unexpected_message',
          /CertificateVerify came in state WAIT_CCS_12/,
        );
      });
      it('but not a hash that is not the curve’s own', async () => {
        const client = await played(
          (puppet) => ({
            certificate_verify() {
              const signature = puppet.credential.signer.sign('ecdsa-sha512', puppet.transcript.bytes());
              if (signature instanceof Promise) throw new TypeError('an asynchronous signer');
              return writeCertificateVerify12(writeDigitallySigned(0x0603, signature));
            },
          }),
          withAuthentication,
          true,
        );
        await assertConnected(client);
      });
    });

    describe('a message in the wrong place', () => {
      const strays: readonly [string, Bytes][] = [
        ['hello_request', writeHelloRequest()],
        ['client_hello', handshake(1, new Uint8Array(40))],
        ['server_hello', handshake(2, new Uint8Array(40))],
        ['new_session_ticket', handshake(4, new Uint8Array(20))],
        ['encrypted_extensions', handshake(8, extensions())],
        ['certificate', writeCertificate12([])],
        ['server_key_exchange', handshake(12, none)],
        ['certificate_request', handshake(13, none)],
        ['server_hello_done', writeServerHelloDone()],
        ['certificate_verify', handshake(15, new Uint8Array(4))],
        ['client_key_exchange', handshake(16, none)],
        ['finished', handshake(20, new Uint8Array(12))],
        ['key_update', handshake(24, Uint8Array.of(0))],
        ['an unknown type', handshake(77, none)],
      ];
      const places: readonly (readonly [ClientStep12, string, string, boolean])[] = [
        ['certificate', 'WAIT_CERT_12', 'certificate', true],
        ['client_key_exchange', 'WAIT_CKE_12', 'client_key_exchange', false],
        ['certificate_verify', 'WAIT_CV_12', 'certificate_verify', true],
        ['finished', 'WAIT_FINISHED_12', 'finished', false],
      ];
      for (const [step, state, welcome, authenticate] of places) {
        for (const [name, stray] of strays) {
          if (name === welcome) continue;
          it(`${name} in state ${state}`, async () => {
            await assertRefused(
              await played({ [step]: () => stray }, authenticate ? withAuthentication : {}, authenticate),
              'unexpected_message',
              new RegExp(` came in state ${state}, `),
            );
          });
        }
      }
      for (const [name, stray] of strays) {
        it(`${name} for ChangeCipherSpec`, async () => {
          const client = await played((puppet) => ({
            async change_cipher_spec() {
              await puppet.give(puppet.seal(contentType.handshake, stray));
              return [];
            },
            finished: () => [],
          }));
          await assertRefused(client, 'unexpected_message', / came in state WAIT_CCS_12, /);
        });
        if (name === 'client_hello') continue;
        it(`${name} for ClientHello`, async () => {
          const client = start();
          await client.give(client.seal(contentType.handshake, stray));
          await assertRefused(client, 'unexpected_message', / came in state START, /);
        });
        it(`${name} after the handshake`, async () => {
          const client = await played();
          await client.give(client.seal(contentType.handshake, stray));
          await assertRefused(client, 'unexpected_message', / came in state CONNECTED_12, /);
        });
      }
    });

    describe('in ChangeCipherSpec', () => {
      const spec = record(contentType.change_cipher_spec, Uint8Array.of(1));
      it('one before ClientHello', async () => {
        const client = start();
        await client.give(spec);
        await assertRefused(client, 'unexpected_message', /a ChangeCipherSpec came where none was due/);
      });
      const steps: readonly (readonly [ClientStep12, boolean])[] = [
        ['certificate', true],
        ['client_key_exchange', false],
        ['client_key_exchange', true],
        ['certificate_verify', true],
      ];
      for (const [step, authenticate] of steps) {
        it(`one before ${step}, ${authenticate ? 'with' : 'without'} a certificate`, async () => {
          const client = await played(
            (puppet) => ({
              async [step](right: Bytes) {
                await puppet.give(spec);
                return right;
              },
            }),
            { ...both, ...(authenticate && withAuthentication) },
            authenticate,
          );
          await assertRefused(client, 'unexpected_message', /a ChangeCipherSpec came where none was due/);
        });
      }
      refusesChangeCipherSpec(played);
      it('one inside a fragmented message', async () => {
        const client = await played((puppet) => ({
          async client_key_exchange(right) {
            await puppet.give(record(contentType.handshake, right.subarray(0, 20)));
            await puppet.give(spec);
            return [];
          },
        }));
        await assertRefused(client, 'unexpected_message', /another record type came inside a fragmented handshake/);
      });
      it('the beginning of Finished in the record of the message before it', async () => {
        const client = await played((puppet) => ({
          async client_key_exchange(right) {
            puppet.transcript.add(right);
            await puppet.give(record(contentType.handshake, concat(right, Uint8Array.of(20, 0, 0, 12))));
            return [];
          },
        }));
        await assertRefused(client, 'unexpected_message', /Finished came in state WAIT_CCS_12/);
      });
    });

    describe('in Finished', () => {
      refusesFinished('client', played);
      it('one that saw another hello', async () => {
        const client = start();
        const hello = writeClientHello(client.helloFields());
        client.clientRandom = hello.slice(at.random, at.random + 32);
        client.extendedMasterSecret = true;
        // What somebody in between has added, the client has not seen.
        client.transcript.add(hello);
        const more = concat(hello.subarray(at.methods + 4), Uint8Array.of(0xab, 0xcd, 0, 0));
        await client.give(
          record(contentType.handshake, handshake(1, concat(hello.subarray(4, at.methods + 2), opaque16(more)))),
        );
        await client.readFlight();
        await client.flight();
        // extended_master_secret makes even the keys differ.
        await assertRefused(client, 'bad_record_mac', /a record does not authenticate/);
      });
    });

    describe('records', () => {
      it('application data in the clear', async () => {
        const client = await greeted(same);
        await client.give(record(contentType.application_data, Buffer.from('early')));
        await assertRefused(client, 'unexpected_message', /application data came in plaintext/);
      });
      it('another version in the handshake', async () => {
        const client = await greeted(same);
        await client.give(record(contentType.handshake, handshake(16, none), 0x0301));
        await assertRefused(client, 'protocol_version', /a record of TLS 1\.0 came, after TLS 1\.2 was agreed on/);
      });
      it('more than 2^14 bytes in the clear', async () => {
        const client = await greeted(same);
        await client.give(record(contentType.handshake, new Uint8Array(16_385)));
        await assertRefused(client, 'record_overflow', /a record of 16385 bytes came, where 16384 are the most/);
      });
      it('more than the agreed record_size_limit', async () => {
        const client = await played({}, { recordSizeLimit: 100 }, false, withExtensions({ record_size_limit: 16_385 }));
        await client.give(client.seal(contentType.application_data, new Uint8Array(100)));
        assert.equal(client.side.error, undefined);
        await client.give(client.seal(contentType.application_data, new Uint8Array(101)));
        await assertRefused(client, 'record_overflow', /a record holds 101 bytes, where 100 are the most/);
      });
      it('more than the agreed max_fragment_length, from ServerHello on', async () => {
        const client = await greeted(withExtensions({ max_fragment_length: 1 }));
        await client.give(record(contentType.handshake, new Uint8Array(513)));
        await assertRefused(client, 'record_overflow', /a record holds 513 bytes, where 512 are the most/);
      });
      it('a record a second time', async () => {
        const client = await played();
        const sealed = client.seal(contentType.application_data, Buffer.from('x'));
        await client.give(sealed);
        await client.give(sealed);
        await assertRefused(client, 'bad_record_mac', /a record does not authenticate/);
        assert.equal(client.side.text(), 'x');
      });
      it('but not a first record of another version', async () => {
        const client = start();
        const hello = writeClientHello(client.helloFields());
        client.clientRandom = hello.slice(at.random, at.random + 32);
        client.transcript.add(hello);
        await client.give(record(contentType.handshake, hello, 0x0301));
        await assertConnected(await goOn(client));
      });
    });
  });
}

/** Hybrid form (X9.62): both coordinates, and the parity of y in the first byte. */
function hybridForm(point: Bytes): Bytes {
  return point.with(0, 6 + ((point.at(-1) as number) & 1));
}
