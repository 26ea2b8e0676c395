export { clientConfig, tls13, tlsClient } from '@handfast/tls';
