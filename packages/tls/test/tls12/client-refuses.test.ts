/**
 * What a client of TLS 1.2 refuses of a server: the code, the alert, the message.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, concat, fromHex } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { type AlertName, type Credential, type TlsErrorCode, tls12, tls13 } from '../../src/index.ts';
import { writeCertificateStatus } from '../../src/messages/certificate-status.ts';
import { writeServerKeyExchange } from '../../src/messages/key-exchange.ts';
import {
  writeCertificate12,
  writeCertificateRequest12,
  writeDigitallySigned,
  writeHelloRequest,
  writeServerHelloDone,
} from '../../src/messages/messages12.ts';
import { contentType, namedGroups, signatureSchemes } from '../../src/registry.ts';
import { assertRefused } from '../support/assert.ts';
import { makeCredential, otherPki } from '../support/identities.ts';
import { providers, startClient } from '../support/pair.ts';
import {
  ecdhParams,
  PuppetServer12,
  type ServerChanges12,
  type ServerFlight12,
  type ServerStep12,
} from '../support/puppet12.ts';
import { extension, extensions, handshake, opaque8, record, u16 } from '../support/wire.ts';
import { damaged, refusesChangeCipherSpec, refusesFinished } from './last-flight-refuses.ts';

const curves = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
const withHybrid = namedGroups.filter(({ name }) => name === 'X25519MLKEM768' || curves.some((c) => c.name === name));
const none: Bytes = new Uint8Array(0);
const rsaCredential = await makeCredential({ type: 'rsa' });
const otherCurve = await makeCredential({ type: 'secp384r1' });
const stranger = await makeCredential({ issuer: otherPki });
const expired = await makeCredential({ with: { notAfter: new Date('2026-11-20T00:00:00Z') } });
const otherName = await makeCredential({ names: ['example.org'] });
const noSignature = await makeCredential({ with: { keyUsage: ['keyAgreement'] } });

type Options = NonNullable<Parameters<typeof startClient>[0]>;

const both: Options = { versions: [tls13, tls12] };

const renegotiationInfo = extension(0xff01, Uint8Array.of(0));
const extendedMasterSecret = extension(23);

/** A ServerHello with any field wrong. */
function serverHello(
  wrong: {
    version?: number;
    random?: Uint8Array;
    sessionId?: Uint8Array;
    suite?: number;
    compression?: number;
    /** Beside renegotiation_info and extended_master_secret. */
    more?: readonly Uint8Array[];
    /** In place of all. */
    extensions?: readonly Uint8Array[];
  } = {},
): Bytes {
  const list = wrong.extensions ?? [renegotiationInfo, extendedMasterSecret, ...(wrong.more ?? [])];
  return handshake(
    2,
    concat(
      u16(wrong.version ?? 0x0303),
      wrong.random ?? new Uint8Array(32).fill(7),
      opaque8(wrong.sessionId ?? none),
      u16(wrong.suite ?? 0xc02b),
      Uint8Array.of(wrong.compression ?? 0),
      extensions(...list),
    ),
  );
}

const marked = (end: string): Bytes => concat(new Uint8Array(24), fromHex(end));
const to12 = marked('444F574E47524401');
const below = marked('444F574E47524400');

/** A point of secp256r1, uncompressed. */
function p256Point(): Bytes {
  const key = nodeProvider.groups.secp256r1?.generate();
  if (key === undefined || key instanceof Promise) throw new TypeError('secp256r1 is asynchronous');
  return key.share;
}

