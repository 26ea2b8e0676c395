/**
 * What IANA's registries of groups, signatures and alerts have beside those that this stack speaks: peers offer them, and a reader
 * wants their names.
 *
 * @module
 */

type Names = readonly (readonly [id: number, name: string])[];

// biome-ignore format: a table
export const otherGroups: Names = [
  [1, 'sect163k1'], [2, 'sect163r1'], [3, 'sect163r2'], [4, 'sect193r1'], [5, 'sect193r2'], [6, 'sect233k1'],
  [7, 'sect233r1'], [8, 'sect239k1'], [9, 'sect283k1'], [10, 'sect283r1'], [11, 'sect409k1'], [12, 'sect409r1'],
  [13, 'sect571k1'], [14, 'sect571r1'], [15, 'secp160k1'], [16, 'secp160r1'], [17, 'secp160r2'], [18, 'secp192k1'],
  [19, 'secp192r1'], [20, 'secp224k1'], [21, 'secp224r1'], [22, 'secp256k1'], [26, 'brainpoolP256r1'],
  [27, 'brainpoolP384r1'], [28, 'brainpoolP512r1'], [31, 'brainpoolP256r1tls13'], [32, 'brainpoolP384r1tls13'],
  [33, 'brainpoolP512r1tls13'], [34, 'GC256A'], [35, 'GC256B'], [36, 'GC256C'], [37, 'GC256D'], [38, 'GC512A'],
  [39, 'GC512B'], [40, 'GC512C'], [41, 'curveSM2'], [512, 'MLKEM512'], [513, 'MLKEM768'], [514, 'MLKEM1024'],
  [4590, 'curveSM2MLKEM768'], [25497, 'X25519Kyber768Draft00'], [25498, 'SecP256r1Kyber768Draft00'],
  [65281, 'arbitrary_explicit_prime_curves'], [65282, 'arbitrary_explicit_char2_curves'],
];

// biome-ignore format: a table
export const otherSchemes: Names = [
  [0x0420, 'rsa_pkcs1_sha256_legacy'],
  [0x0520, 'rsa_pkcs1_sha384_legacy'], [0x0620, 'rsa_pkcs1_sha512_legacy'], [0x0704, 'eccsi_sha256'],
  [0x0705, 'iso_ibs1'], [0x0706, 'iso_ibs2'], [0x0707, 'iso_chinese_ibs'], [0x0708, 'sm2sig_sm3'],
  [0x0709, 'gostr34102012_256a'], [0x070a, 'gostr34102012_256b'], [0x070b, 'gostr34102012_256c'],
  [0x070c, 'gostr34102012_256d'], [0x070d, 'gostr34102012_512a'], [0x070e, 'gostr34102012_512b'],
  [0x070f, 'gostr34102012_512c'], [0x081a, 'ecdsa_brainpoolP256r1tls13_sha256'],
  [0x081b, 'ecdsa_brainpoolP384r1tls13_sha384'], [0x081c, 'ecdsa_brainpoolP512r1tls13_sha512'],
];

const hashes = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'];
const signatures = ['rsa_pkcs1', 'dsa', 'ecdsa'];

/** Before TLS 1.3 a scheme is a hash and a signature, of a registry each (RFC 5246 §7.4.1.4.1). */
export const pairedSchemes: Names = hashes.flatMap((hash, high) =>
  signatures.map((signature, low) => [((high + 1) << 8) | (low + 1), `${signature}_${hash}`] as const),
);

// biome-ignore format: a table
export const otherAlerts: Names = [
  [1, 'end_of_early_data'], [21, 'decryption_failed'], [30, 'decompression_failure'], [52, 'too_many_cids_requested'],
  [60, 'export_restriction'], [111, 'certificate_unobtainable'], [114, 'bad_certificate_hash_value'], [121, 'ech_required'],
];
