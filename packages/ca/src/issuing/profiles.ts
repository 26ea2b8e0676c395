/**
 * Profiles: what kinds of certificate a CA issues, as values. Each says what its certificates are for, how long they last, and
 * which keys they may hold; names are the policy's (`policy.ts`).
 *
 * @module
 */

import type { KeyType } from '@handfast/crypto';
import type { KeyPurpose, KeyUsage } from '@handfast/x509';

export interface Profile {
  readonly name: string;
  /** The id of the issuer that signs its certificates; the default one unless set. */
  readonly issuer?: string;
  readonly extendedKeyUsage: readonly KeyPurpose[];
  /** Unless set: digitalSignature. */
  readonly keyUsage?: readonly KeyUsage[];
  /** From now on, where a request says nothing. */
  readonly lifetimeMs: number;
  /** What a request may ask for at most. */
  readonly maxLifetimeMs: number;
  readonly keyTypes: readonly KeyType[];
  /** Bits of the smallest RSA modulus. */
  readonly minRsaBits: number;
  /**
   * Of the subject's common name. `names`: where it is asked for it must be one of the certificate's names, as the CA/Browser
   * Forum has it (BR §7.1.4.3). `identity`: free text; the first mailbox or name unless set.
   */
  readonly commonName: 'names' | 'identity';
  /** Whether mailboxes may stand among the names. */
  readonly emails: boolean;
  /** Whether certificates name the CA's OCSP responder: no, unless set. The CA needs a `baseUrl`, and `ocspSigning`. */
  readonly ocsp?: boolean;
}

const day = 86_400_000;

/** Of the certificates by which an issuer has its OCSP answers signed (`ocsp/responder.ts`). */
export const responderProfileName = 'ocsp responder';

/** TLS servers: 90 days. */
export const serverProfile: Profile = {
  name: 'server',
  extendedKeyUsage: ['serverAuth'],
  lifetimeMs: 90 * day,
  maxLifetimeMs: 398 * day,
  keyTypes: ['secp256r1', 'secp384r1', 'rsa', 'ed25519'],
  minRsaBits: 2048,
  commonName: 'names',
  emails: false,
};

/** TLS clients: people and machines that prove who they are. */
export const clientProfile: Profile = {
  ...serverProfile,
  name: 'client',
  extendedKeyUsage: ['clientAuth'],
  commonName: 'identity',
  emails: true,
};

export const defaultProfiles: readonly Profile[] = [serverProfile, clientProfile];
