/**
 * Sessions that a client passes over, and why: the connection is made all the same, by a full handshake.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toHex } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { issueOcspResponse, revocation, trustStore } from '@handfast/x509';
import {
  type ClientOptions,
  memorySessionCache,
  namedGroups,
  type Session,
  TLS_AES_128_GCM_SHA256,
  TLS_AES_256_GCM_SHA384,
  TLS_CHACHA20_POLY1305_SHA256,
  ticketKeys,
  tls12,
} from '../../src/index.ts';
import { clientCredential, makeCredential, now, otherPki, pki, serverCredential } from '../support/identities.ts';
import { type PairOptions, providers } from '../support/pair.ts';
import { changing, day, full, helloOf, minute, passedOver, resumed, stage } from './resuming.ts';

const twoNames = await makeCredential({ names: ['localhost', 'example.org'] });
const stranger = await makeCredential({ issuer: otherPki });
const shortLived = await makeCredential({ with: { notAfter: new Date(now.getTime() + 90 * minute) } });
const otherClient = await makeCredential({ purpose: 'clientAuth' });
const both = trustStore([pki.root, otherPki.root]);
/** The server's key is on secp256r1, which a client of TLS 1.2 must list. */
const groups = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
const accept = { verifyPeer: () => ({ accepted: true }) as const };
const mutual = { clientCertificate: 'request', trust: pki.trust } as const;

async function staple(status: 'good' | 'revoked', minutes = 60) {
  const leaf = serverCredential.chain[0] ?? assert.fail();
  const [thisUpdate, nextUpdate] = [new Date(now.getTime() - minute), new Date(now.getTime() + minutes * minute)];
  const dates = { thisUpdate, nextUpdate };
  return issueOcspResponse({
    provider: nodeProvider,
    responder: { signer: pki.signer },
    issuer: pki.root,
    answers: [
      status === 'good'
        ? { subject: leaf, status, ...dates }
        : { subject: leaf, status, ...dates, revokedAt: dates.thisUpdate },
    ],
    producedAt: dates.thisUpdate,
  });
}
const [goodStaple, shortStaple, revokedStaple] = [
  await staple('good'),
  await staple('good', 20),
  await staple('revoked'),
];

interface Case {
  readonly first?: PairOptions;
  readonly second?: PairOptions;
  /** How far the clock moves between. */
  readonly after?: number;
  readonly change?: Partial<Session>;
  readonly why: RegExp;
}

const suites = (...cipherSuites: NonNullable<ClientOptions['cipherSuites']>): PairOptions => ({
  client: { cipherSuites },
});

