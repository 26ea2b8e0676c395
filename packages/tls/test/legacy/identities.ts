/**
 * Credentials that have the old ways as well: RSA key transport, and signatures before TLS 1.2.
 *
 * @module
 */

import type { KeyType, LegacyKey } from '@handfast/crypto';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { nodeProvider } from '@handfast/crypto/node';
import type { Credential } from '../../src/index.ts';
import { type CredentialOptions, makeCredential } from '../support/identities.ts';

/** A credential with a `legacyKey`, both of node's legacy provider. */
export interface OldCredential extends Credential {
  readonly legacyKey: LegacyKey;
}

export async function oldCredential(
  type: KeyType,
  { with: given, ...options }: Omit<CredentialOptions, 'type' | 'provider'> = {},
): Promise<OldCredential> {
  const pair = await nodeProvider.generateKeyPair(type);
  const { legacy } = nodeLegacyProvider;
  if (legacy === undefined) throw new TypeError('a legacy provider');
  const made = await makeCredential({
    ...options,
    with: { publicKey: pair.signer.publicKey, keyUsage: ['digitalSignature', 'keyEncipherment'], ...given },
  });
  return { ...made, signer: pair.signer, legacyKey: await legacy.importPrivateKey(pair.pkcs8) };
}
