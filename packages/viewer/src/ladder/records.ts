/**
 * The records of one recording as they passed the wire, and what each holds. A message may lie over several records, and a record may
 * hold several: both are streams of bytes, which are laid side by side. Trace events come in their order, but where an AEAD is
 * asynchronous a record that goes out is told of before its bytes are there, and one that comes in after others.
 *
 * @module
 */

import { type Direction, fromBase64, type RecordedEvent, type Recording } from '@handfast/tls/recording';
import { dissectMessage } from '../dissect/messages.ts';
import { titleOfType } from '../names.ts';
import type { Protection } from './handshake.ts';
import { otherOf, type Party } from './party.ts';
import { alertTitle, find } from './words.ts';

/** Bytes of a message that lie in a record. */
export interface Piece {
  /** The message's: `Certificate`. */
  readonly title: string;
  /** Where in the record's content. */
  readonly start: number;
  readonly end: number;
  /** Its first byte's place in the message, and how long that is. */
  readonly from: number;
  readonly total: number;
}

export interface WireRecord {
  readonly from: Party;
  /** Milliseconds from the beginning. */
  readonly at: number;
  /** Header and payload, as they passed. */
  readonly bytes: Uint8Array;
  /** Whose keys protect it. */
  readonly protection: Protection;
  readonly protected: boolean;
  /** What protects it, where that is known: `TLS_AES_128_GCM_SHA256`. */
  readonly cipherSuite: string | undefined;
  /** Whether the MAC is over what was encrypted (RFC 7366). */
  readonly encryptThenMac: boolean;
  /** Counted from 0 under its key. Both sides count: it is not sent. */
  readonly sequence: number | undefined;
  /** What was found when it was opened; undefined: whoever recorded it has not opened it. */
  readonly content: { readonly type: number; readonly length: number } | undefined;
  readonly pieces: readonly Piece[];
}

/** Whether what carried this was protected by a key that nobody has told of: a capture's, without its key log. */
export function isSealed({
  protection,
  records,
}: {
  readonly protection: Protection;
  readonly records: readonly WireRecord[];
}): boolean {
  return protection === 'none' && records.some((record) => record.protected);
}

type EventOf<T extends RecordedEvent['type']> = Extract<RecordedEvent, { readonly type: T }>;

/** A record as the trace told of it. */
interface Told {
  readonly nth: number;
  readonly event: EventOf<'record'>;
  readonly protection: Protection;
  readonly cipherSuite: string | undefined;
  readonly sequence: number | undefined;
}

/** A record as it passed. */
interface Passed {
  readonly nth: number;
  readonly at: number;
  readonly bytes: Uint8Array;
  told?: Told;
}

interface Lane {
  protection: Protection;
  cipherSuite: string | undefined;
  sequence: number;
  /** Told of, without their bytes so far. */
  readonly told: Told[];
  /** Passed, and nobody has said so far what they are. */
  readonly passed: Passed[];
}

const headerLength = 5;

/** So many may pass before somebody says what they are: more than anybody reads ahead. */
const mostAhead = 256;

/** The records of one side's recording, and of each of its events those that carried it. */
export interface Carriage {
  readonly records: readonly WireRecord[];
  /** @param nth the event's place among the recording's */
  of(nth: number): readonly WireRecord[];
}

/**
 * @param party whose recording it is
 * @param offset milliseconds that its times are late by
 */
export function carriageOf(recording: Recording, party: Party, offset: number): Carriage {
  const passed = passedIn(recording);
  const { piecesOf, carriers } = share(recording, passed);
  const encryptThenMac = hasEncryptThenMac(recording);
  const made = new Map<Passed, WireRecord>();
  for (const { one, direction } of passed) {
    const { bytes, at, told } = one;
    made.set(one, {
      ...{ from: direction === 'out' ? party : otherOf(party), at: at + offset, bytes, encryptThenMac },
      protection: told?.protection ?? 'none',
      protected: told?.event.protected ?? looksProtected(bytes),
      cipherSuite: told?.cipherSuite,
      sequence: told?.sequence,
      content: told !== undefined && isOpened(one, told) ? contentOf(told) : undefined,
      pieces: piecesOf.get(one) ?? [],
    });
  }
  return {
    records: [...made.values()],
    of: (nth) => (carriers.get(nth) ?? []).flatMap((one) => made.get(one) ?? []),
  };
}

/** All records in the order in which they passed, each with what the trace told of it. */
function passedIn({ events }: Recording): readonly { readonly one: Passed; readonly direction: Direction }[] {
  const all: { readonly one: Passed; readonly direction: Direction }[] = [];
  const lane = (): Lane => ({ protection: 'none', cipherSuite: undefined, sequence: 0, told: [], passed: [] });
  const lanes: Readonly<Record<Direction, Lane>> = { in: lane(), out: lane() };
  let established = false;
  for (const [nth, event] of events.entries()) {
    if (event.type === 'established') established = true;
    else if (event.type === 'key') {
      const { level: protection, cipherSuite } = event;
      Object.assign(lanes[event.direction], { protection, cipherSuite, sequence: 0 });
    } else if (event.type === 'record') tell(lanes[event.direction], nth, event, established);
    else if (event.type === 'wire') {
      const { passed, told } = lanes[event.direction];
      const one: Passed = { nth, at: event.at, bytes: fromBase64(event.bytes) };
      all.push({ one, direction: event.direction });
      const first = told[0];
      if (first !== undefined && fits(one, first)) one.told = told.shift() as Told;
      else if (passed.push(one) > mostAhead) passed.shift();
    }
  }
  return all;
}