const cases: Readonly<Record<string, Case>> = {
  'that has expired, to the millisecond': { after: 7200_000, why: /^it has expired$/ },
  'that is of the future, as the clock went back': { after: -1, why: /^it is of the future$/ },
  'whose server showed its certificate seven days ago': {
    after: minute,
    change: { authenticated: now.getTime() - 7 * day + minute },
    why: /^the server showed its certificate too long ago$/,
  },
  'with another name': {
    first: { server: { credentials: [twoNames] }, target: { serverName: 'localhost', sessionKey: 'one' } },
    second: { server: { credentials: [twoNames] }, target: { serverName: 'example.org', sessionKey: 'one' } },
    why: /^it is with another name$/,
  },
  'verified for another name': {
    first: { server: { credentials: [twoNames] }, target: { serverName: 'localhost', sessionKey: 'one' } },
    second: {
      server: { credentials: [twoNames] },
      target: { serverName: 'localhost', verifyName: 'example.org', sessionKey: 'one' },
    },
    why: /^it is with another name$/,
  },
  'made without a name, where one is sent now': {
    first: { server: { credentials: [twoNames] }, target: { verifyName: 'localhost' } },
    second: { server: { credentials: [twoNames] }, target: { serverName: 'localhost' } },
    why: /^it is with another name$/,
  },
  'of a server whose issuer is trusted no more': {
    first: { client: { trust: both }, server: { credentials: [stranger] } },
    second: { client: { trust: pki.trust }, server: { credentials: [serverCredential] } },
    why: /^certificate for "localhost" was issued by "CN=Another root", which is neither in our trust store/,
  },
  'of a certificate that has expired meanwhile': {
    first: { server: { credentials: [shortLived] } },
    second: { server: { credentials: [serverCredential] } },
    after: 91 * minute,
    // The server bounds its tickets by the certificate; another one might not.
    change: { lifetimeMs: 7200_000 },
    why: /^certificate for "localhost" expired 1 minute ago/,
  },
  'whose stapled response says that it is revoked, to who looks now': {
    first: { server: { credentials: [{ ...serverCredential, ocspResponse: () => revokedStaple }] } },
    second: {
      client: { revocation: revocation({ mode: 'require' }) },
      server: { credentials: [{ ...serverCredential, ocspResponse: () => goodStaple }] },
    },
    why: /^certificate for "localhost" was revoked at .*, says the stapled OCSP response/,
  },
  'that had no response stapled, where one is required now': {
    second: {
      client: { revocation: revocation({ mode: 'require' }) },
      server: { credentials: [{ ...serverCredential, ocspResponse: () => goodStaple }] },
    },
    why: /^it is not known whether certificate for "localhost" was revoked, and we require to know: no CRL/,
  },
  'whose stapled response has become too old': {
    first: {
      client: { revocation: revocation({ mode: 'require' }) },
      server: { credentials: [{ ...serverCredential, ocspResponse: () => shortStaple }] },
    },
    second: {
      client: { revocation: revocation({ mode: 'require' }) },
      server: { credentials: [{ ...serverCredential, ocspResponse: () => goodStaple }] },
    },
    after: 30 * minute,
    why: /^it is not known whether .*: stapled OCSP response for "localhost" is too old/,
  },
  'made by a config that accepts anybody, to one that verifies': {
    first: { client: accept, server: { credentials: [stranger] } },
    second: { server: { credentials: [serverCredential] } },
    why: /^certificate for "localhost" was issued by "CN=Another root", which is neither in our trust store/,
  },
  'made by a config that trusts nobody and accepts anybody': {
    first: { client: { ...accept, trust: trustStore([]) }, server: { credentials: [stranger] } },
    second: { server: { credentials: [serverCredential] } },
    why: /^certificate for "localhost" was issued by "CN=Another root", which is neither in our trust store/,
  },
  'made under another name by a config that accepts anybody': {
    first: { client: accept, server: { credentials: [await makeCredential({ names: ['example.org'] })] } },
    second: { server: { credentials: [serverCredential] } },
    why: /^certificate is for example\.org, not for "localhost"/,
  },
  'of another client certificate': {
    first: { client: { credentials: [clientCredential] }, server: mutual },
    second: { client: { credentials: [otherClient] }, server: mutual },
    why: /^it is of another client certificate$/,
  },
  'of a client certificate, where we have none any more': {
    first: { client: { credentials: [clientCredential] }, server: mutual },
    second: { server: mutual },
    why: /^it is of another client certificate$/,
  },
  'without one where it was asked for, and where we have one now': {
    first: { server: mutual },
    second: { client: { credentials: [clientCredential] }, server: mutual },
    why: /^it is of another client certificate$/,
  },
  'of a server that asked, where selectCredential may choose another': {
    first: { client: { credentials: [clientCredential] }, server: mutual },
    second: { client: { selectCredential: () => clientCredential }, server: mutual },
    why: /^it is of another client certificate$/,
  },
  'whose suite is not offered, nor another of its hash': {
    first: suites(TLS_AES_128_GCM_SHA256),
    second: suites(TLS_AES_256_GCM_SHA384),
    why: /^its version or its cipher suite is not offered$/,
  },
  'whose version is not offered': {
    second: { client: { versions: [tls12], groups }, server: { versions: [tls12], groups } },
    why: /^its version or its cipher suite is not offered$/,
  },
  'of a suite that nobody knows': {
    change: { cipherSuite: 0xfafa },
    why: /^its version or its cipher suite is not offered$/,
  },
  'that can go on in another suite, which the client does not offer either': {
    first: suites(TLS_CHACHA20_POLY1305_SHA256),
    second: suites(TLS_AES_256_GCM_SHA384),
    why: /^its version or its cipher suite is not offered$/,
  },
  'of a version that nobody knows': {
    change: { version: 0x0305 },
    why: /^its version or its cipher suite is not offered$/,
  },
  'whose certificate is none': {
    change: {
      proof: { chain: [Uint8Array.of(0x30, 0)], ocspResponse: undefined, signedCertificateTimestamps: undefined },
    },
    why: /^certificate: cut short/,
  },
  'without a certificate': {
    change: { proof: { chain: [], ocspResponse: undefined, signedCertificateTimestamps: undefined } },
    why: /^Certificate: the list of certificates is empty$/,
  },
};

