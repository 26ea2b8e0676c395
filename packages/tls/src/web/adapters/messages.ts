/**
 * Byte streams over a channel of messages that tells of itself by events, and cannot have its peer wait: a WebSocket, a data
 * channel. What has come and was not read is kept up to a limit, beyond which there is nothing but to end the channel.
 *
 * @module
 */

import { quote, reasonOf, TlsError } from '../../errors.ts';
import type { ByteStreams } from '../byte-streams.ts';
import { bytesFrom, unshared } from '../chunks.ts';
import { Inlet } from '../inlet.ts';

/** What a WebSocket and a data channel have in common. */
export interface EventChannel {
  binaryType: string;
  readonly bufferedAmount: number;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(): void;
  /** Of the package `ws` alone: no messages come until `resume`. Where it is there, the peer can be made to wait after all. */
  pause?(): void;
  resume?(): void;
  addEventListener(type: 'open' | 'message' | 'close' | 'error', listener: (event: ChannelEvent) => void): void;
}

export interface ChannelKind {
  /** As it is called in errors. */
  readonly name: string;
  readonly state: () => 'connecting' | 'open' | 'closed';
  /** Wait for this before more is sent; undefined: there is room. */
  readonly room: () => Promise<void> | undefined;
  /** A message is of at most so many bytes. */
  readonly messageBytes: number;
  /** Bytes that may have come and not been read. */
  readonly maxUnread: number;
}

/** What is looked at of such a channel's events. `type` is there so that every event of the DOM's is one. */
export interface ChannelEvent {
  readonly type: string;
  readonly data?: unknown;
  readonly code?: number;
  readonly reason?: string;
  readonly wasClean?: boolean;
  readonly message?: string;
  readonly error?: unknown;
}

export function messageStreams(channel: EventChannel, kind: ChannelKind): ByteStreams {
  const { name, state, maxUnread, messageBytes } = kind;
  const opened = Promise.withResolvers<void>();
  let failure: TlsError | undefined;
  let controller: WritableStreamDefaultController | undefined;

  const fail = (message: string, options: { readonly hint?: string; readonly cause?: unknown } = {}): TlsError => {
    failure ??= new TlsError('transport_failed', message, options);
    return failure;
  };
  /** No more passes either way; what has come before can be read. */
  const over = (error: TlsError | undefined): void => {
    inlet.end(error);
    const why = error ?? fail(`the ${name} has closed`);
    opened.reject(why);
    controller?.error(why);
  };
  const stop = (error?: TlsError): void => {
    if (error) over(error);
    channel.close();
  };
  const inlet = new Inlet({ cancelled: () => stop() });
  let paused = false;
  const resume = (): void => {
    paused = false;
    channel.resume?.();
  };

  channel.binaryType = 'arraybuffer';
  channel.addEventListener('open', () => opened.resolve());
  channel.addEventListener('message', ({ data }) => {
    if (failure !== undefined) return;
    let bytes: Uint8Array;
    try {
      bytes = bytesFrom(name, data);
    } catch (error) {
      stop(error as TlsError);
      return;
    }
    inlet.push(unshared(bytes));
    if (!paused && channel.pause && channel.resume && inlet.full) {
      paused = true;
      channel.pause();
      void inlet.full.then(resume);
    }
    if (inlet.length <= maxUnread) return;
    const hint = `a ${name} cannot have its sender wait: read sooner, or let the application ask for less at a time`;
    stop(fail(`more than ${maxUnread} bytes came over the ${name} that nobody has read`, { hint }));
  });
  channel.addEventListener('error', ({ message, error: cause }) => {
    const why = cause instanceof Error ? `: ${reasonOf(cause)}` : message ? `: ${message}` : '';
    fail(`the ${name} failed${why}`, { cause });
  });
  channel.addEventListener('close', ({ code, reason, wasClean }) => {
    const why = code === undefined ? '' : ` with code ${code}${reason ? ` ${quote(reason)}` : ''}`;
    if (wasClean === false) fail(`the ${name} was cut off${why}`);
    over(failure);
  });
  opened.promise.catch(() => {});
  const now = state();
  if (now === 'open') opened.resolve();
  if (now === 'closed') over(fail(`the ${name} was closed before it was used`));

  const writable = new WritableStream<Uint8Array>({
    start: (given) => {
      controller = given;
      return opened.promise;
    },
    write: async (chunk) => {
      for (let at = 0; at < chunk.length; at += messageBytes) {
        await kind.room();
        if (state() !== 'open') throw failure ?? fail(`the ${name} has closed`);
        try {
          channel.send(unshared(chunk.subarray(at, at + messageBytes)));
        } catch (cause) {
          throw fail(`the ${name} does not send: ${reasonOf(cause)}`, { cause });
        }
      }
    },
    close: () => stop(),
    abort: () => stop(),
  });
  return { readable: inlet.readable, writable };
}
