/**
 * IANA's registries as descriptor rows: versions, TLS 1.3's cipher suites, groups, signature schemes, alerts, extensions,
 * content and handshake types. Everything that the protocol needs to know of one algorithm stands in its row; nothing
 * below switches on a name. Cipher suites of TLS 1.2 stand in `tls12/suites.ts`: who leaves that version out has none of
 * their code.
 *
 * Which rows are offered is the config's matter (`config.ts`), what computes them the provider's.
 *
 * @module
 */

import type {
  AeadName,
  Cryptography,
  GroupName,
  HashName,
  KeyType,
  LegacyHandshakeSignature,
  SignatureAlgorithm,
} from '@handfast/crypto';
import type { Tls12CipherSuite } from './tls12/suites.ts';

/** A registry row: its wire number and IANA's name for it. */
export interface Row {
  readonly id: number;
  readonly name: string;
}

/** The wire numbers of rows. */
export function ids(rows: readonly Row[]): readonly number[] {
  return rows.map(({ id }) => id);
}

/** A cipher suite: of TLS 1.3, or of TLS 1.2 and before. */
export type CipherSuite = Tls13CipherSuite | Tls12CipherSuite;

/** What every suite says. */
export interface SuiteRow extends Row {
  /** The hash of the key schedule. */
  readonly hash: HashName;
  /** Whether a provider has what it takes. */
  readonly supportedBy: (provider: Cryptography) => boolean;
}

export interface Tls13CipherSuite extends SuiteRow {
  readonly family: 'tls13';
  readonly aead: AeadName;
  readonly keyLength: number;
  readonly tagLength: number;
  /** Records that one key may protect (RFC 9846 §5.5); a key update comes before. */
  readonly recordLimit: number;
}

// AES-GCM: 2^24.5 full-size records. CCM has a smaller margin: RFC 9147 §4.5.3 (B.1.1) counts 2^23 for CCM. ChaCha20-Poly1305: the
// sequence number would end first; ours ends at 2^53 - 1.
const gcmRecords = 23_726_566;
const ccmRecords = 2 ** 23;
const noRecordLimit = Number.MAX_SAFE_INTEGER;

function suite13(
  id: number,
  name: string,
  aead: AeadName,
  hash: HashName,
  keyLength: number,
  tagLength: number,
  recordLimit: number,
): Tls13CipherSuite {
  const supportedBy = (provider: Cryptography): boolean => provider.aeads[aead] !== undefined;
  return { id, name, family: 'tls13', aead, hash, keyLength, tagLength, recordLimit, supportedBy };
}

export const TLS_AES_128_GCM_SHA256: Tls13CipherSuite = /* @__PURE__ */ suite13(
  0x1301,
  'TLS_AES_128_GCM_SHA256',
  'aes-128-gcm',
  'sha256',
  16,
  16,
  gcmRecords,
);
export const TLS_AES_256_GCM_SHA384: Tls13CipherSuite = /* @__PURE__ */ suite13(
  0x1302,
  'TLS_AES_256_GCM_SHA384',
  'aes-256-gcm',
  'sha384',
  32,
  16,
  gcmRecords,
);
export const TLS_CHACHA20_POLY1305_SHA256: Tls13CipherSuite = /* @__PURE__ */ suite13(
  0x1303,
  'TLS_CHACHA20_POLY1305_SHA256',
  'chacha20-poly1305',
  'sha256',
  32,
  16,
  noRecordLimit,
);
export const TLS_AES_128_CCM_SHA256: Tls13CipherSuite = /* @__PURE__ */ suite13(
  0x1304,
  'TLS_AES_128_CCM_SHA256',
  'aes-128-ccm',
  'sha256',
  16,
  16,
  ccmRecords,
);
/** Tags of 8 bytes: RFC 9846 §B.4 does not recommend it; never in the defaults. */
export const TLS_AES_128_CCM_8_SHA256: Tls13CipherSuite = /* @__PURE__ */ suite13(
  0x1305,
  'TLS_AES_128_CCM_8_SHA256',
  'aes-128-ccm-8',
  'sha256',
  16,
  8,
  ccmRecords,
);