for (const provider of providers) {
  describe(`client of TLS 1.2 refuses, provider ${provider.name}`, () => {
    const start = (options: Options = {}) =>
      new PuppetServer12(startClient({ provider, groups: curves, versions: [tls12], ...options }));

    /** Answers the client's hello with one message. */
    const answered = async (message: Bytes, options?: Options) => {
      const server = start(options);
      await server.readHello();
      await server.send(message);
      return server;
    };

    /** Plays the whole handshake with steps changed, as far as the client goes along. */
    const played = async (
      changes: ServerChanges12 | ((server: PuppetServer12) => ServerChanges12) = {},
      options?: Options,
      flight?: ServerFlight12,
    ) => {
      const server = start(options);
      const made = typeof changes === 'function' ? changes(server) : changes;
      await server.flight(made, flight);
      await server.receive();
      if (server.messages.some(({ type }) => type === 'client_key_exchange')) await server.finish(made);
      return server;
    };

    /** Something in place of a step that is no message: under the keys of that moment. */
    const instead =
      (server: PuppetServer12, type: number, ...contents: readonly Bytes[]) =>
      async (): Promise<readonly Bytes[]> => {
        for (const content of contents) await server.give(server.seal(type, content));
        return [];
      };

    const assertConnected = async (server: PuppetServer12) => {
      await server.receive();
      if (server.side.error) throw server.side.error;
      assert.equal(server.side.established, true);
      assert.deepEqual(server.alerts, []);
      await server.sendData('hello');
      assert.equal(server.side.text(), 'hello');
    };

    it('nothing of the right handshake', async () => {
      await assertConnected(await played());
      await assertConnected(await played({}, both));
      await assertConnected(await played({}, {}, { requestCertificate: true, staple: Uint8Array.of(0x30, 0) }));
    });

    describe('in ServerHello', () => {
      const cases: readonly [string, Bytes, RegExp, TlsErrorCode?, Options?][] = [
        ['a compression method', serverHello({ compression: 1 }), /compression method 1, not null/],
        [
          'a suite that was not offered',
          serverHello({ suite: 0xc009 }),
          /the server chose 0xC009, which we did not offer/,
        ],
        ['a signal that is no suite', serverHello({ suite: 0x00ff }), /0x00FF, which we did not offer/],
        [
          'a suite of TLS 1.3 that was offered',
          serverHello({ suite: 0x1301 }),
          /TLS_AES_128_GCM_SHA256, which is not of TLS 1\.2/,
          'illegal_parameter',
          both,
        ],
        [
          'a suite of TLS 1.3 that was not offered',
          serverHello({ suite: 0x1301 }),
          /TLS_AES_128_GCM_SHA256, which we did not offer/,
        ],
        [
          'the sentinel of a downgrade to TLS 1.2, where TLS 1.3 is offered',
          serverHello({ random: to12 }),
          /a server that knows TLS 1\.3 was made to choose TLS 1\.2/,
          'illegal_parameter',
          both,
        ],
        [
          'the sentinel of a downgrade below TLS 1.2, where TLS 1.3 is offered',
          serverHello({ random: below }),
          /a server that knows TLS 1\.3 was made to choose TLS 1\.2/,
          'illegal_parameter',
          both,
        ],
        [
          'the sentinel of a downgrade to TLS 1.1',
          serverHello({ random: below, version: 0x0302 }),
          /a server that knows TLS 1\.2 was made to choose TLS 1\.1/,
        ],
        [
          'no renegotiation_info',
          serverHello({ extensions: [extendedMasterSecret] }),
          /renegotiation_info is missing/,
          'handshake_failure',
        ],
        [
          'no extensions at all',
          handshake(2, serverHello({ extensions: [] }).subarray(4, -2)),
          /renegotiation_info is missing/,
          'handshake_failure',
        ],
        [
          'renegotiation_info that is not empty',
          serverHello({ extensions: [extension(0xff01, opaque8(new Uint8Array(12)))] }),
          /renegotiation_info of another handshake/,
          'handshake_failure',
        ],
        [
          'encrypt_then_mac, where no suite could use it',
          serverHello({ more: [extension(22)] }),
          /encrypt_then_mac answers nothing that was offered/,
          'unsupported_extension',
        ],
        [
          'heartbeat, which was not offered',
          serverHello({ more: [extension(15, Uint8Array.of(1))] }),
          /heartbeat answers nothing that was offered/,
          'unsupported_extension',
        ],
        [
          'session_ticket, which was not offered',
          serverHello({ more: [extension(35)] }),
          /session_ticket answers nothing that was offered/,
          'unsupported_extension',
        ],
        [
          'an unknown extension',
          serverHello({ more: [extension(0xabcd)] }),
          /unknown \(43981\) answers nothing that was offered/,
          'unsupported_extension',
        ],
        [
          'status_request, which was not offered',
          serverHello({ more: [extension(5)] }),
          /status_request answers nothing that was offered/,
          'unsupported_extension',
          { certificateStatus: false },
        ],
        ['an extension twice', serverHello({ more: [extendedMasterSecret] }), /extended_master_secret stands twice/],
        [
          'an extension of another message',
          serverHello({ more: [extension(13, concat(u16(2), u16(0x0403)))] }),
          /signature_algorithms may not stand in this message/,
        ],
        [
          'bytes in an empty extension',
          serverHello({ more: [extension(0, Uint8Array.of(0))] }),
          /server_name of ServerHello: 1 bytes left over/,
          'decode_error',
        ],
        [
          'ec_point_formats without uncompressed',
          serverHello({ more: [extension(11, Uint8Array.of(1, 1))] }),
          /ec_point_formats without uncompressed points/,
        ],
        [
          'ec_point_formats that is empty',
          serverHello({ more: [extension(11, Uint8Array.of(0))] }),
          /ec_point_formats of ServerHello: a vector of 0 bytes/,
          'decode_error',
        ],
        [
          'an application protocol, where none was offered',
          serverHello({ more: [extension(16, concat(u16(3), opaque8(Buffer.from('h2'))))] }),
          /application_layer_protocol_negotiation answers nothing that was offered/,
          'unsupported_extension',
        ],
        [
          'an application protocol that was not offered',
          serverHello({ more: [extension(16, concat(u16(3), opaque8(Buffer.from('h3'))))] }),
          /the server chose an ALPN protocol that we did not offer/,
          'illegal_parameter',
          { alpnProtocols: ['h2'] },
        ],
        [
          'two application protocols',
          serverHello({
            more: [extension(16, concat(u16(6), opaque8(Buffer.from('h2')), opaque8(Buffer.from('h3'))))],
          }),
          /exactly one protocol name/,
          'decode_error',
          { alpnProtocols: ['h2', 'h3'] },
        ],
        [
          'max_fragment_length, which was not offered',
          serverHello({ more: [extension(1, Uint8Array.of(1))] }),
          /max_fragment_length answers nothing that was offered/,
          'unsupported_extension',
        ],
        [
          'another max_fragment_length than was asked for',
          serverHello({ more: [extension(1, Uint8Array.of(2))] }),
          /max_fragment_length 2 is not what we asked for/,
          'illegal_parameter',
          { maxFragmentLength: 512 },
        ],
        [
          'a record_size_limit below 64',
          serverHello({ more: [extension(28, u16(63))] }),
          /record_size_limit is 63, where 64 is the least/,
          'illegal_parameter',
          { recordSizeLimit: 1024 },
        ],
        [
          'a record_size_limit beyond 2^14',
          serverHello({ more: [extension(28, u16(16_385))] }),
          /record_size_limit is 16385, beyond 16,384/,
          'illegal_parameter',
          { recordSizeLimit: 1024 },
        ],
        [
          'max_fragment_length beside record_size_limit',
          serverHello({ more: [extension(1, Uint8Array.of(1)), extension(28, u16(512))] }),
          /max_fragment_length beside record_size_limit/,
          'illegal_parameter',
          { maxFragmentLength: 512, recordSizeLimit: 512 },
        ],
        [
          'no extended_master_secret, where it is required',
          serverHello({ extensions: [renegotiationInfo] }),
          /the server does not know extended_master_secret, and it is required/,
          'handshake_failure',
          { requireExtendedMasterSecret: true },
        ],
        [
          'supported_versions, which was not offered',
          serverHello({ extensions: [extension(43, u16(0x0303))] }),
          /supported_versions answers nothing that was offered/,
          'unsupported_extension',
        ],
        [
          'TLS 1.2 in supported_versions',
          serverHello({ extensions: [extension(43, u16(0x0303))], suite: 0x1301 }),
          /supported_versions names TLS 1\.2/,
          'illegal_parameter',
          both,
        ],
        [
          'a version that was not offered',
          serverHello({ version: 0x0302 }),
          /the server chose TLS 1\.1, and we offer TLS 1\.2 alone/,
          'protocol_version',
        ],
        [
          'TLS 1.3 as its version',
          serverHello({ version: 0x0304 }),
          /the server chose TLS 1\.3, and we offer TLS 1\.3, TLS 1\.2/,
          'protocol_version',
          both,
        ],
        [
          'a version beyond all that were offered',
          serverHello({ version: 0x0305 }),
          /the server chose 0x0305, and we offer TLS 1\.2 alone/,
          'protocol_version',
        ],
        [
          'a session id of more than 32 bytes',
          serverHello({ sessionId: new Uint8Array(33) }),
          /a vector of 33 bytes, where 0 to 32 are legal/,
          'decode_error',
        ],
        [
          'trailing bytes',
          handshake(2, concat(serverHello().subarray(4), Uint8Array.of(0))),
          /1 bytes left over/,
          'decode_error',
        ],
        ['a cut', handshake(2, serverHello().subarray(4, 30)), /ends after/, 'decode_error'],
      ];
      for (const [name, message, pattern, code = 'illegal_parameter', options] of cases) {
        it(name, async () => assertRefused(await answered(message, options), code, pattern));
      }

      it('the session id that was made up for TLS 1.3', async () => {
        const server = start(both);
        const { legacySessionId } = await server.readHello();
        assert.equal(legacySessionId.length, 32);
        await server.send(serverHello({ sessionId: legacySessionId }));
        await assertRefused(server, 'illegal_parameter', /it echoes our session id, and resumes nothing in TLS 1\.2/);
      });

      const accepted: readonly [string, Parameters<typeof serverHello>[0] & object, Options?][] = [
        ['another session id', { sessionId: new Uint8Array(32).fill(1) }, both],
        ['the sentinel of a downgrade to TLS 1.2, where TLS 1.2 is all that is offered', { random: to12 }],
        ['supported_groups, which some servers answer', { more: [extension(10, concat(u16(2), u16(29)))] }],
        ['ec_point_formats with more than uncompressed', { more: [extension(11, Uint8Array.of(3, 1, 0, 2))] }],
        ['an empty server_name', { more: [extension(0)] }],
      ];
      for (const [name, fields, options] of accepted) {
        it(`but not ${name}`, async () => {
          const server = await played(
            (puppet) => ({
              server_hello: () => {
                puppet.serverRandom = Uint8Array.from(fields.random ?? puppet.serverRandom);
                return serverHello({ ...fields, random: puppet.serverRandom });
              },
            }),
            options,
          );
          await assertConnected(server);
        });
      }
      it('but not the absence of extended_master_secret, unless it is required', async () => {
        const server = await played((puppet) => ({
          server_hello() {
            puppet.extendedMasterSecret = false;
            return serverHello({ random: puppet.serverRandom, extensions: [renegotiationInfo] });
          },
        }));
        await assertConnected(server);
        assert.equal(server.side.connection.negotiated?.extendedMasterSecret, false);
      });
    });

    describe('in Certificate', () => {
      const cases: readonly [string, Bytes, TlsErrorCode, RegExp, Options?][] = [
        ['an empty list', writeCertificate12([]), 'decode_error', /the list of certificates is empty/],
        ['an empty certificate', handshake(11, Uint8Array.of(0, 0, 3, 0, 0, 0)), 'decode_error', /a vector of 0 bytes/],
        ['bytes that are no certificate', writeCertificate12([Uint8Array.of(0x30, 0)]), 'certificate_malformed', /./],
        [
          'trailing bytes',
          handshake(11, concat(writeCertificate12([Uint8Array.of(0x30, 0)]).subarray(4), Uint8Array.of(0))),
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
        it(name, async () => assertRefused(await played({ certificate: () => message }, options), code, pattern));
      }

      const refused: readonly [string, Credential, TlsErrorCode, RegExp, AlertName?][] = [
        [
          'a key of RSA, under a suite of ECDSA',
          rsaCredential,
          'illegal_parameter',
          /a key of type rsa, which does not fit TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256/,
        ],
        [
          'a key on a curve that was not offered',
          otherCurve,
          'illegal_parameter',
          /a key on secp384r1, which supported_groups did not list/,
        ],
      ];
      for (const [name, { chain }, code, pattern] of refused) {
        const message = writeCertificate12(chain.map(({ raw }) => raw));
        it(name, async () => assertRefused(await played({ certificate: () => message }), code, pattern));
      }

      const distrusted: readonly [string, Credential, TlsErrorCode, RegExp, AlertName][] = [
        ['one of an unknown authority', stranger, 'certificate_unknown_issuer', /./, 'unknown_ca'],
        ['one that has expired', expired, 'certificate_expired', /expired/, 'certificate_expired'],
        ['one for another name', otherName, 'certificate_name_mismatch', /example\.org/, 'bad_certificate'],
        ['one whose key may not sign', noSignature, 'certificate_refused', /digitalSignature/, 'certificate_unknown'],
      ];
      for (const [name, credential, code, pattern, alert] of distrusted) {
        it(`${name}, before anything is encrypted to its key`, async () => {
          const server = start();
          Object.defineProperty(server, 'credential', { value: credential });
          await server.flight();
          await assertRefused(server, code, pattern, alert);
          assert.deepEqual(server.messages, []);
        });
      }
    });

    describe('in CertificateStatus', () => {
      const staple = Uint8Array.of(0x30, 0);
      it('it at all, where ServerHello did not announce it', async () => {
        await assertRefused(
          await played({ certificate_status: () => writeCertificateStatus(staple) }),
          'unexpected_message',
          /CertificateStatus came in state WAIT_SKE_12/,
        );
      });
      const cases: readonly [string, readonly Bytes[], TlsErrorCode, RegExp][] = [
        [
          'another type of status',
          [handshake(22, Uint8Array.of(2, 0, 0, 1, 0x30))],
          'illegal_parameter',
          /a status of type 2, not ocsp/,
        ],
        ['an empty response', [handshake(22, Uint8Array.of(1, 0, 0, 0))], 'decode_error', /a vector of 0 bytes/],
        [
          'trailing bytes',
          [handshake(22, Uint8Array.of(1, 0, 0, 1, 0x30, 0))],
          'decode_error',
          /CertificateStatus: 1 bytes left over/,
        ],
        [
          'a second one',
          [writeCertificateStatus(staple), writeCertificateStatus(staple)],
          'unexpected_message',
          /CertificateStatus came in state WAIT_SKE_12/,
        ],
      ];
      for (const [name, messages, code, pattern] of cases) {
        it(name, async () => {
          await assertRefused(await played({ certificate_status: () => messages }, {}, { staple }), code, pattern);
        });
      }
      it('but not its absence, where it was announced', async () => {
        await assertConnected(await played({}, {}, { extensions: { status_request: true } }));
        await assertConnected(await played({}, {}, { extensions: { status_request: true }, requestCertificate: true }));
      });
    });

    describe('in ServerKeyExchange', () => {
      /** Signed parameters that are wrong. */
      const params: readonly [string, Bytes, TlsErrorCode, RegExp, Options?][] = [
        [
          'a curve spelled out as a prime',
          ecdhParams(new Uint8Array(32).fill(9), 0x001d, 1),
          'illegal_parameter',
          /a curve that has no name/,
        ],
        [
          'a curve spelled out in characteristic two',
          ecdhParams(new Uint8Array(32).fill(9), 0x001d, 2),
          'illegal_parameter',
          /a curve that has no name/,
        ],
        [
          'a curve that was not offered',
          ecdhParams(new Uint8Array(97).fill(4), 0x0018),
          'illegal_parameter',
          /the curve secp384r1, which we did not offer/,
        ],
        [
          'a curve that nobody knows',
          ecdhParams(new Uint8Array(32).fill(4), 0x7777),
          'illegal_parameter',
          /the curve 0x7777, which we did not offer/,
        ],
        [
          'a hybrid group, which is TLS 1.3’s',
          ecdhParams(new Uint8Array(255).fill(4), 0x11ec),
          'illegal_parameter',
          /the curve X25519MLKEM768, which we did not offer/,
          { ...both, groups: withHybrid },
        ],
        [
          'a point that is not on the curve',
          ecdhParams(concat(Uint8Array.of(4), new Uint8Array(64).fill(1)), 0x0017),
          'illegal_parameter',
          /the secp256r1 share is invalid/,
        ],
        [
          'a compressed point',
          ecdhParams(concat(Uint8Array.of(2), p256Point().subarray(1, 33)), 0x0017),
          'illegal_parameter',
          /the secp256r1 share is invalid/,
        ],
        [
          'a point in hybrid form',
          ecdhParams(hybridForm(p256Point()), 0x0017),
          'illegal_parameter',
          /the secp256r1 share is invalid/,
        ],
        [
          'the point at infinity',
          ecdhParams(Uint8Array.of(0), 0x0017),
          'illegal_parameter',
          /the secp256r1 share is invalid/,
        ],
        [
          'a point that is too long',
          ecdhParams(concat(p256Point(), Uint8Array.of(0)), 0x0017),
          'illegal_parameter',
          /the secp256r1 share is invalid/,
        ],
        ['an empty point', ecdhParams(none), 'decode_error', /a vector of 0 bytes/],
        [
          'a point of x25519 that is too short',
          ecdhParams(new Uint8Array(31).fill(9)),
          'illegal_parameter',
          /the x25519 share is invalid/,
        ],
        [
          'a point of x25519 that is too long',
          ecdhParams(new Uint8Array(33).fill(9)),
          'illegal_parameter',
          /the x25519 share is invalid/,
        ],
        [
          'a point of x25519 whose secret would be zero',
          ecdhParams(new Uint8Array(32)),
          'illegal_parameter',
          /the x25519 share is invalid/,
        ],
      ];
      for (const [name, wrong, code, pattern, options] of params) {
        it(name, async () => {
          const server = await played(
            (puppet) => ({ server_key_exchange: () => puppet.serverKeyExchange(wrong) }),
            options,
          );
          await assertRefused(server, code, pattern);
          assert.deepEqual(server.messages, []);
        });
      }

      const paramsLength = 4 + 32;
      /** Another scheme's number over the right signature. */
      const named = (scheme: number) => (right: Bytes) =>
        concat(right.subarray(0, 4 + paramsLength), u16(scheme), right.subarray(4 + paramsLength + 2));
      const changes: readonly [string, (right: Bytes) => Bytes, TlsErrorCode, RegExp][] = [
        ['a wrong signature', damaged, 'decrypt_error', /it does not hold that key/],
        [
          'a signature over another point',
          (right) => right.with(4 + paramsLength - 1, (right[4 + paramsLength - 1] as number) ^ 1),
          'decrypt_error',
          /ServerKeyExchange: the signature is not by the key of the peer's certificate/,
        ],
        [
          'an empty signature',
          (right) => writeServerKeyExchange(right.subarray(4, 4 + paramsLength), writeDigitallySigned(0x0403, none)),
          'decrypt_error',
          /the signature is not by the key/,
        ],
        ['SHA-1', named(0x0203), 'illegal_parameter', /signed with 0x0203, which we did not offer/],
        [
          'a scheme of another kind of key',
          named(0x0804),
          'illegal_parameter',
          /rsa_pss_rsae_sha256 does not fit a key of type secp256r1/,
        ],
        ['a scheme that is TLS 1.3’s', named(0x0904), 'illegal_parameter', /signed with mldsa44|mldsa44 does not fit/],
        ['another hash than the one that signed', named(0x0503), 'decrypt_error', /the signature is not by the key/],
        [
          'a cut in the signature',
          (right) => handshake(12, right.subarray(4, -1)),
          'decode_error',
          /ServerKeyExchange: ends after/,
        ],
        ['a cut in the parameters', (right) => handshake(12, right.subarray(4, 20)), 'decode_error', /ends after/],
        [
          'no signature',
          (right) => handshake(12, right.subarray(4, 4 + paramsLength)),
          'decode_error',
          /ends after 0 bytes where a field of 2 was due/,
        ],
        ['an empty body', () => handshake(12, none), 'decode_error', /ends after 0 bytes where a field of 1 was due/],
        [
          'trailing bytes',
          (right) => handshake(12, concat(right.subarray(4), Uint8Array.of(0))),
          'decode_error',
          /ServerKeyExchange: 1 bytes left over/,
        ],
      ];
      for (const [name, change, code, pattern] of changes) {
        it(name, async () => assertRefused(await played({ server_key_exchange: change }), code, pattern));
      }
      it('a scheme that fits the key, and was not offered', async () => {
        const offered = { signatureSchemes: signatureSchemes.filter(({ id }) => id === 0x0403) };
        await assertRefused(
          await played({ server_key_exchange: named(0x0503) }, offered),
          'illegal_parameter',
          /signed with ecdsa_secp384r1_sha384, which we did not offer/,
        );
      });
      it('a signature under another handshake’s randoms', async () => {
        const server = await played((puppet) => ({
          server_key_exchange() {
            const { clientRandom } = puppet;
            puppet.clientRandom = new Uint8Array(32);
            const made = puppet.serverKeyExchange(ecdhParams(puppet.key.share));
            puppet.clientRandom = clientRandom;
            return made;
          },
        }));
        await assertRefused(server, 'decrypt_error', /the signature is not by the key/);
      });
      it('its absence', async () => {
        await assertRefused(
          await played({ server_key_exchange: () => [] }),
          'unexpected_message',
          /ServerKeyExchange is missing, and TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 needs it/,
        );
        await assertRefused(
          await played({ server_key_exchange: () => [] }, {}, { requestCertificate: true }),
          'unexpected_message',
          /ServerKeyExchange is missing/,
        );
      });
      it('but not a hash that is not the curve’s own', async () => {
        const server = await played((puppet) => ({
          server_key_exchange() {
            const made = ecdhParams(puppet.key.share);
            const content = concat(puppet.clientRandom, puppet.serverRandom, made);
            const signature = puppet.credential.signer.sign('ecdsa-sha384', content);
            if (signature instanceof Promise) throw new TypeError('an asynchronous signer');
            return writeServerKeyExchange(made, writeDigitallySigned(0x0503, signature));
          },
        }));
        await assertConnected(server);
      });
    });

    describe('in CertificateRequest', () => {
      const request = {
        certificateTypes: [64],
        signatureAlgorithms: [0x0403],
        certificateAuthorities: [],
      };
      const cases: readonly [string, readonly Bytes[], TlsErrorCode, RegExp][] = [
        [
          'a second one',
          [writeCertificateRequest12(request), writeCertificateRequest12(request)],
          'unexpected_message',
          /CertificateRequest came in state WAIT_SHD_12/,
        ],
        [
          'no types',
          [writeCertificateRequest12({ ...request, certificateTypes: [] })],
          'decode_error',
          /CertificateRequest: a vector of 0 bytes/,
        ],
        [
          'no schemes',
          [writeCertificateRequest12({ ...request, signatureAlgorithms: [] })],
          'decode_error',
          /CertificateRequest: a vector of 0 bytes/,
        ],
        [
          'an odd number of bytes of schemes',
          [handshake(13, Uint8Array.of(1, 64, 0, 3, 4, 3, 5, 0, 0))],
          'decode_error',
          /an odd number of bytes in supported_signature_algorithms/,
        ],
        [
          'the form of TLS 1.1',
          [handshake(13, Uint8Array.of(1, 64, 0, 0))],
          'decode_error',
          /CertificateRequest: a vector of 0 bytes/,
        ],
        [
          'trailing bytes',
          [handshake(13, Uint8Array.of(1, 64, 0, 2, 4, 3, 0, 0, 0))],
          'decode_error',
          /CertificateRequest: 1 bytes left over/,
        ],
      ];
      for (const [name, messages, code, pattern] of cases) {
        it(name, async () => {
          await assertRefused(await played({ certificate_request: () => messages }), code, pattern);
        });
      }
    });

    it('a ServerHelloDone with a body', async () => {
      await assertRefused(
        await played({ server_hello_done: () => handshake(14, Uint8Array.of(0)) }),
        'decode_error',
        /ServerHelloDone: 1 bytes left over/,
      );
    });

    describe('a message in the wrong place', () => {
      const strays: readonly [string, Bytes][] = [
        ['client_hello', handshake(1, new Uint8Array(40))],
        ['server_hello', serverHello()],
        ['new_session_ticket', handshake(4, new Uint8Array(20))],
        ['encrypted_extensions', handshake(8, extensions())],
        ['certificate', writeCertificate12([])],
        ['server_key_exchange', handshake(12, none)],
        ['certificate_request', handshake(13, none)],
        ['server_hello_done', writeServerHelloDone()],
        ['certificate_verify', handshake(15, new Uint8Array(4))],
        ['client_key_exchange', handshake(16, none)],
        ['finished', handshake(20, new Uint8Array(12))],
        ['certificate_status', writeCertificateStatus(Uint8Array.of(0x30, 0))],
        ['key_update', handshake(24, Uint8Array.of(0))],
        ['an unknown type', handshake(77, none)],
      ];
      const places: readonly (readonly [ServerStep12, string, readonly string[], ServerFlight12?])[] = [
        ['certificate', 'WAIT_CERT_12', ['certificate']],
        [
          'certificate_status',
          'WAIT_STATUS_12',
          ['certificate_status', 'server_key_exchange', 'certificate_request', 'server_hello_done'],
          { staple: Uint8Array.of(0x30, 0) },
        ],
        ['server_key_exchange', 'WAIT_SKE_12', ['server_key_exchange', 'certificate_request', 'server_hello_done']],
        ['server_hello_done', 'WAIT_CR_12', ['certificate_request', 'server_hello_done']],
        ['server_hello_done', 'WAIT_SHD_12', ['server_hello_done'], { requestCertificate: true }],
        ['finished', 'WAIT_FINISHED_12', ['finished']],
      ];
      for (const [step, state, welcome, flight] of places) {
        for (const [name, stray] of strays) {
          if (welcome.includes(name)) continue;
          it(`${name} in state ${state}`, async () => {
            await assertRefused(
              await played({ [step]: () => stray }, {}, flight),
              'unexpected_message',
              new RegExp(` came in state ${state}, `),
            );
          });
        }
      }
      for (const [name, stray] of strays) {
        it(`${name} for ChangeCipherSpec`, async () => {
          await assertRefused(
            await played((server) => ({ change_cipher_spec: instead(server, contentType.handshake, stray) })),
            'unexpected_message',
            / came in state WAIT_CCS_12, /,
          );
        });
        it(`${name} after the handshake`, async () => {
          const server = await played();
          await server.give(server.seal(contentType.handshake, stray));
          await assertRefused(server, 'unexpected_message', / came in state CONNECTED_12, /);
        });
        if (name === 'server_hello') continue;
        it(`${name} for ServerHello`, async () => {
          await assertRefused(await answered(stray), 'unexpected_message', / came in state WAIT_SH, /);
        });
      }
      it('a ChangeCipherSpec for ServerHelloDone', async () => {
        const server = start();
        await server.flight({ server_hello_done: () => [] });
        await server.give(record(contentType.change_cipher_spec, Uint8Array.of(1)));
        await assertRefused(server, 'unexpected_message', /a ChangeCipherSpec came where none was due/);
      });
    });

    describe('in ChangeCipherSpec', () => {
      const spec = record(contentType.change_cipher_spec, Uint8Array.of(1));
      for (const [name, options] of [
        ['TLS 1.2', {}],
        ['TLS 1.3 and 1.2', both],
      ] as const) {
        it(`one before ServerHello, where ${name} is offered`, async () => {
          const server = start(options);
          await server.readHello();
          await server.give(spec);
          await server.send(serverHello());
          await assertRefused(server, 'unexpected_message', /a ChangeCipherSpec came before ServerHello/);
        });
      }
      const steps: readonly ServerStep12[] = [
        'certificate',
        'server_key_exchange',
        'certificate_request',
        'server_hello_done',
      ];
      for (const step of steps) {
        it(`one before ${step}`, async () => {
          const server = await played((puppet) => ({
            async [step](right: Bytes) {
              await puppet.give(spec);
              return right;
            },
          }));
          await assertRefused(server, 'unexpected_message', /a ChangeCipherSpec came where none was due/);
        });
      }
      refusesChangeCipherSpec(played);
      it('one inside a fragmented message', async () => {
        const server = start();
        await server.flight({
          async server_key_exchange(right) {
            await server.give(record(contentType.handshake, right.subarray(0, 20)));
            await server.give(spec);
            return [];
          },
          server_hello_done: () => [],
        });
        await assertRefused(server, 'unexpected_message', /another record type came inside a fragmented handshake/);
      });
      it('handshake bytes that are left over before it', async () => {
        const server = await played((puppet) => ({
          async change_cipher_spec(right) {
            await puppet.give(record(contentType.handshake, writeHelloRequest().subarray(0, 2)));
            return right;
          },
          finished: () => [],
        }));
        await assertRefused(server, 'unexpected_message', /another record type came inside a fragmented handshake/);
      });
    });

    describe('in Finished', () => {
      refusesFinished('server', played);
    });

    describe('records', () => {
      it('application data in the clear', async () => {
        const server = start();
        await server.flight();
        await server.give(record(contentType.application_data, Buffer.from('early')));
        await server.receive();
        await server.readKeyExchange();
        await assertRefused(server, 'unexpected_message', /application data came in plaintext/);
      });
      it('another version in the handshake', async () => {
        const server = await answered(serverHello());
        await server.give(record(contentType.handshake, writeCertificate12([]), 0x0302));
        await assertRefused(server, 'protocol_version', /a record of TLS 1\.1 came, after TLS 1\.2 was agreed on/);
      });
      it('more than 2^14 bytes in the clear', async () => {
        const server = await answered(serverHello());
        await server.give(record(contentType.handshake, new Uint8Array(16_385)));
        await assertRefused(server, 'record_overflow', /a record of 16385 bytes came, where 16384 are the most/);
      });
      it('a handshake record without content', async () => {
        const server = await answered(serverHello());
        await server.give(record(contentType.handshake, none));
        await assertRefused(server, 'unexpected_message', /a handshake record without content came/);
      });
    });

    describe('HelloRequest inside the handshake', () => {
      const steps: readonly (readonly [ServerStep12, string])[] = [
        ['certificate', 'WAIT_CERT_12'],
        ['server_key_exchange', 'WAIT_SKE_12'],
        ['server_hello_done', 'WAIT_CR_12'],
        ['change_cipher_spec', 'WAIT_CCS_12'],
      ];
      const requests =
        (server: PuppetServer12, count: number) =>
        async (right: Bytes): Promise<Bytes> => {
          for (let i = 0; i < count; i++) await server.give(server.seal(contentType.handshake, writeHelloRequest()));
          return right;
        };
      for (const [step, state] of steps) {
        it(`four in state ${state} are ignored, and are not part of the transcript`, async () => {
          await assertConnected(await played((server) => ({ [step]: requests(server, 4) })));
        });
        it(`five in state ${state}`, async () => {
          await assertRefused(
            await played((server) => ({ [step]: requests(server, 5), finished: () => [] })),
            'unexpected_message',
            /more than 4 HelloRequests in a handshake/,
          );
        });
      }
      it('one with a body', async () => {
        await assertRefused(
          await played({ certificate: () => handshake(0, Uint8Array.of(0)) }),
          'decode_error',
          /HelloRequest: 1 bytes left over/,
        );
      });
      it('one between ChangeCipherSpec and Finished', async () => {
        await assertRefused(
          await played((server) => ({ finished: requests(server, 1) })),
          'unexpected_message',
          /HelloRequest came in state WAIT_FINISHED_12/,
        );
      });
      it('one before ServerHello, when the version is not known', async () => {
        await assertRefused(
          await answered(writeHelloRequest()),
          'unexpected_message',
          /HelloRequest came in state WAIT_SH/,
        );
      });
    });
  });
}

/** Hybrid form (X9.62): both coordinates, and the parity of y in the first byte. */
function hybridForm(point: Bytes): Bytes {
  return point.with(0, 6 + ((point.at(-1) as number) & 1));
}
