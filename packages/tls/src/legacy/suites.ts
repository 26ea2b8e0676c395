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
} as const satisfies Readonly<Record<string, RecordCipher>>;

type CipherName = keyof typeof ciphers;

/** How a family of suites is called, and what it does. */
interface Exchange {
  readonly name: string;
  readonly keyExchange: KeyExchange12;
  readonly authentication: Authentication | undefined;
  /** The first version that has it: curves came with TLS 1.0's extensions. */
  readonly minVersion: number;
}

/** What signed the certificate gave static ECDH its names, until RFC 8422 §2.1 let go of that. */
const onCurve: Authentication = { name: 'ECDH', keyTypes: ['secp256r1', 'secp384r1', 'secp521r1'] };

const families = {
  ecdheEcdsa: { name: 'ECDHE_ECDSA', keyExchange: ecdhe, authentication: ecdsa, minVersion: TLS10 },
  ecdheRsa: { name: 'ECDHE_RSA', keyExchange: ecdhe, authentication: rsa, minVersion: TLS10 },
  dheRsa: { name: 'DHE_RSA', keyExchange: dhe, authentication: rsa, minVersion: SSL30 },
  rsa: { name: 'RSA', keyExchange: rsaTransport, authentication: rsa, minVersion: SSL30 },
  ecdhEcdsa: { name: 'ECDH_ECDSA', keyExchange: staticEcdh, authentication: onCurve, minVersion: TLS10 },
  ecdhRsa: { name: 'ECDH_RSA', keyExchange: staticEcdh, authentication: onCurve, minVersion: TLS10 },
  ecdhePsk: { name: 'ECDHE_PSK', keyExchange: ecdhePsk, authentication: undefined, minVersion: TLS10 },
  dhePsk: { name: 'DHE_PSK', keyExchange: dhePsk, authentication: undefined, minVersion: TLS10 },
  rsaPsk: { name: 'RSA_PSK', keyExchange: rsaPsk, authentication: rsa, minVersion: TLS10 },
  psk: { name: 'PSK', keyExchange: psk, authentication: undefined, minVersion: TLS10 },
  ecdhAnon: { name: 'ECDH_anon', keyExchange: ecdhe, authentication: undefined, minVersion: TLS10 },
  dhAnon: { name: 'DH_anon', keyExchange: dhe, authentication: undefined, minVersion: SSL30 },
} as const satisfies Readonly<Record<string, Exchange>>;

/** A suite by its parts. AEADs, and MACs by SHA-2, came with TLS 1.2. */
function suite(family: Exchange, id: number, cipher: CipherName): Tls12CipherSuite {
  const hash: HashName = cipher.endsWith('SHA384') ? 'sha384' : 'sha256';
  const old = cipher.endsWith('_SHA') || cipher.endsWith('_MD5');
  // RFC 8422's and RFC 5489's CBC suites with SHA-2 may be taken before TLS 1.2 by their letter; nobody does.
  const minVersion = old ? family.minVersion : TLS12;
  const name = `TLS_${family.name}_WITH_${cipher}`;
  return suite12(id, name, family.keyExchange, family.authentication, ciphers[cipher], hash, minVersion);
}

type Ids = Readonly<Partial<Record<CipherName, number>>>;

function suites(family: Exchange, ids: Ids): readonly Tls12CipherSuite[] {
  return Object.entries(ids).map(([cipher, id]) => suite(family, id, cipher as CipherName));
}

