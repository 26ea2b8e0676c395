// A server of TLS 1.3 alone, whose key stays in WebCrypto's hands.
import { signerFromCryptoKey, webCryptography } from '@handfast/crypto/web';
import { serverConfig, tls13Server } from '@handfast/tls';
import { acceptWith } from '@handfast/tls/web';
import { parseCertificates } from '@handfast/x509';

export function open(transport, pem, key) {
  const chain = parseCertificates(pem);
  const credentials = [{ chain, signer: signerFromCryptoKey(key, chain[0].publicKey) }];
  return acceptWith(serverConfig({ provider: webCryptography, versions: [tls13Server], credentials }), transport);
}
