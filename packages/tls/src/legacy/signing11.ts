/**
 * Signatures of handshake messages before TLS 1.2 (RFC 4346 §7.4.3): RSA over MD5 and SHA-1 together, ECDSA over SHA-1, and
 * nothing says which. They are made by a `LegacyKey`, which stands beside a credential's signer.
 *
 * @module
 */

import type { LegacyHandshakeSignature } from '@handfast/crypto';
import { TlsError } from '../errors.ts';
import type { HandshakeScheme } from '../registry.ts';
import type { Signing } from '../tls12/family.ts';
import { legacyOf } from './provider.ts';

type LegacyScheme = HandshakeScheme & { readonly algorithm: LegacyHandshakeSignature };

const ecKeys = ['secp256r1', 'secp384r1', 'secp521r1'] as const;

/** Not on any wire: what stands in `negotiated` for a signature that names no scheme. The numbers are of the private range. */
const schemes: readonly LegacyScheme[] = [
  {
    ...{ id: 0xff01, name: 'rsa_pkcs1_md5_sha1', algorithm: 'rsa-pkcs1-md5-sha1' as const },
    ...{ keyType: 'rsa' as const, handshake: false, keyTypes12: ['rsa'] as const },
  },
  {
    ...{ id: 0xff02, name: 'ecdsa_sha1', algorithm: 'ecdsa-sha1' as const },
    ...{ keyType: 'secp256r1' as const, handshake: false, keyTypes12: ecKeys },
  },
];

export const signing11: Signing = {
  namesScheme: false,
  schemes,
  rule: (scheme, { legacyKey }) =>
    legacyKey !== undefined &&
    scheme.keyTypes12.includes(legacyKey.publicKey.type) &&
    legacyKey.algorithms.some((algorithm) => algorithm === scheme.algorithm),

  sign(_provider, { credential, scheme }, content) {
    const { legacyKey } = credential;
    const algorithm = schemes.find((row) => row === scheme)?.algorithm;
    if (legacyKey === undefined || algorithm === undefined) {
      throw new TlsError(
        'signing_failed',
        'the credential has no legacyKey, which alone signs as this version wants it',
      );
    }
    return legacyKey.sign(algorithm, content);
  },

  verify(provider, message, leaf, content, { signature }) {
    const { publicKey } = leaf;
    const scheme = schemes.find(({ keyTypes12 }) => keyTypes12.includes(publicKey.type));
    if (scheme === undefined) {
      throw new TlsError(
        'illegal_parameter',
        `${message}: a key of type ${publicKey.type} signs nothing before TLS 1.2`,
      );
    }
    const good = legacyOf(provider).verify(scheme.algorithm, publicKey, content, signature);
    return good instanceof Promise ? good.then((answer) => ({ good: answer, scheme })) : { good, scheme };
  },
};
