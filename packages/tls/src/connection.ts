/**
 * The engine: takes bytes and gives bytes, events and plaintext. It opens no socket and sets no timer. It drives the
 * flow (the handshake, then what follows it), owns the record layer, and is the one place where a failure becomes an
 * alert and the end.
 *
 * It is not re-entrant: a call made while a step runs (from a user's callback, say) is done when the step returns, and
 * events are delivered after the step, never inside it.
 *
 * @module
 */

import { type Bytes, type Cryptography, concat, copyBytes } from '@handfast/crypto';
import type { AbortSignalLike } from '@handfast/x509';
import { alertMeaning } from './alerts.ts';
import { Conduct, checkChangeCipherSpec, readAlert } from './conduct.ts';
import type { ConnectionHandlers, ConnectionOptions } from './connection-options.ts';
import { Deliveries } from './deliveries.ts';
import { type Dialect, helloDialect } from './dialect.ts';
import { FlowDriver } from './driver.ts';
import type { EarlyWrites } from './early-writes.ts';
import { type Phase, reasonOf, TlsError } from './errors.ts';
import type { Established, Expectation, FlowHost, Negotiated } from './flow.ts';
import { Inbox } from './inbox.ts';
import { keyLogLine } from './key-log.ts';
import type { ClientHello } from './messages/client-hello.ts';
import { everyExtension, maxMessageLength, messageTitle, readHandshake } from './messages/handshake.ts';
import { type AbortControllerLike, newAbortController } from './platform.ts';
import { Deframer, maxPlaintext } from './record/deframer.ts';
import { HandshakeJoiner } from './record/joiner.ts';
import { type Content, RecordLayer } from './record/layer.ts';
import { type AlertName, contentType, handshakeType, isAlertName } from './registry.ts';
import type { TraceDetails, TraceEventBody, TraceListener } from './trace.ts';

/** One `receive` opens at most so much, and goes on in a later turn: other connections want theirs too. */
const recordsPerTurn = 256;
const bytesPerTurn = 1024 * 1024;

/** So many connections this process has made. */
let made = 0;

export class Connection {
  readonly role: 'client' | 'server';
  readonly #options: ConnectionOptions;
  readonly #handlers: ConnectionHandlers;
  readonly #listeners: Listeners;
  readonly #number: number = ++made;
  readonly #records: RecordLayer;
  readonly #deframer: Deframer = new Deframer();
  readonly #joiner: HandshakeJoiner = new HandshakeJoiner();
  readonly #host: FlowHost;
  readonly #driver: FlowDriver;
  /** Made when a callback first asks for its signal. */
  #abort: AbortControllerLike | undefined;

  /** Steps asked for while one runs. */
  readonly #calls: (() => void)[] = [];
  readonly #deliveries: Deliveries;
  readonly #inbox: Inbox;
  /** Written during a renegotiation, or while an asynchronous AEAD has enough to do. */
  #heldWrites: Bytes[] = [];
  /** `receiveEnd` was called before all that had come was opened. */
  #endsLater = false;
  /** `closeWrite` was called when nothing could be closed yet. */
  #closesLater = false;
  #renegotiating = false;
  #running = false;

  #started = false;

  #established: Established | undefined;
  /** A server's, once it takes early data: it may be written to, and its client has not finished. */
  #halfway: Established | undefined;
  #finished: { readonly own?: Bytes; readonly peer?: Bytes } = {};
  /** A client's. */
  #earlyWrites: EarlyWrites | undefined;
  #readEnded = false;
  #writeEnded = false;
  #ended = false;

  readonly #conduct: Conduct = new Conduct();

