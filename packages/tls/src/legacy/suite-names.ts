/**
 * How the cipher suites that are out of use are called, and their numbers (IANA's TLS Cipher Suites), without anything of what they
 * do: whoever only shows a hello needs no more.
 *
 * @module
 */

/** How a suite protects records, as its name ends. */
export type CipherName =
  | 'NULL_MD5'
  | 'NULL_SHA'
  | 'NULL_SHA256'
  | 'NULL_SHA384'
  | 'RC4_128_MD5'
  | 'RC4_128_SHA'
  | '3DES_EDE_CBC_SHA'
  | 'AES_128_CBC_SHA'
  | 'AES_256_CBC_SHA'
  | 'AES_128_CBC_SHA256'
  | 'AES_256_CBC_SHA256'
  | 'AES_256_CBC_SHA384'
  | 'CAMELLIA_128_CBC_SHA'
  | 'CAMELLIA_256_CBC_SHA'
  | 'CAMELLIA_128_CBC_SHA256'
  | 'CAMELLIA_256_CBC_SHA256'
  | 'CAMELLIA_256_CBC_SHA384'
  | 'ARIA_128_CBC_SHA256'
  | 'ARIA_256_CBC_SHA384'
  | 'AES_128_CCM'
  | 'AES_256_CCM'
  | 'AES_128_CCM_8'
  | 'AES_256_CCM_8'
  | 'AES_128_GCM_SHA256'
  | 'AES_256_GCM_SHA384'
  | 'ARIA_128_GCM_SHA256'
  | 'ARIA_256_GCM_SHA384'
  | 'CHACHA20_POLY1305_SHA256';

/** How a suite exchanges keys and who is proven, as its name begins. */
const families = {
  ecdheEcdsa: 'ECDHE_ECDSA',
  ecdheRsa: 'ECDHE_RSA',
  dheRsa: 'DHE_RSA',
  rsa: 'RSA',
  ecdhEcdsa: 'ECDH_ECDSA',
  ecdhRsa: 'ECDH_RSA',
  ecdhePsk: 'ECDHE_PSK',
  dhePsk: 'DHE_PSK',
  rsaPsk: 'RSA_PSK',
  psk: 'PSK',
  ecdhAnon: 'ECDH_anon',
  dhAnon: 'DH_anon',
} as const;

export type Family = keyof typeof families;

type Ids = Readonly<Partial<Record<CipherName, number>>>;

