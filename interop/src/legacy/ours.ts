/**
 * Our side of a conversation: lines out, the same lines turned around back, and an end with close_notify.
 *
 * @module
 */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { nodeLegacyProvider as provider } from '@handfast/crypto/legacy/node';
import { type Credential, type Negotiated, namedGroups, type TraceEvent, tls13 } from '@handfast/tls';
import type { Server, TLSSocket } from '@handfast/tls/node';
import { connect, createServer } from '../tls.ts';
import { isAnonymous, isCbc, type LegacyCase, linesOf, serverKind, suites, versionNamed } from './cases.ts';
import { type Identities, preShared } from './identities.ts';
import type { LegacyPeer } from './peer.ts';

/** No case takes longer on a slow machine. */
export const patienceMs = 8_000;

const groups = namedGroups.filter(
  ({ postQuantum, exchange }) => !postQuantum && provider.groups[exchange] !== undefined,
);

export function reversed(line: string): string {
  return [...line].reverse().join('');
}

/** Rejects when `work` takes too long. */
export async function inTime<T>(work: Promise<T>, what: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what}: nothing for ${patienceMs} ms`)), patienceMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What of our configuration belongs to a case. */
function contextOf(
  { ours, highest, suite }: LegacyCase,
  { trust }: Identities,
): Pick<
  Parameters<typeof connect>[0],
  'provider' | 'versions' | 'cipherSuites' | 'groups' | 'trust' | 'handshakeTimeout'
> {
  const names = ours ?? [highest];
  return {
    ...{ provider, groups, trust, handshakeTimeout: patienceMs },
    versions: names.map(versionNamed),
    cipherSuites: suite === undefined ? [...tls13.defaultCipherSuites, ...suites] : [suite],
  };
}

/** What went by, beside data. */
class Talk {
  readonly alerts: string[] = [];
  closeNotify = false;
  encryptsThenMacs = false;
  readonly listener = (event: TraceEvent): void => {
    if (event.type === 'message' && event.message.type === 'legacy_server_hello') {
      this.encryptsThenMacs = event.message.extensions.encrypt_then_mac === true;
    }
    if (event.type !== 'alert') return;
    this.alerts.push(`${event.direction} ${event.alert}`);
    if (event.direction === 'in' && event.alert === 'close_notify') this.closeNotify = true;
  };
}

async function* received(socket: TLSSocket): AsyncGenerator<string, undefined> {
  let text = '';
  for await (const chunk of socket) {
    text += (chunk as Buffer).toString('latin1');
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
    }
  }
  return undefined;
}

/** Our client against a peer's server. @throws what went wrong, in our words. */
export async function speakAsClient(
  row: LegacyCase,
  port: number,
  identities: Identities,
  { answers: way, truncates = false }: Pick<LegacyPeer, 'answers' | 'truncates'>,
): Promise<void> {
  const talk = new Talk();
  const socket = connect({
    ...contextOf(row, identities),
    ...{ host: '127.0.0.1', port, servername: 'localhost', allowHalfOpen: true, trace: talk.listener },
    preSharedKey: () => ({ identity: Buffer.from(preShared.identity), key: preShared.key }),
    ...(row.clientKey === undefined ? {} : { credentials: [identities.client[row.clientKey].credential] }),
    ...(row.fallback ? { fallback: true } : {}),
  });
  let failure: unknown;
  socket.on('error', (error) => {
    failure ??= error;
  });
  try {
    await once(socket, 'secureConnect');
    agree(row, socket.negotiated, talk, 'client');
    const answers = received(socket);
    for (const line of linesOf(row)) {
      socket.write(`${line}\n`);
      const answer = (await answers.next()).value;
      const expected = way === 'same' ? line : reversed(line);
      if (answer !== expected) throw new Error(`the answer to ${quoted(line)} was ${quoted(answer)}`);
    }
    socket.end();
    if (truncates) return;
    await answers.next();
    if (!talk.closeNotify) throw new Error('the peer ended without close_notify');
  } catch (error) {
    throw withAlerts(failure ?? error, talk);
  } finally {
    socket.destroy();
  }
}

/** Our server, for one connection. */
export interface OurServer {
  readonly port: number;
  /** Settles when the conversation is over. */
  readonly done: Promise<void>;
  close(): void;
}

function credentialsFor(row: LegacyCase, { server: { ecdsa, rsa, ecdhRsa } }: Identities): readonly Credential[] {
  if (serverKind(row) === 'ecdhRsa') return [ecdhRsa.credential];
  return [ecdsa.credential, rsa.credential];
}

export async function listen(row: LegacyCase, identities: Identities): Promise<OurServer> {
  const talk = new Talk();
  const done = Promise.withResolvers<void>();
  done.promise.catch(() => undefined);
  const sockets = new Set<{ destroy(): unknown }>();
  const server: Server = createServer(
    {
      ...contextOf({ ...row, suite: undefined }, identities),
      ...{ allowHalfOpen: true, trace: talk.listener },
      credentials: credentialsFor(row, identities),
      preSharedKey: (identity) => (Buffer.from(identity).toString() === preShared.identity ? preShared.key : undefined),
      ...(row.clientKey === undefined ? {} : { requestCert: true }),
    },
    (socket) => {
      answer(row, socket, talk).then(done.resolve, (error: unknown) => done.reject(withAlerts(error, talk)));
    },
  );
  server.on('tlsClientError', (error: Error) => done.reject(withAlerts(error, talk)));
  server.on('connection', (transport: { destroy(): unknown }) => sockets.add(transport));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    done: done.promise,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      done.reject(new Error('nobody came'));
    },
  };
}

async function answer(row: LegacyCase, socket: TLSSocket, talk: Talk): Promise<void> {
  let count = 0;
  const lines = linesOf(row);
  socket.on('error', () => undefined);
  agree(row, socket.negotiated, talk, 'server');
  for await (const line of received(socket)) {
    if (line !== lines[count]) throw new Error(`line ${count + 1} was ${quoted(line)}`);
    count++;
    socket.write(`${reversed(line)}\n`);
  }
  socket.end();
  if (count < lines.length) throw new Error(`the peer ended after ${count} of ${lines.length} lines`);
  if (!talk.closeNotify) throw new Error('the peer ended without close_notify');
}

/** Whether what was negotiated is the case's. */
function agree(row: LegacyCase, negotiated: Negotiated | undefined, talk: Talk, role: 'client' | 'server'): void {
  if (negotiated === undefined) throw new Error('nothing was negotiated');
  const { version, cipherSuite, peer, extendedMasterSecret } = negotiated;
  const proved = role === 'client' ? !isAnonymous(row) && hasCertificate(row) : row.clientKey !== undefined;
  const looked = row.plain !== undefined && version !== 'SSL 3.0' && version !== 'TLS 1.3';
  const bindings = [
    ['extended master secret', extendedMasterSecret, !row.plain],
    ['encrypt-then-MAC', talk.encryptsThenMacs, !row.plain && isCbc(cipherSuite)],
  ] as const;
  const checks: readonly (readonly [string, unknown, unknown])[] = [
    ['version', version, row.version],
    ['cipher suite', cipherSuite.name, row.suite?.name ?? cipherSuite.name],
    ['a verified path', peer?.path !== undefined, proved],
    ...(looked ? bindings : []),
  ];
  const wrong = checks.filter(([, found, expected]) => found !== expected);
  if (wrong.length === 0) return;
  throw new Error(
    wrong.map(([what, found, expected]) => `${what}: ${String(found)}, not ${String(expected)}`).join('; '),
  );
}

/** Where a suite is not said, the peer has one with a certificate. */
function hasCertificate({ suite }: LegacyCase): boolean {
  return suite === undefined || suite.authentication !== undefined;
}

function withAlerts(error: unknown, { alerts }: Talk): Error {
  const message = error instanceof Error ? error.message : String(error);
  return new Error(alerts.length === 0 ? message : `${message} [alerts: ${alerts.join(', ')}]`, { cause: error });
}

function quoted(line: string | undefined): string {
  return line === undefined ? 'nothing' : JSON.stringify(line.length > 60 ? `${line.slice(0, 60)}…` : line);
}
