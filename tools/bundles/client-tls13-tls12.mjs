// The short way: TLS 1.3 and 1.2.
import { connect } from '@handfast/tls/web';
import { trustStore } from '@handfast/x509';

export function open(transport, pem, serverName) {
  return connect(transport, { serverName, trust: trustStore(pem) });
}
