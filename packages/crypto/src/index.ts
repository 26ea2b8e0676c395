/**
 * The interface between TLS and cryptography, and the helpers over it. Providers: `./node` and `./web`.
 *
 * @module
 */

export * from './bytes.ts';
export { ecdsaToDer } from './ecdsa-der.ts';
export * from './hkdf.ts';
export * from './provider.ts';
export * from './settle.ts';
export { type SignatureMethod, signatureMethods } from './signature-methods.ts';
