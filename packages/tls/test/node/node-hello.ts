/**
 * What `node:tls` says in its ClientHello, or how it refuses, for options of its own: the oracle for lists in OpenSSL's words.
 *
 * @module
 */

import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect } from 'node:tls';
import { type ClientHello, readClientHello } from '../../src/messages/client-hello.ts';
import { Reader } from '../../src/messages/reader.ts';

const recordHeader = 5;
const messageHeader = 4;

/** The hello that Node's client sends. @throws what it refuses the options with, at once or when it begins. */
export async function nodeHello(options: ConnectionOptions): Promise<ClientHello> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const transport = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      // An alert is followed by the error that says why.
      if (chunk[0] === 22) resolve(chunk);
      done();
    },
  });
  // A client without pre-shared keys leaves their suites out.
  const socket = connect({ rejectUnauthorized: false, pskCallback: () => null, ...options, socket: transport });
  socket.on('error', reject);
  try {
    const record = await promise;
    const message = new Uint8Array(record.subarray(recordHeader));
    return readClientHello(new Reader(message.subarray(messageHeader), 'client_hello'), message);
  } finally {
    socket.destroy();
    transport.destroy();
  }
}