/** Strongest first. */
const ids: Readonly<Record<Family, Ids>> = {
  ecdheEcdsa: {
    ...{ AES_128_CCM: 0xc0ac, AES_256_CCM: 0xc0ad, AES_128_CCM_8: 0xc0ae, AES_256_CCM_8: 0xc0af },
    ...{ ARIA_128_GCM_SHA256: 0xc05c, ARIA_256_GCM_SHA384: 0xc05d },
    ...{ AES_128_CBC_SHA256: 0xc023, AES_256_CBC_SHA384: 0xc024, AES_128_CBC_SHA: 0xc009, AES_256_CBC_SHA: 0xc00a },
    ...{ CAMELLIA_128_CBC_SHA256: 0xc072, CAMELLIA_256_CBC_SHA384: 0xc073 },
    ...{ ARIA_128_CBC_SHA256: 0xc048, ARIA_256_CBC_SHA384: 0xc049 },
    ...{ '3DES_EDE_CBC_SHA': 0xc008, RC4_128_SHA: 0xc007, NULL_SHA: 0xc006 },
  },
  ecdheRsa: {
    ...{ ARIA_128_GCM_SHA256: 0xc060, ARIA_256_GCM_SHA384: 0xc061 },
    ...{ AES_128_CBC_SHA256: 0xc027, AES_256_CBC_SHA384: 0xc028, AES_128_CBC_SHA: 0xc013, AES_256_CBC_SHA: 0xc014 },
    ...{ CAMELLIA_128_CBC_SHA256: 0xc076, CAMELLIA_256_CBC_SHA384: 0xc077 },
    ...{ ARIA_128_CBC_SHA256: 0xc04c, ARIA_256_CBC_SHA384: 0xc04d },
    ...{ '3DES_EDE_CBC_SHA': 0xc012, RC4_128_SHA: 0xc011, NULL_SHA: 0xc010 },
  },
  dheRsa: {
    ...{ AES_128_GCM_SHA256: 0x009e, AES_256_GCM_SHA384: 0x009f, CHACHA20_POLY1305_SHA256: 0xccaa },
    ...{ AES_128_CCM: 0xc09e, AES_256_CCM: 0xc09f, AES_128_CCM_8: 0xc0a2, AES_256_CCM_8: 0xc0a3 },
    ...{ ARIA_128_GCM_SHA256: 0xc052, ARIA_256_GCM_SHA384: 0xc053 },
    ...{ AES_128_CBC_SHA256: 0x0067, AES_256_CBC_SHA256: 0x006b, AES_128_CBC_SHA: 0x0033, AES_256_CBC_SHA: 0x0039 },
    ...{ CAMELLIA_128_CBC_SHA256: 0x00be, CAMELLIA_256_CBC_SHA256: 0x00c4 },
    ...{ CAMELLIA_128_CBC_SHA: 0x0045, CAMELLIA_256_CBC_SHA: 0x0088 },
    ...{ ARIA_128_CBC_SHA256: 0xc044, ARIA_256_CBC_SHA384: 0xc045, '3DES_EDE_CBC_SHA': 0x0016 },
  },
  rsa: {
    ...{ AES_128_GCM_SHA256: 0x009c, AES_256_GCM_SHA384: 0x009d },
    ...{ AES_128_CCM: 0xc09c, AES_256_CCM: 0xc09d, AES_128_CCM_8: 0xc0a0, AES_256_CCM_8: 0xc0a1 },
    ...{ ARIA_128_GCM_SHA256: 0xc050, ARIA_256_GCM_SHA384: 0xc051 },
    ...{ AES_128_CBC_SHA256: 0x003c, AES_256_CBC_SHA256: 0x003d, AES_128_CBC_SHA: 0x002f, AES_256_CBC_SHA: 0x0035 },
    ...{ CAMELLIA_128_CBC_SHA256: 0x00ba, CAMELLIA_256_CBC_SHA256: 0x00c0 },
    ...{ CAMELLIA_128_CBC_SHA: 0x0041, CAMELLIA_256_CBC_SHA: 0x0084 },
    ...{ ARIA_128_CBC_SHA256: 0xc03c, ARIA_256_CBC_SHA384: 0xc03d, '3DES_EDE_CBC_SHA': 0x000a },
    ...{ RC4_128_SHA: 0x0005, RC4_128_MD5: 0x0004, NULL_SHA256: 0x003b, NULL_SHA: 0x0002, NULL_MD5: 0x0001 },
  },
  ecdhEcdsa: {
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
  },
  ecdhRsa: {
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
  },
  ecdhePsk: {
    ...{ CHACHA20_POLY1305_SHA256: 0xccac, AES_128_GCM_SHA256: 0xd001, AES_256_GCM_SHA384: 0xd002 },
    ...{ AES_128_CBC_SHA256: 0xc037, AES_256_CBC_SHA384: 0xc038, AES_128_CBC_SHA: 0xc035, AES_256_CBC_SHA: 0xc036 },
    ...{ '3DES_EDE_CBC_SHA': 0xc034, RC4_128_SHA: 0xc033, NULL_SHA: 0xc039, NULL_SHA256: 0xc03a, NULL_SHA384: 0xc03b },
  },
  dhePsk: {
    ...{ CHACHA20_POLY1305_SHA256: 0xccad, AES_128_GCM_SHA256: 0x00aa, AES_256_GCM_SHA384: 0x00ab },
    ...{ AES_128_CCM: 0xc0a6, AES_256_CCM: 0xc0a7 },
    ...{ AES_128_CBC_SHA256: 0x00b2, AES_256_CBC_SHA384: 0x00b3, AES_128_CBC_SHA: 0x0090, AES_256_CBC_SHA: 0x0091 },
    ...{ '3DES_EDE_CBC_SHA': 0x008f, RC4_128_SHA: 0x008e, NULL_SHA: 0x002d, NULL_SHA256: 0x00b4, NULL_SHA384: 0x00b5 },
  },
  rsaPsk: {
    ...{ CHACHA20_POLY1305_SHA256: 0xccae, AES_128_GCM_SHA256: 0x00ac, AES_256_GCM_SHA384: 0x00ad },
    ...{ AES_128_CBC_SHA256: 0x00b6, AES_256_CBC_SHA384: 0x00b7, AES_128_CBC_SHA: 0x0094, AES_256_CBC_SHA: 0x0095 },
    ...{ '3DES_EDE_CBC_SHA': 0x0093, RC4_128_SHA: 0x0092, NULL_SHA: 0x002e, NULL_SHA256: 0x00b8, NULL_SHA384: 0x00b9 },
  },
  psk: {
    ...{ CHACHA20_POLY1305_SHA256: 0xccab, AES_128_GCM_SHA256: 0x00a8, AES_256_GCM_SHA384: 0x00a9 },
    ...{ AES_128_CCM: 0xc0a4, AES_256_CCM: 0xc0a5, AES_128_CCM_8: 0xc0a8, AES_256_CCM_8: 0xc0a9 },
    ...{ AES_128_CBC_SHA256: 0x00ae, AES_256_CBC_SHA384: 0x00af, AES_128_CBC_SHA: 0x008c, AES_256_CBC_SHA: 0x008d },
    ...{ '3DES_EDE_CBC_SHA': 0x008b, RC4_128_SHA: 0x008a, NULL_SHA: 0x002c, NULL_SHA256: 0x00b0, NULL_SHA384: 0x00b1 },
  },
  ecdhAnon: {
    ...{ AES_128_CBC_SHA: 0xc018, AES_256_CBC_SHA: 0xc019, '3DES_EDE_CBC_SHA': 0xc017 },
    ...{ RC4_128_SHA: 0xc016, NULL_SHA: 0xc015 },
  },
  dhAnon: {
    ...{ AES_128_GCM_SHA256: 0x00a6, AES_256_GCM_SHA384: 0x00a7 },
    ...{ AES_128_CBC_SHA256: 0x006c, AES_256_CBC_SHA256: 0x006d, AES_128_CBC_SHA: 0x0034, AES_256_CBC_SHA: 0x003a },
    ...{ CAMELLIA_128_CBC_SHA: 0x0046, CAMELLIA_256_CBC_SHA: 0x0089, '3DES_EDE_CBC_SHA': 0x001b, RC4_128_MD5: 0x0018 },
  },
};

/** A family's ciphers with their suites' numbers, strongest first. */
export function ciphersOf(family: Family): readonly (readonly [cipher: CipherName, id: number])[] {
  return Object.entries(ids[family]).map(([cipher, id]) => [cipher as CipherName, id] as const);
}

export function suiteName(family: Family, cipher: CipherName): string {
  return `TLS_${families[family]}_WITH_${cipher}`;
}

/** Every suite of `allLegacyCipherSuites` by number and name, for tools that show hellos. */
export function legacySuiteNames(): readonly { readonly id: number; readonly name: string }[] {
  return Object.keys(families).flatMap((family) =>
    ciphersOf(family as Family).map(([cipher, id]) => ({ id, name: suiteName(family as Family, cipher) })),
  );
}