/** TLS 1.3's cipher suites. */
export const cipherSuites: readonly Tls13CipherSuite[] = [
  TLS_AES_128_GCM_SHA256,
  TLS_AES_256_GCM_SHA384,
  TLS_CHACHA20_POLY1305_SHA256,
  TLS_AES_128_CCM_SHA256,
  TLS_AES_128_CCM_8_SHA256,
];

/** What TLS 1.3 offers unless the config says otherwise, best first. */
export const defaultCipherSuites: readonly Tls13CipherSuite[] = [
  TLS_AES_128_GCM_SHA256,
  TLS_AES_256_GCM_SHA384,
  TLS_CHACHA20_POLY1305_SHA256,
];

export interface NamedGroup extends Row {
  /** The provider's row. */
  readonly exchange: GroupName;
  readonly postQuantum: boolean;
}

function group(id: number, name: string, exchange: GroupName, postQuantum = false): NamedGroup {
  return { id, name, exchange, postQuantum };
}

export const namedGroups: readonly NamedGroup[] = [
  group(0x11ec, 'X25519MLKEM768', 'x25519mlkem768', true),
  group(0x11eb, 'SecP256r1MLKEM768', 'secp256r1mlkem768', true),
  group(0x11ed, 'SecP384r1MLKEM1024', 'secp384r1mlkem1024', true),
  group(0x001d, 'x25519', 'x25519'),
  group(0x0017, 'secp256r1', 'secp256r1'),
  group(0x001e, 'x448', 'x448'),
  group(0x0018, 'secp384r1', 'secp384r1'),
  group(0x0019, 'secp521r1', 'secp521r1'),
  group(0x0100, 'ffdhe2048', 'ffdhe2048'),
  group(0x0101, 'ffdhe3072', 'ffdhe3072'),
  group(0x0102, 'ffdhe4096', 'ffdhe4096'),
  group(0x0103, 'ffdhe6144', 'ffdhe6144'),
  group(0x0104, 'ffdhe8192', 'ffdhe8192'),
];

/** Finite-field groups are slow for both sides: they are offered only where the config names them. */
export const defaultGroups: readonly NamedGroup[] = namedGroups.filter(({ exchange }) => !exchange.startsWith('ffdhe'));

interface SchemeRow<A> extends Row {
  readonly algorithm: A;
  /** The kinds of key that may sign with it. */
  readonly keyType: KeyType;
  /** Whether TLS 1.3's CertificateVerify may use it; PKCS#1 v1.5 signs certificates alone (RFC 9846 §4.3.3). */
  readonly handshake: boolean;
  /**
   * The kinds of key that may sign with it in TLS 1.2's handshake: there an ECDSA scheme names its hash alone (RFC 5246
   * §7.4.1.4.1), and ML-DSA does not exist.
   */
  readonly keyTypes12: readonly KeyType[];
}

export type SignatureScheme = SchemeRow<SignatureAlgorithm>;

/** What a handshake was signed with: before TLS 1.2 by what no list names. */
export type HandshakeScheme = SchemeRow<SignatureAlgorithm | LegacyHandshakeSignature>;

function scheme(
  id: number,
  name: string,
  algorithm: SignatureAlgorithm,
  keyType: KeyType,
  handshake = true,
): SignatureScheme {
  const keyTypes12 = algorithm.startsWith('ecdsa') ? ecKeys : algorithm.startsWith('ml-dsa') ? [] : [keyType];
  return { id, name, algorithm, keyType, handshake, keyTypes12 };
}

const ecKeys: readonly KeyType[] = ['secp256r1', 'secp384r1', 'secp521r1'];

