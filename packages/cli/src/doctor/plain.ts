/**
 * What a port speaks that does not speak TLS: it is listened to, then asked, and what it says is told by its first bytes.
 * Where that is a protocol with STARTTLS, the dialogue is held to see whether TLS begins by it.
 *
 * @module
 */

import type { Socket } from 'node:net';
import { CliError } from '../exit.ts';
import { dialogues, startTls } from '../starttls/index.ts';
import { open, type Route } from './attempt.ts';
import type { PlainEvidence, PlainProtocol } from './evidence.ts';
import type { DoctorWorld } from './world.ts';

const maxBanner = 256;

/** The protocols whose server is silent until it is asked in its own way, with the port that is theirs. */
const silent: readonly (PlainProtocol & ('postgres' | 'ldap' | 'xmpp'))[] = ['postgres', 'ldap', 'xmpp'];

/** First bytes, as Latin-1. Order counts: a greeting with 220 is FTP's unless it says SMTP. */
const banners: readonly (readonly [pattern: RegExp, protocol: PlainProtocol])[] = [
  [/^HTTP\/[01]\.\d /, 'http'],
  [/^SSH-\d/, 'ssh'],
  [/^\* (?:OK|PREAUTH|BYE)\b/, 'imap'],
  [/^\+OK\b/, 'pop3'],
  [/^220[ -][^\r\n]{0,200}E?SMTP/i, 'smtp'],
  [/^220[ -]/, 'ftp'],
  [/^(?:421|554)[ -]/, 'smtp'],
  // A packet's length, its number 0, and protocol version 10.
  [/^[^\0][\s\S]\0\0\n\d/, 'mysql'],
  // BER: a NoticeOfDisconnection (RFC 4511 §4.4.1), by its name.
  [/^0[\s\S]{1,80}1\.3\.6\.1\.4\.1\.1466\.20036/, 'ldap'],
  [/^(?:<\?xml|<stream:)/, 'xmpp'],
  [/^<(?:!doctype|html)/i, 'http'],
  // An error that begins with its own length.
  [/^E\0\0[\s\S]{2}S?(?:FATAL|ERROR)/, 'postgres'],
];

/** The protocol that begins so. */
function protocolOf(start: string): PlainProtocol | undefined {
  return banners.find(([pattern]) => pattern.test(start))?.[1];
}

/**
 * Listens, and asks.
 * @param heard what came in answer to a ClientHello: where that is something, nobody has to wait for more
 */
export async function plainProbe(route: Route, world: DoctorWorld, heard = ''): Promise<PlainEvidence> {
  const direct = { ...route, dialogue: undefined };
  if (protocolOf(heard) !== undefined) return known(direct, world, heard, 'hello');
  const said = (await listen(direct, world, undefined)) ?? '';
  if (said !== '') return known(direct, world, said, 'nothing');
  const answer =
    (await listen(direct, world, `HEAD / HTTP/1.1\r\nHost: ${route.host}\r\nConnection: close\r\n\r\n`)) ?? '';
  if (protocolOf(answer) === 'http') return known(direct, world, answer, 'http');
  for (const name of silent) {
    if (await holds(direct, world, name)) return { protocol: name, banner: answer, after: name, startTls: true };
  }
  return { protocol: protocolOf(answer), banner: answer, after: 'http', startTls: undefined };
}

async function known(
  route: Route,
  world: DoctorWorld,
  banner: string,
  after: PlainEvidence['after'],
): Promise<PlainEvidence> {
  const protocol = protocolOf(banner);
  const begins = protocol !== undefined && dialogues.has(protocol) ? await holds(route, world, protocol) : undefined;
  return { protocol, banner, after, startTls: begins };
}

/** Whether a protocol's STARTTLS dialogue ends in a go-ahead. */
async function holds(route: Route, world: DoctorWorld, name: string): Promise<boolean> {
  const dialogue = dialogues.get(name);
  if (dialogue === undefined) return false;
  let socket: Socket | undefined;
  try {
    socket = await open({ ...route, dialogue: undefined }, world);
    const patience = AbortSignal.any([route.interrupted, AbortSignal.timeout(world.patience('answer'))]);
    await startTls(dialogue, socket, route.via, route.host, patience);
    return true;
  } catch (error) {
    if (route.interrupted.aborted) throw error;
    // The dialogue's own words, or a time-out's: it is not that protocol.
    if (error instanceof CliError || error instanceof Error) return false;
    throw error;
  } finally {
    socket?.on('error', () => undefined);
    socket?.destroy();
  }
}

/** The first bytes that come, after a question or without one; undefined: the port could not be reached. */
async function listen(route: Route, world: DoctorWorld, question: string | undefined): Promise<string | undefined> {
  let socket: Socket;
  try {
    socket = await open(route, world);
  } catch (error) {
    if (route.interrupted.aborted) throw error;
    return undefined;
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  let text = '';
  const timer = setTimeout(resolve, world.patience(question === undefined ? 'banner' : 'answer'));
  const done = (): void => resolve();
  route.interrupted.addEventListener('abort', done, { once: true });
  socket.on('data', (chunk: Buffer) => {
    text += chunk.subarray(0, maxBanner).toString('latin1');
    // What tells protocols apart stands in the first line.
    if (text.includes('\n') || text.length >= maxBanner) resolve();
  });
  for (const event of ['end', 'close', 'error']) socket.on(event, done);
  if (question !== undefined) socket.write(question);
  await promise;
  clearTimeout(timer);
  route.interrupted.removeEventListener('abort', done);
  socket.destroy();
  if (route.interrupted.aborted) throw route.interrupted.reason;
  return text.slice(0, maxBanner);
}
