/**
 * What `node:http2` asks of the socket below a session. It reads from a socket's handle in libuv, which ours has not got, so it
 * puts a wrapper of its own around ours (`JSStreamSocket`), as around any Duplex; and that one says nothing of TLS: a session
 * would not be `encrypted`, have no `alpnProtocol`, begin before the handshake is done, and a request would have no client's
 * certificate and no address. Here the wrapper learns to answer as the socket in it does, and counts as an instance of `TLSSocket`:
 * gRPC's servers look for that. Wrappers of other streams stay as they are.
 *
 * @module
 */

import { connect } from 'node:http2';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { TLSSocket } from './socket.ts';

/** Its own class has no name outside; `stream` is what it wraps, once it is made. */
type Wrapper = Socket & { readonly stream?: Duplex };

/** What a `net.Socket` has not got, or answers by its handle. */
const properties = [
  ...['encrypted', 'authorized', 'authorizationError', 'alpnProtocol', 'servername', 'secureConnecting'],
  ...['remoteAddress', 'remoteFamily', 'remotePort', 'localAddress', 'localFamily', 'localPort'],
  ...['negotiated', 'handshakeDone'],
];

/** The same, and what would reach a handle. */
const methods = [
  ...[
    'getPeerCertificate',
    'getPeerX509Certificate',
    'getCertificate',
    'getX509Certificate',
    'getCipher',
    'getProtocol',
  ],
  ...['getEphemeralKeyInfo', 'getSharedSigalgs', 'getFinished', 'getPeerFinished', 'isSessionReused', 'getSession'],
  ...[
    'getTLSTicket',
    'exportKeyingMaterial',
    'disableRenegotiation',
    'setMaxSendFragment',
    'enableTrace',
    'updateKeys',
  ],
  ...['address', 'ref', 'unref', 'setNoDelay', 'setKeepAlive'],
];

/** Done once, by `@handfast/tls/register`. */
export function openWrappers(): void {
  const wrapper = wrapperPrototype();
  for (const name of properties) {
    Object.defineProperty(wrapper, name, {
      get(this: Wrapper): unknown {
        const { stream } = this;
        return stream instanceof TLSSocket ? Reflect.get(stream, name) : Reflect.get(Socket.prototype, name, this);
      },
      set(this: Wrapper, value: unknown) {
        Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
      },
      configurable: true,
    });
  }
  for (const name of methods) {
    Object.defineProperty(wrapper, name, {
      // Looked for as a property is: over another stream there is no such method, or `net.Socket`'s.
      get(this: Wrapper): unknown {
        const { stream } = this;
        if (!(stream instanceof TLSSocket)) return Reflect.get(Socket.prototype, name, this);
        return (...args: readonly unknown[]): unknown => {
          const result = Reflect.apply(Reflect.get(stream, name), stream, args);
          return result === stream ? this : result;
        };
      },
      configurable: true,
    });
  }
  // A session that finds its socket in the handshake waits for one of these, by what it takes the socket for.
  Object.defineProperty(wrapper, 'once', {
    value: function once(this: Wrapper, event: string, listener: (...args: unknown[]) => void): Wrapper {
      const { stream } = this;
      if ((event === 'connect' || event === 'secureConnect') && stream instanceof TLSSocket) {
        stream.once('secureConnect', () => this.emit(event));
      }
      return Reflect.apply(Socket.prototype.once, this, [event, listener]);
    },
    writable: true,
    configurable: true,
  });
  const isInstance = Function.prototype[Symbol.hasInstance];
  Object.defineProperty(TLSSocket, Symbol.hasInstance, {
    value: function hasInstance(this: typeof TLSSocket, one: unknown): boolean {
      if (Reflect.apply(isInstance, this, [one])) return true;
      // Of the class itself, and not of who extends it.
      if (typeof one !== 'object' || one === null || this.prototype !== TLSSocket.prototype) return false;
      return (
        Object.getPrototypeOf(one) === wrapper && Reflect.apply(isInstance, TLSSocket, [Reflect.get(one, 'stream')])
      );
    },
    configurable: true,
  });
}

/** That of the socket of a session over a stream that leads nowhere. */
function wrapperPrototype(): object {
  const nowhere = new Duplex({ read: () => undefined, write: (_chunk, _encoding, callback) => callback() });
  const session = connect('http://localhost', { createConnection: () => nowhere });
  const prototype = Object.getPrototypeOf(session.socket);
  session.destroy();
  if (prototype === Socket.prototype || !Object.hasOwn(prototype, 'doWrite')) {
    throw new TypeError(
      'node:http2 wraps streams otherwise than it did: @handfast/tls/register does not know this Node',
    );
  }
  return prototype;
}
