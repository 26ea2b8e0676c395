/**
 * One connection: dialled, through STARTTLS where the protocol wants it, a handshake by the engine, and a look at what
 * comes after it. Whatever the certificate is, the handshake goes on: what is wrong with it is found out apart, and what
 * else is wrong shows as well. Nothing here judges.
 *
 * @module
 */

import type { Socket } from 'node:net';
import { type ClientConfig, type Connection, TlsError, tlsClient } from '@handfast/tls';
import { CliError } from '../exit.ts';
import { formatHostPort, type HostPort } from '../options.ts';
import { startTls } from '../starttls/index.ts';
import { Answering } from './answer.ts';
import type { Answer, Attempt, Failure, ProbeId, Step } from './evidence.ts';
import { Sight } from './sight.ts';
import type { DoctorWorld } from './world.ts';

/** What all connections of a diagnosis have in common. */
export interface Route {
  readonly via: HostPort;
  readonly family: 4 | 6 | undefined;
  readonly proxy: Parameters<DoctorWorld['dial']>[0]['proxy'];
  readonly dialogue: Parameters<typeof startTls>[0] | undefined;
  /** The name that a dialogue asks for, and HTTP's Host. */
  readonly host: string;
  /** Whether an HTTP question is asked once the connection stands. */
  readonly asksHttp: boolean;
  readonly interrupted: AbortSignal;
}

export interface Offer {
  readonly probe: ProbeId;
  readonly config: ClientConfig;
  /** Sent as server_name. */
  readonly serverName: string | undefined;
  /** Whether we stay for what comes once the connection stands: refusals, sessions, an answer. */
  readonly listens: boolean;
  /** What sessions are kept by. */
  readonly sessionKey: string;
}

/** What of the first bytes is kept: enough for a greeting. */
const maxStart = 256;

/** Connects once. Never rejects, but for an interruption. */
export async function attempt(offer: Offer, route: Route, world: DoctorWorld): Promise<Attempt> {
  const begun = performance.now();
  let socket: Socket;
  try {
    socket = await open(route, world);
  } catch (error) {
    if (route.interrupted.aborted) throw error;
    const seen = new Sight();
    return seen.attempt(offer, failureOf(error, dialStep(error, route)), undefined, performance.now() - begun);
  }
  const seen = new Sight();
  const { failure, answer } = await new Talk(socket, offer, route, world, seen).done;
  if (route.interrupted.aborted) throw route.interrupted.reason;
  return seen.attempt(offer, failure, answer, performance.now() - begun);
}

/** A transport on which TLS may begin. */
export async function open(
  { via, family, proxy, dialogue, host, interrupted }: Omit<Route, 'asksHttp'>,
  world: DoctorWorld,
): Promise<Socket> {
  const patience = new AbortController();
  const what = dialogue === undefined ? 'TCP' : 'TCP or STARTTLS';
  let step: Step = proxy === undefined ? 'tcp' : 'proxy';
  const timer = setTimeout(() => {
    patience.abort(new TimeUp(step, `${formatHostPort(via)} did not answer (${what}) in time`));
  }, world.patience('connect'));
  const interrupt = (): void => patience.abort(interrupted.reason);
  interrupted.addEventListener('abort', interrupt);
  if (interrupted.aborted) interrupt();
  try {
    const socket = await world.dial({ target: via, family, proxy, signal: patience.signal });
    if (dialogue === undefined) return socket;
    step = 'starttls';
    try {
      await startTls(dialogue, socket, via, host, patience.signal);
      return socket;
    } catch (error) {
      socket.destroy();
      throw error instanceof TimeUp || interrupted.aborted ? error : new DialogueFailed(error);
    }
  } finally {
    clearTimeout(timer);
    interrupted.removeEventListener('abort', interrupt);
  }
}

class TimeUp extends Error {
  readonly step: Step;

  constructor(step: Step, message: string) {
    super(message);
    this.step = step;
  }
}

/** STARTTLS did not come to its end. */
class DialogueFailed extends Error {
  readonly hint: string | undefined;

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.hint = cause instanceof CliError ? cause.hint : undefined;
  }
}

function dialStep(error: unknown, { proxy }: Route): Step {
  if (error instanceof TimeUp) return error.step;
  if (error instanceof DialogueFailed) return 'starttls';
  return proxy === undefined ? 'tcp' : 'proxy';
}

function failureOf(error: unknown, step: Step): Failure {
  const plain = { alert: null, origin: 'local', state: undefined } as const;
  if (error instanceof TlsError) {
    const { tlsCode: code, message, hint, alert, origin, state } = error;
    return { step, code, message, hint, alert, origin, state };
  }
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof TimeUp) return { ...plain, step, code: 'timeout', message, hint: undefined };
  if (error instanceof DialogueFailed) return { ...plain, step, code: 'dialogue', message, hint: error.hint };
  const hint = error instanceof CliError ? error.hint : undefined;
  return { ...plain, step, code: systemCodeOf(error) ?? 'transport_failed', message, hint };
}

