/**
 * `handfast serve`: accepts TLS connections, and echoes, answers HTTP, or shows on stdout what clients send.
 *
 * @module
 */

import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { createServer, isIP, type Socket } from 'node:net';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { LegacyCryptography } from '@handfast/crypto';
import {
  type Credential,
  memorySessionStore,
  quote,
  type ServerOptions,
  serverConfig,
  TlsError,
  type TraceEvent,
  ticketKeys,
  tlsServer,
} from '@handfast/tls';
import { heardBy, streamer, type Watching } from '@handfast/tls/live';
import { createSecureContext, TLSSocket } from '@handfast/tls/node';
import { dataDirectory, developmentCa, RenewedCredential, trustAdvice } from '../dev-ca.ts';
import { CliError, type ExitCode, exitCodes, usageError } from '../exit.ts';
import { explainJson } from '../explain.ts';
import { credentialFiles, openKeyLog, trustFile } from '../identity.ts';
import type { Io } from '../io.ts';
import { line } from '../lines/line.ts';
import { keyExchangeName } from '../names.ts';
import { type Negotiation, type NegotiationOptions, negotiation, warnOfLegacy } from '../negotiation.ts';
import { formatHostPort, parseList, parsePort, reasonOf } from '../options.ts';
import { type ClientHello, page, type Visit, visitJson } from '../page.ts';
import { Report, type ReportOptions, type TraceOptions } from '../report.ts';
import { negotiatedJson } from '../trace-json.ts';
import { nameOf } from '../transcript.ts';

/** As commander gives them. */
export interface ServeOptions extends NegotiationOptions, ReportOptions, TraceOptions {
  readonly host: string;
  readonly cert?: string;
  readonly key?: string;
  readonly name?: readonly string[];
  readonly clientCa?: string;
  readonly requireClientCert?: boolean;
  readonly alpn?: string;
  readonly echo?: boolean;
  readonly http?: boolean;
  readonly keylog?: string;
}

const handshakeTimeoutMs = 15_000;

export async function serve(portText: string, options: ServeOptions, io: Io): Promise<ExitCode> {
  const port = parsePort(portText, 0);
  if (isIP(options.host) === 0 && options.host !== 'localhost') {
    throw usageError(
      `--host is an address of this machine, not ${quote(options.host)}`,
      '127.0.0.1, or 0.0.0.0 for all',
    );
  }
  const report = new Report(io, options);
  const keyLog = openKeyLog(options.keylog, io, report);
  try {
    const { rows } = await negotiation(options);
    const identity = await identify(options, io, rows.provider?.legacy);
    const engine = engineOptions(options, identity, rows, keyLog?.listener);
    // What is wrong with the options is found now, not at the first connection.
    serverConfig(engine);
    warnOfLegacy(options, report);
    await listen(port, options, io, report, identity, engine);
    return exitCodes.ok;
  } finally {
    keyLog?.close();
  }
}

// ---- whose certificate

interface ServerIdentity {
  readonly credential: () => Promise<Credential> | Credential;
  /** The development CA's certificate, where the leaf is under it. */
  readonly developmentCaFile?: string;
  readonly created?: boolean;
}

const localNames: readonly string[] = ['localhost', '127.0.0.1', '::1'];

async function identify(
  { cert, key, name = [], host }: ServeOptions,
  io: Io,
  legacy: LegacyCryptography | undefined,
): Promise<ServerIdentity> {
  const given = await credentialFiles(cert, key, legacy);
  if (given !== undefined) {
    if (name.length > 0) throw usageError('--name is for the certificate that is made where --cert is absent');
    return { credential: () => given };
  }
  const now = (): Date => new Date();
  const ca = await developmentCa(join(dataDirectory(io.env), 'dev-ca'), now());
  const own = isIP(host) !== 0 && host !== '0.0.0.0' && host !== '::' ? [host] : [];
  const names = [...new Set([...localNames, ...own, ...name])];
  try {
    const renewed = await RenewedCredential.make(ca.issuer, names, now, legacy);
    return { credential: () => renewed.current(), developmentCaFile: ca.certificateFile, created: ca.created };
  } catch (error) {
    if (error instanceof RangeError) throw usageError(`--name: ${error.message}`);
    throw error;
  }
}

