/**
 * What a client refuses of a server: the alert, the code, the message.
 *
 * @module
 */

import { describe, it } from 'node:test';
import { type Bytes, concat, fromHex } from '@handfast/crypto';
import { writeCertificate } from '../../src/messages/certificate.ts';
import { writeCertificateRequest } from '../../src/messages/certificate-request.ts';
import { writeCertificateVerify } from '../../src/messages/certificate-verify.ts';
import type { ClientHello } from '../../src/messages/client-hello.ts';
import { writeEncryptedExtensions } from '../../src/messages/encrypted-extensions.ts';
import { writeKeyUpdate } from '../../src/messages/key-update.ts';
import { writeHelloRetryRequest, writeServerHello } from '../../src/messages/server-hello.ts';
import { namedGroups, TLS13 } from '../../src/registry.ts';
import { assertRefused } from '../support/assert.ts';
import { makeCredential, otherPki } from '../support/identities.ts';
import { providers, startClient } from '../support/pair.ts';
import { PuppetServer, type ServerStep } from '../support/puppet.ts';
import { extension, extensions, handshake, opaque8, u16 } from '../support/wire.ts';

const x25519 = namedGroups.filter(({ name }) => name === 'x25519');
const none: Bytes = new Uint8Array(0);
const share = { group: 0x001d, keyExchange: new Uint8Array(32).fill(9) };
const rsaCredential = await makeCredential({ type: 'rsa' });
const stranger = await makeCredential({ issuer: otherPki });
const expired = await makeCredential({ with: { notAfter: new Date('2026-11-20T00:00:00Z') } });
const otherName = await makeCredential({ names: ['example.org'] });
const noSignature = await makeCredential({ with: { keyUsage: ['keyAgreement'] } });

/** A ServerHello with any field wrong. */
function serverHello(
  hello: ClientHello,
  wrong: {
    legacyVersion?: number;
    random?: Uint8Array;
    echo?: Uint8Array;
    suite?: number;
    compression?: number;
    extensions?: readonly Uint8Array[];
  } = {},
): Bytes {
  const list = wrong.extensions ?? [
    extension(43, u16(TLS13)),
    extension(51, concat(u16(share.group), u16(32), share.keyExchange)),
  ];
  return handshake(
    2,
    concat(
      u16(wrong.legacyVersion ?? 0x0303),
      wrong.random ?? new Uint8Array(32).fill(7),
      opaque8(wrong.echo ?? hello.legacySessionId),
      u16(wrong.suite ?? 0x1301),
      Uint8Array.of(wrong.compression ?? 0),
      extensions(...list),
    ),
  );
}

const retryRandom = fromHex('CF21AD74E59A6111BE1D8C021E65B891C2A211167ABB8C5E079E09E2C8A8339C');

