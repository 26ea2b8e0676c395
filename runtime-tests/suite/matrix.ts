/**
 * Every cipher suite, group and kind of certificate key, in TLS 1.3 and 1.2. What neither WebCrypto nor noble has is
 * absent, and so is what a runtime's WebCrypto turns out to lack.
 *
 * @module
 */

import { CryptoError, type CryptoProvider, type KeyType } from '@handfast/crypto';
import { createWebProvider, webProvider } from '@handfast/crypto/web';
import { fullWebProvider } from '@handfast/crypto/web/full';
import { nobleRows } from '@handfast/crypto/web/noble';
import {
  type CipherSuite,
  type Credential,
  cipherSuites,
  defaultCipherSuites12,
  type NamedGroup,
  namedGroups,
  tls12,
  tls13,
} from '@handfast/tls';
import { equal } from './check.ts';
import { makeCredential, pki, serverCredential } from './identities.ts';
import { meet, stands } from './meet.ts';
import { absent, test } from './registry.ts';

/** With every row that a web provider can have; X25519 and AES by WebCrypto, or by noble. */
const providers: Readonly<Record<string, CryptoProvider>> = {
  webProvider,
  fullWebProvider,
  'noble alone': createWebProvider(nobleRows),
};

for (const [name, provider] of Object.entries(providers)) {
  for (const version of [tls13, tls12]) {
    test(`${version.name} with ${name}, defaults on both sides`, async () => {
      const negotiated = await stands(await meet({ provider, client: { versions: [version] } }));
      equal(negotiated.version, version.name, 'the version');
      equal(negotiated.group?.name, version === tls13 ? 'X25519MLKEM768' : 'x25519', 'the group');
    });
  }
}

for (const suite of [...cipherSuites, ...defaultCipherSuites12]) {
  test(`suite ${suite.name}`, async () => {
    if (!suite.supportedBy(fullWebProvider)) absent(`no web provider has a row for ${suite.name}`);
    const credentials = [await credentialFor(suite)];
    const negotiated = await stands(await meet({ client: { cipherSuites: [suite] }, server: { credentials } }));
    equal(negotiated.cipherSuite.name, suite.name, 'the suite');
  });
}

/** Made once: RSA keys take a while. */
let rsaCredential: Promise<Credential> | undefined;

async function credentialFor(suite: CipherSuite): Promise<Credential> {
  if (suite.family === 'tls13' || suite.authentication?.name !== 'RSA') return serverCredential(fullWebProvider);
  rsaCredential ??= makeCredential({ type: 'rsa' });
  return rsaCredential;
}

for (const group of namedGroups) {
  for (const version of [tls13, tls12]) {
    if (group.postQuantum && version === tls12) continue;
    test(`${version.name} group ${group.name}`, () => overGroup(group, version));
  }
}

async function overGroup(group: NamedGroup, version: typeof tls13 | typeof tls12): Promise<void> {
  const exchange = fullWebProvider.groups[group.exchange];
  if (exchange === undefined) absent(`no web provider has a row for ${group.name}`);
  await orAbsent(async () => (await exchange.generate()).dispose());
  // In TLS 1.2 the groups bind the certificate's key as well.
  const groups = version === tls12 ? [group, ...namedGroups.filter(({ name }) => name === 'secp256r1')] : [group];
  const options = { versions: [version], groups };
  const negotiated = await stands(await meet({ client: options, server: options }));
  equal([negotiated.version, negotiated.group?.name], [version.name, group.name], 'what was agreed on');
}

const keyTypes: readonly (readonly [KeyType, string, string])[] = [
  ['secp256r1', 'ecdsa_secp256r1_sha256', 'ecdsa_secp256r1_sha256'],
  ['secp384r1', 'ecdsa_secp384r1_sha384', 'ecdsa_secp256r1_sha256'],
  ['secp521r1', 'ecdsa_secp521r1_sha512', 'ecdsa_secp256r1_sha256'],
  ['ed25519', 'ed25519', 'ed25519'],
  ['ed448', 'ed448', 'ed448'],
  ['ml-dsa-44', 'mldsa44', ''],
  ['ml-dsa-65', 'mldsa65', ''],
  ['ml-dsa-87', 'mldsa87', ''],
  ['rsa', 'rsa_pss_rsae_sha256', 'rsa_pss_rsae_sha256'],
  ['rsa-pss', 'rsa_pss_pss_sha256', 'rsa_pss_pss_sha256'],
];

for (const [type, scheme13, scheme12] of keyTypes) {
  test(`certificate key ${type}, made, certified, and verified on both sides`, async () => {
    const server = await orAbsent(() => makeCredential({ type }));
    const client = await makeCredential({ type, purpose: 'clientAuth' });
    const { trust } = await pki();
    for (const [version, scheme] of [
      [tls13, scheme13],
      [tls12, scheme12],
    ] as const) {
      if (scheme === '') continue;
      const negotiated = await stands(
        await meet({
          client: { versions: [version], credentials: [client] },
          server: { credentials: [server], clientCertificate: 'require', trust },
        }),
      );
      equal(negotiated.version, version.name, 'the version');
      equal(negotiated.peerSignatureScheme?.name, scheme, "the server's scheme");
      equal(negotiated.signatureScheme?.name, scheme, "the client's scheme");
    }
  });
}

/** What the runtime's own cryptography does not have is absent; any other failure is one. */
async function orAbsent<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'unsupported') return absent(error.message);
    throw error;
  }
}
