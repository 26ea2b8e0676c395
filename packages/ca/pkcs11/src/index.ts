/**
 * `@handfast/ca/pkcs11`: keys in tokens (hardware security modules, smart cards, SoftHSM) as signers, by PKCS #11. It needs the
 * package `pkcs11js`, which is compiled when it is installed.
 *
 * @module
 */

export { Pkcs11Error, type Pkcs11ErrorCode } from './errors.ts';
export type { KeyName, TokenName } from './names.ts';
export { openPkcs11Signer, type Pkcs11Options, type Pkcs11Signer } from './open.ts';
export type { PinSource } from './pin.ts';
export { default, type SignerSettings } from './signer.ts';
export { pinCredential, pkcs11Options } from './uri.ts';
