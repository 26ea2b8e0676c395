/**
 * What the tests of behaviour share: the two modules that each of them runs on, certificates by today's clock, both ends of a
 * connection, and a log of events.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { type EventEmitter, once } from 'node:events';
import {
  type AddressInfo,
  connect as connectTcp,
  createServer as createTcpServer,
  Server,
  type Socket,
} from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, it as nodeIt } from 'node:test';
import nodeTls from 'node:tls';
import { nodeProvider } from '@handfast/crypto/node';
import { type Certificate, type IssueOptions, issueCertificate, toPem } from '@handfast/x509';
import * as ours from '../../../src/node/index.ts';
import { differences } from './differences.ts';

/** What a program for Node takes either module for. */
export type Tls = typeof nodeTls;

export const modules: readonly (readonly [name: string, tls: Tls])[] = [
  ['node:tls', nodeTls],
  ['handfast', ours as unknown as Tls],
];

type Side = 'node' | 'ours';

export interface Expectations {
  /**
   * What is expected where the two differ: of the module that the test runs on, by the table of differences.
   * @param whose by which of both ends it comes about; where they are of two modules, it must be said
   */
  differs(name: keyof typeof differences, whose?: 'client' | 'server'): unknown;
}

/** A test with a limit of its own, so that one that hangs takes no other with it. */
export function it(name: string, test: () => Promise<void> | void): void {
  nodeIt(name, { timeout: 5_000 }, test);
}

type Tests = (tls: Tls, expectations: Expectations) => void;

/** The same tests for both. */
export function forBoth(subject: string, tests: Tests): void {
  for (const [name, tls] of modules) {
    const side = tls === nodeTls ? 'node' : 'ours';
    describe(`${name}: ${subject}`, () => {
      afterEach(tidy);
      tests(tls, { differs: (difference) => differences[difference][side] });
    });
  }
}

/** And for a client of each with a server of the other: nothing else may be seen then. */
export function forPairs(subject: string, tests: Tests): void {
  forBoth(subject, tests);
  const [[, node], [, own]] = modules as readonly [(typeof modules)[number], (typeof modules)[number]];
  for (const [client, server] of [
    ['ours', 'node'],
    ['node', 'ours'],
  ] as const) {
    const sides: Readonly<Record<Side, Tls>> = { node, ours: own };
    const tls = { ...sides[server], connect: sides[client].connect, TLSSocket: Either } as unknown as Tls;
    describe(`a client of ${nameOf(client)}, a server of ${nameOf(server)}: ${subject}`, () => {
      afterEach(tidy);
      tests(tls, {
        differs(difference, whose) {
          assert.ok(whose, `whose ${difference}?`);
          return differences[difference][whose === 'client' ? client : server];
        },
      });
    });
  }
}

function nameOf(side: Side): string {
  return side === 'node' ? 'node:tls' : 'handfast';
}

/** What sockets of both are instances of. */
const Either = Object.defineProperty(() => undefined, Symbol.hasInstance, {
  value: (one: unknown) => modules.some(([, tls]) => one instanceof tls.TLSSocket),
});

// ---- certificates

const notBefore = new Date('2020-01-01T00:00:00Z');
const notAfter = new Date('2049-12-31T00:00:00Z');

interface Issuer {
  readonly certificate: Certificate;
  readonly signer: IssueOptions['issuer']['signer'];
}

/** As the options of `node:tls` take it. */
export interface Identity extends Issuer {
  readonly key: string;
  readonly cert: string;
}

export async function issue(
  commonName: string,
  issuer?: Issuer,
  options: Partial<IssueOptions> = {},
): Promise<Identity> {
  const { signer, pkcs8 } = await nodeProvider.generateKeyPair('secp256r1');
  const certificate = await issueCertificate({
    ...{ provider: nodeProvider, subject: { commonName }, publicKey: signer.publicKey, notBefore, notAfter },
    ...{ issuer: issuer ?? { signer }, unverifiable: true },
    ...options,
  });
  return { certificate, signer, key: toPem('PRIVATE KEY', pkcs8), cert: toPem('CERTIFICATE', certificate.raw) };
}

export const root: Identity = await issue('Root', undefined, { ca: true });
/** A server's, for `localhost`. */
export const local: Identity = await issue('localhost', root, { names: ['localhost'] });
export const ca: string = root.cert;

/** Key and certificate, as options. */
export function shown({ key, cert }: Identity): { readonly key: string; readonly cert: string } {
  return { key, cert };
}

// ---- both ends

