import { connect, fromWebSocket, type TlsStream } from '@handfast/tls/web';
import { trustStore } from '@handfast/x509';

export function open(bridge: string, ca: string): Promise<TlsStream> {
  return connect(fromWebSocket(new WebSocket(bridge)), { serverName: 'localhost', trust: trustStore(ca) });
}
