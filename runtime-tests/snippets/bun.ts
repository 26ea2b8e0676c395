import { connect, fromBunSocket, type TlsStream } from '@handfast/tls/web';
import { trustStore } from '@handfast/x509';

export function open(port: number, ca: string): Promise<TlsStream> {
  const where = { hostname: 'localhost', port, allowHalfOpen: true };
  const tcp = fromBunSocket((socket) => Bun.connect({ ...where, socket }));
  return connect(tcp, { serverName: 'localhost', trust: trustStore(ca) });
}
