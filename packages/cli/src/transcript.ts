/**
 * A connection as a sequence diagram for people: the engine's trace, one side's view of it, drawn line by line as it
 * happens. Names and brackets are those of RFC 9846's figure: `{…}` under handshake keys, `[…]` under application keys.
 *
 * @module
 */

import { isGrease, type TraceEvent } from '@handfast/tls';
import {
  curveOf,
  groupName,
  groupNote,
  type HandshakeMessage,
  messageTitle,
  schemeName,
  suiteName,
  versionName,
} from '@handfast/viewer';
import {
  type Certificate,
  CertificateError,
  escapeText,
  keyLabel,
  parseCertificate,
  parseDirectoryName,
  pathChecks,
} from '@handfast/x509';
import type { Colors } from './io.ts';
import { byteCount, duration } from './names.ts';

export interface TranscriptOptions {
  readonly write: (line: string) => void;
  readonly colors: Colors;
  /** What the records of application data say, where the caller knows. Called once for each run of records. */
  readonly describeData?: (from: Side) => string | undefined;
}

export type Side = 'client' | 'server';
type Level = 'plain' | Extract<TraceEvent, { type: 'key' }>['level'];

/** The RFC's brackets, by the keys that a message goes under. */
const brackets: Readonly<Record<Level, readonly [string, string]>> = {
  plain: ['', ''],
  early: ['(', ')'],
  handshake: ['{', '}'],
  application: ['[', ']'],
};
type Note = readonly [label: string, text: string];

const timeWidth = 8;
const laneWidth = 70;
const noteIndent = 3;
const labelWidth = 15;

const applicationData = 23;

/** Draws what it is told by `event`; one instance a connection. */
export class Transcript {
  readonly #options: TranscriptOptions;
  readonly #levels: Record<Side, Level> = { client: 'plain', server: 'plain' };
  #start: number | undefined;
  #lastTime = '';
  #finished = 0;
  #hello: Extract<HandshakeMessage, { type: 'client_hello' }> | undefined;
  #data: { readonly from: Side; readonly at: number; records: number; bytes: number } | undefined;

  constructor(options: TranscriptOptions) {
    this.#options = options;
  }

  /** The two names at the top. */
  header(): void {
    const { dim, bold } = this.#options.colors;
    const gap = ' '.repeat(laneWidth - 2 - 'client'.length - 'server'.length);
    this.#line(`${dim('ms'.padStart(timeWidth))}  ${bold('client')}${gap}${bold('server')}`);
  }

  /** A trace event, of one side's config alone: both sides' would tell everything twice. */
  event(event: TraceEvent): void {
    this.#start ??= event.at;
    if (event.type === 'state' || event.type === 'work' || event.type === 'wire' || event.type === 'data') return;
    if (event.type === 'record') {
      this.#record(event);
      return;
    }
    this.flush();
    if (event.type === 'message') this.#message(event);
    else if (event.type === 'key') this.#levels[this.#from(event)] = event.level;
    else if (event.type === 'alert') this.#alert(event);
    else if (event.type === 'certificate') this.#certificate(event);
    else if (event.type === 'established')
      this.#rule(`connected in ${duration(event.at - this.#start)} · from here on [application keys]`);
    else if (event.type === 'early_data') this.#note(' ', earlyDataNote(event), this.#options.colors.dim);
    else if (event.type === 'session') this.#note(' ', sessionNote(event), this.#options.colors.dim);
    else if (event.error !== undefined) this.#note('✗', event.error.tlsCode, this.#options.colors.red);
  }

  /** A line of the caller's in between. */
  remark(mark: '✓' | '✗', text: string): void {
    this.flush();
    const { green, red } = this.#options.colors;
    this.#note(mark, text, mark === '✓' ? green : red);
  }

