/**
 * TCP put together again (RFC 9293): each connection's bytes of both directions, in their order, as a capture saw them come. What was
 * sent twice is taken once; what came too early waits, up to a limit; where bytes are missing for good, a direction ends.
 *
 * @module
 */

import type { Segment } from './packet.ts';

export type Side = 'client' | 'server';

/** Bytes of one side, when their packet passed. */
export interface Chunk {
  readonly from: Side;
  readonly ms: number;
  readonly bytes: Uint8Array;
}

/** One TCP connection of a capture. */
export interface Stream {
  /** For people: `192.0.2.1:50000`. */
  readonly clientText: string;
  readonly serverText: string;
  readonly chunks: readonly Chunk[];
  /** How it ended, as far as the capture shows it. */
  readonly end: 'closed' | 'reset' | 'open';
  /** Why there is less than there was. */
  readonly notes: readonly string[];
}

/** What a capture may ask of us. */
export interface StreamLimits {
  readonly connections: number;
  /** Of one connection, both ways. */
  readonly bytes: number;
}

/** What waits of one direction for bytes before it. */
const maxEarly = { segments: 256, bytes: 1024 * 1024 } as const;

/** One direction. */
class Half {
  readonly from: Side;
  /** The number of the next byte; undefined before the first segment. */
  next: number | undefined;
  /** Where it ends, once its FIN has come. */
  end: number | undefined;
  broken = false;
  readonly #early: { readonly sequence: number; readonly bytes: Uint8Array }[] = [];
  #earlyBytes = 0;

  constructor(from: Side) {
    this.from = from;
  }

  /** What can be read on now, in order. `undefined`: too much waits, as bytes before it are missing. */
  take(sequence: number, data: Uint8Array): readonly Uint8Array[] | undefined {
    this.next ??= sequence;
    const ready = this.#ready(sequence, data);
    if (ready === undefined) {
      this.#early.push({ sequence, bytes: data });
      this.#earlyBytes += data.length;
      const tooMuch = this.#early.length > maxEarly.segments || this.#earlyBytes > maxEarly.bytes;
      return tooMuch ? undefined : [];
    }
    const all = [ready];
    for (let found = true; found; ) {
      found = false;
      for (const [index, early] of this.#early.entries()) {
        const more = this.#ready(early.sequence, early.bytes);
        if (more === undefined) continue;
        all.push(more);
        this.#early.splice(index, 1);
        this.#earlyBytes -= early.bytes.length;
        found = true;
        break;
      }
    }
    return all.filter(({ length }) => length > 0);
  }

  get finished(): boolean {
    return this.end !== undefined && this.end === this.next;
  }

  get waits(): boolean {
    return this.#early.length > 0;
  }

  /** What of a segment is new, where it follows on what was read; the next number moves. */
  #ready(sequence: number, data: Uint8Array): Uint8Array | undefined {
    const ahead = (sequence - (this.next ?? sequence)) | 0;
    if (ahead > 0) return undefined;
    const fresh = data.subarray(Math.min(data.length, -ahead));
    this.next = ((this.next ?? sequence) + fresh.length) >>> 0;
    return fresh;
  }
}

class Flow {
  readonly clientText: string;
  readonly serverText: string;
  readonly halves: Readonly<Record<Side, Half>> = { client: new Half('client'), server: new Half('server') };
  readonly client: string;
  readonly chunks: Chunk[] = [];
  readonly notes: string[] = [];
  bytes = 0;
  reset = false;

  /** @param first the client's, or what looks most like it. */
  constructor(first: Segment, fromClient: boolean) {
    this.client = fromClient ? first.from : first.to;
    this.clientText = fromClient ? first.fromText : first.toText;
    this.serverText = fromClient ? first.toText : first.fromText;
  }

  stream(): Stream {
    const { client, server } = this.halves;
    const waiting = [client, server].filter((half) => half.waits && !half.broken);
    return {
      clientText: this.clientText,
      serverText: this.serverText,
      chunks: this.chunks,
      end: this.reset ? 'reset' : client.finished && server.finished ? 'closed' : 'open',
      notes: [...this.notes, ...waiting.map(({ from }) => `bytes of the ${from} are missing in the capture`)],
    };
  }
}

export class Streams {
  readonly #limits: StreamLimits;
  readonly #flows: Flow[] = [];
  readonly #open: Map<string, Flow> = new Map();
  /** Connections beyond the limit. */
  passedOver = 0;

  constructor(limits: StreamLimits) {
    this.#limits = limits;
  }

  /** In the order in which they began. */
  get all(): readonly Stream[] {
    return this.#flows.map((flow) => flow.stream());
  }

  segment(segment: Segment, ms: number): void {
    const flow = this.#flowOf(segment);
    if (flow === undefined) return;
    const half = flow.halves[segment.from === flow.client ? 'client' : 'server'];
    if (segment.rst) flow.reset = true;
    const sequence = (segment.sequence + (segment.syn ? 1 : 0)) >>> 0;
    if (segment.syn) half.next ??= sequence;
    if (segment.data.length > 0 && !half.broken && !half.finished) this.#data(flow, half, sequence, segment.data, ms);
    if (segment.fin) half.end ??= (sequence + segment.data.length) >>> 0;
  }

  #data(flow: Flow, half: Half, sequence: number, data: Uint8Array, ms: number): void {
    const ready = half.take(sequence, data);
    if (ready === undefined) {
      half.broken = true;
      flow.notes.push(`bytes of the ${half.from} are missing in the capture: the rest of them is not read`);
      return;
    }
    for (const bytes of ready) {
      flow.bytes += bytes.length;
      if (flow.bytes > this.#limits.bytes) {
        flow.halves.client.broken = true;
        flow.halves.server.broken = true;
        flow.notes.push(`the connection has more than ${this.#limits.bytes} bytes: the rest of them is not read`);
        return;
      }
      flow.chunks.push({ from: half.from, ms, bytes });
    }
  }

  #flowOf(segment: Segment): Flow | undefined {
    const key = segment.from < segment.to ? `${segment.from} ${segment.to}` : `${segment.to} ${segment.from}`;
    const known = this.#open.get(key);
    const begins = segment.syn && !segment.ack;
    // The same ports again: another connection, unless the first packet came twice.
    if (known !== undefined && !(begins && known.chunks.length > 0)) return known;
    if (known === undefined && !segment.syn && segment.data.length === 0) return undefined;
    if (this.#flows.length >= this.#limits.connections) {
      if (segment.syn || known === undefined) this.passedOver++;
      this.#open.delete(key);
      return undefined;
    }
    // In the middle of a connection: who sends a ServerHello, or has the lower port, is the server.
    const fromClient = segment.syn ? !segment.ack : looksLikeClient(segment);
    const flow = new Flow(segment, fromClient);
    this.#flows.push(flow);
    this.#open.set(key, flow);
    return flow;
  }
}

function looksLikeClient({ data, fromText, toText }: Segment): boolean {
  if (data[0] === 22 && data[1] === 3 && (data[5] === 1 || data[5] === 2)) return data[5] === 1;
  return portOf(fromText) > portOf(toText);
}

function portOf(text: string): number {
  return Number(text.slice(text.lastIndexOf(':') + 1));
}
