/**
 * The cipher suites that are out of use, as rows: by how they exchange keys, and by how they protect records. Each is
 * offered only where a config names it; each violates RFC 9846 appendix E, RFC 9325 or both on purpose.
 *
 * @module
 */

import type { AeadName, Cryptography, HashName, LegacyAeadName } from '@handfast/crypto';
import type { RecordCipher } from '../record/cipher12.ts';
import { type AeadSource, explicitNonceAead, implicitNonceAead } from '../record/protection12.ts';
import { SSL30, TLS10, TLS12 } from '../registry.ts';
import { ecdhe, type KeyExchange12 } from '../tls12/key-exchange.ts';
import { type Authentication, ecdsa, rsa, suite12, type Tls12CipherSuite } from '../tls12/suites.ts';
import { cbcWithHmac } from './cbc.ts';
import { type DhParameters, dhe, dheBy } from './dhe.ts';
import { staticEcdh } from './ecdh.ts';
import { dhePsk, ecdhePsk, psk, rsaPsk } from './psk.ts';
import { rsaTransport } from './rsa.ts';
import { nullWithHmac, rc4WithHmac } from './stream.ts';
import { type CipherName, ciphersOf, type Family, suiteName } from './suite-names.ts';

/** A legacy provider's AEAD, or one that every provider may have. */
function aead(name: AeadName | LegacyAeadName): AeadSource {
  return {
    name,
    of: ({ aeads, legacy }: Cryptography) => aeads[name as AeadName] ?? legacy?.aeads[name as LegacyAeadName],
  };
}

// biome-ignore format: a table
const ciphers = {
  NULL_MD5:                nullWithHmac('md5'),
  NULL_SHA:                nullWithHmac('sha1'),
  NULL_SHA256:             nullWithHmac('sha256'),
  NULL_SHA384:             nullWithHmac('sha384'),
  RC4_128_MD5:             rc4WithHmac('md5'),
  RC4_128_SHA:             rc4WithHmac('sha1'),
  '3DES_EDE_CBC_SHA':      cbcWithHmac('3des-ede-cbc', 24, 8, 'sha1'),
  AES_128_CBC_SHA:         cbcWithHmac('aes-128-cbc', 16, 16, 'sha1'),
  AES_256_CBC_SHA:         cbcWithHmac('aes-256-cbc', 32, 16, 'sha1'),
  AES_128_CBC_SHA256:      cbcWithHmac('aes-128-cbc', 16, 16, 'sha256'),
  AES_256_CBC_SHA256:      cbcWithHmac('aes-256-cbc', 32, 16, 'sha256'),
  AES_256_CBC_SHA384:      cbcWithHmac('aes-256-cbc', 32, 16, 'sha384'),
  CAMELLIA_128_CBC_SHA:    cbcWithHmac('camellia-128-cbc', 16, 16, 'sha1'),
  CAMELLIA_256_CBC_SHA:    cbcWithHmac('camellia-256-cbc', 32, 16, 'sha1'),
  CAMELLIA_128_CBC_SHA256: cbcWithHmac('camellia-128-cbc', 16, 16, 'sha256'),
  CAMELLIA_256_CBC_SHA256: cbcWithHmac('camellia-256-cbc', 32, 16, 'sha256'),
  CAMELLIA_256_CBC_SHA384: cbcWithHmac('camellia-256-cbc', 32, 16, 'sha384'),
  ARIA_128_CBC_SHA256:     cbcWithHmac('aria-128-cbc', 16, 16, 'sha256'),
  ARIA_256_CBC_SHA384:     cbcWithHmac('aria-256-cbc', 32, 16, 'sha384'),
  AES_128_CCM:             explicitNonceAead(aead('aes-128-ccm'), 16),
  AES_256_CCM:             explicitNonceAead(aead('aes-256-ccm'), 32),
  AES_128_CCM_8:           explicitNonceAead(aead('aes-128-ccm-8'), 16),
  AES_256_CCM_8:           explicitNonceAead(aead('aes-256-ccm-8'), 32),
  AES_128_GCM_SHA256:      explicitNonceAead(aead('aes-128-gcm'), 16),
  AES_256_GCM_SHA384:      explicitNonceAead(aead('aes-256-gcm'), 32),
  ARIA_128_GCM_SHA256:     explicitNonceAead(aead('aria-128-gcm'), 16),
  ARIA_256_GCM_SHA384:     explicitNonceAead(aead('aria-256-gcm'), 32),
  CHACHA20_POLY1305_SHA256: implicitNonceAead(aead('chacha20-poly1305'), 32),
} as const satisfies Readonly<Record<CipherName, RecordCipher>>;

/** What a family of suites does. */
interface Exchange {
  readonly keyExchange: KeyExchange12;
  readonly authentication: Authentication | undefined;
  /** The first version that has it: curves came with TLS 1.0's extensions. */
  readonly minVersion: number;
}

/** What signed the certificate gave static ECDH its names, until RFC 8422 §2.1 let go of that. */
const onCurve: Authentication = { name: 'ECDH', keyTypes: ['secp256r1', 'secp384r1', 'secp521r1'] };