  /** Draws what is held back: runs of data records are one arrow. */
  flush(): void {
    const data = this.#data;
    if (data === undefined) return;
    this.#data = undefined;
    const records = data.records === 1 ? '' : ` in ${data.records} records`;
    this.#arrow(
      data.from,
      this.#bracketed(data.from, 'Application Data'),
      `${byteCount(data.bytes)}${records}`,
      data.at,
    );
    const text = this.#options.describeData?.(data.from);
    if (text !== undefined) this.#notes([['', text]]);
  }

  #from({ role, direction }: { readonly role: Side; readonly direction: 'in' | 'out' }): Side {
    return (role === 'client') === (direction === 'out') ? 'client' : 'server';
  }

  #record(event: Extract<TraceEvent, { type: 'record' }>): void {
    if (event.contentType !== applicationData) return;
    const from = this.#from(event);
    if (this.#data !== undefined && this.#data.from !== from) this.flush();
    this.#data ??= { from, at: event.at, records: 0, bytes: 0 };
    this.#data.records++;
    this.#data.bytes += event.length;
  }

  #message(event: Extract<TraceEvent, { type: 'message' }>): void {
    const { message } = event;
    const from = this.#from(event);
    if (message.type === 'client_hello') this.#hello = message;
    this.#arrow(from, this.#bracketed(from, messageTitle(message)), byteCount(message.raw.length), event.at);
    this.#notes(this.#notesOf(message, from));
    if (message.type === 'server_hello') this.#rule('both know the secret · from here on {handshake keys}');
  }

  #alert(event: Extract<TraceEvent, { type: 'alert' }>): void {
    const from = this.#from(event);
    const fatal = event.alert !== 'close_notify' && event.alert !== 'user_canceled';
    this.#arrow(from, this.#bracketed(from, `Alert: ${event.alert}`), '2 bytes', event.at, fatal);
    if (event.alert === 'close_notify') this.#notes([['', `the ${from} has said all; nothing was cut off`]]);
  }

  #certificate({ peer, role }: Extract<TraceEvent, { type: 'certificate' }>): void {
    const who = role === 'client' ? 'server' : 'client';
    const { yellow, green } = this.#options.colors;
    if (peer.path === undefined) {
      const why = peer.error?.message ?? 'no path to a trust anchor';
      this.#note('!', `the ${who}'s certificate is accepted without being verified: ${why}`, yellow);
      return;
    }
    const [leaf, ...above] = peer.path.path;
    const chain = above.map((certificate) => nameOf(certificate)).join(', by ');
    const name = leaf === undefined ? 'nobody' : nameOf(leaf);
    this.#note('✓', `verified: ${name}${chain ? `, signed by ${chain}` : ', whom we trust itself'}`, green);
    const rules = [...new Set(pathChecks(peer.path).map(({ rule }) => rule.replace('_', ' ')))].join(', ');
    this.#note(' ', `by ${rules}`, this.#options.colors.dim);
  }

  // ---- what there is to say of a message

  #notesOf(message: HandshakeMessage, from: Side): readonly Note[] {
    switch (message.type) {
      case 'client_hello':
        return clientHelloNotes(message);
      case 'server_hello':
        return serverHelloNotes(message, this.#hello);
      case 'legacy_server_hello':
        return [
          ['version', versionName(message.legacyVersion)],
          ['cipher suite', `${suiteName(message.cipherSuite)}${ofOffered(this.#hello?.cipherSuites)}`],
          ...(message.extensions.extended_master_secret
            ? [['', 'keys will be bound to this whole handshake (extended master secret)'] as const]
            : []),
        ];
      case 'hello_retry_request': {
        const { key_share: group, cookie } = message.extensions;
        return [
          ...(group === undefined ? [] : [['asks for', `a key share of ${groupName(group)}`] as const]),
          ...(cookie === undefined ? [] : [['cookie', byteCount(cookie.length)] as const]),
        ];
      }
      case 'encrypted_extensions': {
        const chosen = message.extensions.application_layer_protocol_negotiation;
        const offered = this.#hello?.extensions.application_layer_protocol_negotiation?.map(escapeText).join(', ');
        return [
          ...(chosen === undefined
            ? []
            : [['ALPN', `${escapeText(chosen)}${offered === undefined ? '' : ` (of ${offered})`}`] as const]),
          ...(message.extensions.early_data ? [['early data', 'accepted'] as const] : []),
        ];
      }
      case 'certificate_request':
        return [whoIsTheClient(message.extensions.certificate_authorities)];
      case 'certificate_request_12':
        return [whoIsTheClient(message.certificateAuthorities)];
      case 'certificate':
      case 'certificate_12':
        return message.chain.length === 0
          ? [['', `empty: the ${from} has none to show`]]
          : message.chain.map((der) => ['', describeDer(der)] as const);
      case 'certificate_verify':
        return [['', `the ${from} proves that it holds the key: ${schemeName(message.algorithm)}`]];
      case 'certificate_verify_12':
        return [['', `the ${from} proves that it holds the key${signedWith(message.algorithm)}`]];
      case 'server_key_exchange': {
        const curve = curveOf(message.body);
        return [
          ...(curve === undefined ? [] : [['key share', `${curve}: ${groupNote(curve)}`] as const]),
          ['', 'signed: the server proves that it holds the key of its certificate'] as const,
        ];
      }
      case 'client_key_exchange':
        return [['', 'the client’s share: from here on both know the secret']];
      case 'certificate_status':
        return [['', `the certificate’s status, by its issuer (${byteCount(message.ocspResponse.length)})`]];
      case 'hello_request':
      case 'server_hello_done':
        return [];
      case 'end_of_early_data':
        return [['', `all early data has been sent`]];
      case 'finished':
        // Said of the first: the second is the same from the other side.
        return this.#finished++ > 0 ? [] : [['', `a MAC over all of the above, as the ${from} saw it`]];
      case 'key_update': {
        const request = message.updateRequested
          ? `, and asks the ${from === 'client' ? 'server' : 'client'} to do the same`
          : '';
        return [['', `the ${from} changes its keys${request}`]];
      }
      case 'new_session_ticket':
        return [['', ticketNote(message)]];
      case 'new_session_ticket_12':
        return [['', `to come back by, for ${message.lifetimeHint.toLocaleString('en')} s`]];
    }
  }

  // ---- drawing

  #bracketed(from: Side, title: string): string {
    const [before, after] = brackets[this.#levels[from]];
    return `${before}${title}${after}`;
  }

  #arrow(from: Side, title: string, size: string, at: number, fatal = false): void {
    const { cyan, magenta, bold, dim, red } = this.#options.colors;
    const color = fatal ? red : from === 'client' ? cyan : magenta;
    const inner = laneWidth - 2;
    const fill = Math.max(1, inner - title.length - size.length - 8);
    const line =
      from === 'client'
        ? ` ${bold(color(title))} ${color('─'.repeat(fill))} ${dim(size)} ${color('───▶')}`
        : `${color('◀───')} ${dim(size)} ${color('─'.repeat(fill))} ${bold(color(title))} `;
    this.#lane(line, inner, this.#time(at));
  }

  #notes(notes: readonly Note[]): void {
    const { dim } = this.#options.colors;
    for (const [label, text] of notes) {
      const indent = noteIndent + (label === '' ? 0 : labelWidth);
      for (const [index, part] of wrap(text, laneWidth - 3 - indent).entries()) {
        const head = index === 0 && label !== '' ? label.padEnd(labelWidth) : ' '.repeat(indent - noteIndent);
        this.#lane(`${' '.repeat(noteIndent)}${dim(head)}${part}`, indent + part.length);
      }
    }
  }

  #note(mark: string, text: string, color: (text: string) => string): void {
    for (const [index, part] of wrap(text, laneWidth - 5 - noteIndent).entries()) {
      this.#lane(
        `${' '.repeat(noteIndent)}${color(`${index === 0 ? mark : ' '} ${part}`)}`,
        noteIndent + 2 + part.length,
      );
    }
  }

  #rule(text: string): void {
    const { dim } = this.#options.colors;
    const space = laneWidth - 4 - text.length;
    const left = '┄'.repeat(Math.max(1, Math.floor(space / 2)));
    const right = '┄'.repeat(Math.max(1, Math.ceil(space / 2)));
    this.#line(`${' '.repeat(timeWidth + 1)}${dim(`├${left} ${text} ${right}┤`)}`);
  }

  /** A line between the two sides; `length` is what it takes on screen. */
  #lane(content: string, length: number, time = ''): void {
    const { dim } = this.#options.colors;
    const bar = dim('│');
    this.#line(
      `${dim(time.padStart(timeWidth))} ${bar}${content}${' '.repeat(Math.max(0, laneWidth - 2 - length))}${bar}`,
    );
  }

  #time(at: number): string {
    const time = (at - (this.#start ?? at)).toFixed(1);
    // A flight's messages share their time: it stands once.
    const shown = time === this.#lastTime ? '' : time;
    this.#lastTime = time;
    return shown;
  }

  #line(text: string): void {
    this.#options.write(text);
  }
}

