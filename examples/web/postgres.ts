/**
 * PostgreSQL over any byte streams, by TLS of ours: the client library is `postgres`, in its build for workers, which takes
 * any socket with Node's events.
 *
 * @module
 */

import { Buffer } from 'node:buffer';
import { EventEmitter } from 'node:events';
import { type ByteStreams, type ConnectOptions, connect, type TlsStream } from '@handfast/tls/web';
import postgres from 'postgres';

/** A database: `transport` is asked for its byte streams, which end at PostgreSQL's port, when there is a first query. */
export function database(
  { username, database }: { readonly username: string; readonly database: string },
  transport: () => ByteStreams,
  tls: ConnectOptions,
): postgres.Sql {
  const options = {
    ...{ username, database, max: 1, fetch_types: false },
    // The library's types do not know of it.
    async socket() {
      const streams = transport();
      await askForTls(streams);
      return socketOver(await connect(streams, tls));
    },
  };
  return postgres(options);
}

/** Asks the server to go on in TLS: eight bytes, and one in return. More than one is somebody on the way. */
async function askForTls({ readable, writable }: ByteStreams): Promise<void> {
  const writer = writable.getWriter();
  await writer.write(Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f));
  writer.releaseLock();
  const reader = readable.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  const answer = new TextDecoder().decode(value);
  if (answer !== 'S') throw new Error(`PostgreSQL answers "${answer.slice(0, 20)}", not "S": it offers no TLS here`);
}

/** What the library takes for a socket. */
function socketOver(stream: TlsStream): EventEmitter {
  const writer = stream.writable.getWriter();
  const failed = (error: unknown) => socket.listenerCount('error') > 0 && socket.emit('error', error);
  const socket = Object.assign(new EventEmitter(), {
    readyState: 'open',
    write(bytes: Uint8Array): boolean {
      // The library uses its buffer again, and what a stream was given is the stream's.
      writer.write(bytes.slice()).then(() => socket.emit('drain'), failed);
      return (writer.desiredSize ?? 0) > 0;
    },
    end(last?: Uint8Array): void {
      if (last !== undefined) socket.write(last);
      stream.close().catch(failed);
    },
    destroy: () => stream.abort(),
  });
  const received = new WritableStream<Uint8Array>({ write: (bytes) => void socket.emit('data', Buffer.from(bytes)) });
  const closed = () => {
    socket.readyState = 'closed';
    socket.emit('close');
  };
  stream.readable.pipeTo(received).catch(failed).finally(closed);
  return socket;
}