function engineOptions(
  options: ServeOptions,
  identity: ServerIdentity,
  rows: Negotiation['rows'],
  keyLog: ((line: string) => void) | undefined,
): ServerOptions {
  const { clientCa, requireClientCert = false, alpn, http } = options;
  if (requireClientCert && clientCa === undefined) {
    throw usageError('--require-client-cert without --client-ca', 'say whose signature clients need: --client-ca FILE');
  }
  const { credentials: _, ...context } = createSecureContext(rows).options;
  return {
    ...context,
    selectCredential: () => identity.credential(),
    tickets: { keys: ticketKeys({ provider: context.provider }), store: memorySessionStore() },
    alpnProtocols: alpn === undefined ? (http ? ['http/1.1'] : []) : parseList(alpn),
    ...(clientCa === undefined
      ? {}
      : { trust: trustFile('--client-ca', clientCa), clientCertificate: requireClientCert ? 'require' : 'request' }),
    ...(keyLog === undefined ? {} : { keyLog }),
  };
}

// ---- connections

/** What a connection is good for, once it stands. */
interface Service {
  serve(socket: TLSSocket, visit: Visit): void;
  stop(): void;
}

async function listen(
  port: number,
  options: ServeOptions,
  io: Io,
  report: Report,
  identity: ServerIdentity,
  engine: ServerOptions,
): Promise<void> {
  const service = options.http ? httpService() : options.echo ? echoService : conversation(io);
  const open = new Set<TLSSocket>();
  const viewer = streamer({ env: io.env, program: 'handfast serve' });
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (transport) => {
    const socket = accept(transport, options, report, engine, service, viewer.watch(undefined));
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  server.listen(port, options.host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new CliError(
      exitCodes.cannotConnect,
      `cannot listen at ${formatHostPort({ host: options.host, port })}: ${reasonOf(error)}`,
      {
        cause: error,
        hint: 'another program may have that port (0 picks a free one), or it needs more rights',
      },
    );
  }
  const address = server.address();
  announce(typeof address === 'object' && address !== null ? address.port : port, options, report, identity);

  if (!io.interrupted.aborted) await once(io.interrupted, 'abort');
  server.close();
  service.stop();
  for (const socket of open) {
    if (socket.negotiated !== undefined) socket.end();
    socket.destroy();
  }
  report.data(...line('stopped', {}));
}

function announce(port: number, options: ServeOptions, report: Report, identity: ServerIdentity): void {
  const { bold, dim } = report.colors;
  const local = options.host.startsWith('127.') || options.host === '::1' || options.host === 'localhost';
  const shown = local || options.host === '0.0.0.0' || options.host === '::' ? 'localhost' : options.host;
  const url = `${options.http ? 'https' : 'tls'}://${formatHostPort({ host: shown, port })}`;
  const { developmentCaFile: file } = identity;
  const fields = { url, host: options.host, port, developmentCa: file ?? null };
  report.important(`listening on ${bold(url)}`, ...line('listening', fields));
  if (file === undefined) return;
  const made = identity.created ? 'a development CA was made for you' : 'the certificate is by your development CA';
  report.news(
    `${made}: ${file}\nwho is to trust it (its key stays on this machine, for you alone to use):`,
    ...line('developmentCa', { file, created: identity.created ?? false }),
  );
  for (const line of trustAdvice(file, url)) report.line(dim(line));
}

function accept(
  transport: Socket,
  options: ServeOptions,
  report: Report,
  engine: ServerOptions,
  service: Service,
  viewer: Watching | undefined,
): TLSSocket {
  const who = formatHostPort({ host: transport.remoteAddress ?? 'unknown', port: transport.remotePort ?? 0 });
  const started = performance.now();
  const tracer = options.trace || options.explain ? report.tracer(options, { client: who }) : undefined;
  let hello: ClientHello | undefined;
  let connection: number | undefined;
  const trace = (event: TraceEvent): void => {
    connection = event.connection;
    if (event.type === 'message' && event.message.type === 'client_hello') hello = event.message;
    tracer?.(event);
  };
  const { keyLog } = engine;
  const config = serverConfig({ ...engine, ...heardBy(viewer, { trace, ...(keyLog && { keyLog }) }) });
  const socket = new TLSSocket(
    transport,
    { isServer: true, make: (handlers) => tlsServer(config, handlers) },
    {
      allowHalfOpen: true,
      handshakeTimeout: handshakeTimeoutMs,
    },
  );
  socket.on('error', (error) => {
    // Browsers leave without a word.
    if (options.http && error instanceof TlsError && error.tlsCode === 'truncated' && error.phase !== 'handshake')
      return;
    refusal(error, who, connection, report);
  });
  socket.once('secure', () => {
    const { negotiated } = socket;
    if (negotiated === undefined || connection === undefined) return;
    const { version, cipherSuite, group, serverName, alpnProtocol, peer, resumed } = negotiated;
    const [leaf] = peer?.chain ?? [];
    const parts = [
      `${version}, ${cipherSuite.name}, ${keyExchangeName(group)}`,
      ...(resumed ? ['resumed'] : []),
      ...(serverName === undefined ? [] : [`for ${quote(serverName)}`]),
      ...(alpnProtocol === undefined ? [] : [`ALPN ${quote(alpnProtocol)}`]),
      ...(leaf === undefined ? [] : [`by ${nameOf(leaf)}, verified`]),
    ];
    const fields = { client: who, connection, ...negotiatedJson(negotiated) };
    report.news(`${report.colors.green('✓')} ${who} ${parts.join(', ')}`, ...line('connected', fields));
    service.serve(socket, {
      negotiated,
      hello,
      address: transport.remoteAddress,
      handshakeMs: performance.now() - started,
    });
  });
  socket.begin();
  return socket;
}

/** @param connection its number; undefined: nothing had passed yet. */
function refusal(error: Error, who: string, connection: number | undefined, report: Report): void {
  const { red, dim } = report.colors;
  const detail =
    error instanceof TlsError ? ` [${error.tlsCode}${error.state === undefined ? '' : ` in ${error.state}`}]` : '';
  const hint = error instanceof TlsError && error.hint !== undefined ? `; ${error.hint}` : '';
  const fields = { client: who, ...(connection !== undefined && { connection }), ...explainJson(error) };
  report.important(`${red('✗')} ${who} ${error.message}${dim(`${detail}${hint}`)}`, ...line('error', fields));
}

// ---- services

const echoService: Service = {
  serve: (socket) => void socket.pipe(socket),
  stop: () => undefined,
};

/** Each client's words go to stdout, stdin's to every client: two ends of `connect` and `serve` can talk. */
function conversation(io: Io): Service {
  const clients = new Set<TLSSocket>();
  let reading = false;
  const tell = (chunk: Buffer): void => {
    for (const client of clients) if (client.writable) client.write(chunk);
  };
  return {
    serve(socket) {
      clients.add(socket);
      socket.on('data', (chunk: Buffer) => {
        if (io.stdout.write(chunk)) return;
        socket.pause();
        io.stdout.once('drain', () => socket.resume());
      });
      socket.once('end', () => socket.end());
      socket.once('close', () => {
        clients.delete(socket);
        // What is typed with nobody there waits for the next.
        if (clients.size === 0) io.stdin.pause();
      });
      if (reading) io.stdin.resume();
      else io.stdin.on('data', tell);
      reading = true;
    },
    stop() {
      io.stdin.off('data', tell);
      io.stdin.pause();
    },
  };
}

function httpService(): Service {
  const visits = new WeakMap<object, Visit>();
  const http: HttpServer = createHttpServer({ keepAliveTimeout: 5_000 }, (request, response) => {
    const visit = visits.get(request.socket);
    if (visit === undefined) return void response.writeHead(500).end();
    answer(request, response, visit);
  });
  // A client that has asked and closed its side (`printf … | handfast connect`) is still answered.
  Object.assign(http, { httpAllowHalfOpen: true });
  return {
    serve(socket, visit) {
      visits.set(socket, visit);
      http.emit('connection', socket);
    },
    stop: () => void http.close(),
  };
}

function answer(request: IncomingMessage, response: ServerResponse, visit: Visit): void {
  // Nobody's body is wanted.
  request.resume();
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { Allow: 'GET, HEAD', 'Content-Type': 'text/plain' }).end('GET or HEAD, please\n');
    return;
  }
  const [path = '/'] = (request.url ?? '/').split('?', 1);
  if (path === '/favicon.ico') return void response.writeHead(204).end();
  const json = path === '/json';
  const body = json ? `${JSON.stringify(visitJson(visit), null, 2)}\n` : page(visit);
  response
    .writeHead(200, {
      'Content-Type': json ? 'application/json' : 'text/html; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
      'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
    })
    .end(request.method === 'HEAD' ? undefined : body);
}
