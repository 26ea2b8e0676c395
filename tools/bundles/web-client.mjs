export { webProvider } from '@handfast/crypto/web';
export { clientConfig, tls13, tlsClient } from '@handfast/tls';
export { trustStore } from '@handfast/x509';
