import { connect, type TLSSocket } from '@handfast/tls/node';

export function open(port: number, ca: string): TLSSocket {
  return connect({ host: 'localhost', port, ca });
}
