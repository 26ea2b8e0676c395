/**
 * Certificates: how a path is found, and every reason to refuse one that an application meets, with its code and its alert.
 *
 * @module
 */

import { signerFromCryptoKey } from '@handfast/crypto/web';
import { fullWebProvider } from '@handfast/crypto/web/full';
import { type ClientOptions, type Credential, type TlsErrorCode, tls12, tls13 } from '@handfast/tls';
import { type CertificateErrorCode, parseCertificate, parseCertificates, toPem, trustStore } from '@handfast/x509';
import { equal, ok, property } from './check.ts';
import { hour, makeCredential, makeIntermediate, otherPki, pki } from './identities.ts';
import { type MeetOptions, meet, refused, stands } from './meet.ts';
import { test } from './registry.ts';

interface Refusal {
  readonly code: TlsErrorCode;
  readonly alert: Parameters<typeof refused>[3];
  /** `@handfast/x509`'s own reason. */
  readonly reason: CertificateErrorCode;
}

interface Case extends Refusal {
  readonly name: string;
  readonly credential: () => Promise<Credential>;
  readonly client?: () => Promise<Partial<ClientOptions>>;
  readonly target?: MeetOptions['target'];
}

const cases: readonly Case[] = [
  {
    name: 'a certificate for another name',
    ...{ code: 'certificate_name_mismatch', alert: 'bad_certificate', reason: 'name_mismatch' },
    credential: () => makeCredential({ names: ['elsewhere.example', '*.localhost'] }),
  },
  {
    name: 'a certificate for names, where an address is wanted',
    ...{ code: 'certificate_name_mismatch', alert: 'bad_certificate', reason: 'name_mismatch' },
    credential: () => makeCredential({ names: ['localhost', '192.0.2.2'] }),
    target: { verifyName: '192.0.2.1' },
  },
  {
    name: 'a certificate that has expired',
    ...{ code: 'certificate_expired', alert: 'certificate_expired', reason: 'expired' },
    credential: () => dated(-2, -1),
  },
  {
    name: 'a certificate that is not yet valid',
    ...{ code: 'certificate_expired', alert: 'certificate_expired', reason: 'not_yet_valid' },
    credential: () => dated(1, 2),
  },
  {
    name: 'a certificate of an authority that is not trusted',
    ...{ code: 'certificate_unknown_issuer', alert: 'unknown_ca', reason: 'unknown_issuer' },
    credential: async () => makeCredential({ issuer: await otherPki() }),
  },
  {
    name: 'any certificate, where nobody is trusted,',
    ...{ code: 'certificate_unknown_issuer', alert: 'unknown_ca', reason: 'empty_trust' },
    credential: () => makeCredential(),
    client: async () => ({ trust: trustStore([]) }),
  },
  {
    name: 'a chain whose intermediate is missing',
    ...{ code: 'certificate_unknown_issuer', alert: 'unknown_ca', reason: 'unknown_issuer' },
    credential: async () => makeCredential({ issuer: await makeIntermediate(await pki(), 'Not sent') }),
  },
  {
    name: "a name outside an intermediate's name constraints",
    ...{ code: 'certificate_refused', alert: 'certificate_unknown', reason: 'name_constraints' },
    async credential() {
      const nameConstraints = { permitted: { dns: ['example.com'] } };
      const issuer = await makeIntermediate(await pki(), 'Constrained', { nameConstraints });
      return makeCredential({ issuer, intermediates: [issuer.certificate], with: { unverifiable: true } });
    },
  },
  {
    name: "a client's certificate on a server",
    ...{ code: 'certificate_refused', alert: 'certificate_unknown', reason: 'extended_key_usage' },
    credential: () => makeCredential({ with: { extendedKeyUsage: ['clientAuth'] } }),
  },
  {
    name: 'a certificate whose signature was changed',
    ...{ code: 'certificate_bad_signature', alert: 'bad_certificate', reason: 'bad_signature' },
    async credential() {
      const { chain, signer } = await makeCredential();
      const raw = Uint8Array.from(chain[0]?.raw ?? []);
      raw[raw.length - 1] = (raw.at(-1) ?? 0) ^ 1;
      return { chain: [parseCertificate(raw)], signer };
    },
  },
];

for (const { name, code, alert, reason, credential, client, target } of cases) {
  for (const version of [tls13, tls12]) {
    test(`${version.name} ${name} is refused`, async () => {
      const both = await meet({
        client: { versions: [version], ...(await client?.()) },
        server: { credentials: [await credential()] },
        ...(target && { target }),
      });
      const { cause } = await refused(both, 'client', code, alert);
      equal(property(cause, 'code'), reason, 'the reason');
    });
  }
}

