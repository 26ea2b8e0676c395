/**
 * `@handfast/tls/node` for this rig: whatever our side connects or serves is recorded as well, for `viewer/`.
 *
 * @module
 */

import * as tls from '@handfast/tls/node';
import { recorded } from './viewer/album.ts';

export function connect(options: tls.ConnectOptions): tls.TLSSocket {
  return tls.connect({ ...options, trace: recorded(options.trace) });
}

export function createServer(options: tls.TlsServerOptions, listener?: (socket: tls.TLSSocket) => void): tls.Server {
  return tls.createServer({ ...options, trace: recorded(options.trace) }, listener);
}
