/**
 * Deno's TCP connections as byte streams that end one side at a time. A connection's own `readable` and `writable` will do
 * where nobody needs that: when the peer has ended its side, `readable` closes the whole connection, and no answer goes out.
 *
 * @module
 */

import type { ByteStreams } from '../byte-streams.ts';

/** A `Deno.Conn`, as far as it is needed here. */
export interface DenoConnLike {
  /** How many bytes came; null: the peer has ended its side. */
  read(into: Uint8Array): Promise<number | null>;
  /** How many bytes were taken. */
  write(bytes: Uint8Array): Promise<number>;
  /** Sends a FIN. */
  closeWrite(): Promise<void>;
  close(): void;
}

const readBytes = 64 * 1024;

/**
 * A connection that nobody else reads or writes.
 *
 * @example
 * ```ts
 * for await (const conn of Deno.listen({ port: 8443 })) accept(fromDenoConn(conn), options).then(serve, console.error);
 * ```
 */
export function fromDenoConn(conn: DenoConnLike): ByteStreams {
  const over = { reading: false, writing: false };
  const end = (side: keyof typeof over): void => {
    if (over[side]) return;
    over[side] = true;
    if (over.reading && over.writing) conn.close();
  };
  /** What fails is over. */
  const endAlso = async <T>(side: keyof typeof over, work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      end(side);
      throw error;
    }
  };
  const readable = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const into = new Uint8Array(readBytes);
        const length = await endAlso('reading', conn.read(into));
        if (over.reading) return;
        if (length !== null) controller.enqueue(into.subarray(0, length));
        else {
          controller.close();
          end('reading');
        }
      },
      cancel: () => end('reading'),
    },
    { highWaterMark: 0 },
  );
  const writable = new WritableStream<Uint8Array>({
    async write(bytes) {
      for (let at = 0; at < bytes.length; ) at += await endAlso('writing', conn.write(bytes.subarray(at)));
    },
    async close() {
      await endAlso('writing', conn.closeWrite());
      end('writing');
    },
    abort() {
      end('reading');
      end('writing');
    },
  });
  return { readable, writable };
}
