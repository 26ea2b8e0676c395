/**
 * A handshake as a ladder, from what one side or both have recorded: arrows, what each was protected by, what was decided where,
 * and where it failed. With both sides' recordings it also knows what was sent and never understood.
 *
 * @module
 */

import { toHex } from '@handfast/crypto';
import {
  type Direction,
  fromBase64,
  type RecordedError,
  type RecordedEvent,
  type RecordedNegotiated,
  type RecordedPeer,
  type Recording,
} from '@handfast/tls/recording';
import { escapeWhole } from '@handfast/x509';
import { titleOfType } from '../names.ts';
import { offsetBetween } from './clocks.ts';
import { type Failure, failureOf, isDropped, type Result, resultOf } from './outcome.ts';
import { otherOf, type Party } from './party.ts';
import { carriageOf, type WireRecord } from './records.ts';
import { alertBytes, alertTitle, keyText } from './words.ts';

/** Whose keys protect something: `none` is readable by everybody in between. */
export type Protection = 'none' | 'early' | 'handshake' | 'application';

export interface Arrow {
  readonly kind: 'message' | 'alert' | 'data' | 'change_cipher_spec';
  readonly from: Party;
  /** The RFC's name: `ClientHello`. */
  readonly title: string;
  /** As it was sent: a handshake message with its header, an alert's two bytes, data in plain. */
  readonly bytes: Uint8Array;
  /** How many bytes it had: of data that was not recorded, more than are here. */
  readonly length: number;
  /** What arrived, where that is not what was sent. */
  readonly arrived?: Uint8Array;
  readonly protection: Protection;
  /** Milliseconds from the beginning. */
  readonly at: number;
  /** When it was understood; undefined: never, or nobody has written it down. */
  readonly readAt: number | undefined;
  /** It was sent, and the other side, which was recorded too, has never understood it. */
  readonly unread: boolean;
  /** What carried it: empty where the bytes on the wire were not recorded. */
  readonly records: readonly WireRecord[];
}

/** Something that one side did or found, beside the messages. */
export interface Note {
  readonly kind: 'key' | 'session' | 'early_data' | 'certificate' | 'established' | 'failure' | 'closed' | 'incident';
  /** Undefined: on the way between both. */
  readonly party: Party | undefined;
  readonly at: number;
  readonly text: string;
  readonly good?: boolean;
  readonly protection?: Protection;
  /** Of a failure: what the side that found it says. */
  readonly error?: RecordedError;
}

export type Rung = { readonly arrow: Arrow; readonly note?: never } | { readonly note: Note; readonly arrow?: never };

/** What goes one way before the other side answers, and what was found about it. */
export interface Flight {
  readonly from: Party;
  readonly rungs: readonly Rung[];
  /** Which round trip it begins, counted from 1, until the client is done: undefined for other flights. */
  readonly roundTrip?: number;
}

export interface Secret {
  /** SSLKEYLOGFILE's label: `CLIENT_HANDSHAKE_TRAFFIC_SECRET`. */
  readonly label: string;
  /** In hexadecimal. */
  readonly value: string;
}

export interface Handshake {
  readonly target: string | undefined;
  readonly started: string;
  readonly flights: readonly Flight[];
  /** As the client sees it, where it was recorded. */
  readonly negotiated: RecordedNegotiated | undefined;
  /** What each side found about the other's certificate. */
  readonly peers: Readonly<Partial<Record<Party, RecordedPeer>>>;
  readonly result: Result;
  /** The refusal that ended it. */
  readonly failure: Failure | undefined;
  /** Waiting for the other side, before the client was done. */
  readonly roundTrips: number;
  /** Milliseconds until the client was done; undefined: it never was. */
  readonly readyAt: number | undefined;
  readonly secrets: readonly Secret[];
  /** All that passed the wire, as it was sent, where that was recorded. */
  readonly records: readonly WireRecord[];
}

/** What happened to the bytes on their way, by whoever carried them. */
export interface Incident {
  /** Milliseconds from the first event of the client, or of the only recording. */
  readonly at: number;
  readonly text: string;
}

export interface HandshakeParts {
  readonly client?: Recording | undefined;
  readonly server?: Recording | undefined;
  /** Milliseconds from the client's first event to the server's. Unless set: by both clocks, and by what they say of the messages. */
  readonly serverOffset?: number;
  readonly incidents?: readonly Incident[];
}

/**
 * @throws RangeError where nobody has recorded anything.
 */