/** In the default order of preference. */
export const signatureSchemes: readonly SignatureScheme[] = [
  scheme(0x0403, 'ecdsa_secp256r1_sha256', 'ecdsa-sha256', 'secp256r1'),
  scheme(0x0503, 'ecdsa_secp384r1_sha384', 'ecdsa-sha384', 'secp384r1'),
  scheme(0x0603, 'ecdsa_secp521r1_sha512', 'ecdsa-sha512', 'secp521r1'),
  scheme(0x0807, 'ed25519', 'ed25519', 'ed25519'),
  scheme(0x0808, 'ed448', 'ed448', 'ed448'),
  scheme(0x0904, 'mldsa44', 'ml-dsa-44', 'ml-dsa-44'),
  scheme(0x0905, 'mldsa65', 'ml-dsa-65', 'ml-dsa-65'),
  scheme(0x0906, 'mldsa87', 'ml-dsa-87', 'ml-dsa-87'),
  scheme(0x0804, 'rsa_pss_rsae_sha256', 'rsa-pss-sha256', 'rsa'),
  scheme(0x0805, 'rsa_pss_rsae_sha384', 'rsa-pss-sha384', 'rsa'),
  scheme(0x0806, 'rsa_pss_rsae_sha512', 'rsa-pss-sha512', 'rsa'),
  scheme(0x0809, 'rsa_pss_pss_sha256', 'rsa-pss-sha256', 'rsa-pss'),
  scheme(0x080a, 'rsa_pss_pss_sha384', 'rsa-pss-sha384', 'rsa-pss'),
  scheme(0x080b, 'rsa_pss_pss_sha512', 'rsa-pss-sha512', 'rsa-pss'),
  scheme(0x0401, 'rsa_pkcs1_sha256', 'rsa-pkcs1-sha256', 'rsa', false),
  scheme(0x0501, 'rsa_pkcs1_sha384', 'rsa-pkcs1-sha384', 'rsa', false),
  scheme(0x0601, 'rsa_pkcs1_sha512', 'rsa-pkcs1-sha512', 'rsa', false),
];

/** Alert descriptions (RFC 9846 §6, RFC 5246 §7.2). */
export const alerts = {
  close_notify: 0,
  unexpected_message: 10,
  bad_record_mac: 20,
  record_overflow: 22,
  handshake_failure: 40,
  no_certificate: 41,
  bad_certificate: 42,
  unsupported_certificate: 43,
  certificate_revoked: 44,
  certificate_expired: 45,
  certificate_unknown: 46,
  illegal_parameter: 47,
  unknown_ca: 48,
  access_denied: 49,
  decode_error: 50,
  decrypt_error: 51,
  protocol_version: 70,
  insufficient_security: 71,
  internal_error: 80,
  inappropriate_fallback: 86,
  user_canceled: 90,
  no_renegotiation: 100,
  missing_extension: 109,
  unsupported_extension: 110,
  unrecognized_name: 112,
  bad_certificate_status_response: 113,
  unknown_psk_identity: 115,
  certificate_required: 116,
  general_error: 117,
  no_application_protocol: 120,
} as const;

export type AlertName = keyof typeof alerts;

const alertNames: ReadonlyMap<number, AlertName> = new Map(
  Object.entries(alerts).map(([name, id]) => [id, name as AlertName]),
);

/** IANA's name, or `unknown (id)`. */
export function alertName(id: number): AlertName | `unknown (${number})` {
  return alertNames.get(id) ?? `unknown (${id})`;
}

export function isAlertName(name: string): name is AlertName {
  return Object.hasOwn(alerts, name);
}

export const contentType = {
  change_cipher_spec: 20,
  alert: 21,
  handshake: 22,
  application_data: 23,
} as const;

export const handshakeType = {
  hello_request: 0,
  client_hello: 1,
  server_hello: 2,
  new_session_ticket: 4,
  end_of_early_data: 5,
  encrypted_extensions: 8,
  certificate: 11,
  server_key_exchange: 12,
  certificate_request: 13,
  server_hello_done: 14,
  certificate_verify: 15,
  client_key_exchange: 16,
  finished: 20,
  certificate_status: 22,
  key_update: 24,
  message_hash: 254,
} as const;

