/**
 * Application protocols as `node:tls` takes them.
 *
 * @module
 */

import { invalidArgType, outOfRange } from './argument-errors.ts';
import type { TLSSocket } from './typed-socket.ts';

/** Names, in text or in bytes; or bytes as they stand on the wire, each name behind its length. */
export type AlpnProtocols = readonly (string | Uint8Array)[] | NodeJS.ArrayBufferView;

/**
 * A server's choice among the protocols that a client offers; `undefined` ends the connection. It may be asynchronous. A socket's
 * certificate may be chosen with it, by `this.setKeyCert()`.
 */
export type AlpnCallback = (
  this: TLSSocket,
  offer: { readonly servername: string; readonly protocols: string[] },
) => string | undefined | Promise<string | undefined>;

/** Names of protocols, one character a byte. */
export function alpnNames(protocols: AlpnProtocols | undefined): readonly string[] {
  if (protocols === undefined || protocols === null) return [];
  if (Array.isArray(protocols)) {
    return protocols.map((one: unknown, index) => {
      // Text stands for bytes, a character each: what is compared is what is on the wire.
      const name = typeof one === 'string' ? one : Buffer.from(one as Uint8Array).toString('latin1');
      if (name.length > 255) {
        throw outOfRange(
          `The byte length of the protocol at index ${index} exceeds the maximum length.`,
          '<= 255',
          name.length,
        );
      }
      return name;
    });
  }
  if (!ArrayBuffer.isView(protocols)) {
    throw invalidArgType('protocols', ['Array', 'Buffer', 'TypedArray', 'DataView'], protocols);
  }
  const wire = Buffer.from(protocols.buffer, protocols.byteOffset, protocols.byteLength);
  const names: string[] = [];
  for (let at = 0; at < wire.length; ) {
    const end = at + 1 + (wire[at] as number);
    names.push(wire.toString('latin1', at + 1, end));
    at = end;
  }
  return names;
}

/** The wire form, written to `out.ALPNProtocols`: what `tls.convertALPNProtocols` does. */
export function convertALPNProtocols(protocols: AlpnProtocols, out: { ALPNProtocols?: Buffer }): void {
  const names = alpnNames(protocols);
  out.ALPNProtocols = Buffer.concat(names.flatMap((name) => [Uint8Array.of(name.length), Buffer.from(name, 'latin1')]));
}
