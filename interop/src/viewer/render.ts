/**
 * Whether a connection can be shown to people whole: its ladder, every byte of every message as a field, what was chosen, the keys,
 * and the command's own words (`--explain`, `--trace`). What cannot is said, with its place.
 *
 * @module
 */

import type { TraceEvent } from '@handfast/tls';
import {
  arrowsOf,
  choicesOf,
  dissectArrow,
  type Field,
  type Handshake,
  handshakeOf,
  is13,
  type MessageVersion,
  partsOf,
  readRecording,
  scheduleOf,
  summary,
} from '@handfast/viewer';
import { Explanation } from '../../../packages/cli/src/explanation.ts';
import { colorsFor } from '../../../packages/cli/src/io.ts';
import { Transcript } from '../../../packages/cli/src/transcript.ts';
import type { Picture } from './album.ts';

export interface Rendered {
  readonly messages: number;
  readonly fields: number;
  readonly faults: readonly string[];
}

/** A connection as the page and the command show it. */
export function render({ recording, events }: Picture): Rendered {
  const faults: string[] = [];
  const said = (fault: string): void => {
    if (!faults.includes(fault)) faults.push(fault);
  };
  let [messages, fields] = [0, 0];
  try {
    if (recording.dropped !== undefined) said(`${recording.dropped.events} events were left out`);
    const read = readRecording(JSON.parse(JSON.stringify(recording)));
    const handshake = handshakeOf({ [read.role]: read });
    const version = is13(handshake) ? 'TLS 1.3' : 'before TLS 1.3';
    for (const arrow of arrowsOf(handshake)) {
      const field = dissectArrow(arrow, version);
      if (arrow.kind === 'message') messages++;
      fields += look(field, arrow.title, said);
      if (field.end !== arrow.bytes.length) said(`${arrow.title}: ${field.end} of ${arrow.bytes.length} bytes`);
      if (field.meaning === undefined || field.section === undefined) said(`${arrow.title}: no words on what it is`);
    }
    for (const fault of [...faultsOfNotes(handshake), ...faultsOfChoices(handshake, version)]) said(fault);
    for (const fault of [...faultsOfKeys(handshake), ...faultsOfText(events)]) said(fault);
  } catch (error) {
    said(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  return { messages, fields, faults };
}

/** Names that stand for numbers which no registry knows. */
const nameless = /\(unknown\)|^unknown \(|^(extension|message of type) \d|^0x[0-9a-f]+$|^[0-2]\.\d+(\.\d+){2,}$/i;

/** How many fields there are, each looked at. */
function look(field: Field, way: string, said: (fault: string) => void): number {
  const { name, start, end, value, meaning, section, problem, children } = field;
  if (problem !== undefined) said(`${way}: ${problem}`);
  if (nameless.test(name) || (value !== undefined && nameless.test(value))) {
    said(`nobody knows the name of ${name}${value === undefined ? '' : `, ${value}`}`);
  }
  if ([name, value, meaning, section].some((text) => text === '' || text?.includes('undefined'))) {
    said(`${way}: words are missing`);
  }
  let next = start;
  let count = 1;
  for (const child of children ?? []) {
    if (child.start !== next) said(`${way}: ${child.name} begins at ${child.start}, not at ${next}`);
    next = child.end;
    count += look(child, `${way} › ${child.name}`, said);
  }
  if (children !== undefined && next !== end) said(`${way}: ${end - next} bytes belong to no field`);
  if (section === 'RFC 9846 §4.3') {
    for (const extension of partsOf(field)) {
      if (extension.meaning === undefined || extension.section === undefined) {
        said(`${way} › ${extension.name}: no words on what it is for`);
      }
    }
  }
  // What has bytes has something to say of them.
  if (children === undefined && end > start && summary(field) === undefined) said(`${way}: it says nothing`);
  return count;
}

function faultsOfNotes({ flights }: Handshake): readonly string[] {
  return flights
    .flatMap(({ rungs }) => rungs.flatMap(({ note }) => note ?? []))
    .filter(({ text }) => text.trim() === '' || /undefined|: $/.test(text))
    .map(({ kind, text }) => `the note of ${kind} says ${JSON.stringify(text)}`);
}

function faultsOfChoices(handshake: Handshake, version: MessageVersion): readonly string[] {
  const fieldsOf = (title: string): readonly Field[] =>
    arrowsOf(handshake)
      .filter((arrow) => arrow.title === title)
      .map((arrow) => dissectArrow(arrow, version));
  const [hello] = fieldsOf('ClientHello');
  return [...fieldsOf('ServerHello'), ...fieldsOf('HelloRetryRequest')].flatMap((answer) => {
    const lines = choicesOf(hello, answer);
    if (lines.length === 0) return [`${answer.name}: nothing was chosen`];
    return lines
      .filter((line) => !line.startsWith('ALPN ') && !line.includes(', the '))
      .map((line) => `chosen: ${line}`);
  });
}

function faultsOfKeys(handshake: Handshake): readonly string[] {
  if (handshake.negotiated === undefined) return [];
  const nodes = scheduleOf(handshake);
  const known = new Set(nodes.map(({ id }) => id));
  const reached = nodes.filter(({ kind, used }) => kind === 'secret' && used);
  return [
    ...(reached.length === 0 ? ['no secret protects anything'] : []),
    ...nodes.flatMap(({ id, from }) => from.filter((one) => !known.has(one)).map((one) => `${id} comes of ${one}`)),
  ];
}

const plain = colorsFor(process.stderr, {}, false);

/** Events of which the command says something. */
const told: ReadonlySet<TraceEvent['type']> = new Set([
  ...(['message', 'alert', 'key', 'certificate', 'session', 'early_data', 'established', 'closed'] as const),
]);

/** What `--explain` and `--trace` say, as far as it is not as it should be. */
function faultsOfText(events: readonly TraceEvent[]): readonly string[] {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const explanation = new Explanation({ write, colors: plain, width: 100 });
  const silent = events.filter((event) => {
    const before = lines.length;
    explanation.event(event);
    return told.has(event.type) && lines.length === before;
  });
  explanation.flush();
  const transcript = new Transcript({ write, colors: plain });
  transcript.header();
  for (const event of events) transcript.event(event);
  transcript.flush();
  return [
    ...silent.map(({ type }) => `--explain says nothing of the event ${type}`),
    ...lines
      .filter((line) => /\bundefined\b|\[object|\bNaN\b/.test(line))
      .map((line) => `the command says ${line.trim()}`),
    ...(lines.every((line) => line.trim() === '') ? ['the command says nothing'] : []),
  ];
}
