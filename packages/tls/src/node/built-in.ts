/**
 * Puts members in the place of those of the built-in `node:tls`, and `node:https` and `node:http2` on them.
 *
 * @module
 */

import { syncBuiltinESMExports } from 'node:module';
import tls from 'node:tls';
import { openWrappers } from './http2-socket.ts';
import type { Server } from './server.ts';

/** What comes in their place, by its name there. */
export interface Replacements extends Readonly<Record<string, unknown>> {
  readonly Server: typeof Server;
}

/** Those that are there on the Node that runs us. Others stay: `DEFAULT_MIN_VERSION` and its like are read by us on that object. */
export function replaceBuiltIn(members: Replacements): void {
  for (const [name, member] of Object.entries(members)) {
    if (typeof member !== 'function' || Object.getOwnPropertyDescriptor(tls, name)?.configurable !== true) continue;
    Object.defineProperty(tls, name, { value: member, writable: true, enumerable: true, configurable: true });
  }
  // Loaded now, they take what they need from the object above; loaded before, they hold Node's.
  const https = process.getBuiltinModule('node:https');
  const http2 = process.getBuiltinModule('node:http2');
  for (const server of [https.Server, secureServerOf(http2)]) {
    Object.setPrototypeOf(server, members.Server);
    Object.setPrototypeOf(server.prototype, members.Server.prototype);
  }
  openWrappers();
  syncBuiltinESMExports();
}

/** The class of HTTP/2's servers over TLS has no name outside. It is that of one that never listens. */
function secureServerOf({ createSecureServer }: typeof import('node:http2')): { readonly prototype: object } {
  return createSecureServer({}).constructor as never;
}
