/**
 * A `MessagePort`, or a worker, as byte streams, with this adapter at both ends. A port keeps no count of what waits in it, so
 * the two ends do: each may send a window's worth of bytes that the other has not read, and is told when that has read more.
 *
 * Messages: bytes; a number, so many of the bytes have been read; `end`, no more bytes follow; `stop`, no more are read.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { TlsError } from '../../errors.ts';
import type { ByteStreams } from '../byte-streams.ts';
import { bytesFrom, unshared } from '../chunks.ts';
import { Inlet } from '../inlet.ts';
import type { ChannelEvent } from './messages.ts';

/** A `MessagePort`, a `Worker`, or a worker's own global scope. */
export interface MessagePortLike {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: 'message' | 'messageerror' | 'close', listener: (event: ChannelEvent) => void): void;
  start?(): void;
  close?(): void;
}

/** Both ends know it: a peer that sends more is at fault. */
const windowBytes = 1024 * 1024;
/** What was read is told of in steps of this. */
const creditStep = windowBytes / 8;
/** What fits into a window of which all has been read waits for one, rather than being cut, which is a copy. */
const wholeBytes = windowBytes - creditStep;

/** A port that nobody else listens to, with this adapter at its other end as well. */
export function fromMessagePort(port: MessagePortLike): ByteStreams {
  let credit = windowBytes;
  let unread = 0;
  let untold = 0;
  const over = { reading: false, writing: false };
  let waiting: (() => void) | undefined;
  let controller: WritableStreamDefaultController | undefined;
  let failure: TlsError | undefined;

  let transfers = true;
  const post = (message: unknown, transfer: ArrayBuffer[] = []): void => {
    try {
      port.postMessage(message, transfers ? transfer : []);
    } catch (error) {
      // workerd's ports hand nothing over: they copy.
      if (!transfers || transfer.length === 0) throw error;
      transfers = false;
      port.postMessage(message, []);
    }
  };
  const closeIfOver = (): void => {
    if (over.reading && over.writing) port.close?.();
  };
  const noMoreWriting = (error: TlsError): void => {
    over.writing = true;
    failure ??= error;
    controller?.error(failure);
    waiting?.();
    closeIfOver();
  };
  const noMoreReading = (error?: TlsError): void => {
    over.reading = true;
    inlet.end(error);
    closeIfOver();
  };
  const fail = (message: string): void => {
    const error = new TlsError('transport_failed', message, {
      hint: 'fromMessagePort must be at both ends of the port, and nobody else may use it',
    });
    if (!over.reading) post('stop');
    noMoreWriting(error);
    noMoreReading(error);
  };
  const inlet = new Inlet({
    taken: (length) => {
      unread -= length;
      untold += length;
      if (untold < creditStep || over.reading) return;
      post(untold);
      untold = 0;
    },
    cancelled: () => {
      if (!over.reading) post('stop');
      noMoreReading();
    },
  });
  const received = (data: unknown): void => {
    if (data === 'end') noMoreReading();
    else if (data === 'stop')
      noMoreWriting(new TlsError('transport_failed', 'the other end of the port reads no more'));
    else if (typeof data === 'number') {
      if (!(Number.isInteger(data) && data > 0 && credit + data <= windowBytes)) {
        fail(`the other end of the port says that it has read ${data} bytes, which were not sent`);
        return;
      }
      credit += data;
      waiting?.();
    } else if (!over.reading) {
      const bytes = bytesFrom('message port', data);
      unread += bytes.length;
      if (unread > windowBytes) fail('the other end of the port sends more than it may');
      else inlet.push(unshared(bytes));
    }
  };

  port.addEventListener('message', ({ data }) => {
    try {
      received(data);
    } catch (error) {
      fail(error instanceof Error ? error.message : String(error));
    }
  });
  port.addEventListener('messageerror', () => fail('a message came over the port that this realm cannot read'));
  // Not every runtime tells of it.
  port.addEventListener('close', () => {
    noMoreWriting(new TlsError('transport_failed', 'the port was closed'));
    noMoreReading();
  });
  port.start?.();

  const send = (piece: Uint8Array): void => {
    credit -= piece.length;
    const bytes = unshared(piece);
    const { buffer } = bytes;
    // Memory that is whole is handed over; a part of something larger is copied.
    if (buffer.byteLength === bytes.length) post(bytes, [buffer]);
    else post(bytes.slice() satisfies Bytes);
  };
  const writable = new WritableStream<Uint8Array>({
    start: (given) => {
      controller = given;
    },
    write: async (chunk) => {
      for (let at = 0; at < chunk.length; ) {
        if (over.writing) throw failure;
        if (credit >= (chunk.length <= wholeBytes ? chunk.length : 1)) {
          const piece = at === 0 && chunk.length <= credit ? chunk : chunk.slice(at, at + credit);
          at += piece.length;
          send(piece);
          continue;
        }
        await new Promise<void>((resolve) => {
          waiting = resolve;
        });
        waiting = undefined;
      }
    },
    close: () => {
      over.writing = true;
      post('end');
      closeIfOver();
    },
    abort: () => {
      noMoreWriting(new TlsError('transport_failed', 'the port was let go'));
      post('end');
      closeIfOver();
    },
  });
  return { readable: inlet.readable, writable };
}
