/**
 * One connection over Web Streams: the engine between a transport and a pair of plaintext streams, with back-pressure both
 * ways, and the end of all three. The protocol is the engine's; its two directions are in `intake.ts` and `inlet.ts`,
 * `sink.ts` and `outlet.ts`.
 *
 * @module
 */

import { type Bytes, concat } from '@handfast/crypto';
import type { Connection } from '../connection.ts';
import type { ConnectionHandlers } from '../connection-options.ts';
import { TlsError } from '../errors.ts';
import type { Negotiated } from '../flow.ts';
import type { PeerIdentity } from '../peer.ts';
import type { ByteStreams, TlsStream } from './byte-streams.ts';
import { closedError, transportError, withHint } from './failures.ts';
import { Inlet } from './inlet.ts';
import { Intake } from './intake.ts';
import { Outlet } from './outlet.ts';
import { PlaintextSink } from './sink.ts';

/** How long the other side has, after our last word, to read it and to end as well. */
const lingerMs = 1_000;

export interface StreamNews {
  established(): void;
  /** Once, with or without an error. */
  closed(error: TlsError | undefined): void;
}

const noBytes: Bytes = new Uint8Array(0);

/** Made with its handshake begun. */
export class WebStream implements TlsStream {
  readonly readable: ReadableStream<Bytes>;
  readonly writable: WritableStream<Uint8Array>;
  readonly closed: Promise<void>;
  earlyBytesLeft: Bytes = noBytes;

