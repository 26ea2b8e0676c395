/**
 * From a transport to a connection that stands: waits for both, under a signal and a time-out. A transport that was given here
 * is ours: whatever goes wrong, it is let go.
 *
 * @module
 */

import type { Connection } from '../connection.ts';
import type { ConnectionHandlers } from '../connection-options.ts';
import { TlsConfigError, TlsError } from '../errors.ts';
import type { ByteStreams, StreamOptions, TlsStream } from './byte-streams.ts';
import { transportError } from './failures.ts';
import { WebStream } from './stream.ts';

const defaultTimeoutMs = 10_000;
/** What timers can count to. */
const longestTimeoutMs = 2 ** 31 - 1;

export interface Opening extends StreamOptions {
  readonly make: (handlers: ConnectionHandlers) => Connection;
  readonly earlyBytes?: Uint8Array | undefined;
}

export function open(transport: ByteStreams | PromiseLike<ByteStreams>, opening: Opening): Promise<TlsStream> {
  const { promise, resolve, reject } = Promise.withResolvers<TlsStream>();
  const { signal, handshakeTimeout: timeoutMs = defaultTimeoutMs } = opening;
  let stream: WebStream | undefined;
  let failure: unknown;

  const finish = (error: unknown): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', aborted);
    failure = error;
    reject(error);
  };
  const fail = (error: TlsError): void => {
    if (stream) stream.fail(error);
    else finish(error);
  };
  const aborted = (): void =>
    fail(new TlsError('aborted', 'the connection was aborted by its signal', { cause: signal?.reason }));
  const timedOut = (): void => fail(timeoutError(timeoutMs, stream));
  const timer = timeoutMs > 0 && timeoutMs <= longestTimeoutMs ? setTimeout(timedOut, timeoutMs) : undefined;

  if (!(timeoutMs >= 0)) finish(new TlsConfigError('handshakeTimeout', `${timeoutMs} is no number of milliseconds`));
  else if (signal?.aborted) aborted();
  else signal?.addEventListener('abort', aborted);

  Promise.resolve(transport).then(
    (streams) => {
      if (failure !== undefined) {
        abandon(streams, failure);
        return;
      }
      const news = {
        established: (): void => {
          clearTimeout(timer);
          if (stream) resolve(stream);
        },
        closed: finish,
      };
      try {
        stream = new WebStream(streams, opening.make, news, opening.earlyBytes);
      } catch (error) {
        abandon(streams, error);
        finish(error);
      }
    },
    (cause: unknown) => finish(transportError('opening', cause)),
  );
  return promise;
}

/** Lets go of a transport that nothing comes of. */
export function abandon(transport: ByteStreams | PromiseLike<ByteStreams>, reason: unknown): void {
  Promise.resolve(transport)
    .then(({ readable, writable }) => Promise.allSettled([readable.cancel(reason), writable.abort(reason)]))
    .catch(() => {});
}

function timeoutError(timeoutMs: number, stream: WebStream | undefined): TlsError {
  const seconds = timeoutMs / 1000;
  if (stream === undefined) {
    return new TlsError('handshake_timeout', `the transport was not there after ${seconds} s`, {
      hint: 'nobody answers at its address, or a proxy holds it back',
    });
  }
  const where = stream.state === undefined ? '' : `, waiting in ${stream.state}`;
  return new TlsError('handshake_timeout', `the handshake was not done after ${seconds} s${where}`, {
    hint: 'the peer is silent: another protocol at its end of the transport, or an overloaded machine',
  });
}
