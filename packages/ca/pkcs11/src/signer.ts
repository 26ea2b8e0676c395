/**
 * The key in a token as a module for `handfast ca`: its default export makes a signer of a URI.
 *
 * @module
 */

import { Pkcs11Error } from './errors.ts';
import { openPkcs11Signer, type Pkcs11Signer } from './open.ts';
import { pkcs11Options } from './uri.ts';

export interface SignerSettings {
  /** RFC 7512: `pkcs11:token=ca;object=issuing?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/handfast/pin`. */
  readonly uri: string;
}

/** @throws Pkcs11Error */
export default async function openSigner({ uri, ...others }: SignerSettings): Promise<Pkcs11Signer> {
  const [other] = Object.keys(others);
  if (other !== undefined) {
    throw new Pkcs11Error('settings', `a key in a token has no setting ${JSON.stringify(other)}`, {
      hint: 'all of it stands in its URI',
    });
  }
  return await openPkcs11Signer(pkcs11Options(uri));
}