/** `ECONNRESET`, of the error itself or of what caused it. */
export function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return systemCodeOf(error.cause);
}

interface Outcome {
  readonly failure: Failure | undefined;
  readonly answer: Answer | undefined;
}

/** A handshake over a socket, and what the server says after it. */
class Talk {
  readonly done: Promise<Outcome>;
  readonly #socket: Socket;
  readonly #seen: Sight;
  readonly #world: DoctorWorld;
  readonly #connection: Connection;
  readonly #answering: Answering;
  #resolve: (outcome: Outcome) => void = () => undefined;
  #timer: NodeJS.Timeout;
  /** What came and the engine has not taken. */
  #pending: Buffer[] = [];
  #ended = false;
  #failure: Failure | undefined;

  constructor(socket: Socket, offer: Offer, { asksHttp, host, interrupted }: Route, world: DoctorWorld, seen: Sight) {
    this.#socket = socket;
    this.#seen = seen;
    this.#world = world;
    this.#answering = new Answering();
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.done = promise;
    this.#resolve = resolve;
    const { serverName, sessionKey } = offer;
    this.#connection = tlsClient(
      offer.config,
      { ...(serverName !== undefined && { serverName }), verifyName: null, sessionKey },
      {
        trace: seen.listener,
        send: (chunks) => {
          for (const chunk of chunks) {
            if (seen.bytesIn === 0 && seen.step === 'hello') seen.helloBytes += chunk.length;
            socket.write(chunk);
          }
        },
        established: (negotiated) => {
          seen.negotiated = negotiated;
          seen.step = 'connected';
          if (offer.listens) this.#listen(asksHttp ? httpQuestion(host) : undefined);
          else this.#finish();
        },
        data: (plaintext) => {
          if (this.#answering.data(plaintext)) this.#finish();
        },
        end: () => {
          this.#answering.ended('close_notify');
          this.#finish();
        },
        resume: () => this.#feed(),
        closed: (error) => this.#closed(error),
      },
    );
    this.#timer = setTimeout(() => this.#timeUp(), world.patience('handshake'));
    const interrupt = (): void => this.#finish();
    interrupted.addEventListener('abort', interrupt, { once: true });
    void promise.then(() => interrupted.removeEventListener('abort', interrupt));
    socket.on('data', (chunk) => {
      seen.bytesIn += chunk.length;
      if (seen.step === 'hello') seen.step = 'handshake';
      seen.start += chunk.subarray(0, maxStart - seen.start.length).toString('latin1');
      this.#pending.push(chunk);
      this.#feed();
    });
    socket.on('end', () => {
      this.#ended = true;
      this.#feed();
    });
    socket.on('error', (error) => this.#broken(error));
    socket.on('close', () => this.#broken(new Error('the connection was closed')));
    this.#connection.start();
  }

  #feed(): void {
    for (let chunk = this.#pending.shift(); chunk !== undefined; chunk = this.#pending.shift()) {
      const taken = this.#connection.receive(chunk);
      if (taken === chunk.length) continue;
      this.#pending.unshift(chunk.subarray(taken));
      if (!this.#connection.parked) setImmediate(() => this.#feed());
      return;
    }
    if (this.#ended) this.#connection.receiveEnd();
  }

  #listen(question: string | undefined): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#finish(), this.#world.patience('answer'));
    if (question !== undefined) this.#connection.write(Buffer.from(question));
  }

  #timeUp(): void {
    const { step } = this.#seen;
    const state = this.#connection.state;
    this.#failure ??= { ...failureOf(new TimeUp(step, 'the server did not go on in time'), step), state };
    this.#finish();
  }

  #closed(error: TlsError | undefined): void {
    if (error !== undefined && this.#failure === undefined) {
      if (error.tlsCode === 'truncated' && this.#seen.step === 'connected') this.#answering.ended('truncated');
      else if (error.tlsCode !== 'aborted') this.#failure = failureOf(error, this.#seen.step);
    }
    this.#finish();
  }

  /** The transport's own end, without the engine's knowing. */
  #broken(error: Error): void {
    if (this.#seen.step === 'connected') this.#answering.ended('truncated');
    else this.#failure ??= failureOf(error, this.#seen.step);
    this.#finish();
  }

  #finish(): void {
    clearTimeout(this.#timer);
    this.#resolve({ failure: this.#failure, answer: this.#answering.answer });
    // close_notify, or an alert that we give up, is on its way before the socket goes.
    if (this.#connection.writable) this.#connection.closeWrite();
    this.#socket.removeAllListeners('close');
    this.#socket.on('error', () => undefined);
    this.#socket.destroySoon();
  }
}

/** Asks for nothing that a server would have to make. */
function httpQuestion(host: string): string {
  return `HEAD / HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: handfast-doctor\r\nConnection: close\r\n\r\n`;
}
