/**
 * What violates RFC 9846 appendix E on purpose: SSL 3.0, TLS 1.0 and 1.1, the weak suites of TLS 1.2, and pre-shared keys
 * without a key exchange. For old devices
 * that know nothing newer, and for tests. Nothing here is reached by a string in a config: a program imports it, and passes
 * it in, with a provider of `@handfast/crypto/legacy/node` or `@handfast/crypto/legacy/web`.
 *
 * | what | why it is here |
 * |---|---|
 * | SSL 3.0 | its padding is not authenticated: POODLE (RFC 7568) |
 * | TLS 1.0, TLS 1.1 | MD5 and SHA-1, chained IVs: BEAST, SLOTH (RFC 8996) |
 * | RSA key exchange | no forward secrecy; Bleichenbacher's oracle and its many returns |
 * | static ECDH | no forward secrecy; a stolen key plays any client to its own server |
 * | psk_ke | TLS 1.3's pre-shared keys without forward secrecy |
 * | CBC | padding oracles: Lucky 13 and its kin |
 * | RC4, 3DES, NULL, anonymous | RFC 7465, Sweet32, no secrecy, nobody proves who it is |
 *
 * @example
 * ```ts
 * import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
 * import { clientConfig, tls12, tls13 } from '@handfast/tls';
 * import { legacyCipherSuites, tls10 } from '@handfast/tls/legacy';
 *
 * const config = clientConfig({
 *   provider: nodeLegacyProvider,
 *   versions: [tls13, tls12, tls10],
 *   cipherSuites: [...tls13.defaultCipherSuites, ...tls12.defaultCipherSuites, ...legacyCipherSuites],
 *   trust,
 * });
 * ```
 *
 * @module
 */

export { pskKe } from '../psk-modes.ts';
export type { DhParameters } from './dhe.ts';
export { insecureServers, secureRenegotiation } from './renegotiation.ts';
export { legacySuiteNames } from './suite-names.ts';
export * from './suites.ts';
export { ssl30, tls10, tls11 } from './versions.ts';
