import { connect, type TlsStream } from '@handfast/tls/web';
import { trustStore } from '@handfast/x509';

export function open(port: number, ca: string): Promise<TlsStream> {
  const tcp = Deno.connect({ hostname: 'localhost', port });
  return connect(tcp, { serverName: 'localhost', trust: trustStore(ca) });
}
