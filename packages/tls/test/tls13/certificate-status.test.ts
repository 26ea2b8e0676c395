/**
 * What comes beside a certificate (RFC 9846 §4.5.1.1): a stapled OCSP response and signed certificate timestamps. Who asks,
 * who answers, and what is refused on its way. What they say is for `@handfast/x509`.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, concat } from '@handfast/crypto';
import type { Credential, TlsError } from '../../src/index.ts';
import { writeCertificate } from '../../src/messages/certificate.ts';
import { namedGroups } from '../../src/registry.ts';
import { assertRefused } from '../support/assert.ts';
import { clientCredential, pki, serverCredential } from '../support/identities.ts';
import { connected, type PairOptions, providers, startClient } from '../support/pair.ts';
import { PuppetServer } from '../support/puppet.ts';
import { extension, extensions, handshake, opaque8, opaque16 } from '../support/wire.ts';

const x25519 = namedGroups.filter(({ name }) => name === 'x25519');
const none: Bytes = new Uint8Array(0);
const response = Uint8Array.of(0x30, 3, 0x0a, 1, 6);
const timestamps = opaque16(opaque16(Uint8Array.of(1, 2, 3)));

const stapling = (credential: Credential, beside: Partial<Credential> = {}): Credential => ({
  ...credential,
  ocspResponse: () => response,
  signedCertificateTimestamps: () => timestamps,
  ...beside,
});

for (const provider of providers) {
  describe(`beside a certificate, provider ${provider.name}`, () => {
    const seen = async (options: PairOptions, side: 'client' | 'server') => {
      const both = await connected({ provider, ...options });
      const { peer } = both[side].connection.negotiated ?? {};
      assert.ok(peer, String(both.client.error ?? both.server.error));
      return [peer.ocspResponse, peer.signedCertificateTimestamps];
    };
    const mutual = { clientCertificate: 'require', trust: pki.trust } as const;

    it('a server sends what its credential has', async () => {
      const server = { credentials: [stapling(serverCredential)] };
      assert.deepEqual(await seen({ server }, 'client'), [response, timestamps]);
    });
    it('so does a client that is asked', async () => {
      const client = { credentials: [stapling(clientCredential)] };
      assert.deepEqual(await seen({ client, server: mutual }, 'server'), [response, timestamps]);
    });
    it('a source may answer later, or have nothing at the moment', async () => {
      const server = {
        credentials: [
          stapling(serverCredential, {
            ocspResponse: async () => response,
            signedCertificateTimestamps: async () => undefined,
          }),
        ],
      };
      assert.deepEqual(await seen({ server }, 'client'), [response, undefined]);
    });
    it('nothing is sent to a peer that does not ask', async () => {
      const asked: string[] = [];
      const beside = {
        ocspResponse: () => {
          asked.push('asked');
          return response;
        },
      };
      const quiet = { certificateStatus: false };
      assert.deepEqual(
        await seen({ client: quiet, server: { credentials: [stapling(serverCredential, beside)] } }, 'client'),
        [undefined, undefined],
      );
      assert.deepEqual(
        await seen(
          { client: { credentials: [stapling(clientCredential, beside)] }, server: { ...mutual, ...quiet } },
          'server',
        ),
        [undefined, undefined],
      );
      assert.deepEqual(asked, []);
    });
    it('each handshake asks its source anew', async () => {
      let count = 0;
      const server = {
        credentials: [stapling(serverCredential, { ocspResponse: () => Uint8Array.of(0x30, ++count) })],
      };
      assert.deepEqual((await seen({ server }, 'client'))[0], Uint8Array.of(0x30, 1));
      assert.deepEqual((await seen({ server }, 'client'))[0], Uint8Array.of(0x30, 2));
    });
    for (const [name, answer, message] of [
      [
        'throws',
        () => {
          throw new Error('no disk');
        },
        /^the ocspResponse callback failed: no disk$/,
      ],
      ['rejects', () => Promise.reject(new Error('no disk')), /^the ocspResponse callback failed: no disk$/],
      ['answers nonsense', () => 'yes' as never, /^the ocspResponse callback answered neither bytes nor undefined$/],
      ['answers no bytes', () => none, /^the ocspResponse callback answered neither bytes nor undefined$/],
    ] as const) {
      it(`a source that ${name} ends that connection`, async () => {
        const credentials = [stapling(serverCredential, { ocspResponse: answer })];
        const both = await connected({ provider, server: { credentials } });
        const { error } = both.server as { error: TlsError | null | undefined };
        assert.equal(error?.code, 'callback_failed');
        assert.match(error.message, message);
        assert.equal(both.client.error?.alert, 'internal_error');
      });
    }

    /** A Certificate whose first entry has these extensions. */
    const beside = (...list: readonly Uint8Array[]): Bytes => {
      const raw = serverCredential.chain[0]?.raw ?? none;
      const entry = concat(Uint8Array.of(0, raw.length >> 8, raw.length & 0xff), raw, extensions(...list));
      return handshake(11, concat(opaque8(none), Uint8Array.of(0, entry.length >> 8, entry.length & 0xff), entry));
    };
    const played = async (certificate: Bytes, options = {}): Promise<PuppetServer> => {
      const puppet = new PuppetServer(startClient({ provider, groups: x25519, ...options }));
      await puppet.flight({ certificate: () => certificate });
      return puppet;
    };
    const staple = extension(5, concat(Uint8Array.of(1, 0, 0, 5), response));

    it('an empty response is refused', async () => {
      const client = await played(beside(extension(5, Uint8Array.of(1, 0, 0, 0))));
      await assertRefused(client, 'decode_error', /status_request of Certificate: a vector of 0 bytes/);
    });
    it('a status of another type is refused', async () => {
      const client = await played(beside(extension(5, Uint8Array.of(2, 0, 0, 1, 0))));
      await assertRefused(client, 'illegal_parameter', /a status of type 2, not ocsp/);
    });
    it('bytes after a response are refused', async () => {
      const client = await played(beside(extension(5, concat(Uint8Array.of(1, 0, 0, 5), response, Uint8Array.of(0)))));
      await assertRefused(client, 'decode_error', /1 bytes left over/);
    });
    it('two responses for one certificate are refused', async () => {
      await assertRefused(await played(beside(staple, staple)), 'illegal_parameter', /status_request stands twice/);
    });
    it('an empty list of timestamps is refused', async () => {
      for (const data of [none, Uint8Array.of(0, 0), Uint8Array.of(0, 3, 0)]) {
        await assertRefused(
          await played(beside(extension(18, data))),
          'decode_error',
          /signed_certificate_timestamp of Certificate/,
        );
      }
    });
    it('what was not asked for is refused', async () => {
      const quiet = { certificateStatus: false };
      await assertRefused(
        await played(beside(staple), quiet),
        'unsupported_extension',
        /status_request answers nothing/,
      );
      const list = writeCertificate(
        none,
        serverCredential.chain.map(({ raw }) => raw),
        [{ signed_certificate_timestamp: timestamps }],
      );
      await assertRefused(
        await played(list, quiet),
        'unsupported_extension',
        /signed_certificate_timestamp answers nothing/,
      );
    });
  });
}