/** Valid between two times, in hours from now. */
function dated(from: number, to: number): Promise<Credential> {
  const at = (hours: number): Date => new Date(Date.now() + hours * hour);
  return makeCredential({ with: { notBefore: at(from), notAfter: at(to), unverifiable: true } });
}

test('a path is found among intermediates in any order, with one that belongs to nobody', async () => {
  const first = await makeIntermediate(await pki(), 'First');
  const second = await makeIntermediate(first, 'Second');
  const { certificate: stray } = await makeIntermediate(await otherPki(), 'Stray');
  const intermediates = [stray, first.certificate, second.certificate];
  const both = await meet({ server: { credentials: [await makeCredential({ issuer: second, intermediates })] } });
  const { peer } = await stands(both);
  const path = peer?.path?.path.map(({ subject }) => subject.toString());
  equal(path, ['CN=a server', 'CN=Second', 'CN=First', 'CN=Test root'], 'the path');
});

test('a wildcard and an address are names like others', async () => {
  const credentials = [await makeCredential({ names: ['*.example.com', '192.0.2.1', '2001:db8::1'] })];
  for (const target of [
    { serverName: 'www.example.com' },
    { verifyName: '192.0.2.1' },
    { verifyName: '2001:db8:0::1' },
  ]) {
    await stands(await meet({ target, server: { credentials } }));
  }
});

test('trust comes from a PEM file with several roots', async () => {
  const pem = [await otherPki(), await pki()]
    .map(({ certificate }) => toPem('CERTIFICATE', certificate.raw))
    .join('\n');
  await stands(await meet({ client: { trust: trustStore(parseCertificates(pem)) } }));
});

test('verifyPeer has the last word', async () => {
  const verifyPeer = () => ({ accepted: false, reason: 'not today' }) as const;
  const error = await refused(
    await meet({ client: { verifyPeer } }),
    'client',
    'certificate_refused',
    'certificate_unknown',
  );
  ok(error.message.includes('not today'), 'the reason in the message');
});

for (const version of [tls13, tls12]) {
  test(`${version.name} a client certificate of a trusted authority is taken, and known to the server`, async () => {
    const { trust } = await pki();
    const both = await meet({
      client: { versions: [version], credentials: [await makeCredential({ purpose: 'clientAuth' })] },
      server: { clientCertificate: 'require', trust },
    });
    await stands(both);
    const subject = both.server.connection.negotiated?.peer?.chain[0]?.subject.toString();
    equal(subject, 'CN=a client', 'whom the server knows');
  });

  test(`${version.name} a client certificate of another authority is refused`, async () => {
    const { trust } = await pki();
    const credentials = [await makeCredential({ purpose: 'clientAuth', issuer: await otherPki() })];
    const both = await meet({
      // Who only sends what the server likes would send none.
      client: { versions: [version], selectCredential: () => credentials[0] ?? null },
      server: { clientCertificate: 'require', trust },
    });
    await refused(both, 'server', 'certificate_unknown_issuer', 'unknown_ca');
  });

  test(`${version.name} a client without a certificate is refused where one is required`, async () => {
    const { trust } = await pki();
    const both = await meet({ client: { versions: [version] }, server: { clientCertificate: 'require', trust } });
    // The alert came with TLS 1.3.
    const alert = version === tls13 ? 'certificate_required' : 'handshake_failure';
    await refused(both, 'server', 'certificate_required', alert);
  });
}

const keys: Readonly<Record<string, RsaHashedKeyGenParams | EcKeyGenParams | Algorithm>> = {
  'ECDSA P-256': { name: 'ECDSA', namedCurve: 'P-256' },
  'RSA-PSS': { name: 'RSA-PSS', hash: 'SHA-256', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) },
  Ed25519: { name: 'Ed25519' },
};

for (const [name, parameters] of Object.entries(keys)) {
  test(`a non-extractable ${name} key of WebCrypto signs for a certificate`, async () => {
    const pair = await crypto.subtle.generateKey(parameters, false, ['sign', 'verify']);
    ok('privateKey' in pair, 'a pair');
    equal(pair.privateKey.extractable, false, 'whether the key can be had');
    const spki = new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey));
    const credential = await makeCredential({ signer: signerFromCryptoKey(pair.privateKey, spki) });
    for (const version of [tls13, tls12]) {
      await stands(
        await meet({
          provider: fullWebProvider,
          client: { versions: [version] },
          server: { credentials: [credential] },
        }),
      );
    }
  });
}