const open = new Set<Server | Duplex>();

/** What is open after its test is closed then. */
export function keep<T extends Server | Duplex>(one: T): T {
  open.add(one);
  return one;
}

/** Tests that have ended. */
let ended = 0;

/** Closes what is open. */
export function tidy(): void {
  ended++;
  for (const one of open) one.on('error', () => undefined);
  for (const one of open) {
    if (!(one instanceof Server)) one.destroy();
    else if (one.listening) one.close();
  }
  open.clear();
}

/** On a port of the system's choice. */
export async function listening(server: Server): Promise<number> {
  keep(server).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A server for `localhost`; its sockets are destroyed after the test. */
export function makeServer(
  tls: Tls,
  options: nodeTls.TlsOptions = {},
  listener?: (socket: nodeTls.TLSSocket) => void,
): nodeTls.Server {
  const server = tls.createServer({ ...shown(local), ...options }, listener);
  // Not the TCP socket below: destroyed before what stands on it, it takes Node 24's process with it.
  const before = ended;
  server.on('secureConnection', (socket) => {
    if (ended === before) keep(socket);
    // Its client went with the test, and in TLS 1.3 a server is told last.
    else socket.on('error', () => undefined).destroy();
  });
  return server;
}

/** A client that trusts `root` and looks for `localhost`. */
export function makeClient(tls: Tls, port: number, options: nodeTls.ConnectionOptions = {}): nodeTls.TLSSocket {
  return keep(tls.connect({ host: '127.0.0.1', port, servername: 'localhost', ca, ...options }));
}

export interface Ends {
  readonly client: nodeTls.TLSSocket;
  readonly server: nodeTls.TLSSocket;
  readonly listener: nodeTls.Server;
}

export interface EndsOptions {
  readonly client?: nodeTls.ConnectionOptions;
  readonly server?: nodeTls.TlsOptions;
}

/** Both ends of a connection, after the handshake. */
export async function connected(tls: Tls, options: EndsOptions = {}): Promise<Ends> {
  const listener = makeServer(tls, options.server);
  const port = await listening(listener);
  const accepted = once(listener, 'secureConnection') as Promise<[nodeTls.TLSSocket]>;
  const client = makeClient(tls, port, options.client);
  await once(client, 'secureConnect');
  const [server] = await accepted;
  return { client, server, listener };
}

/** A TCP server whose connections `serve` gets. */
export async function tcpServer(serve: (socket: Socket) => void, options = {}): Promise<number> {
  const server = createTcpServer(options, (socket) => {
    keep(socket).on('error', () => undefined);
    serve(socket);
  });
  return listening(server);
}

export function tcpClient(port: number): Socket {
  return keep(connectTcp(port, '127.0.0.1'));
}

// ---- what happens

/**
 * Events as they come: `name`, or `name(argument)` for one that is a boolean, a number, or an error with a code.
 * @param log several emitters may write into one.
 */
export function watch(emitter: EventEmitter, names: readonly string[], log: string[] = [], prefix = ''): string[] {
  for (const name of names) {
    emitter.on(name, (first: unknown) => log.push(`${prefix}${name}${shownArgument(first)}`));
  }
  return log;
}

function shownArgument(argument: unknown): string {
  if (argument instanceof Error) return `(${'code' in argument ? String(argument.code) : argument.message})`;
  if (typeof argument === 'boolean' || typeof argument === 'number' || typeof argument === 'string')
    return `(${argument})`;
  return '';
}

/** However it ends. */
export async function closed(stream: Duplex): Promise<void> {
  if (!stream.closed) await new Promise<void>((resolve) => stream.once('close', () => resolve()));
  // It says `closed` a moment before it emits `close`.
  await turns(2);
}

/** Stops listening, and waits for the connections that are left. */
export async function stopped(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

/** The error that a stream closes with; undefined: none. */
export async function failureOf(stream: Duplex): Promise<NodeJS.ErrnoException | undefined> {
  let failure: NodeJS.ErrnoException | undefined;
  stream.once('error', (error: NodeJS.ErrnoException) => {
    failure = error;
  });
  await closed(stream);
  return failure;
}

/** Turns of the event loop. */
export async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Turns, until it is so. */
export async function until(condition: () => boolean, what: string = String(condition)): Promise<void> {
  const deadline = performance.now() + 3_000;
  while (!condition()) {
    if (performance.now() > deadline) assert.fail(`waited for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** All that it reads, to its end. */
export async function textOf(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'end');
  return Buffer.concat(chunks).toString();
}