/** ECDHE with what TLS 1.2's default suites leave out: CBC, CCM, RC4, NULL. Forward secret, padding oracles or worse. */
export const ecdheCipherSuites: readonly Tls12CipherSuite[] = [
  ...suites(families.ecdheEcdsa, {
    ...{ AES_128_CCM: 0xc0ac, AES_256_CCM: 0xc0ad, AES_128_CCM_8: 0xc0ae, AES_256_CCM_8: 0xc0af },
    ...{ ARIA_128_GCM_SHA256: 0xc05c, ARIA_256_GCM_SHA384: 0xc05d },
    ...{ AES_128_CBC_SHA256: 0xc023, AES_256_CBC_SHA384: 0xc024, AES_128_CBC_SHA: 0xc009, AES_256_CBC_SHA: 0xc00a },
    ...{ CAMELLIA_128_CBC_SHA256: 0xc072, CAMELLIA_256_CBC_SHA384: 0xc073 },
    ...{ ARIA_128_CBC_SHA256: 0xc048, ARIA_256_CBC_SHA384: 0xc049 },
    ...{ '3DES_EDE_CBC_SHA': 0xc008, RC4_128_SHA: 0xc007, NULL_SHA: 0xc006 },
  }),
  ...suites(families.ecdheRsa, {
    ...{ ARIA_128_GCM_SHA256: 0xc060, ARIA_256_GCM_SHA384: 0xc061 },
    ...{ AES_128_CBC_SHA256: 0xc027, AES_256_CBC_SHA384: 0xc028, AES_128_CBC_SHA: 0xc013, AES_256_CBC_SHA: 0xc014 },
    ...{ CAMELLIA_128_CBC_SHA256: 0xc076, CAMELLIA_256_CBC_SHA384: 0xc077 },
    ...{ ARIA_128_CBC_SHA256: 0xc04c, ARIA_256_CBC_SHA384: 0xc04d },
    ...{ '3DES_EDE_CBC_SHA': 0xc012, RC4_128_SHA: 0xc011, NULL_SHA: 0xc010 },
  }),
];

const dheIds: Ids = {
  ...{ AES_128_GCM_SHA256: 0x009e, AES_256_GCM_SHA384: 0x009f, CHACHA20_POLY1305_SHA256: 0xccaa },
  ...{ AES_128_CCM: 0xc09e, AES_256_CCM: 0xc09f, AES_128_CCM_8: 0xc0a2, AES_256_CCM_8: 0xc0a3 },
  ...{ ARIA_128_GCM_SHA256: 0xc052, ARIA_256_GCM_SHA384: 0xc053 },
  ...{ AES_128_CBC_SHA256: 0x0067, AES_256_CBC_SHA256: 0x006b, AES_128_CBC_SHA: 0x0033, AES_256_CBC_SHA: 0x0039 },
  ...{ CAMELLIA_128_CBC_SHA256: 0x00be, CAMELLIA_256_CBC_SHA256: 0x00c4 },
  ...{ CAMELLIA_128_CBC_SHA: 0x0045, CAMELLIA_256_CBC_SHA: 0x0088 },
  ...{ ARIA_128_CBC_SHA256: 0xc044, ARIA_256_CBC_SHA384: 0xc045, '3DES_EDE_CBC_SHA': 0x0016 },
};

/**
 * Diffie-Hellman in finite fields, signed by RSA. Forward secret, slow, and a client cannot know the group (RFC 9325 §4.1
 * advises against it). The config's `groups` must name `ffdhe` groups, 2,048 bits or more.
 */
export const dheCipherSuites: readonly Tls12CipherSuite[] = suites(families.dheRsa, dheIds);

/**
 * The same by a server's own group, in place of named ones.
 * @throws RangeError where the parameters cannot be a group: see `DhParameters`.
 */
export function dheCipherSuitesBy(parameters: DhParameters): readonly Tls12CipherSuite[] {
  return suites({ ...families.dheRsa, keyExchange: dheBy(parameters) }, dheIds);
}