  readonly #connection: Connection;
  readonly #news: StreamNews;
  readonly #inlet: Inlet;
  readonly #sink: PlaintextSink;
  readonly #outlet: Outlet;
  readonly #intake: Intake;
  readonly #closing: PromiseWithResolvers<void> = Promise.withResolvers();
  #close: Promise<void> | undefined;
  /** The peer's has come. */
  #peerEnded = false;
  #failure: TlsError | undefined;
  #finished = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @throws what `make` throws, and a TlsError where the transport is in use. */
  constructor(
    transport: ByteStreams,
    make: (handlers: ConnectionHandlers) => Connection,
    news: StreamNews,
    earlyBytes: Uint8Array = noBytes,
  ) {
    this.#news = news;
    this.closed = this.#closing.promise;
    this.closed.catch(() => {});
    this.#inlet = new Inlet();
    this.readable = this.#inlet.readable;
    this.#connection = make(this.#handlers(earlyBytes));
    const { reader, writer } = lock(transport);
    this.#outlet = new Outlet(writer, {
      room: () => this.#sink.roomAgain(),
      more: () => this.#connection.sealing,
      failed: (cause) => this.#writingFailed(cause),
    });
    this.#sink = new PlaintextSink(this.#connection, this.#outlet, (reason) => this.abort(reason));
    this.writable = this.#sink.writable;
    const sink = this;
    this.#intake = new Intake(reader, {
      receive: (input) => this.#connection.receive(input),
      get parked() {
        return sink.#connection.parked;
      },
      get full() {
        return sink.#inlet.full;
      },
      end: () => this.#transportEnded(),
      failed: (cause) => this.#transportEnded(transportError('reading from', cause)),
    });
    this.#connection.start();
  }

  get negotiated(): Negotiated {
    const { negotiated } = this.#connection;
    // Nobody has this stream before its handshake is done.
    if (negotiated === undefined) throw new TlsError('closed', 'the handshake is not done');
    return negotiated;
  }

  get peer(): PeerIdentity | undefined {
    return this.negotiated.peer;
  }

  exportKeyingMaterial(length: number, label: string, context?: Uint8Array): Bytes {
    return this.#connection.exportKeyingMaterial(length, label, context);
  }

  updateKeys(options?: { readonly requestPeer?: boolean }): void {
    this.#connection.updateKeys(options);
  }

  close(): Promise<void> {
    this.#close ??= this.#sayGoodbye();
    this.#close.catch(() => {});
    return this.#close;
  }

  abort(reason?: unknown): void {
    this.fail(new TlsError('aborted', 'the connection was aborted by us', { cause: reason }));
  }

  /** Ends it with an error from outside: a signal's, a time-out. */
  fail(error: TlsError): void {
    this.#connection.fail(error);
  }

  /** What the handshake waits for. */
  get state(): string | undefined {
    return this.#connection.state;
  }

  #handlers(earlyBytes: Uint8Array): ConnectionHandlers {
    let taken = 0;
    return {
      takesPieces: true,
      send: (pieces) => {
        this.#outlet.send(pieces);
        this.#sink.roomAgain();
      },
      earlyDataReady: () => {
        taken = this.#connection.writeEarlyData(earlyBytes);
      },
      established: () => {
        const rejected = this.#connection.takeRejectedEarlyData() ?? noBytes;
        this.earlyBytesLeft = concat(rejected, earlyBytes.subarray(taken));
        this.#news.established();
      },
      data: (plaintext) => this.#inlet.push(plaintext),
      end: () => {
        this.#peerEnded = true;
        this.#inlet.end();
        this.#judge();
      },
      resume: () => this.#intake.resume(),
      drained: () => this.#sink.roomAgain(),
      closed: (error) => this.#finish(error),
    };
  }

  // ---- the end

  async #sayGoodbye(): Promise<void> {
    let failure: unknown;
    await this.#sink.end().catch((error: unknown) => {
      failure = error;
    });
    if (failure === undefined && !this.#finished) {
      this.#inlet.end();
      this.#letGo();
    }
    await this.closed;
    if (this.#sink.lost) throw failure;
  }

  /** `close()` was called, and close_notify is on its way or out: however the peer ends now, it may. */
  get #saidGoodbye(): boolean {
    return this.#close !== undefined && this.#sink.closes;
  }

  /** The engine's end, or ours of it. */
  #finish(given: TlsError | undefined): void {
    if (this.#finished) return;
    this.#finished = true;
    clearTimeout(this.#timer);
    const error = this.#meaning(given);
    this.#inlet.end(error);
    if (error) this.#sink.fail(error);
    else this.#sink.finish();
    if (error?.code === 'aborted' && error.alert === null) this.#drop(error);
    else this.#letGo(error !== undefined && (error.alert === null || error.origin === 'peer'));
    this.#news.closed(error);
    if (error) this.#closing.reject(error);
    else this.#closing.resolve();
  }

  /** The engine does not know why the transport ended, nor that nobody minds any more. */
  #meaning(error: TlsError | undefined): TlsError | undefined {
    if (error?.code !== 'truncated') return error && withHint(error);
    return this.#saidGoodbye ? undefined : (this.#failure ?? error);
  }

  /** What waits goes out, the transport's side ends, and what the peer still sends is dropped for a while. */
  #letGo(atOnce = false): void {
    if (atOnce) this.#intake.cancel();
    else this.#intake.linger();
    this.#timer = setTimeout(() => {
      this.#drop(closedError());
      this.#transportEnded();
    }, lingerMs);
    const closing = this.#sink.sealed().then(() => this.#outlet.close());
    void Promise.all([closing, this.#intake.over]).then(() => {
      clearTimeout(this.#timer);
    });
  }

  #drop(error: TlsError): void {
    clearTimeout(this.#timer);
    this.#outlet.abort(error);
    this.#intake.cancel(error);
  }

  // ---- the transport's end

  /** Nothing more comes of it. What has come may still be on its way through the engine. */
  #transportEnded(failure?: TlsError): void {
    if (this.#finished) return;
    this.#failure ??= failure;
    if (this.#saidGoodbye) this.#done();
    else this.#connection.receiveEnd();
    this.#judge();
  }

  /** What the peer said before may still be read, why it went for one; then it is over. */
  #writingFailed(cause: unknown): void {
    if (this.#finished || this.#failure) return;
    const failure = transportError('writing to', cause);
    this.#failure = failure;
    this.#sink.fail(failure);
    this.#giveUpLater(failure);
    this.#judge();
  }

  #giveUpLater(failure: TlsError): void {
    this.#timer = setTimeout(() => {
      if (this.#intake.waiting && !this.#connection.opening) this.#connection.fail(failure);
      else this.#giveUpLater(failure);
    }, lingerMs);
  }

  /** A transport that failed after the peer's goodbye: that is the end, and a good one where we had nothing more to say. */
  #judge(): void {
    if (this.#finished || !this.#peerEnded || this.#failure === undefined) return;
    if (this.#sink.lost) this.#connection.fail(this.#failure);
    else this.#done();
  }

  /** In good order, whatever the engine would say. */
  #done(): void {
    this.#finish(undefined);
    this.#connection.abort();
  }
}

function lock({ readable, writable }: ByteStreams): {
  readonly reader: ReadableStreamDefaultReader<Uint8Array | ArrayBuffer>;
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;
} {
  try {
    const reader = readable.getReader();
    try {
      return { reader, writer: writable.getWriter() };
    } catch (cause) {
      reader.releaseLock();
      throw cause;
    }
  } catch (cause) {
    throw new TlsError('transport_failed', 'the transport is no pair of streams that nobody else uses', {
      cause,
      hint: 'give readable and writable with no reader and no writer on them',
    });
  }
}
