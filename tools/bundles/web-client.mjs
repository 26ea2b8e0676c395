export { webProvider } from '@handfast/crypto/web';
export { clientConfig, tls12Client, tls13Client, tlsClient } from '@handfast/tls';
export { trustStore } from '@handfast/x509';