export function handshakeOf(parts: HandshakeParts): Handshake {
  const { client, server, incidents = [] } = parts;
  const first = client ?? server;
  if (first === undefined) throw new RangeError('a handshake needs a recording of one side at least');
  const offset = client && server ? (parts.serverOffset ?? offsetBetween(client, server)) : 0;
  const views = [
    ...(client ? [new View('client', client, 0)] : []),
    ...(server ? [new View('server', server, offset)] : []),
  ];
  const rungs = views.flatMap((view) => view.rungs(views.find((other) => other !== view)));
  for (const { at, text } of incidents) {
    rungs.push({ note: { kind: 'incident', party: undefined, at, text: escapeWhole(text) } });
  }
  rungs.sort((a, b) => atOf(a) - atOf(b));
  const readyAt = client && views[0]?.readyAt;
  const { flights, roundTrips } = flightsOf(rungs, readyAt);
  return {
    target: client?.target ?? server?.target,
    started: first.started,
    flights,
    negotiated: client?.negotiated ?? server?.negotiated,
    peers: { ...(client?.peer && { client: client.peer }), ...(server?.peer && { server: server.peer }) },
    result: resultOf(parts),
    failure: failureOf(client, server),
    roundTrips,
    readyAt,
    secrets: secretsOf(client?.keyLog ?? server?.keyLog ?? []),
    records: recordsOf(views),
  };
}

/** All arrows, in their order. */
export function arrowsOf({ flights }: Pick<Handshake, 'flights'>): readonly Arrow[] {
  return flights.flatMap(({ rungs }) => rungs.flatMap(({ arrow }) => arrow ?? []));
}

/** Whether its bytes are here: of data, most often only the length is recorded. */
export function isRecorded({ bytes, length }: Pick<Arrow, 'bytes' | 'length'>): boolean {
  return bytes.length === length;
}

/** What one side has of one message, alert, or piece of data. */
interface Sight {
  readonly kind: Arrow['kind'];
  readonly direction: Direction;
  readonly title: string;
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly protection: Protection;
  readonly at: number;
  /** Its place among the recording's events: a clock may have the same time for many. */
  readonly nth: number;
  readonly records: readonly WireRecord[];
}

/** One side's recording, read once. */
class View {
  readonly party: Party;
  readonly sights: Sight[] = [];
  /** Those of them that came, by kind. */
  readonly came: Readonly<Record<Arrow['kind'], Sight[]>> = {
    message: [],
    alert: [],
    data: [],
    change_cipher_spec: [],
  };
  readonly notes: { readonly note: Note; readonly nth: number }[] = [];
  readonly records: readonly WireRecord[];
  readyAt: number | undefined;
  /** Whether the other side has said that it sent all. */
  #isWhole = false;

  constructor(party: Party, recording: Recording, offset: number) {
    this.party = party;
    const protection: Record<Direction, Protection> = { in: 'none', out: 'none' };
    const hasData = recording.events.some(({ type }) => type === 'data');
    const carriage = carriageOf(recording, party, offset);
    this.records = carriage.records;
    for (const [nth, event] of recording.events.entries()) {
      const at = event.at + offset;
      if (event.type === 'key') protection[event.direction] = event.level;
      const seen = sightOf(event, hasData);
      if (seen !== undefined && 'direction' in event) {
        const { direction } = event;
        const inTheClear = event.type === 'record' && !event.protected;
        this.sights.push({
          ...{ ...seen, direction, at, nth, records: carriage.of(nth) },
          protection: inTheClear ? 'none' : protection[direction],
        });
      }
      if (event.type === 'established') this.readyAt ??= at;
      if (event.type === 'alert' && event.direction === 'in') this.#isWhole ||= event.alert === 'close_notify';
      const note = this.#note(event, recording);
      if (note !== undefined)
        this.notes.push({ note: { party: this.party, ...note, at, text: escapeWhole(note.text) }, nth });
    }
    for (const sight of this.sights) if (sight.direction === 'in') this.came[sight.kind].push(sight);
  }

