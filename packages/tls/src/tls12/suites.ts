/**
 * Cipher suites of TLS 1.2, as rows: key exchange, authentication, record protection, hash of the PRF. Here are those with
 * forward secrecy and authenticated encryption, which RFC 9325 §4.2 recommends; the others are reached through `legacy/`.
 *
 * @module
 */

import type { HashName, KeyType } from '@handfast/crypto';
import type { RecordCipher } from '../record/cipher12.ts';
import { aeadNamed, explicitNonceAead, implicitNonceAead } from '../record/protection12.ts';
import { type SuiteRow, TLS12 } from '../registry.ts';
import { ecdhe, type KeyExchange12 } from './key-exchange.ts';

/** What key the server's certificate has. */
export interface Authentication {
  readonly name: string;
  readonly keyTypes: readonly KeyType[];
}

export const ecdsa: Authentication = {
  name: 'ECDSA',
  // RFC 8422 §5.10: EdDSA goes by the name of ECDSA in suites.
  keyTypes: ['secp256r1', 'secp384r1', 'secp521r1', 'ed25519', 'ed448'],
};

export const rsa: Authentication = { name: 'RSA', keyTypes: ['rsa', 'rsa-pss'] };

/** A cipher suite of TLS 1.2 or earlier. */
export interface Tls12CipherSuite extends SuiteRow {
  readonly family: 'tls12';
  readonly keyExchange: KeyExchange12;
  /** Undefined: the server sends no certificate. */
  readonly authentication: Authentication | undefined;
  readonly cipher: RecordCipher;
  /** The wire number of the first version that has it: AEADs and SHA-2 came with TLS 1.2. */
  readonly minVersion: number;
}

export function suite12(
  id: number,
  name: string,
  keyExchange: KeyExchange12,
  authentication: Authentication | undefined,
  cipher: RecordCipher,
  hash: HashName,
  minVersion: number = TLS12,
): Tls12CipherSuite {
  return {
    ...{ id, name, family: 'tls12', keyExchange, authentication, cipher, hash, minVersion },
    supportedBy: (provider) => cipher.supportedBy(provider) && keyExchange.supportedBy(provider),
  };
}

const aes128gcm: RecordCipher = /* @__PURE__ */ explicitNonceAead(aeadNamed('aes-128-gcm'), 16);
const aes256gcm: RecordCipher = /* @__PURE__ */ explicitNonceAead(aeadNamed('aes-256-gcm'), 32);
const chacha20: RecordCipher = /* @__PURE__ */ implicitNonceAead(aeadNamed('chacha20-poly1305'), 32);

// biome-ignore format: a table
export const TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: Tls12CipherSuite = /* @__PURE__ */ suite12(0xc02b, 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', ecdhe, ecdsa, aes128gcm, 'sha256');
// biome-ignore format: a table
export const TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: Tls12CipherSuite = /* @__PURE__ */ suite12(0xc02f, 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', ecdhe, rsa, aes128gcm, 'sha256');
// biome-ignore format: a table
export const TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: Tls12CipherSuite = /* @__PURE__ */ suite12(0xc02c, 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', ecdhe, ecdsa, aes256gcm, 'sha384');
// biome-ignore format: a table
export const TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: Tls12CipherSuite = /* @__PURE__ */ suite12(0xc030, 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', ecdhe, rsa, aes256gcm, 'sha384');
// biome-ignore format: a table
export const TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: Tls12CipherSuite = /* @__PURE__ */ suite12(0xcca9, 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', ecdhe, ecdsa, chacha20, 'sha256');
// biome-ignore format: a table
export const TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: Tls12CipherSuite = /* @__PURE__ */ suite12(0xcca8, 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', ecdhe, rsa, chacha20, 'sha256');

/** What TLS 1.2 offers unless the config says otherwise, best first. */
export const defaultCipherSuites12: readonly Tls12CipherSuite[] = [
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];
