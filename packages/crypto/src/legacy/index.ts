/**
 * What is weak or old and runs anywhere: RC4, the unpadding of an RSA premaster secret, the primes of RFC 7919. The
 * providers with the rest are `@handfast/crypto/legacy/node` and `@handfast/crypto/legacy/web`.
 *
 * Everything under `legacy` violates RFC 9846 appendix E on purpose. Nothing outside imports it.
 *
 * @module
 */

export { ffdhePrime } from '../ffdhe-primes.ts';
export { rc4, rc4Key } from './rc4.ts';
export { premasterLength, premasterOf } from './rsa-unpad.ts';