function clientHelloNotes(hello: Extract<HandshakeMessage, { type: 'client_hello' }>): readonly Note[] {
  const { extensions } = hello;
  const shares = extensions.key_share?.filter(({ group }) => !isGrease(group));
  const notes: readonly (readonly [string, string | undefined])[] = [
    ['versions', list(extensions.supported_versions ?? [hello.legacyVersion], versionName)],
    ['cipher suites', list(hello.cipherSuites, suiteName, 3)],
    ['groups', list(extensions.supported_groups, groupName, 5)],
    [
      'key shares',
      shares?.map(({ group, keyExchange }) => `${groupName(group)} (${byteCount(keyExchange.length)})`).join(', '),
    ],
    ['signatures', list(extensions.signature_algorithms, schemeName, 1)],
    ['server name', extensions.server_name && escapeText(extensions.server_name)],
    ['ALPN', extensions.application_layer_protocol_negotiation?.map(escapeText).join(', ')],
  ];
  return notes.flatMap(([label, text]) => (text === undefined || text === '' ? [] : [[label, text] as const]));
}

function serverHelloNotes(
  { cipherSuite, extensions }: Extract<HandshakeMessage, { type: 'server_hello' }>,
  hello: Extract<HandshakeMessage, { type: 'client_hello' }> | undefined,
): readonly Note[] {
  const group = extensions.key_share?.group;
  const notes: Note[] = [['cipher suite', `${suiteName(cipherSuite)}${ofOffered(hello?.cipherSuites)}`]];
  if (group !== undefined) {
    const name = groupName(group);
    notes.push(['key share', `${name}${ofOffered(hello?.extensions.supported_groups)}: ${groupNote(name)}`]);
  }
  return notes;
}