for (const provider of providers) {
  describe(`a session, provider ${provider.name},`, () => {
    for (const [name, { first, second, after = 0, change, why }] of Object.entries(cases)) {
      it(`${name} is passed over`, async () => {
        let taken: Session | undefined;
        const sessions = changing(memorySessionCache(), (session) => {
          taken = { ...session, ...change };
          return taken;
        });
        const here = stage(provider, { client: { sessions } });
        const one = await here.meet(first);
        await full(one);
        assert.deepEqual(one.told, ['kept', 'kept']);
        here.now += after;
        await passedOver(await here.meet(second), why);
        assert.ok(
          taken?.secret.every((byte) => byte === 0),
          'its secret is wiped',
        );
      });
    }

    it('whose certificate verifyPeer refuses this time is passed over', async () => {
      const { meet } = stage(provider);
      await full(await meet());
      let asked = 0;
      const verifyPeer = () => {
        asked++;
        return asked === 1 ? ({ accepted: false, reason: 'not today' } as const) : accept.verifyPeer();
      };
      await passedOver(await meet({ client: { verifyPeer } }), /^verifyPeer refused the certificate: not today$/);
      assert.equal(asked, 2);
    });

    it('that is passed over is gone: it is not offered to who would take it', async () => {
      const { meet } = stage(provider, { client: { ticketRequest: { full: 1, resumed: 0 } } });
      await full(await meet());
      await passedOver(
        await meet({ client: { cipherSuites: [TLS_AES_256_GCM_SHA384], ticketRequest: { full: 0, resumed: 0 } } }),
        /not offered/,
      );
      const third = await meet();
      await full(third);
      assert.deepEqual(third.told, ['kept']);
    });

    it('is never offered twice, whatever became of the connection', async () => {
      const { meet } = stage(provider, { client: { ticketRequest: { full: 2, resumed: 0 } } });
      const seen = new Set<string>();
      await full(await meet());
      for (const keys of [ticketKeys({ provider }), ticketKeys({ provider })]) {
        const met = await meet({
          client: { ticketRequest: { full: 0, resumed: 0 } },
          server: { tickets: { keys } },
        });
        await full(met);
        seen.add(toHex(helloOf(met).extensions.pre_shared_key?.identities[0]?.identity ?? assert.fail()));
      }
      assert.equal(seen.size, 2);
      assert.equal(helloOf(await meet()).extensions.pre_shared_key, undefined);
    });

    it('that was used by one of two connections at once is not offered by the other', async () => {
      const { meet } = stage(provider, { client: { ticketRequest: { full: 1, resumed: 1 } } });
      await full(await meet());
      const [one, two] = await Promise.all([meet(), meet()]);
      await resumed(one);
      await full(two);
    });
  });
}