/** RSA key transport: whoever gets the server's key later reads everything that was ever sent. */
export const rsaCipherSuites: readonly Tls12CipherSuite[] = suites(families.rsa, {
  ...{ AES_128_GCM_SHA256: 0x009c, AES_256_GCM_SHA384: 0x009d },
  ...{ AES_128_CCM: 0xc09c, AES_256_CCM: 0xc09d, AES_128_CCM_8: 0xc0a0, AES_256_CCM_8: 0xc0a1 },
  ...{ ARIA_128_GCM_SHA256: 0xc050, ARIA_256_GCM_SHA384: 0xc051 },
  ...{ AES_128_CBC_SHA256: 0x003c, AES_256_CBC_SHA256: 0x003d, AES_128_CBC_SHA: 0x002f, AES_256_CBC_SHA: 0x0035 },
  ...{ CAMELLIA_128_CBC_SHA256: 0x00ba, CAMELLIA_256_CBC_SHA256: 0x00c0 },
  ...{ CAMELLIA_128_CBC_SHA: 0x0041, CAMELLIA_256_CBC_SHA: 0x0084 },
  ...{ ARIA_128_CBC_SHA256: 0xc03c, ARIA_256_CBC_SHA384: 0xc03d, '3DES_EDE_CBC_SHA': 0x000a },
  ...{ RC4_128_SHA: 0x0005, RC4_128_MD5: 0x0004, NULL_SHA256: 0x003b, NULL_SHA: 0x0002, NULL_MD5: 0x0001 },
});

/** Static ECDH, which Java's JSSE has still: no forward secrecy, and a stolen key plays any client to its own server. */
export const ecdhCipherSuites: readonly Tls12CipherSuite[] = [
  ...suites(families.ecdhEcdsa, {
    ...{
      AES_128_GCM_SHA256: 0xc02d,
      AES_256_GCM_SHA384: 0xc02e,
      ARIA_128_GCM_SHA256: 0xc05e,
      ARIA_256_GCM_SHA384: 0xc05f,
    },
    ...{ AES_128_CBC_SHA256: 0xc025, AES_256_CBC_SHA384: 0xc026, AES_128_CBC_SHA: 0xc004, AES_256_CBC_SHA: 0xc005 },
    ...{ CAMELLIA_128_CBC_SHA256: 0xc074, CAMELLIA_256_CBC_SHA384: 0xc075 },
    ...{ ARIA_128_CBC_SHA256: 0xc04a, ARIA_256_CBC_SHA384: 0xc04b },
    ...{ '3DES_EDE_CBC_SHA': 0xc003, RC4_128_SHA: 0xc002, NULL_SHA: 0xc001 },
  }),
  ...suites(families.ecdhRsa, {
    ...{
      AES_128_GCM_SHA256: 0xc031,
      AES_256_GCM_SHA384: 0xc032,
      ARIA_128_GCM_SHA256: 0xc062,
      ARIA_256_GCM_SHA384: 0xc063,
    },
    ...{ AES_128_CBC_SHA256: 0xc029, AES_256_CBC_SHA384: 0xc02a, AES_128_CBC_SHA: 0xc00e, AES_256_CBC_SHA: 0xc00f },
    ...{ CAMELLIA_128_CBC_SHA256: 0xc078, CAMELLIA_256_CBC_SHA384: 0xc079 },
    ...{ ARIA_128_CBC_SHA256: 0xc04e, ARIA_256_CBC_SHA384: 0xc04f },
    ...{ '3DES_EDE_CBC_SHA': 0xc00d, RC4_128_SHA: 0xc00c, NULL_SHA: 0xc00b },
  }),
];