  constructor(options: ConnectionOptions) {
    this.role = options.role;
    this.#options = options;
    this.#handlers = options.handlers;
    this.#listeners = listenersOf(options);
    const { trace, wire } = this.#listeners;
    this.#records = new RecordLayer({
      role: options.role,
      padding: options.padding,
      observe:
        trace &&
        ((direction, type, length, isProtected) => {
          this.#trace({ type: 'record', direction, contentType: type, length, protected: isProtected });
        }),
      onReady: wire && ((record) => this.#trace({ type: 'wire', direction: 'out', bytes: copyBytes(record) }, wire)),
      onSealed: (error) =>
        this.#step(() => {
          if (error !== undefined)
            throw new TlsError('crypto_failed', 'a record could not be sealed', { cause: error });
        }),
      onOpened: () => this.#step(() => this.#takeOpened()),
    });
    this.#deliveries = new Deliveries(options.handlers, {
      takeOutput: () => this.#records.takeOutput(options.handlers.takesPieces),
      holdsBack: () => this.sealing || this.holding,
      parked: () => this.parked,
      fail: (error) => this.fail(error),
    });
    this.#inbox = new Inbox(options.handlers, this.#deliveries);
    this.#host = new Connection.#Host(this);
    this.#driver = new FlowDriver(options.flow(this.#host), {
      step: (work) => this.#step(work),
      waits: ({ state }) => {
        if (this.#listeners.trace) this.#trace({ type: 'state', state });
      },
      awake: () => {
        this.#pump();
        this.#takeOpened();
      },
    });
  }

  /** A class in the class: an object with accessors of its own would take 2 kB a connection. */
  static readonly #Host = class implements FlowHost {
    readonly #connection: Connection;
    readonly trace: FlowHost['trace'];
    readonly keyLog: FlowHost['keyLog'];
    dialect: Dialect;
    offered: ReadonlySet<number> = nothingOffered;
    changeCipherSpecAllowed: boolean;

    constructor(connection: Connection) {
      this.#connection = connection;
      const { trace, keyLog } = connection.#listeners;
      this.trace = trace && ((event) => connection.#trace(event));
      this.keyLog =
        keyLog &&
        ((label, random, secret) => {
          const line = keyLogLine(label, random, secret);
          connection.#deliveries.listener('key log', () => keyLog(line));
        });
      this.dialect = helloDialect(connection.#options.passesWarnings);
      this.changeCipherSpecAllowed = connection.role === 'client';
    }

    get role(): FlowHost['role'] {
      return this.#connection.role;
    }

    get provider(): Cryptography {
      return this.#connection.#options.provider;
    }

    get records(): RecordLayer {
      return this.#connection.#records;
    }

    get signal(): AbortSignalLike {
      this.#connection.#abort ??= newAbortController();
      return this.#connection.#abort.signal;
    }

    get renegotiating(): boolean {
      return this.#connection.#renegotiating;
    }

    set renegotiating(now) {
      const connection = this.#connection;
      const done = connection.#renegotiating && !now;
      if (done) connection.#deliveries.push(() => connection.#handlers.renegotiated?.());
      connection.#renegotiating = now;
    }

    get droppedChangeCipherSpec(): boolean {
      return this.#connection.#conduct.droppedChangeCipherSpec;
    }

    requireAligned(): void {
      if (this.#connection.#joiner.pending) {
        throw new TlsError('unexpected_message', 'handshake bytes follow in the record after which keys change');
      }
    }

    now(): number | undefined {
      return this.#connection.#now();
    }

    send(message: Bytes): void {
      this.#connection.#sendHandshake(message);
    }

    heard(hello: ClientHello): void {
      const { clientHello } = this.#connection.#handlers;
      if (clientHello) this.#connection.#deliveries.push(() => clientHello(hello));
    }

    warn(alert: AlertName): void {
      // After our close_notify nothing more is said (RFC 5246 §7.2.1); nor what a version knows as an end alone, if at all.
      if (this.#connection.#writeEnded || this.dialect.toWireAlert(alert) !== alert) return;
      this.#connection.#sendAlert(alert, 1);
    }

    beginEarlyData(limit: number, standing: Established): void {
      this.#connection.#halfway = standing;
      this.#connection.#inbox.takeEarlyData(limit);
    }

    offerEarlyData(writes: EarlyWrites): void {
      const connection = this.#connection;
      connection.#earlyWrites = writes;
      connection.#deliveries.push(() => connection.#handlers.earlyDataReady?.(writes.limit));
    }

    endEarlyData(accepted: boolean): void {
      this.#connection.#earlyWrites?.end(accepted);
    }

    established(established: Established): void {
      this.#connection.#onEstablished(established);
    }
  };

  /** Where the connection is in its life. */
  get phase(): Phase {
    if (this.#ended) return 'closed';
    if (this.#readEnded || this.#writeEnded) return 'closing';
    return this.#established ? 'connected' : 'handshake';
  }

  /** The state that the handshake waits in: of RFC 9846 appendix A, or of `tls12/states.ts`. */
  get state(): string | undefined {
    return this.#driver.waiting?.state;
  }

  /** Whether an asynchronous operation is under way, so that `receive` takes nothing. */
  get parked(): boolean {
    return this.#driver.parked || this.#records.readsFull;
  }

  /** Whether records that were received still wait for an asynchronous AEAD; `receive` may take more all the same. */
  get opening(): boolean {
    return this.#records.opening;
  }

  /** Whether records that were written still wait for an asynchronous AEAD: `drained` follows. */
  get sealing(): boolean {
    return this.#records.sealing;
  }

  /**
   * Whether data that was written waits, for a renegotiation to end or for an asynchronous AEAD that has enough to do: `drained`
   * follows. Who writes much waits until it is false, and looks again whenever `send` was called; else all of it lies here.
   */
  get holding(): boolean {
    return this.#heldWrites.length > 0;
  }

  /** So many bytes can be written now without any of them being held: 0 until it is worth while. */
  get writeRoom(): number {
    return this.holding ? 0 : this.#records.writeRoom;
  }

  /** Whether the peer has ended both directions, as its close_notify does before TLS 1.3: what is written now is discarded. */
  get endedByPeer(): boolean {
    return this.#readEnded && this.#writeEnded && !this.#host.dialect.halfClose;
  }

  /** Once the handshake is done; on a server that takes early data, from then on. */
  get negotiated(): Negotiated | undefined {
    return this.#standing?.negotiated;
  }

  /** Whether `write` takes data now: after the handshake, and on a server as soon as early data was taken. */
  get writable(): boolean {
    return this.#standing !== undefined && !this.#closesLater && !this.#writeEnded && !this.#ended;
  }

  get #standing(): Established | undefined {
    return this.#established ?? this.#halfway;
  }

  /** Begins: a client's first flight goes out. */
  start(): void {
    this.#step(() => {
      if (this.#started) return;
      this.#started = true;
      this.#driver.begin();
    });
  }

  /**
   * Takes bytes of the transport; they are borrowed until the call returns. Never throws: a failure is `closed`'s. Not to
   * be called from inside a handler while an outer call still has bytes to give: they would come out of order.
   * @returns how many were taken. Where it is less than all, give the rest after `resume` if `parked`, else in a later
   *   turn.
   */
  receive(input: Uint8Array): number {
    if (this.#running) {
      this.#deliveries.oweResume();
      return 0;
    }
    // A Buffer's methods differ: everything below sees plain bytes.
    const bytes = plain(input);
    let at = 0;
    this.#step(() => {
      for (let records = 0; records < recordsPerTurn && at < bytes.length && at < bytesPerTurn; records++) {
        if (this.parked || this.#ended || this.#readEnded) break;
        const next = this.#nextRecord(bytes, at);
        if (next === undefined) break;
        at += next.taken;
        if (next.record !== undefined) this.#content(this.#records.open(next.record));
      }
    });
    if (this.#ended || this.#readEnded) return input.length;
    if (at < input.length && this.parked) this.#deliveries.oweResume();
    return at;
  }

  /** Bytes that are no record count as the next record would: after those that are still being opened. */
  #nextRecord(bytes: Uint8Array, at: number): ReturnType<Deframer['next']> | undefined {
    const { wire } = this.#listeners;
    try {
      const next = this.#deframer.next(bytes, at, this.#records.maxPayload);
      if (wire && next.record) {
        const { header, payload } = next.record;
        this.#trace({ type: 'wire', direction: 'in', bytes: concat(header, payload) }, wire);
      }
      return next;
    } catch (error) {
      if (wire) this.#trace({ type: 'wire', direction: 'in', bytes: bytes.slice(at, at + maxPlaintext) }, wire);
      if (!this.#records.opening) throw error;
      this.#records.failBehind(error);
      return undefined;
    }
  }

  /** The transport's end. Without the peer's close_notify before it, data may be missing: an error. */
  receiveEnd(): void {
    this.#step(() => {
      if (this.#readEnded) return;
      if (this.#records.opening) {
        this.#endsLater = true;
        return;
      }
      const peer = this.#peerName;
      // Before TLS 1.3 our close_notify ends both directions: nobody has to answer it (RFC 5246 §7.2.1).
      if (this.#established && this.#writeEnded && !this.#host.dialect.halfClose) {
        this.#end(undefined);
        return;
      }
      if (!this.#established) {
        throw new TlsError('truncated', `the ${peer} closed the transport during the handshake`, {
          hint: `look into the ${peer}'s log: it said no word of why`,
        });
      }
      throw new TlsError(
        'truncated',
        `the ${peer} closed the transport without close_notify${this.#deframer.midRecord ? ', inside a record' : ''}`,
        { hint: 'data may be missing at the end: do not trust what depends on its length' },
      );
    });
  }

  /**
   * Encrypts application data and hands it to `send`. The bytes are borrowed until the call returns. An asynchronous AEAD gets
   * only so much at a time; the rest is copied and waits (`holding`).
   * @throws TlsError `closed` before the handshake is done (a server that took early data may write), and after `closeWrite` or
   *   the end.
   */
  write(data: Uint8Array): void {
    if (!this.writable) {
      const why = this.#standing ? 'its writing side has ended' : 'its handshake is not done';
      throw new TlsError('closed', `nothing can be written to this connection: ${why}`);
    }
    const bytes = this.#running ? copyBytes(data) : plain(data);
    this.#step(() => {
      if (!this.writable) return;
      // Not between two handshakes' keys: it goes out when the new ones stand.
      const taken = this.holding || this.#host.renegotiating ? 0 : this.#seal(bytes);
      if (taken < bytes.length) this.#heldWrites.push(copyBytes(bytes.subarray(taken)));
    });
  }

  /** The `verify_data` of both Finished messages, as far as they have passed: channel bindings before TLS 1.3 (RFC 5929). */
  get finished(): { readonly own?: Bytes; readonly peer?: Bytes } {
    return this.#finished;
  }

  /** Records of ours hold no more content than this from here on: 64 to 16,384 bytes. */
  setMaxSendFragment(length: number): void {
    this.#records.setMaxSent(Math.min(Math.max(64, length), maxPlaintext));
  }

  /**
   * Sends early data (0-RTT), where the hello offered it: from `earlyDataReady` until the server's first flight has come. Anybody
   * who records it can send it again, and a server may take it twice.
   * @returns how many of the bytes went out: fewer than all beyond the limit; 0 where none can.
   */
  writeEarlyData(data: Uint8Array): number {
    // Inside a step nobody can say yet whether the next answer leaves time for it.
    if (this.#earlyWrites === undefined || this.#running || this.#ended) return 0;
    const taken = this.#earlyWrites.take(plain(data));
    if (taken.length > 0) {
      this.#step(() => {
        this.#traceData('out', taken);
        this.#records.applicationData(taken);
      });
    }
    return taken.length;
  }

  /**
   * What was written by `writeEarlyData` and the server did not take, once; undefined as long as it has not said so: of a
   * connection that fails before, nobody knows. Whether it is sent again is the application's to
   * decide: another protocol may have been chosen, and who repeats a request may have it answered twice.
   */
  takeRejectedEarlyData(): Bytes | undefined {
    return this.#earlyWrites?.takeBack();
  }

  /**
   * Another handshake on this connection, before TLS 1.3 and where the config's `renegotiation` allows it: a client's begins at
   * once, a server asks for it. `negotiated` changes when it is done.
   * @throws TlsError `no_renegotiation` where it is not to be had, `closed` while the connection does not stand.
   */
  renegotiate(): void {
    const established = this.#established;
    if (established === undefined || this.#writeEnded || this.#ended) {
      throw new TlsError('closed', 'only a connection that stands, with our side open, can be renegotiated');
    }
    if (established.mayRenegotiate?.() !== true) {
      throw new TlsError('no_renegotiation', 'this connection is not renegotiated', {
        hint: 'TLS 1.3 has key updates in its place; before it, secureRenegotiation of @handfast/tls/legacy allows it',
      });
    }
    this.#step(() => {
      if (this.#driver.waiting?.types.includes('renegotiate')) this.#driver.give({ type: 'renegotiate' });
    });
  }

  /** Sends close_notify: nothing more will be written. The peer may go on. */
  closeWrite(): void {
    this.#step(() => {
      if (this.#writeEnded) return;
      if (this.#heldWrites.length > 0 || (this.#halfway && !this.#established)) {
        this.#closesLater = true;
        return;
      }
      if (!this.#established) throw new TlsError('aborted', 'the connection was closed by us during the handshake');
      this.#writeEnded = true;
      this.#sendAlert('close_notify');
      this.#endIfBothEnded();
    });
  }

  /** Ends at once. In a handshake the peer is told that the user canceled; after it, it sees a truncation. */
  abort(reason = 'the connection was aborted by us'): void {
    this.#step(() => {
      throw new TlsError('aborted', reason);
    });
  }

  /** Ends with an error of the adapter's: a time-out, a transport that failed. */
  fail(error: TlsError): void {
    this.#step(() => {
      throw error;
    });
  }

  /**
   * Fresh keys for what we send (RFC 9846 §4.7.3); `requestPeer` asks the peer for fresh keys as well.
   * @throws TlsError `closed` before the handshake is done and after the end of our side; `not_supported` before TLS 1.3.
   */
  updateKeys(options: { readonly requestPeer?: boolean } = {}): void {
    if (!this.#established || this.#writeEnded || this.#ended) {
      throw new TlsError('closed', 'keys can be updated only while the connection stands and our side is open');
    }
    if (this.#established.updateKeys === undefined) {
      throw new TlsError(
        'not_supported',
        `${this.#established.negotiated.version} has no key updates: TLS 1.3 brought them`,
      );
    }
    this.#step(() => this.#established?.updateKeys?.(options.requestPeer ?? false));
  }

  /**
   * Keying material for the application (RFC 9846 §7.5, RFC 5705), the same on both sides. In TLS 1.3 no context is an empty
   * one; before it they are different, and extended_master_secret must have been agreed on (RFC 9266).
   * @throws TlsError `closed` before the handshake is done and after the end.
   */
  exportKeyingMaterial(length: number, label: string, context?: Uint8Array): Bytes {
    if (!this.#established || this.#ended) {
      throw new TlsError('closed', 'keying material can be exported only while the connection stands');
    }
    return this.#established.exportKeyingMaterial(length, label, context);
  }

  // ---- steps: the one place where calls enter, failures are caught and events leave

  #step(work: () => void): void {
    if (this.#running) {
      this.#calls.push(work);
      return;
    }
    for (let next: (() => void) | undefined = work; next !== undefined; next = this.#calls.shift()) {
      if (this.#ended) continue;
      this.#running = true;
      try {
        next();
        // The flight goes out at a step's end, also of one that parked: sealing it can fail as the step itself can.
        if (!this.#ended) this.#records.flushHandshake();
        if (this.#heldWrites.length > 0 && !this.#host.renegotiating) this.#writeHeld();
      } catch (error) {
        this.#end(asTlsError(error));
      } finally {
        this.#running = false;
      }
    }
    this.#deliveries.deliver();
  }

  /** @returns how many bytes were taken: fewer than all where an asynchronous AEAD has enough to do. */
  #seal(bytes: Uint8Array): number {
    const standing = this.#standing;
    if (standing === undefined || this.#writeEnded) return bytes.length;
    let at = 0;
    while (at < bytes.length && !this.#records.writesFull) {
      standing.beforeApplicationData();
      const end = at + this.#records.maxContent;
      const content = bytes.subarray(at, end);
      this.#traceData('out', content);
      this.#records.applicationData(content);
      at = end;
    }
    return at;
  }

  #writeHeld(): void {
    for (let held = this.#heldWrites[0]; held !== undefined; held = this.#heldWrites[0]) {
      const taken = this.#seal(held);
      if (taken < held.length) {
        this.#heldWrites[0] = held.subarray(taken);
        return;
      }
      this.#heldWrites.shift();
    }
    this.#closeIfOwed();
  }

  #trace(event: TraceEventBody, listener: TraceListener | undefined = this.#listeners.trace): void {
    if (listener === undefined) return;
    const at = this.#now();
    if (at === undefined) return;
    const stamped = { ...event, at, role: this.role, connection: this.#number };
    this.#deliveries.listener('trace', () => listener(stamped));
  }

  #traceData(direction: 'in' | 'out', bytes: Uint8Array): void {
    const { data } = this.#listeners;
    if (data) this.#trace({ type: 'data', direction, bytes: copyBytes(bytes) }, data);
  }

  #now(): number | undefined {
    const { clock } = this.#options;
    try {
      return clock();
    } catch (cause) {
      this.#deliveries.listener('clock', () => {
        throw cause;
      });
      return undefined;
    }
  }

  #end(error: TlsError | undefined): void {
    if (this.#ended) return;
    if (error !== undefined) {
      error.phase = this.phase;
      error.state = this.#driver.waiting?.state;
      // An alert that could not go out any more was not sent: the error must not say so.
      if (!this.#sendLastAlert(error) && error.origin === 'local') error.alert = null;
    }
    this.#ended = true;
    if (error !== undefined) this.#inbox.fail();
    this.#driver.end();
    this.#standing?.dispose(error);
    this.#records.dispose();
    this.#heldWrites = [];
    this.#abort?.abort(error);
    this.#trace({ type: 'closed', error });
    this.#deliveries.push(() => this.#handlers.closed?.(error));
  }

  /** Whether an alert went out. */
  #sendLastAlert(error: TlsError): boolean {
    if (this.#writeEnded || error.origin === 'peer' || error.alert === null || !this.#started) return false;
    // After the handshake an abort says nothing: a close_notify would call the data complete.
    if (error.code === 'aborted' && this.#standing) return false;
    this.#writeEnded = true;
    try {
      if (!isAlertName(error.alert)) return false;
      error.alert = this.#host.dialect.toWireAlert(error.alert);
      this.#sendAlert(error.alert);
      if (error.alert === 'user_canceled') this.#sendAlert('close_notify');
      return true;
    } catch {
      // The write key itself is what failed: there is no way left to say so.
      return false;
    }
  }

  #sendAlert(meant: AlertName, level: 1 | 2 = isWarning(meant) ? 1 : 2): void {
    const alert = this.#host.dialect.toWireAlert(meant);
    this.#records.alert(alert, level);
    this.#trace({ type: 'alert', direction: 'out', alert, level });
  }

  #endIfBothEnded(): void {
    if (this.#readEnded && this.#writeEnded) this.#end(undefined);
  }

  get #peerName(): string {
    return this.role === 'client' ? 'server' : 'client';
  }

  // ---- the flow

  /** Gives the flow whole messages until it waits for more input. */
  #pump(): void {
    while (!this.#driver.parked && !this.#ended && this.#driver.waiting !== undefined) {
      const type = this.#joiner.nextType;
      if (type === undefined) return;
      const waiting: Expectation = this.#driver.waiting;
      const { messages } = this.#host.dialect;
      const row = messages.get(type);
      if (!row?.types.some((known) => waiting.types.includes(known))) throw unexpected(waiting, messageTitle(type));
      const raw = this.#joiner.take(maxMessageLength(messages, type, this.#options.limits.certificateBytes));
      if (raw === undefined) return;
      const message = readHandshake(messages, raw, this.#host.offered);
      if (!waiting.types.includes(message.type)) throw unexpected(waiting, message.type);
      if (message.type === 'finished') this.#finished = { ...this.#finished, peer: message.verifyData };
      this.#trace({ type: 'message', direction: 'in', message });
      this.#driver.give(message);
    }
  }

  #sendHandshake(message: Bytes): void {
    this.#records.handshake(message);
    if (message[0] === handshakeType.finished) this.#finished = { ...this.#finished, own: message.slice(4) };
    if (this.#listeners.trace) {
      this.#trace({
        type: 'message',
        direction: 'out',
        message: readHandshake(this.#host.dialect.messages, message, everyExtension),
      });
    }
  }

  #closeIfOwed(): void {
    if (!this.#closesLater) return;
    this.#closesLater = false;
    this.#calls.push(() => this.closeWrite());
  }

  #onEstablished(established: Established): void {
    this.#established = established;
    this.#records.readAhead();
    const { negotiated } = established;
    this.#trace({ type: 'established', negotiated });
    this.#inbox.announce(negotiated);
    this.#closeIfOwed();
  }

  // ---- records' contents

  /** Goes on with the records that an asynchronous AEAD has opened, in order. */
  #takeOpened(): void {
    while (this.#records.opened && !this.#driver.parked && !this.#ended) this.#content(this.#records.takeOpened());
    if (this.#endsLater && !this.#records.opening) this.receiveEnd();
  }

  #content(content: Content | undefined): void {
    if (content === undefined) return;
    const { type, bytes } = content;
    if (type !== contentType.handshake && this.#joiner.pending) {
      throw new TlsError('unexpected_message', 'another record type came inside a fragmented handshake message');
    }
    if (type === contentType.application_data) this.#applicationData(content);
    else if (type === contentType.handshake) this.#handshakeFragment(bytes);
    else if (type === contentType.alert) this.#alert(bytes);
    else if (type === contentType.change_cipher_spec) this.#changeCipherSpec(content);
    else throw new TlsError('unexpected_message', `a record of unknown content type ${type} came`);
  }

  #applicationData({ bytes, protected: isProtected }: Content): void {
    if (!isProtected || !this.#takesData) {
      const when = isProtected ? 'before the handshake was done' : 'in plaintext';
      throw new TlsError('unexpected_message', `application data came ${when}`);
    }
    if (bytes.length === 0) {
      this.#conduct.emptyRecord();
      return;
    }
    this.#conduct.data();
    // Opened into memory of its own: it is handed over.
    const data = bytes as Bytes;
    this.#traceData('in', data);
    if (this.#driver.waiting?.applicationData === 'early') {
      this.#inbox.earlyData(data);
      return;
    }
    this.#established?.receivedApplicationData();
    this.#inbox.data(data);
  }

  /** In a renegotiation the peer's data may come until its keys change. */
  get #takesData(): boolean {
    if (this.#driver.waiting === undefined) return false;
    if (this.#driver.waiting.applicationData !== 'never') return true;
    return this.#host.renegotiating && !this.#driver.waiting.types.includes('finished');
  }

  #handshakeFragment(bytes: Uint8Array): void {
    if (bytes.length === 0) throw new TlsError('unexpected_message', 'a handshake record without content came');
    this.#joiner.append(bytes);
    this.#pump();
  }

  #alert(bytes: Uint8Array): void {
    const { level, alert } = readAlert(bytes);
    this.#trace({ type: 'alert', direction: 'in', alert, level });
    if (alert === 'user_canceled') {
      this.#conduct.warning('user_canceled alerts');
      return;
    }
    if (alert === 'close_notify' && this.#established) {
      this.#readEnded = true;
      this.#records.stopReading();
      this.#deliveries.push(() => this.#handlers.end?.());
      if (!this.#host.dialect.halfClose && !this.#writeEnded) {
        // RFC 5246 §7.2.1: answered at once; what was not written by now is not written any more.
        this.#writeEnded = true;
        this.#sendAlert('close_notify');
      }
      this.#endIfBothEnded();
      return;
    }
    if (level === 1 && alert !== 'close_notify' && this.#host.dialect.passesWarnings) {
      if (alert === 'no_renegotiation' && this.#driver.waiting?.types.includes(alert)) {
        this.#driver.give({ type: alert });
        return;
      }
      this.#conduct.warning('warnings');
      return;
    }
    throw new TlsError('peer_alert', alertMeaning(this.#peerName, alert, this.#established !== undefined), {
      origin: 'peer',
      alert,
    });
  }

  #changeCipherSpec(content: Content): void {
    if (this.#driver.waiting?.types.includes('change_cipher_spec')) {
      checkChangeCipherSpec(content);
      this.#driver.give({ type: 'change_cipher_spec' });
      return;
    }
    this.#conduct.droppedOne(content, this.#host.changeCipherSpecAllowed);
  }
}