const families = {
  ecdheEcdsa: { keyExchange: ecdhe, authentication: ecdsa, minVersion: TLS10 },
  ecdheRsa: { keyExchange: ecdhe, authentication: rsa, minVersion: TLS10 },
  dheRsa: { keyExchange: dhe, authentication: rsa, minVersion: SSL30 },
  rsa: { keyExchange: rsaTransport, authentication: rsa, minVersion: SSL30 },
  ecdhEcdsa: { keyExchange: staticEcdh, authentication: onCurve, minVersion: TLS10 },
  ecdhRsa: { keyExchange: staticEcdh, authentication: onCurve, minVersion: TLS10 },
  ecdhePsk: { keyExchange: ecdhePsk, authentication: undefined, minVersion: TLS10 },
  dhePsk: { keyExchange: dhePsk, authentication: undefined, minVersion: TLS10 },
  rsaPsk: { keyExchange: rsaPsk, authentication: rsa, minVersion: TLS10 },
  psk: { keyExchange: psk, authentication: undefined, minVersion: TLS10 },
  ecdhAnon: { keyExchange: ecdhe, authentication: undefined, minVersion: TLS10 },
  dhAnon: { keyExchange: dhe, authentication: undefined, minVersion: SSL30 },
} as const satisfies Readonly<Record<Family, Exchange>>;

/** A suite by its parts. AEADs, and MACs by SHA-2, came with TLS 1.2. */
function suite(family: Family, cipher: CipherName, id: number, keyExchange: KeyExchange12): Tls12CipherSuite {
  const hash: HashName = cipher.endsWith('SHA384') ? 'sha384' : 'sha256';
  const old = cipher.endsWith('_SHA') || cipher.endsWith('_MD5');
  const { authentication, minVersion: first } = families[family];
  // RFC 8422's and RFC 5489's CBC suites with SHA-2 may be taken before TLS 1.2 by their letter; nobody does.
  const minVersion = old ? first : TLS12;
  return suite12(id, suiteName(family, cipher), keyExchange, authentication, ciphers[cipher], hash, minVersion);
}

function suites(
  family: Family,
  keyExchange: KeyExchange12 = families[family].keyExchange,
): readonly Tls12CipherSuite[] {
  return ciphersOf(family).map(([cipher, id]) => suite(family, cipher, id, keyExchange));
}

/** ECDHE with what TLS 1.2's default suites leave out: CBC, CCM, RC4, NULL. Forward secret, padding oracles or worse. */
export const ecdheCipherSuites: readonly Tls12CipherSuite[] = [...suites('ecdheEcdsa'), ...suites('ecdheRsa')];

/**
 * Diffie-Hellman in finite fields, signed by RSA. Forward secret, slow, and a client cannot know the group (RFC 9325 §4.1
 * advises against it). The config's `groups` must name `ffdhe` groups, 2,048 bits or more.
 */
export const dheCipherSuites: readonly Tls12CipherSuite[] = suites('dheRsa');

/**
 * The same by a server's own group, in place of named ones.
 * @throws RangeError where the parameters cannot be a group: see `DhParameters`.
 */
export function dheCipherSuitesBy(parameters: DhParameters): readonly Tls12CipherSuite[] {
  return suites('dheRsa', dheBy(parameters));
}

/** RSA key transport: whoever gets the server's key later reads everything that was ever sent. */
export const rsaCipherSuites: readonly Tls12CipherSuite[] = suites('rsa');

/** Static ECDH, which Java's JSSE has still: no forward secrecy, and a stolen key plays any client to its own server. */
export const ecdhCipherSuites: readonly Tls12CipherSuite[] = [...suites('ecdhEcdsa'), ...suites('ecdhRsa')];

/** Pre-shared keys (RFC 4279, RFC 5489, RFC 5487): the config's `preSharedKey` says whose. */
export const pskCipherSuites: readonly Tls12CipherSuite[] = [
  ...suites('ecdhePsk'),
  ...suites('dhePsk'),
  ...suites('rsaPsk'),
  ...suites('psk'),
];

/**
 * Nobody proves who it is: whoever sits in between reads and changes everything. A client that lists one of these beside others
 * can be given it by anybody: neither chain nor name is looked at then, and `verifyPeer` is not asked.
 */
export const anonymousCipherSuites: readonly Tls12CipherSuite[] = [...suites('ecdhAnon'), ...suites('dhAnon')];

/** Whether a suite hides nothing. */
export function isNull({ name }: Tls12CipherSuite): boolean {
  return name.includes('_NULL_');
}

/**
 * What an old peer with a certificate may want, strongest first: CBC and below over ECDHE, DHE, RSA and static ECDH. No NULL
 * among them; anonymous and pre-shared keys are lists of their own. The provider of `@handfast/crypto/legacy/node` has all of
 * it; for another one leave out what it lacks (`filter(({ supportedBy }) => supportedBy(provider))`).
 */
export const legacyCipherSuites: readonly Tls12CipherSuite[] = [
  ...ecdheCipherSuites,
  ...dheCipherSuites,
  ...rsaCipherSuites,
  ...ecdhCipherSuites,
].filter((row) => !isNull(row));

/** Every suite of this module, for tests and tools that show all. */
export const allLegacyCipherSuites: readonly Tls12CipherSuite[] = [
  ...ecdheCipherSuites,
  ...dheCipherSuites,
  ...rsaCipherSuites,
  ...ecdhCipherSuites,
  ...pskCipherSuites,
  ...anonymousCipherSuites,
];