  /** What is this side's to show, beside `other`: what it sent, its notes, and what came where nobody else has written it down. */
  rungs(other: View | undefined): Rung[] {
    const rungs: { readonly rung: Rung; readonly nth: number }[] = [];
    const counts = new Map<string, number>();
    for (const sight of this.sights) {
      const { kind, direction } = sight;
      if (direction === 'in' && other !== undefined) continue;
      const count = counts.get(kind + direction) ?? 0;
      counts.set(kind + direction, count + 1);
      const match = other?.came[kind][count];
      rungs.push({ rung: { arrow: this.#arrow(sight, match, other !== undefined) }, nth: sight.nth });
    }
    for (const { note, nth } of this.notes) {
      // A key is the sender's to tell, where that one was recorded.
      if (note.kind === 'key' && note.party !== this.party && other !== undefined) continue;
      rungs.push({ rung: { note }, nth });
    }
    return rungs.sort((a, b) => a.nth - b.nth).map(({ rung }) => rung);
  }

  #arrow(sight: Sight, match: Sight | undefined, both: boolean): Arrow {
    const { kind, direction, title, bytes, length, protection, at, records } = sight;
    const from = direction === 'out' ? this.party : otherOf(this.party);
    const changed = match !== undefined && !sameBytes(bytes, match.bytes);
    return {
      ...{ kind, from, title, bytes, length, protection, at, records },
      ...(changed && { arrived: match.bytes }),
      readAt: direction === 'in' ? at : match?.at,
      unread: both && match === undefined && kind !== 'change_cipher_spec',
    };
  }

  #note(
    event: RecordedEvent,
    recording: Recording,
  ): (Omit<Note, 'at' | 'party'> & { readonly party?: Party }) | undefined {
    switch (event.type) {
      case 'key': {
        const party = event.direction === 'out' ? this.party : otherOf(this.party);
        return { kind: 'key', party, text: keyText(event, party), protection: event.level };
      }
      case 'session': {
        const text = {
          offered: 'offers the session of an earlier connection',
          kept: 'keeps a session, to come back by',
        };
        return {
          kind: 'session',
          text: event.action === 'passed over' ? `passes a session over: ${event.why ?? ''}` : text[event.action],
        };
      }
      case 'early_data':
        return event.accepted
          ? { kind: 'early_data', text: 'takes early data, from before the handshake is done', good: true }
          : { kind: 'early_data', text: `takes no early data: ${event.why ?? ''}`, good: false };
      case 'certificate':
        return event.verified
          ? { kind: 'certificate', text: `finds the ${otherOf(this.party)}’s certificate good`, good: true }
          : {
              kind: 'certificate',
              text: `accepts the ${otherOf(this.party)}’s certificate without proof`,
              good: false,
            };
      case 'established':
        return { kind: 'established', text: 'is connected', good: true };
      case 'closed': {
        const { error } = recording;
        if (event.failed && error !== undefined) {
          if (isDropped(error)) return { kind: 'closed', text: 'has dropped the connection' };
          return { kind: 'failure', text: error.message, error, good: false };
        }
        const isWhole = this.#isWhole && !event.failed;
        return { kind: 'closed', text: isWhole ? 'has closed: nothing was cut off' : 'sees the connection end' };
      }
      default:
        return undefined;
    }
  }
}

function sightOf(
  event: RecordedEvent,
  hasData: boolean,
): Pick<Sight, 'kind' | 'title' | 'bytes' | 'length'> | undefined {
  const seen = (kind: Arrow['kind'], title: string, bytes: Uint8Array, length = bytes.length) => ({
    ...{ kind, title, bytes, length },
  });
  switch (event.type) {
    case 'message':
      return seen('message', titleOfType(event.name), fromBase64(event.bytes));
    case 'alert':
      return seen('alert', alertTitle(event.alert), alertBytes(event));
    case 'data':
      return seen('data', 'Application data', fromBase64(event.bytes));
    case 'record':
      if (event.contentType === 20) return seen('change_cipher_spec', 'ChangeCipherSpec', Uint8Array.of(1));
      // Its bytes were not recorded, only how many there were.
      return event.contentType === 23 && !hasData
        ? seen('data', `Application data (${event.length} bytes)`, new Uint8Array(0), event.length)
        : undefined;
    default:
      return undefined;
  }
}

function flightsOf(
  rungs: readonly Rung[],
  readyAt: number | undefined,
): { readonly flights: readonly Flight[]; readonly roundTrips: number } {
  const flights: { from: Party; rungs: Rung[]; roundTrip?: number }[] = [];
  /** What comes before the next flight's arrow, and belongs to it. */
  let before: Rung[] = [];
  let roundTrips = 0;
  for (const rung of rungs) {
    const { arrow } = rung;
    const last = flights.at(-1);
    if (arrow === undefined) (last?.rungs ?? before).push(rung);
    else if (last?.from === arrow.from) last.rungs.push(rung);
    // In TLS 1.3 a client sends it as soon as it has the hello, while the server still speaks: it goes with what follows it.
    else if (arrow.kind === 'change_cipher_spec') before.push(rung);
    else {
      // A server that only says why it goes away answers nothing.
      const answers = arrow.from === 'server' && last !== undefined && arrow.kind !== 'alert';
      if (answers && (readyAt === undefined || arrow.at < readyAt)) last.roundTrip = ++roundTrips;
      flights.push({ from: arrow.from, rungs: [...before, rung] });
      before = [];
    }
  }
  flights.at(-1)?.rungs.push(...before);
  return { flights, roundTrips };
}

/** Each side's by whoever sent them, where that one was recorded; else as they arrived. */
function recordsOf(views: readonly View[]): readonly WireRecord[] {
  const sentBy = (from: Party): readonly WireRecord[] => {
    const own = views.filter(({ party }) => party === from);
    const others = views.filter(({ party }) => party !== from);
    const seen = [...own, ...others].map(({ records }) => records.filter((one) => one.from === from));
    return seen.find(({ length }) => length > 0) ?? [];
  };
  return [...sentBy('client'), ...sentBy('server')].sort((a, b) => a.at - b.at);
}

function secretsOf(lines: readonly string[]): readonly Secret[] {
  return lines.flatMap((line) => {
    const [label, , value] = line.split(' ');
    return label !== undefined && value !== undefined ? [{ label, value }] : [];
  });
}

function atOf({ arrow, note }: Rung): number {
  return arrow === undefined ? note.at : arrow.at;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && toHex(a) === toHex(b);
}
