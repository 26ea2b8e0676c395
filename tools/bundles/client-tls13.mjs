// A client of TLS 1.3 alone, with what its config names and no more.
import { webCryptography } from '@handfast/crypto/web';
import { clientConfig, tls13Client } from '@handfast/tls';
import { connectWith } from '@handfast/tls/web';
import { trustStore } from '@handfast/x509';

export function open(transport, pem, serverName) {
  const trust = trustStore(pem);
  return connectWith(clientConfig({ provider: webCryptography, versions: [tls13Client], trust }), transport, {
    serverName,
  });
}