/** ` (of 9)` */
function ofOffered(offered: readonly number[] | undefined): string {
  const count = offered?.filter((id) => !isGrease(id)).length;
  return count === undefined ? '' : ` (of ${count})`;
}

function signedWith(algorithm: number | undefined): string {
  return algorithm === undefined ? '' : `: ${schemeName(algorithm)}`;
}

function whoIsTheClient(authorities: readonly Uint8Array[] | undefined): Note {
  const names = authorities?.map(authorityName).join(', ');
  return ['', `and who is the client?${names ? ` One signed by ${names}` : ''}`];
}

function list(ids: readonly number[] | undefined, name: (id: number) => string, most = 8): string | undefined {
  const known = ids?.filter((id) => !isGrease(id));
  if (known === undefined) return undefined;
  const shown = known.slice(0, most).map(name).join(', ');
  return known.length > most ? `${shown} and ${known.length - most} more` : shown;
}

function describeDer(der: Uint8Array): string {
  try {
    const certificate = parseCertificate(der);
    const issuer = escapeText(certificate.issuer.commonName ?? certificate.issuer.toString());
    const by = certificate.selfIssued ? 'signed by itself' : `signed by ${issuer}`;
    return `${nameOf(certificate)}, ${by} (${keyLabel(certificate.publicKey)})`;
  } catch (error) {
    if (error instanceof CertificateError) return `a certificate that cannot be read: ${error.message}`;
    throw error;
  }
}

function authorityName(der: Uint8Array): string {
  try {
    const name = parseDirectoryName(new Uint8Array(der));
    return escapeText(name.commonName ?? name.toString());
  } catch (error) {
    if (error instanceof CertificateError) return 'a name that cannot be read';
    throw error;
  }
}

/** A certificate's name for people: its subject's common name, else its first host name. Escaped. */
export function nameOf(certificate: Certificate): string {
  const { commonName } = certificate.subject;
  return escapeText(commonName ?? firstName(certificate) ?? certificate.subject.toString());
}

function firstName(certificate: Certificate): string | undefined {
  try {
    return certificate.subjectAltName?.dnsNames[0];
  } catch (error) {
    if (error instanceof CertificateError) return undefined;
    throw error;
  }
}

/** Lines of at most `width` characters, broken at spaces where there are some. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (let word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    while (word.length > width) {
      lines.push(word.slice(0, width));
      word = word.slice(width);
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines;
}

function ticketNote({ ticketLifetime, extensions }: Extract<HandshakeMessage, { type: 'new_session_ticket' }>): string {
  const { early_data: early = 0 } = extensions;
  const withEarlyData = early === 0 ? '' : `, with up to ${byteCount(early)} of early data`;
  return `to come back by, for ${ticketLifetime.toLocaleString('en')} s${withEarlyData}`;
}

export function earlyDataNote(event: Extract<TraceEvent, { type: 'early_data' }>): string {
  return event.accepted ? 'early data is fresh, and was never seen' : `no early data is taken: ${event.why}`;
}

export function sessionNote(event: Extract<TraceEvent, { type: 'session' }>): string {
  if (event.action === 'passed over') return `no session is offered: ${event.why}`;
  return event.action === 'kept'
    ? 'a session is kept for the next connection'
    : 'a session is offered: the certificate that it began with is verified again';
}
