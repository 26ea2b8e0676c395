export { clientConfig, tls13Client, tlsClient } from '@handfast/tls';
