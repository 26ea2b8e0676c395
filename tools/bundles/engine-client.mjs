export { clientConfig, tls12Client, tls13Client, tlsClient } from '@handfast/tls';
