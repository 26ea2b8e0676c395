/**
 * A connection explained while it happens (`--explain`): each message with its fields in words and what they are for, what was
 * chosen among what, what each key protects, the certificate path with every check, where the time went; a failure in its place.
 *
 * @module
 */

import { isGrease, type TraceEvent } from '@handfast/tls';
import {
  among,
  dissectMessage,
  type Field,
  groupName,
  type HandshakeMessage,
  keyPurposes,
  partsOf,
  refusalOf,
  suiteName,
  summary,
  whoseTurn,
} from '@handfast/viewer';
import { type Certificate, escapeText, pathChecks } from '@handfast/x509';
import { certificateErrorOf, explain } from './explain.ts';
import type { Colors } from './io.ts';
import { byteCount, duration } from './names.ts';
import { earlyDataNote, nameOf, type Side, sessionNote, wrap } from './transcript.ts';

export interface ExplanationOptions {
  readonly write: (line: string) => void;
  readonly colors: Colors;
  /** Columns. */
  readonly width: number;
}

type Event<T extends TraceEvent['type']> = Extract<TraceEvent, { readonly type: T }>;

/** A terminal without end, a file say, is written for reading all the same. */
const widest = 110;
const labelWidth = 22;
/** Narrower than this a label has a line of its own. */
const roomForLabels = 70;

/** One instance a connection; its events in their order. */
export class Explanation {
  readonly #options: ExplanationOptions;
  readonly #width: number;
  #start: number | undefined;
  /** When the last of ours went out, and nothing has come since. */
  #askedAt: number | undefined;
  #waited = 0;
  #rounds = 0;
  #hello: Extract<HandshakeMessage, { type: 'client_hello' }> | undefined;
  #isTls13 = true;
  #established = false;
  readonly #told = new Set<string>();
  #data: { readonly from: Side; readonly at: number; records: number; bytes: number } | undefined;

  constructor(options: ExplanationOptions) {
    this.#options = options;
    this.#width = Math.max(40, Math.min(widest, options.width));
  }

  event(event: TraceEvent): void {
    this.#start ??= event.at;
    if (event.type === 'record') {
      this.#record(event);
      return;
    }
    this.flush();
    switch (event.type) {
      case 'message':
        this.#message(event);
        break;
      case 'alert':
        this.#clocked(event);
        this.#arrow(this.#from(event), `Alert: ${event.alert}`, '2 bytes', event.at, 'RFC 9846 §6');
        break;
      case 'key':
        this.#key(event);
        break;
      case 'certificate':
        this.#certificate(event);
        break;
      case 'session':
        this.#aside('session', sessionNote(event));
        break;
      case 'early_data':
        this.#aside('early data', earlyDataNote(event));
        break;
      case 'established':
        this.#connected(event);
        break;
      case 'closed':
        this.#closed(event);
        break;
      default:
    }
  }

  /** Tells what is held back: runs of data are one line. */
  flush(): void {
    const data = this.#data;
    if (data === undefined) return;
    this.#data = undefined;
    const records = data.records === 1 ? '1 record' : `${data.records} records`;
    this.#arrow(data.from, 'Application data', `${byteCount(data.bytes)} in ${records}`, data.at, 'RFC 9846 §5.2');
  }

