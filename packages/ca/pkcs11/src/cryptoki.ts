/**
 * What we use of PKCS #11 (version 2.40, and EdDSA of 3.0), as `pkcs11js` gives it, and its numbers.
 *
 * @module
 */

import { createRequire } from 'node:module';
import { Pkcs11Error } from './errors.ts';

/** Slots, sessions and objects: a CK_ULONG of the machine's. */
export type Handle = Buffer;

export interface Attribute {
  readonly type: number;
  readonly value?: number | boolean | string | Buffer;
}

/** Texts are padded with blanks. */
export interface TokenInfo {
  readonly label: string;
  readonly manufacturerID: string;
  readonly model: string;
  readonly serialNumber: string;
  readonly flags: number;
}

export interface PssParameters {
  readonly type: typeof CK_PARAMS_RSA_PSS;
  readonly hashAlg: number;
  readonly mgf: number;
  readonly saltLen: number;
}

export interface Mechanism {
  readonly mechanism: number;
  readonly parameter?: PssParameters;
}

/** Each function throws where it does not return CKR_OK: `returnValueOf` (`errors.ts`) has the name. */
export interface Cryptoki {
  C_Initialize(options: { readonly flags: number }): void;
  C_Finalize(): void;
  C_GetSlotList(tokenPresent: boolean): Handle[];
  C_GetTokenInfo(slot: Handle): TokenInfo;
  C_GetMechanismInfo(slot: Handle, mechanism: number): { readonly flags: number };
  C_OpenSession(slot: Handle, flags: number): Handle;
  C_CloseSession(session: Handle): void;
  C_GetSessionInfo(session: Handle): { readonly state: number };
  C_Login(session: Handle, userType: number, pin: string): void;
  C_Logout(session: Handle): void;
  C_FindObjectsInit(session: Handle, template: Attribute[]): void;
  C_FindObjects(session: Handle, max: number): Handle[];
  C_FindObjectsFinal(session: Handle): void;
  C_GetAttributeValue(session: Handle, object: Handle, template: Attribute[]): Attribute[];
  C_SignInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  /** @param signature room for it; the result is the part that was used */
  C_Sign(session: Handle, data: Buffer, signature: Buffer): Buffer;
}

/**
 * A token's module, by `pkcs11js`.
 *
 * @throws Pkcs11Error `module`
 */
export function loadCryptoki(path: string): Cryptoki {
  const require = createRequire(import.meta.url);
  let found = false;
  let cryptoki: Cryptoki & { load(path: string): void };
  try {
    require.resolve('pkcs11js');
    found = true;
    const { PKCS11 } = require('pkcs11js');
    cryptoki = new PKCS11();
  } catch (cause) {
    throw found
      ? new Pkcs11Error('module', `pkcs11js does not load: ${reasonOf(cause)}`, { cause, hint: 'npm rebuild pkcs11js' })
      : new Pkcs11Error('module', 'keys in tokens need the package pkcs11js, which is not installed', {
          cause,
          hint: 'npm install pkcs11js, with Python and a C++ compiler on the machine',
        });
  }
  try {
    cryptoki.load(path);
  } catch (cause) {
    throw new Pkcs11Error('module', `the token’s module does not load: ${reasonOf(cause)}`, {
      cause,
      hint: 'name the module that came with the token, by its whole path, for this machine’s kind of processor',
    });
  }
  return cryptoki;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}

export const CKF_OS_LOCKING_OK = 0x2;
export const CKF_SERIAL_SESSION = 0x4;
export const CKF_SIGN = 0x800;

/** Of a token. */
export const CKF_LOGIN_REQUIRED = 0x4;
export const CKF_PROTECTED_AUTHENTICATION_PATH = 0x100;
export const CKF_USER_PIN_FINAL_TRY = 0x20000;
export const CKF_USER_PIN_LOCKED = 0x40000;

export const CKU_USER = 1;
export const CKU_CONTEXT_SPECIFIC = 2;
export const CKS_RO_USER_FUNCTIONS = 1;
export const CKS_RW_USER_FUNCTIONS = 3;

export const CKO_CERTIFICATE = 1;
export const CKO_PUBLIC_KEY = 2;
export const CKO_PRIVATE_KEY = 3;

export const CKK_RSA = 0;
export const CKK_EC = 3;
export const CKK_EC_EDWARDS = 0x40;

export const CKA_CLASS = 0x0;
export const CKA_LABEL = 0x3;
export const CKA_VALUE = 0x11;
export const CKA_KEY_TYPE = 0x100;
export const CKA_ID = 0x102;
export const CKA_SIGN = 0x108;
export const CKA_MODULUS = 0x120;
export const CKA_PUBLIC_EXPONENT = 0x122;
export const CKA_PUBLIC_KEY_INFO = 0x129;
export const CKA_EC_PARAMS = 0x180;
export const CKA_EC_POINT = 0x181;
export const CKA_ALWAYS_AUTHENTICATE = 0x202;

export const CKM_RSA_PKCS = 0x1;
export const CKM_RSA_PKCS_PSS = 0xd;
export const CKM_SHA256 = 0x250;
export const CKM_SHA384 = 0x260;
export const CKM_SHA512 = 0x270;
export const CKM_ECDSA = 0x1041;
export const CKM_EDDSA = 0x1057;
export const CKG_MGF1_SHA256 = 2;
export const CKG_MGF1_SHA384 = 3;
export const CKG_MGF1_SHA512 = 4;

/** `pkcs11js`'s own. */
export const CK_PARAMS_RSA_PSS = 5;