/** Who hears what: of config and handlers, each asks for details for its own listener. */
interface Listeners extends Pick<ConnectionOptions, 'trace' | 'keyLog'> {
  readonly wire: TraceListener | undefined;
  readonly data: TraceListener | undefined;
}

function listenersOf(options: ConnectionOptions): Listeners {
  const { handlers } = options;
  // Exactly `true` asks for it: what is secret is not told of by mistake.
  const asking = (detail: keyof TraceDetails): TraceListener | undefined =>
    both(
      options.traceDetails?.[detail] === true ? options.trace : undefined,
      handlers.traceDetails?.[detail] === true ? handlers.trace : undefined,
    );
  return {
    trace: both(options.trace, handlers.trace),
    keyLog: both(options.keyLog, handlers.keyLog),
    wire: asking('wire'),
    data: asking('plaintext'),
  };
}

/** A listener that calls each of two; undefined where there is none. */
function both<E>(
  one: ((event: E) => void) | undefined,
  other: ((event: E) => void) | undefined,
): ((event: E) => void) | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return (event) => {
    one(event);
    other(event);
  };
}

function isWarning(alert: AlertName): boolean {
  return alert === 'close_notify' || alert === 'user_canceled';
}

const nothingOffered: ReadonlySet<number> = new Set();

function unexpected({ state, types }: Expectation, got: string): TlsError {
  return new TlsError('unexpected_message', `${got} came in state ${state}, which takes ${types.join(' or ')}`);
}

function asTlsError(error: unknown): TlsError {
  return error instanceof TlsError
    ? error
    : new TlsError('internal', `an unexpected failure: ${reasonOf(error)}`, { cause: error });
}

/** Input as plain bytes; over shared memory, as a copy that nobody else can change. */
function plain(bytes: Uint8Array): Uint8Array {
  if (!(bytes.buffer instanceof ArrayBuffer)) return copyBytes(bytes);
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