/** Extension types that are recognised (RFC 9846 §4.3 and IANA's registry). */
export const extensionType = {
  server_name: 0,
  max_fragment_length: 1,
  status_request: 5,
  supported_groups: 10,
  ec_point_formats: 11,
  signature_algorithms: 13,
  use_srtp: 14,
  heartbeat: 15,
  application_layer_protocol_negotiation: 16,
  signed_certificate_timestamp: 18,
  client_certificate_type: 19,
  server_certificate_type: 20,
  padding: 21,
  encrypt_then_mac: 22,
  extended_master_secret: 23,
  compress_certificate: 27,
  record_size_limit: 28,
  session_ticket: 35,
  delegated_credential: 34,
  pre_shared_key: 41,
  early_data: 42,
  supported_versions: 43,
  cookie: 44,
  psk_key_exchange_modes: 45,
  certificate_authorities: 47,
  oid_filters: 48,
  post_handshake_auth: 49,
  signature_algorithms_cert: 50,
  key_share: 51,
  ticket_request: 58,
  encrypted_client_hello: 65037,
  renegotiation_info: 65281,
} as const;

const extensionNames: ReadonlyMap<number, string> = new Map(
  Object.entries(extensionType).map(([name, id]) => [id, name]),
);

/** IANA's name, `GREASE (0x…)`, or `unknown (id)`. */
export function extensionName(id: number): string {
  return extensionNames.get(id) ?? (isGrease(id) ? `GREASE (${hexId(id)})` : `unknown (${id})`);
}

export const TLS13 = 0x0304;
export const TLS12 = 0x0303;
export const TLS10 = 0x0301;
export const SSL30 = 0x0300;

export type VersionName = 'SSL 3.0' | 'TLS 1.0' | 'TLS 1.1' | 'TLS 1.2' | 'TLS 1.3';

const versionNames: ReadonlyMap<number, VersionName> = new Map<number, VersionName>([
  [SSL30, 'SSL 3.0'],
  [TLS10, 'TLS 1.0'],
  [0x0302, 'TLS 1.1'],
  [TLS12, 'TLS 1.2'],
  [TLS13, 'TLS 1.3'],
]);

/** Signalling values that stand among a hello's cipher suites: RFC 5746 §3.3 and RFC 7507. */
export const scsv = { emptyRenegotiationInfo: 0x00ff, fallback: 0x5600 } as const;

/** `TLS 1.3`, `GREASE (0x…)`, or the number in hexadecimal. */
export function versionName(id: number): string {
  return versionNames.get(id) ?? (isGrease(id) ? `GREASE (${hexId(id)})` : hexId(id));
}

/** Reserved values of RFC 8701: 0x0A0A, 0x1A1A, … 0xFAFA. */
export function isGrease(id: number): boolean {
  return (id & 0x0f0f) === 0x0a0a && id >> 8 === (id & 0xff);
}

export function hexId(id: number): string {
  return `0x${id.toString(16).padStart(4, '0').toUpperCase()}`;
}

/** Finds a row by wire number; built once per registry. */
export function byId<R extends Row>(rows: readonly R[]): ReadonlyMap<number, R> {
  return new Map(rows.map((row) => [row.id, row]));
}

/** TLS 1.3's. */
export const cipherSuiteById: ReadonlyMap<number, Tls13CipherSuite> = /* @__PURE__ */ byId(cipherSuites);
export const groupById: ReadonlyMap<number, NamedGroup> = /* @__PURE__ */ byId(namedGroups);
export const schemeById: ReadonlyMap<number, SignatureScheme> = /* @__PURE__ */ byId(signatureSchemes);

/** A name for people: IANA's where the row is known, else the number. */
export function nameIn(rows: ReadonlyMap<number, Row>, id: number): string {
  return rows.get(id)?.name ?? (isGrease(id) ? `GREASE (${hexId(id)})` : hexId(id));
}