  #from({ role, direction }: { readonly role: Side; readonly direction: 'in' | 'out' }): Side {
    return (role === 'client') === (direction === 'out') ? 'client' : 'server';
  }

  #record(event: Event<'record'>): void {
    if (event.contentType !== 23 || !this.#established) return;
    const from = this.#from(event);
    if (this.#data !== undefined && this.#data.from !== from) this.flush();
    this.#data ??= { from, at: event.at, records: 0, bytes: 0 };
    this.#data.records++;
    this.#data.bytes += event.length;
  }

  /** How long we wait for the other side, until the handshake is done. */
  #clocked({ direction, at }: Event<'message'> | Event<'alert'>): void {
    if (this.#established) return;
    if (direction === 'out') this.#askedAt = at;
    else if (this.#askedAt !== undefined) {
      this.#waited += at - this.#askedAt;
      this.#rounds++;
      this.#askedAt = undefined;
    }
  }

  #message(event: Event<'message'>): void {
    this.#clocked(event);
    const { message, at } = event;
    if (message.type === 'client_hello') this.#hello = message;
    if (message.type === 'legacy_server_hello') this.#isTls13 = false;
    const field = dissectMessage(message.raw, this.#isTls13 ? 'TLS 1.3' : 'before TLS 1.3');
    this.#arrow(this.#from(event), field.name, byteCount(message.raw.length), at, field.section);
    if (this.#isNew(field.meaning)) this.#text(field.meaning);
    const body = field.children?.find(({ name }) => name === 'body');
    if (body !== undefined) for (const part of partsOf(body)) this.#field(part);
    if (message.type === 'server_hello' || message.type === 'legacy_server_hello') this.#choices(message);
  }

  /** What something is for is said once. */
  #isNew(meaning: string | undefined): meaning is string {
    if (meaning === undefined || this.#told.has(meaning)) return false;
    this.#told.add(meaning);
    return true;
  }

  #field(field: Field): void {
    if (field.name === 'extensions') {
      for (const extension of partsOf(field)) this.#field(extension);
      return;
    }
    const said = summary(field) ?? (isExtension(field) ? 'present' : 'empty');
    const section = field.section === undefined ? '' : ` (${field.section})`;
    this.#entry(field.name, said);
    if (this.#isNew(field.meaning)) this.#entry('', this.#options.colors.dim, `${field.meaning}${section}`);
    if (field.problem !== undefined) this.#entry('', this.#options.colors.red, field.problem);
  }

  #choices(hello: Extract<HandshakeMessage, { type: 'server_hello' | 'legacy_server_hello' }>): void {
    const { extensions, cipherSuites } = this.#hello ?? {};
    this.#aside(
      'chosen',
      `${suiteName(hello.cipherSuite)}${among(suiteName(hello.cipherSuite), namesOf(cipherSuites, suiteName), 'suites')}`,
    );
    const group = hello.type === 'server_hello' ? hello.extensions.key_share?.group : undefined;
    if (group !== undefined) {
      this.#aside(
        'chosen',
        `${groupName(group)}${among(groupName(group), namesOf(extensions?.supported_groups, groupName), 'groups')}`,
      );
    }
  }

  #key(event: Event<'key'>): void {
    const whose = this.#from(event);
    // The same for both directions: it is said of each, as each has a key of its own.
    const after =
      event.generation > 0 ? `, after ${event.generation} key update${event.generation > 1 ? 's' : ''}` : '';
    this.#aside(
      'key',
      `what the ${whose} sends is protected by its ${event.level} key from here on (${event.cipherSuite})${after}: for ${keyPurposes[event.level]}`,
    );
  }

  #certificate({ peer, role }: Event<'certificate'>): void {
    const who = role === 'client' ? 'server' : 'client';
    const { green, yellow, dim } = this.#options.colors;
    if (peer.path === undefined) {
      this.#marked('!', yellow, `the ${who}'s certificate is accepted without being verified`);
      if (peer.error !== undefined) this.#text(peer.error.message);
      return;
    }
    this.#marked('✓', green, `the ${who}'s certificate is good: every check on the way to a trusted root was passed`);
    let shown: Certificate | undefined;
    for (const { certificate, rule, detail } of pathChecks(peer.path)) {
      if (certificate !== shown) this.#entry('', `${nameOf(certificate)}`);
      shown = certificate;
      this.#entry('', dim, `  ✓ ${rule.replaceAll('_', ' ')}: ${detail}`);
    }
  }

  #connected({ at, negotiated }: Event<'established'>): void {
    this.#established = true;
    const { green } = this.#options.colors;
    const total = at - (this.#start ?? at);
    const { version, cipherSuite, group, alpnProtocol, resumed } = negotiated;
    const parts = [
      version,
      cipherSuite.name,
      ...(group ? [group.name] : []),
      ...(alpnProtocol ? [`ALPN ${escapeText(alpnProtocol)}`] : []),
    ];
    this.#marked('✓', green, `connected in ${duration(total)}: ${parts.join(', ')}${resumed ? '; resumed' : ''}`);
    const rounds = `${this.#rounds} round trip${this.#rounds === 1 ? '' : 's'}`;
    this.#text(
      `${rounds}: ${duration(this.#waited)} of that were spent waiting for the other side, ${duration(Math.max(0, total - this.#waited))} at work here.`,
    );
  }

  #closed({ error, at, role }: Event<'closed'>): void {
    const { colors } = this.#options;
    if (error === undefined) {
      this.#marked('✓', colors.green, 'both sides said close_notify: nothing was cut off');
      return;
    }
    const { tlsCode: code, origin, alert } = error;
    const { title, cause, turn, remedy } = refusalOf({
      ...{ code, origin, alert, certificateCode: certificateErrorOf(error)?.code },
    });
    const ended = this.#established ? 'broken off' : 'refused';
    this.#marked('✗', colors.red, `${ended} after ${duration(at - (this.#start ?? at))}: ${title}`);
    for (const line of explain(error, colors, this.#width - this.#indent)) {
      this.#options.write(`${' '.repeat(this.#indent)}${line}`);
    }
    this.#options.write('');
    this.#text(cause);
    this.#text(`The turn is ${whoseTurn(turn, role)}: ${remedy}.`);
  }

  // ---- lines

  get #indent(): number {
    return this.#width < roomForLabels ? 2 : 10;
  }

  #arrow(from: Side, title: string, size: string, at: number, section = ''): void {
    const { cyan, magenta, bold, dim } = this.#options.colors;
    const color = from === 'client' ? cyan : magenta;
    const time = `${(at - (this.#start ?? at)).toFixed(1)} ms`;
    const arrow = from === 'client' ? 'client ──▶ server' : 'client ◀── server';
    const room = this.#width - 8 - 2 - arrow.length - 2 - title.length - 2 - size.length - 2;
    this.#options.write('');
    this.#options.write(
      `${dim(time.padStart(8))}  ${color(arrow)}  ${bold(color(title))}, ${size}${section.length <= room ? `  ${dim(section)}` : ''}`,
    );
  }

  #text(text: string): void {
    for (const line of wrap(text, this.#width - this.#indent))
      this.#options.write(`${' '.repeat(this.#indent)}${line}`);
  }

  #aside(label: string, text: string): void {
    this.#entry(label, this.#options.colors.bold, text);
  }

  #marked(mark: string, color: (text: string) => string, text: string): void {
    this.#options.write('');
    for (const [index, line] of wrap(text, this.#width - this.#indent - 2).entries()) {
      this.#options.write(`${' '.repeat(this.#indent)}${color(`${index === 0 ? mark : ' '} ${line}`)}`);
    }
  }

  /** A label, and a text beside it or below. */
  #entry(
    label: string,
    ...given: readonly [text: string] | readonly [style: (text: string) => string, text: string]
  ): void {
    const [style, text] = given.length === 2 ? given : [(part: string) => part, given[0]];
    const indent = ' '.repeat(this.#indent);
    const beside = this.#width >= roomForLabels;
    const hang = beside ? labelWidth : 2;
    const lines = wrap(text, this.#width - this.#indent - hang);
    const ownLine = label !== '' && (!beside || label.length >= labelWidth);
    if (ownLine) this.#options.write(`${indent}${this.#options.colors.dim(label)}`);
    for (const [index, line] of lines.entries()) {
      const head = index === 0 && !ownLine ? label : '';
      this.#options.write(`${indent}${this.#options.colors.dim(head.padEnd(hang))}${style(line)}`);
    }
  }
}

function isExtension({ children }: Field): boolean {
  return children?.some(({ name }) => name === 'extension_type') ?? false;
}

/** Their names, without GREASE (RFC 8701). */
function namesOf(offered: readonly number[] = [], name: (id: number) => string): readonly string[] {
  return offered.filter((id) => !isGrease(id)).map(name);
}
