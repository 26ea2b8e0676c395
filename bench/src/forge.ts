/**
 * node-forge behind the face of the contenders. Its newest version of TLS is 1.1, and its one key exchange encrypts to the
 * server's RSA key: so it has a certificate of its own, and is measured beside the others rather than with them.
 *
 * @module
 */

import * as net from 'node:net';
import { Duplex } from 'node:stream';
import forgeLibrary from 'node-forge';
import { attempt, type Contender } from './contenders.ts';
import { type Identity, serverName } from './identity.ts';
import type { Setting } from './settings.ts';

const { pki, tls, util } = forgeLibrary;

type ConnectionOptions = Parameters<typeof tls.createConnection>[0];

/** `identity` must be of RSA. */
export function forge(_setting: Setting, { ca, cert, key }: Identity): Contender {
  const caStore = pki.createCaStore([ca]);
  const suite = tls.CipherSuites.TLS_RSA_WITH_AES_128_CBC_SHA;
  const cipherSuites = suite === undefined ? [] : [suite];
  return {
    name: 'node-forge',
    createServer: (handler) =>
      net.createServer({ noDelay: true }, (tcp) => {
        const options = { server: true, cipherSuites, getCertificate: () => cert, getPrivateKey: () => key };
        const stream = new ForgeStream(tcp, options);
        stream.on('error', () => undefined);
        stream.once('secureConnect', () => handler(stream));
      }),
    connect(port) {
      const tcp = net.connect({ host: '127.0.0.1', port, noDelay: true });
      const stream = new ForgeStream(tcp, {
        ...{ server: false, cipherSuites, caStore, virtualHost: serverName },
        verify: (_connection, verified, depth, [leaf]) =>
          depth === 0 && leaf?.subject.getField('CN')?.value !== serverName
            ? { alert: tls.Alert.Description.bad_certificate, message: 'another name' }
            : verified,
      });
      tcp.once('connect', () => stream.begin());
      return attempt(stream, 'secureConnect');
    },
  };
}

/** Its connection, which knows strings of bytes, as a stream over a socket. */
class ForgeStream extends Duplex {
  readonly #tcp: net.Socket;
  readonly #connection: ReturnType<typeof tls.createConnection>;

  constructor(tcp: net.Socket, options: Partial<ConnectionOptions>) {
    super({ allowHalfOpen: false });
    this.#tcp = tcp;
    const verify: ConnectionOptions['verify'] = (_connection, verified) => verified;
    this.#connection = tls.createConnection({
      verify,
      ...options,
      connected: () => this.emit('secureConnect'),
      tlsDataReady: ({ tlsData }) => void tcp.write(tlsData.getBytes(), 'binary'),
      dataReady: ({ data }) => void this.push(Buffer.from(data.getBytes(), 'binary')),
      closed: () => {
        this.push(null);
        tcp.end();
      },
      error: (_connection, { message }) => void this.destroy(new Error(message)),
    } as ConnectionOptions);
    tcp.on('data', (bytes) => this.#connection.process(bytes.toString('binary')));
    tcp.on('error', (error) => this.destroy(error));
    tcp.on('close', () => {
      if (this.readableEnded) return;
      this.push(null);
    });
  }

  begin(): void {
    this.#connection.handshake();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    this.#connection.prepare(util.createBuffer(chunk.toString('binary')).getBytes());
    if (this.#tcp.writableNeedDrain) this.#tcp.once('drain', callback);
    else callback();
  }

  override _final(callback: () => void): void {
    this.#connection.close();
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#tcp.destroy();
    callback(error);
  }
}