for (const provider of providers) {
  describe(`client refuses, provider ${provider.name}`, () => {
    const start = (options: Parameters<typeof startClient>[0] = {}) =>
      new PuppetServer(startClient({ provider, groups: x25519, ...options }));

    /** Answers the client's hello with one message. */
    const answered = async (make: (hello: ClientHello) => Bytes, options?: Parameters<typeof startClient>[0]) => {
      const server = start(options);
      await server.send(make(await server.readHello()));
      return server;
    };

    /** Plays the right flight with steps changed. */
    const played = async (
      changes: Partial<Record<ServerStep, (right: Bytes) => Bytes | readonly Bytes[]>>,
      options?: Parameters<typeof startClient>[0],
    ) => {
      const server = start(options);
      await server.flight(changes);
      return server;
    };

    describe('in ServerHello', () => {
      const cases: readonly [string, (hello: ClientHello) => Bytes, RegExp, Parameters<typeof assertRefused>[1]?][] = [
        ['another session id echoed', (h) => serverHello(h, { echo: new Uint8Array(32) }), /legacy_session_id_echo/],
        ['an empty session id echoed', (h) => serverHello(h, { echo: none }), /legacy_session_id_echo/],
        ['a compression method', (h) => serverHello(h, { compression: 1 }), /compression method 1/],
        [
          'a suite that was not offered',
          (h) => serverHello(h, { suite: 0x1305 }),
          /TLS_AES_128_CCM_8_SHA256, which we did not offer/,
        ],
        ['an unknown suite', (h) => serverHello(h, { suite: 0x00ff }), /0x00FF, which we did not offer/],
        [
          'TLS 1.2 in supported_versions',
          (h) =>
            serverHello(h, {
              extensions: [extension(43, u16(0x0303)), extension(51, concat(u16(29), u16(32), share.keyExchange))],
            }),
          /supported_versions names TLS 1.2/,
        ],
        [
          'another legacy_version',
          (h) => serverHello(h, { legacyVersion: 0x0304 }),
          /legacy_version is 0x0304/,
          'protocol_version',
        ],
        [
          'no key_share',
          (h) => serverHello(h, { extensions: [extension(43, u16(TLS13))] }),
          /key_share is missing/,
          'missing_extension',
        ],
        [
          'a share of a group that was not offered',
          (h) =>
            serverHello(h, {
              extensions: [
                extension(43, u16(TLS13)),
                extension(51, concat(u16(23), u16(65), new Uint8Array(65).fill(4))),
              ],
            }),
          /a share of secp256r1, which we sent none of/,
        ],
        [
          'an all-zero x25519 share',
          (h) =>
            serverHello(h, {
              extensions: [extension(43, u16(TLS13)), extension(51, concat(u16(29), u16(32), new Uint8Array(32)))],
            }),
          /x25519 share is invalid/,
        ],
        [
          'a share of the wrong length',
          (h) =>
            serverHello(h, {
              extensions: [extension(43, u16(TLS13)), extension(51, concat(u16(29), u16(31), new Uint8Array(31)))],
            }),
          /x25519 share is invalid/,
        ],
        [
          'an extension twice',
          (h) => serverHello(h, { extensions: [extension(43, u16(TLS13)), extension(43, u16(TLS13))] }),
          /supported_versions stands twice/,
        ],
        [
          'an extension of another message',
          (h) => serverHello(h, { extensions: [extension(43, u16(TLS13)), extension(10, none)] }),
          /supported_groups may not stand in this message/,
        ],
        [
          'an unknown extension',
          (h) => serverHello(h, { extensions: [extension(43, u16(TLS13)), extension(0xabcd, none)] }),
          /answers nothing that was offered/,
          'unsupported_extension',
        ],
        [
          'a pre-shared key that was not offered',
          (h) => serverHello(h, { extensions: [extension(43, u16(TLS13)), extension(41, u16(0))] }),
          /pre_shared_key answers nothing/,
          'unsupported_extension',
        ],
        [
          'trailing bytes in an extension',
          (h) => serverHello(h, { extensions: [extension(43, concat(u16(TLS13), Uint8Array.of(0)))] }),
          /supported_versions of ServerHello: 1 bytes left over/,
          'decode_error',
        ],
        [
          'trailing bytes',
          (h) => handshake(2, concat(serverHello(h).subarray(4), Uint8Array.of(0))),
          /1 bytes left over/,
          'decode_error',
        ],
        ['a cut', (h) => handshake(2, serverHello(h).subarray(4, 30)), /ends after/, 'decode_error'],
        [
          'the sentinel of a downgrade to TLS 1.2',
          (h) => serverHello(h, { random: concat(new Uint8Array(24), fromHex('444F574E47524401')), extensions: [] }),
          /was made to choose TLS 1.2/,
        ],
        [
          'the sentinel of a downgrade to TLS 1.1',
          (h) =>
            serverHello(h, {
              legacyVersion: 0x0302,
              random: concat(new Uint8Array(24), fromHex('444F574E47524400')),
              extensions: [],
            }),
          /was made to choose TLS 1.1/,
        ],
        [
          'TLS 1.2 without a sentinel',
          (h) => serverHello(h, { extensions: [] }),
          /the server chose TLS 1.2, and we offer TLS 1.3 alone/,
          'protocol_version',
        ],
      ];
      for (const [name, make, message, code = 'illegal_parameter'] of cases) {
        it(name, async () => assertRefused(await answered(make), code, message));
      }
    });

    describe('in HelloRetryRequest', () => {
      const groups = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
      const retry = (
        hello: ClientHello,
        extras: Parameters<typeof writeHelloRetryRequest>[0]['extensions'],
        suite = 0x1301,
      ) =>
        writeHelloRetryRequest({
          legacySessionIdEcho: hello.legacySessionId,
          cipherSuite: suite,
          extensions: { supported_versions: TLS13, ...extras },
        });
      const cases: readonly [string, (hello: ClientHello) => Bytes, RegExp, Parameters<typeof assertRefused>[1]?][] = [
        [
          'a group whose share it has',
          (h) => retry(h, { key_share: 29 }),
          /names the group x25519, whose share it has/,
        ],
        [
          'a group that was not offered',
          (h) => retry(h, { key_share: 24 }),
          /names the group secp384r1, which we did not offer/,
        ],
        ['nothing to change', (h) => retry(h, {}), /it would change nothing/],
        ['a suite that was not offered', (h) => retry(h, { key_share: 23 }, 0x1304), /which we did not offer/],
        [
          'an unknown extension',
          (h) => serverHello(h, { random: retryRandom, extensions: [extension(43, u16(TLS13)), extension(0xabcd)] }),
          /answers nothing/,
          'unsupported_extension',
        ],
        [
          'no supported_versions',
          (h) => serverHello(h, { random: retryRandom, extensions: [extension(51, u16(23))] }),
          /supported_versions is missing/,
          'missing_extension',
        ],
      ];
      for (const [name, make, message, code = 'illegal_parameter'] of cases) {
        it(name, async () => assertRefused(await answered(make, { groups }), code, message));
      }

      /** A retry to P-256 that goes well; then `make`. */
      const afterRetry = async (make: (hello: ClientHello) => Bytes) => {
        const server = await answered((h) => retry(h, { key_share: 23 }), { groups });
        await server.receive();
        await server.send(make(server.next('client_hello')));
        return server;
      };
      const second = (hello: ClientHello, suite: number, group: number, length: number): Bytes =>
        serverHello(hello, {
          suite,
          extensions: [
            extension(43, u16(TLS13)),
            extension(51, concat(u16(group), u16(length), new Uint8Array(length).fill(4))),
          ],
        });
      it('another suite after it', async () => {
        await assertRefused(
          await afterRetry((h) => second(h, 0x1302, 23, 65)),
          'illegal_parameter',
          /where HelloRetryRequest chose/,
        );
      });
      it('another group after it', async () => {
        await assertRefused(
          await afterRetry((h) => second(h, 0x1301, 29, 32)),
          'illegal_parameter',
          /where HelloRetryRequest asked for secp256r1/,
        );
      });
      it('another version after it', async () => {
        const server = await afterRetry((h) => serverHello(h, { extensions: [extension(43, u16(0x0305))] }));
        await assertRefused(server, 'illegal_parameter', /supported_versions names 0x0305/);
      });
      it('a second one', async () => {
        await assertRefused(
          await afterRetry((h) => retry(h, { key_share: 29 })),
          'unexpected_message',
          /WAIT_SH_AFTER_RETRY/,
        );
      });
    });

    describe('in EncryptedExtensions', () => {
      const raw =
        (...list: readonly Uint8Array[]): (() => Bytes) =>
        () =>
          handshake(8, extensions(...list));
      it('ALPN that was not offered', async () => {
        const server = await played({
          encrypted_extensions: raw(extension(16, concat(u16(3), opaque8(Buffer.from('h2'))))),
        });
        await assertRefused(server, 'unsupported_extension', /answers nothing/);
      });
      it('another protocol than was offered', async () => {
        const changed = {
          encrypted_extensions: () => writeEncryptedExtensions({ application_layer_protocol_negotiation: 'h3' }),
        };
        await assertRefused(await played(changed, { alpnProtocols: ['h2'] }), 'illegal_parameter', /did not offer/);
      });
      it('two protocols', async () => {
        const two = concat(u16(6), opaque8(Buffer.from('h2')), opaque8(Buffer.from('h3')));
        await assertRefused(
          await played({ encrypted_extensions: raw(extension(16, two)) }, { alpnProtocols: ['h2', 'h3'] }),
          'decode_error',
          /exactly one protocol/,
        );
      });
      it('key_share', async () => {
        await assertRefused(
          await played({ encrypted_extensions: raw(extension(51, u16(29))) }),
          'illegal_parameter',
          /key_share may not/,
        );
      });
      it('a record_size_limit below 64', async () => {
        const changed = { encrypted_extensions: () => writeEncryptedExtensions({ record_size_limit: 63 }) };
        await assertRefused(
          await played(changed, { recordSizeLimit: 1024 }),
          'illegal_parameter',
          /where 64 is the least/,
        );
      });
      it('a record_size_limit that was not offered', async () => {
        const changed = { encrypted_extensions: () => writeEncryptedExtensions({ record_size_limit: 1024 }) };
        await assertRefused(await played(changed), 'unsupported_extension', /record_size_limit/);
      });
    });

    describe('in CertificateRequest', () => {
      it('a request context', async () => {
        const changed = {
          certificate_request: () => writeCertificateRequest(Uint8Array.of(1), { signature_algorithms: [0x0403] }),
        };
        await assertRefused(await played(changed), 'illegal_parameter', /request context inside the handshake/);
      });
      it('no signature_algorithms', async () => {
        const changed = { certificate_request: () => writeCertificateRequest(none, {}) };
        await assertRefused(await played(changed), 'missing_extension', /signature_algorithms is missing/);
      });
      it('but not its unknown extensions', async () => {
        const list = extensions(extension(13, concat(u16(2), u16(0x0403))), extension(0xabcd, Uint8Array.of(1, 2)));
        const server = await played({ certificate_request: () => handshake(13, concat(opaque8(none), list)) });
        await server.finish();
        if (!server.side.established) throw server.side.error;
      });
    });

    describe('in Certificate', () => {
      it('an empty list', async () => {
        await assertRefused(
          await played({ certificate: () => writeCertificate(none, []) }),
          'decode_error',
          /list of certificates is empty/,
        );
      });
      it('a request context', async () => {
        const changed = {
          certificate: (right: Bytes) => handshake(11, concat(opaque8(Uint8Array.of(1)), right.subarray(5))),
        };
        await assertRefused(await played(changed), 'illegal_parameter', /request context/);
      });
      it('bytes that are no certificate', async () => {
        const changed = { certificate: () => writeCertificate(none, [Uint8Array.of(0x30, 0)]) };
        await assertRefused(await played(changed), 'certificate_malformed', /./, 'bad_certificate');
      });
      it('an extension that was not offered', async () => {
        const entry = concat(Uint8Array.of(0, 0, 1, 0x30), extensions(extension(34, none)));
        const changed = {
          certificate: () => handshake(11, concat(opaque8(none), Uint8Array.of(0, 0, entry.length), entry)),
        };
        await assertRefused(await played(changed), 'unsupported_extension', /delegated_credential answers nothing/);
      });
      it('more bytes than the limit', async () => {
        const changed = { certificate: () => writeCertificate(none, [new Uint8Array(5000)]) };
        const limits = { certificateBytes: 4096 };
        await assertRefused(
          await played(changed, { limits }),
          'message_too_large',
          /Certificate announces 50\d\d bytes/,
          'illegal_parameter',
        );
      });
      it('more certificates than the limit', async () => {
        const changed = {
          certificate: () =>
            writeCertificate(
              none,
              Array.from({ length: 20 }, () => Uint8Array.of(0x30, 0)),
            ),
        };
        await assertRefused(
          await played(changed),
          'message_too_large',
          /a chain of 20 certificates/,
          'illegal_parameter',
        );
      });
      it('none at all', async () => {
        await assertRefused(
          await played({ certificate: () => [] }),
          'unexpected_message',
          /CertificateVerify came in state WAIT_CERT_CR/,
        );
      });
      it('it twice', async () => {
        await assertRefused(
          await played({ certificate: (right) => [right, right] }),
          'unexpected_message',
          /Certificate came in state WAIT_CV/,
        );
      });

      const refused: readonly [
        string,
        typeof stranger,
        Parameters<typeof assertRefused>[1],
        RegExp,
        Parameters<typeof assertRefused>[3],
      ][] = [
        ['an unknown authority', stranger, 'certificate_unknown_issuer', /./, 'unknown_ca'],
        ['one that has expired', expired, 'certificate_expired', /expired/, 'certificate_expired'],
        ['one for another name', otherName, 'certificate_name_mismatch', /example.org/, 'bad_certificate'],
        ['one whose key may not sign', noSignature, 'certificate_refused', /digitalSignature/, 'certificate_unknown'],
      ];
      for (const [name, credential, code, message, alert] of refused) {
        it(name, async () => {
          const server = start();
          Object.defineProperty(server, 'credential', { value: credential });
          await server.flight();
          await assertRefused(server, code, message, alert);
        });
      }
    });

    describe('in CertificateVerify', () => {
      const resign =
        (scheme: number) =>
        (right: Bytes): Bytes =>
          writeCertificateVerify(scheme, right.subarray(8));
      it('a wrong signature', async () => {
        const changed = {
          certificate_verify: (right: Bytes) => {
            const bad = right.slice();
            bad[bad.length - 1] = (bad.at(-1) as number) ^ 1;
            return bad;
          },
        };
        await assertRefused(await played(changed), 'decrypt_error', /does not hold that key/);
      });
      it('its absence', async () => {
        await assertRefused(
          await played({ certificate_verify: () => [] }),
          'unexpected_message',
          /Finished came in state WAIT_CV/,
        );
      });
      it('a scheme that was not offered', async () => {
        await assertRefused(
          await played({ certificate_verify: resign(0x0203) }),
          'illegal_parameter',
          /0x0203, which we did not offer/,
        );
      });
      it('PKCS#1', async () => {
        await assertRefused(
          await played({ certificate_verify: resign(0x0401) }),
          'illegal_parameter',
          /signs certificates alone/,
        );
      });
      it('a scheme for another curve', async () => {
        await assertRefused(
          await played({ certificate_verify: resign(0x0503) }),
          'illegal_parameter',
          /does not fit a key of type secp256r1/,
        );
      });
      it('a scheme for another kind of key', async () => {
        const server = start();
        await server.flight({
          certificate: () =>
            writeCertificate(
              none,
              rsaCredential.chain.map(({ raw }) => raw),
            ),
          certificate_verify: resign(0x0809),
        });
        await assertRefused(server, 'illegal_parameter', /rsa_pss_pss_sha256 does not fit a key of type rsa/);
      });
    });

    describe('in Finished', () => {
      it('other verify_data', async () => {
        const changed = { finished: (right: Bytes) => handshake(20, new Uint8Array(right.length - 4)) };
        await assertRefused(await played(changed), 'decrypt_error', /saw another handshake/);
      });
      it('another length', async () => {
        await assertRefused(
          await played({ finished: () => handshake(20, new Uint8Array(48)) }),
          'decode_error',
          /48 bytes/,
        );
      });
    });

    describe('a message in the wrong place', () => {
      const strays: readonly [string, Bytes][] = [
        ['client_hello', handshake(1, new Uint8Array(40))],
        [
          'server_hello',
          writeServerHello({
            random: new Uint8Array(32),
            legacySessionIdEcho: none,
            cipherSuite: 0x1301,
            extensions: {},
          }),
        ],
        ['encrypted_extensions', writeEncryptedExtensions({})],
        ['certificate_request', writeCertificateRequest(none, { signature_algorithms: [0x0403] })],
        ['certificate', writeCertificate(none, [])],
        ['certificate_verify', writeCertificateVerify(0x0403, none)],
        ['finished', handshake(20, new Uint8Array(32))],
        ['key_update', writeKeyUpdate(false)],
        ['new_session_ticket', handshake(4, new Uint8Array(20))],
        ['end_of_early_data', handshake(5, none)],
        ['an unknown type', handshake(77, none)],
      ];
      const before: readonly (readonly [ServerStep, readonly string[]])[] = [
        ['encrypted_extensions', ['encrypted_extensions']],
        ['certificate', ['certificate', 'certificate_request']],
        ['certificate_verify', ['certificate_verify']],
        ['finished', ['finished']],
      ];
      for (const [step, welcome] of before) {
        for (const [name, stray] of strays) {
          if (welcome.includes(name)) continue;
          it(`${name} before ${step}`, async () => {
            await assertRefused(await played({ [step]: () => stray }), 'unexpected_message', /came in state/);
          });
        }
      }
      for (const [name, stray] of strays) {
        if (name === 'server_hello') continue;
        it(`${name} for ServerHello`, async () => {
          await assertRefused(await answered(() => stray), 'unexpected_message', /came in state WAIT_SH,/);
        });
        if (name === 'key_update' || name === 'new_session_ticket') continue;
        it(`${name} after the handshake`, async () => {
          const server = await played({});
          await server.finish();
          await server.give(server.seal(22, stray));
          await assertRefused(server, 'unexpected_message', /came in state CONNECTED/);
        });
      }
    });
  });
}
