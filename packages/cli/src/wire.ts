/**
 * Reading a plaintext dialogue before TLS (a proxy's, STARTTLS): lines and counted bytes from a socket, bounded in
 * length and time; then the socket is given back with nothing of its bytes lost.
 *
 * @module
 */

import type { Socket } from 'node:net';
import { quote } from '@handfast/tls';
import { CliError, exitCodes } from './exit.ts';

/** A line of SMTP has 512 bytes, of IMAP some thousands at the most. */
const maxLineLength = 8192;

export class Wire {
  readonly #socket: Socket;
  readonly #signal: AbortSignal;
  /** Who is there, for errors. */
  readonly #peer: string;
  #buffered: Buffer = Buffer.alloc(0);
  #ended = false;
  #failure: Error | undefined;
  #wake: () => void = () => undefined;

  constructor(socket: Socket, peer: string, signal: AbortSignal) {
    this.#socket = socket;
    this.#peer = peer;
    this.#signal = signal;
    socket.on('readable', this.#onReadable);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    signal.addEventListener('abort', this.#onAbort);
  }

  write(data: string | Uint8Array): void {
    this.#socket.write(data);
  }

  /** The next line, without CR LF. One character a byte. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#buffered.indexOf(0x0a);
      if (end >= 0 && end <= maxLineLength) {
        const line = this.#take(end + 1).toString('latin1');
        return line.slice(0, line.endsWith('\r\n') ? -2 : -1);
      }
      if (end >= 0 || this.#buffered.length > maxLineLength) {
        throw this.fail(`${this.#peer} sent a line of more than ${maxLineLength} bytes`);
      }
      await this.#more();
    }
  }

  /** Exactly so many bytes. */
  async bytes(length: number): Promise<Buffer> {
    while (this.#buffered.length < length) await this.#more();
    return this.#take(length);
  }

  /** Everything up to and with a marker. */
  async through(marker: string, maxLength: number): Promise<string> {
    for (;;) {
      const at = this.#buffered.indexOf(marker, 0, 'latin1');
      if (at >= 0) return this.#take(at + marker.length).toString('latin1');
      if (this.#buffered.length > maxLength)
        throw this.fail(`${this.#peer} sent ${maxLength} bytes without ${quote(marker)}`);
      await this.#more();
    }
  }

  /** Bytes that have come and were not asked for. */
  get pending(): number {
    return this.#buffered.length + this.#socket.readableLength;
  }

  /** Gives the socket back; what was read ahead is put back into it. */
  release(): void {
    this.#detach();
    if (this.#buffered.length > 0) this.#socket.unshift(this.#buffered);
    this.#buffered = Buffer.alloc(0);
  }

  /** An error that this dialogue failed with. */
  fail(message: string, hint?: string): CliError {
    return new CliError(exitCodes.cannotConnect, message, hint === undefined ? {} : { hint });
  }

  #take(length: number): Buffer {
    const taken = this.#buffered.subarray(0, length);
    this.#buffered = this.#buffered.subarray(length);
    return taken;
  }

  async #more(): Promise<void> {
    const before = this.#buffered.length;
    while (this.#buffered.length === before) {
      if (this.#signal.aborted) throw this.#signal.reason;
      if (this.#failure !== undefined) throw this.fail(`${this.#peer} broke the connection: ${this.#failure.message}`);
      if (this.#ended) throw this.fail(`${this.#peer} closed the connection in the middle of the dialogue`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #detach(): void {
    this.#socket.off('readable', this.#onReadable);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('error', this.#onError);
    this.#signal.removeEventListener('abort', this.#onAbort);
  }

  readonly #onReadable = (): void => {
    let chunk: Buffer | null = this.#socket.read();
    while (chunk !== null) {
      this.#buffered = Buffer.concat([this.#buffered, chunk]);
      chunk = this.#socket.read();
    }
    this.#wake();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#wake();
  };

  readonly #onError = (error: Error): void => {
    this.#failure = error;
    this.#wake();
  };

  readonly #onAbort = (): void => this.#wake();
}
