/**
 * The wire between both sides: in memory, with a clock that jumps over the time on the way, so that a handshake by satellite is there
 * at once and its times are right. It can flip a bit of a flight, or cut it off.
 *
 * @module
 */

import { type Bytes, concat } from '@handfast/crypto';
import type { Connection } from '@handfast/tls';
import type { Party } from '@handfast/viewer';

/** Real time, and what was skipped of it. */
export class Clock {
  #skipped = 0;

  readonly now = (): number => performance.now() + this.#skipped;

  advanceTo(time: number): void {
    this.#skipped += Math.max(0, time - this.now());
  }
}

export interface Tampering {
  readonly kind: 'flip' | 'cut';
  /** Counted from 1: the client's first. */
  readonly flight: number;
  /** Percent of the flight's bytes. */
  readonly place: number;
}

interface Parcel {
  /** Undefined: the end. */
  readonly bytes: Bytes | undefined;
  readonly at: number;
}

interface End {
  readonly connection: Connection;
  readonly outbox: Parcel[];
}

export interface WireOptions {
  readonly clock: Clock;
  /** Milliseconds one way. */
  readonly delay: number;
  readonly tampering: Tampering | undefined;
  readonly incident: (text: string) => void;
}

/** More is a fault of ours: both sides are quiet long before. */
const mostParcels = 1000;

/** Carries bytes until both sides are quiet, then ends what has not ended. */
export async function carry(ends: Readonly<Record<Party, End>>, options: WireOptions): Promise<void> {
  const { clock, delay } = options;
  const way: { readonly to: Party; readonly bytes: Bytes | undefined; readonly at: number }[] = [];
  const parties: readonly Party[] = ['client', 'server'];
  let last: Party = 'server';
  let flight = 0;
  let isCut = false;
  for (let parcels = 0; parcels < mostParcels; parcels++) {
    await settled(ends.client.connection, ends.server.connection);
    for (const from of parties) {
      const sent = ends[from].outbox.splice(0);
      if (sent.length === 0 || isCut) continue;
      if (from !== last) flight++;
      last = from;
      const { parcels: changed, cut } = tamper(sent, flight, options);
      isCut ||= cut;
      const to = from === 'client' ? 'server' : 'client';
      way.push(...changed.map(({ bytes, at }) => ({ to, bytes, at: at + delay }) as const));
      if (cut) way.push({ to: from, bytes: undefined, at: clock.now() + 2 * delay });
    }
    way.sort((a, b) => a.at - b.at);
    const next = way.shift();
    if (next === undefined) break;
    clock.advanceTo(next.at);
    const { connection } = ends[next.to];
    if (next.bytes === undefined) connection.receiveEnd();
    else await give(connection, next.bytes);
  }
  clock.advanceTo(clock.now() + delay);
  for (const party of parties) if (ends[party].connection.phase !== 'closed') ends[party].connection.receiveEnd();
  await settled(ends.client.connection, ends.server.connection);
}

function tamper(
  sent: readonly Parcel[],
  flight: number,
  { tampering, incident }: WireOptions,
): { readonly parcels: readonly Parcel[]; readonly cut: boolean } {
  if (tampering === undefined || tampering.flight !== flight) return { parcels: sent, cut: false };
  const total = sent.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
  const place = Math.min(total - 1, Math.floor((total * tampering.place) / 100));
  const where = `byte ${place + 1} of this flight’s ${total}`;
  let before = 0;
  const parcels: Parcel[] = [];
  for (const { bytes = new Uint8Array(0), at } of sent) {
    const inside = place - before;
    before += bytes.length;
    if (inside < 0 || inside >= bytes.length) {
      if (tampering.kind === 'flip' || inside >= bytes.length) parcels.push({ bytes, at });
    } else if (tampering.kind === 'flip') {
      incident(`somebody in between flips a bit of ${where}`);
      parcels.push({
        bytes: concat(bytes.subarray(0, inside), Uint8Array.of((bytes[inside] ?? 0) ^ 1), bytes.subarray(inside + 1)),
        at,
      });
    } else {
      incident(`the wire is cut: ${where} is the first that does not arrive`);
      parcels.push({ bytes: bytes.slice(0, inside), at }, { bytes: undefined, at });
    }
  }
  return { parcels, cut: tampering.kind === 'cut' };
}

async function give(connection: Connection, bytes: Bytes): Promise<void> {
  let rest: Uint8Array = bytes;
  for (let turns = 0; rest.length > 0 && turns < mostParcels; turns++) {
    rest = rest.subarray(connection.receive(rest));
    await settled(connection);
  }
}

async function settled(...connections: readonly Connection[]): Promise<void> {
  while (connections.some(({ parked, opening, sealing }) => parked || opening || sealing)) await turn();
}

/** A later turn of the event loop, sooner than a timer would give it. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