/** Pre-shared keys (RFC 4279, RFC 5489, RFC 5487): the config's `preSharedKey` says whose. */
export const pskCipherSuites: readonly Tls12CipherSuite[] = [
  ...suites(families.ecdhePsk, {
    ...{ CHACHA20_POLY1305_SHA256: 0xccac, AES_128_GCM_SHA256: 0xd001, AES_256_GCM_SHA384: 0xd002 },
    ...{ AES_128_CBC_SHA256: 0xc037, AES_256_CBC_SHA384: 0xc038, AES_128_CBC_SHA: 0xc035, AES_256_CBC_SHA: 0xc036 },
    ...{ '3DES_EDE_CBC_SHA': 0xc034, RC4_128_SHA: 0xc033, NULL_SHA: 0xc039, NULL_SHA256: 0xc03a, NULL_SHA384: 0xc03b },
  }),
  ...suites(families.dhePsk, {
    ...{ CHACHA20_POLY1305_SHA256: 0xccad, AES_128_GCM_SHA256: 0x00aa, AES_256_GCM_SHA384: 0x00ab },
    ...{ AES_128_CCM: 0xc0a6, AES_256_CCM: 0xc0a7 },
    ...{ AES_128_CBC_SHA256: 0x00b2, AES_256_CBC_SHA384: 0x00b3, AES_128_CBC_SHA: 0x0090, AES_256_CBC_SHA: 0x0091 },
    ...{ '3DES_EDE_CBC_SHA': 0x008f, RC4_128_SHA: 0x008e, NULL_SHA: 0x002d, NULL_SHA256: 0x00b4, NULL_SHA384: 0x00b5 },
  }),
  ...suites(families.rsaPsk, {
    ...{ CHACHA20_POLY1305_SHA256: 0xccae, AES_128_GCM_SHA256: 0x00ac, AES_256_GCM_SHA384: 0x00ad },
    ...{ AES_128_CBC_SHA256: 0x00b6, AES_256_CBC_SHA384: 0x00b7, AES_128_CBC_SHA: 0x0094, AES_256_CBC_SHA: 0x0095 },
    ...{ '3DES_EDE_CBC_SHA': 0x0093, RC4_128_SHA: 0x0092, NULL_SHA: 0x002e, NULL_SHA256: 0x00b8, NULL_SHA384: 0x00b9 },
  }),
  ...suites(families.psk, {
    ...{ CHACHA20_POLY1305_SHA256: 0xccab, AES_128_GCM_SHA256: 0x00a8, AES_256_GCM_SHA384: 0x00a9 },
    ...{ AES_128_CCM: 0xc0a4, AES_256_CCM: 0xc0a5, AES_128_CCM_8: 0xc0a8, AES_256_CCM_8: 0xc0a9 },
    ...{ AES_128_CBC_SHA256: 0x00ae, AES_256_CBC_SHA384: 0x00af, AES_128_CBC_SHA: 0x008c, AES_256_CBC_SHA: 0x008d },
    ...{ '3DES_EDE_CBC_SHA': 0x008b, RC4_128_SHA: 0x008a, NULL_SHA: 0x002c, NULL_SHA256: 0x00b0, NULL_SHA384: 0x00b1 },
  }),
];

/**
 * Nobody proves who it is: whoever sits in between reads and changes everything. A client that lists one of these beside others
 * can be given it by anybody: neither chain nor name is looked at then, and `verifyPeer` is not asked.
 */
export const anonymousCipherSuites: readonly Tls12CipherSuite[] = [
  ...suites(families.ecdhAnon, {
    ...{ AES_128_CBC_SHA: 0xc018, AES_256_CBC_SHA: 0xc019, '3DES_EDE_CBC_SHA': 0xc017 },
    ...{ RC4_128_SHA: 0xc016, NULL_SHA: 0xc015 },
  }),
  ...suites(families.dhAnon, {
    ...{ AES_128_GCM_SHA256: 0x00a6, AES_256_GCM_SHA384: 0x00a7 },
    ...{ AES_128_CBC_SHA256: 0x006c, AES_256_CBC_SHA256: 0x006d, AES_128_CBC_SHA: 0x0034, AES_256_CBC_SHA: 0x003a },
    ...{ CAMELLIA_128_CBC_SHA: 0x0046, CAMELLIA_256_CBC_SHA: 0x0089, '3DES_EDE_CBC_SHA': 0x001b, RC4_128_MD5: 0x0018 },
  }),
];

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