function tell(lane: Lane, nth: number, event: EventOf<'record'>, established: boolean): void {
  const { protection, cipherSuite } = lane;
  const isProtected = event.protected;
  const told: Told = {
    ...{ nth, event },
    protection: isProtected ? protection : 'none',
    cipherSuite: isProtected ? cipherSuite : undefined,
    sequence: isProtected && cipherSuite !== undefined ? lane.sequence++ : undefined,
  };
  if (lane.passed.length === 0) {
    if (event.direction === 'out') lane.told.push(told);
    return;
  }
  // In a handshake one record is read at a time: those before were passed over (early data that was refused). Later they are read
  // ahead, and none is passed over.
  const matching = (one: Passed): boolean => fits(one, told);
  const place = established ? lane.passed.findIndex(matching) : lane.passed.findLastIndex(matching);
  const found = lane.passed[place];
  if (found === undefined) return;
  found.told = told;
  lane.passed.splice(0, place + 1);
}

function fits({ bytes }: Passed, { event }: Told): boolean {
  const { contentType, length, protected: isProtected } = event;
  const outer = bytes[0];
  const payload = bytes.length - headerLength;
  if (!isProtected) return outer === contentType && payload === length;
  return (outer === contentType || outer === 23) && payload >= length;
}

/** What is sealed is longer than what it holds: else it was told of as it is. */
function isOpened({ bytes }: Passed, { event }: Told): boolean {
  return !event.protected || bytes.length - headerLength > event.length;
}

function contentOf({ event: { contentType, length } }: Told): { readonly type: number; readonly length: number } {
  return { type: contentType, length };
}

/** Application data never passes in the clear. */
function looksProtected(bytes: Uint8Array): boolean {
  return bytes[0] === 23;
}

/** A part of a stream: what an event sent. */
interface Sent {
  readonly nth: number;
  readonly title: string;
  readonly length: number;
}

interface Shared {
  readonly piecesOf: ReadonlyMap<Passed, readonly Piece[]>;
  /** By the event's place. */
  readonly carriers: ReadonlyMap<number, readonly Passed[]>;
}

/** Which record has which bytes of which event. */
function share(
  recording: Recording,
  passed: readonly { readonly one: Passed; readonly direction: Direction }[],
): Shared {
  const piecesOf = new Map<Passed, Piece[]>();
  const carriers = new Map<number, Passed[]>();
  const streams = streamsOf(recording);
  for (const direction of ['in', 'out'] as const) {
    const told = passed
      .flatMap(({ one, direction: its }) =>
        one.told !== undefined && its === direction ? { one, told: one.told } : [],
      )
      .sort((a, b) => a.told.nth - b.told.nth);
    for (const { one, told: known } of told) listIn(carriers, known.nth).push(one);
    for (const [type, sent] of streams[direction]) {
      const records = told.filter(({ one, told: known }) => known.event.contentType === type && isOpened(one, known));
      let [place, from] = [0, 0];
      for (const { one, told: known } of records) {
        for (let start = 0; start < known.event.length && place < sent.length; ) {
          const { nth, title, length: total } = sent[place] as Sent;
          const end = Math.min(known.event.length, start + total - from);
          if (end > start || total === 0) {
            listIn(piecesOf, one).push({ title, start, end, from, total });
            const all = listIn(carriers, nth);
            if (all.at(-1) !== one) all.push(one);
          }
          from += end - start;
          start = end;
          if (from >= total) [place, from] = [place + 1, 0];
        }
      }
    }
  }
  return { piecesOf, carriers };
}

/** By direction and content type: what was sent, in order. */
function streamsOf({ events }: Recording): Readonly<Record<Direction, ReadonlyMap<number, readonly Sent[]>>> {
  const streams = { in: new Map<number, Sent[]>(), out: new Map<number, Sent[]>() };
  const hasData = events.some(({ type }) => type === 'data');
  for (const [nth, event] of events.entries()) {
    const sent = sentBy(event, hasData);
    if (sent === undefined || !('direction' in event)) continue;
    const [type, title, length] = sent;
    listIn(streams[event.direction], type).push({ nth, title, length });
  }
  return streams;
}

function sentBy(
  event: RecordedEvent,
  hasData: boolean,
): readonly [type: number, title: string, length: number] | undefined {
  if (event.type === 'message') return [22, titleOfType(event.name), fromBase64(event.bytes).length];
  if (event.type === 'alert') return [21, alertTitle(event.alert), 2];
  if (event.type === 'data') return [23, 'Application data', fromBase64(event.bytes).length];
  if (event.type !== 'record') return undefined;
  if (event.contentType === 20) return [20, 'ChangeCipherSpec', event.length];
  return event.contentType === 23 && !hasData ? [23, 'Application data', event.length] : undefined;
}

function listIn<K, V>(map: Map<K, V[]>, key: K): V[] {
  const list = map.get(key) ?? [];
  map.set(key, list);
  return list;
}

function hasEncryptThenMac({ events }: Recording): boolean {
  return events.some(
    (event) =>
      event.type === 'message' &&
      event.name === 'legacy_server_hello' &&
      find(dissectMessage(fromBase64(event.bytes), 'before TLS 1.3'), 'encrypt_then_mac') !== undefined,
  );
}
