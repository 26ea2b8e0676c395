/**
 * A page's own certificate: the browser makes the key, and the CA certifies it.
 *
 * @module
 */

import { webProvider as provider, signerFromCryptoKey } from '@handfast/crypto/web';
import type { Credential } from '@handfast/tls';
import { issueRequest, parseCertificates, toPem } from '@handfast/x509';

/**
 * The key is not extractable: it signs, and no script can read it. `names` are DNS names, for a server. Where `/certificate`
 * comes from here, a CA of yours first asks who that is.
 */
export async function certifiedKey(commonName: string, names: readonly string[] = []): Promise<Credential> {
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
  const publicKey = new Uint8Array(await crypto.subtle.exportKey('spki', keys.publicKey));
  const signer = signerFromCryptoKey(keys.privateKey, publicKey);

  const request = await issueRequest({ provider, signer, subject: { commonName }, names });
  const body = toPem('CERTIFICATE REQUEST', request.raw);
  const answer = await fetch('/certificate', { method: 'POST', body });
  if (!answer.ok) throw new Error(`the CA refuses: ${await answer.text()}`);
  return { chain: parseCertificates(await answer.text()), signer };
}
