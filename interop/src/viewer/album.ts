/**
 * What our side saw of each peer, for people to look at: of the connections of a peer, a role and a version one is kept of each
 * kind, which is what messages passed and how it ended. Who the peer is, is known from the job that is under way.
 *
 * @module
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import type { TraceEvent, TraceListener } from '@handfast/tls';
import { type Recorder, type Recording, recorder } from '@handfast/viewer';

/** Whose connection it is. */
export interface Sitter {
  readonly peer: string;
  /** What the peer is. */
  readonly role: string;
  /** What is to be agreed on. */
  readonly version: string;
  /** The case. */
  readonly id: string;
}

/** A connection of our side. */
export interface Picture {
  readonly sitter: Sitter;
  readonly recording: Recording;
  /** What was recorded, as the trace had it. */
  readonly events: readonly TraceEvent[];
}

export interface Album {
  readonly pictures: readonly Picture[];
  /** How many connections there were. */
  readonly seen: number;
}

const sitters = new AsyncLocalStorage<Sitter>();

/** Does `work` with everything that it connects or serves recorded as this sitter's. */
export function sits<T>(sitter: Sitter, work: () => T): T {
  return sitters.run(sitter, work);
}

interface Sitting {
  readonly sitter: Sitter;
  readonly recorder: Recorder;
  readonly events: TraceEvent[];
}

/** By the number of the connection. */
const sittings = new Map<number, Sitting>();
/** By peer, role, version and kind. */
const kept = new Map<string, Picture>();
let seen = 0;

/** A trace listener that records, too; without a sitter, the one that was given. */
export function recorded(listener: TraceListener = () => undefined): TraceListener {
  const sitter = sitters.getStore();
  if (sitter === undefined) return listener;
  return (event) => {
    listener(event);
    const { connection } = event;
    const sitting = sittings.get(connection) ?? { sitter, recorder: recorder({ target: sitter.id }), events: [] };
    sittings.set(connection, sitting);
    sitting.recorder.trace(event);
    sitting.events.push(event);
    if (event.type === 'closed') keep(connection, sitting);
  };
}

function keep(connection: number, { sitter, recorder: { recording }, events }: Sitting): void {
  sittings.delete(connection);
  const made = recording();
  if (made === undefined) return;
  seen++;
  const kind = kindOf(made);
  const version = made.negotiated?.version ?? sitter.version;
  const key = [sitter.peer, sitter.role, version, kind].join('|');
  if (!kept.has(key)) kept.set(key, { sitter: { ...sitter, version }, recording: made, events });
}

/** The messages, whose form is the key exchange's before TLS 1.3; and how it ended. */
function kindOf({ events, negotiated, error }: Recording): string {
  const messages = events.flatMap((event) =>
    event.type === 'message' ? [`${event.direction} ${event.name}`] : event.type === 'early_data' ? ['early data'] : [],
  );
  const [exchange] = negotiated?.cipherSuite.split('_WITH_') ?? [];
  return [exchange, ...messages, error?.certificateCode ?? error?.code ?? 'closed'].join(', ');
}

/** All so far; what has not ended by now is taken as it is. */
export function album(): Album {
  for (const [connection, sitting] of [...sittings]) keep(connection, sitting);
  return { pictures: [...kept.values()], seen };
}
