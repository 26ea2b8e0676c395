/**
 * Connections as they happen: what a program tells `handfast view`, a line of JSON each, and what the viewer tells its page. What
 * comes from a program is checked to its last property before anybody keeps it.
 *
 * @module
 */

import { maxLiveLine, type Part, type PartBegins } from '@handfast/tls/recording';
import {
  count,
  dropped,
  error,
  events,
  keyLog,
  negotiated,
  peer,
  role,
  started,
  target,
  word,
} from '../recording/recording.ts';
import { exactly, isTrue, number, object, optional, readAll, type Shape } from '../recording/shape.ts';

export { maxLiveLine, type Part };

/** The first line of a program: who it is. */
export interface LiveProgramLine {
  readonly live: 1;
  /** `node app.js` */
  readonly program: string;
  readonly pid: number;
}

/** So many parts more were dropped, since the viewer was slow. */
export interface LostLine {
  readonly lost: number;
}

/** What a line from a program may be. The first is a `LiveProgramLine`, and no other. */
export type LiveLine = LiveProgramLine | LostLine | Part;

/** What the viewer tells its page. */
export type LiveEvent =
  | { readonly kind: 'program'; readonly program: number; readonly name: string; readonly pid: number }
  /** `program` is the viewer's number of it; the rest as it came, checked by the viewer. */
  | ({ readonly kind: 'part'; readonly program: number } & Part)
  | { readonly kind: 'gone'; readonly program: number }
  /** So many parts of the program are missing by now, in all: the viewer was too slow for them. It may be told again. */
  | { readonly kind: 'lost'; readonly program: number; readonly parts: number }
  /** So many parts more, of whichever, had to make room before this page had read them. It is told once. */
  | { readonly kind: 'missed'; readonly parts: number };

const hello: Shape<LiveProgramLine> = object<LiveProgramLine>({ live: exactly(1), program: word, pid: count });
const lost: Shape<LostLine> = object<LostLine>({ lost: number('integer', 1, Number.MAX_SAFE_INTEGER) });
const begins: Shape<PartBegins> = object<PartBegins>({ role, target: optional(target), started });

const part: Shape<Part> = object<Part>({
  id: count,
  begins: optional(begins),
  events: optional(events),
  keyLog: optional(keyLog),
  negotiated: optional(negotiated),
  peer: optional(peer),
  error: optional(error),
  dropped: optional(dropped),
  ended: optional(isTrue),
});

/**
 * A line of a program, of whichever: checked, and copied.
 * @param json what `JSON.parse` answered.
 * @throws RecordingError that says where it is wrong: `events[3].bytes: …`.
 */
export function readLiveLine(json: unknown): LiveLine {
  const kind: Shape<LiveLine> = has(json, 'live') ? hello : has(json, 'lost') ? lost : part;
  return readAll<LiveLine>(kind, json, { bytes: maxLiveLine }, 'the line');
}

function has(json: unknown, property: string): boolean {
  return typeof json === 'object' && json !== null && Object.hasOwn(json, property);
}
