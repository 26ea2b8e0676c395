/**
 * `handfast ca serve`: ACME over TLS, under a certificate that the CA issues for itself; root and CRLs over plain HTTP, since
 * who fetches them may be about to verify the very certificate that TLS would show. OCSP is asked there for the same reason.
 *
 * @module
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { performance } from 'node:perf_hooks';
import { createOcsp } from '@handfast/ca';
import { quote, TlsError } from '@handfast/tls';
import { createHttpsServer } from '@handfast/tls/node';
import { escapeText } from '@handfast/x509';
import { getRequestListener } from '@hono/node-server';
import { CliError, type ExitCode, exitCodes, usageError } from '../exit.ts';
import { explainJson } from '../explain.ts';
import type { Io } from '../io.ts';
import { formatHostPort, parsePort, reasonOf } from '../options.ts';
import { Report, type ReportOptions } from '../report.ts';
import { type AcmeService, acmeService } from './acme.ts';
import { defaultHttpPort } from './choices.ts';
import type { CaConfig } from './config.ts';
import { EndpointCertificate, endpointNames } from './endpoint.ts';
import type { FolderOptions } from './folder.ts';
import { type OpenCa, withCa } from './open.ts';
import { answerFile } from './public-files.ts';

export interface ServeOptions extends FolderOptions, ReportOptions {
  readonly dev?: boolean;
  readonly host: string;
  readonly port: string;
  readonly httpPort?: string;
  readonly http01Port?: string;
}

/** What is being answered when the CA is told to stop has so long. */
const graceMs = 5000;
/** A client that says nothing keeps no connection. */
const requestTimeoutMs = 30_000;

export async function serve(options: ServeOptions, io: Io): Promise<ExitCode> {
  const host = options.host === 'localhost' ? '127.0.0.1' : options.host;
  const port = parsePort(options.port, 0);
  const givenHttpPort = options.httpPort === undefined ? undefined : parsePort(options.httpPort, 0);
  if (isIP(host) === 0) {
    throw usageError(`--host is an address of this machine, not ${quote(host)}`, '127.0.0.1, or 0.0.0.0 for all');
  }
  const validationPort = validationPortOf(options);
  const report = new Report(io, options);
  await withCa(options, io, async (ca) => {
    refuseOpen(options, ca.config);
    const names = endpointNames(ca, host);
    const endpoint = new EndpointCertificate(ca.authority, names, (error) => report.error(error));
    await endpoint.current();
    await tellUnfinished(ca, report);
    const httpPort = givenHttpPort ?? httpPortOf(ca.config);
    await run({ ca, names, endpoint, host, port, httpPort, dev: options.dev === true, validationPort, report }, io);
  });
  return exitCodes.ok;
}

/** Where certificates say that the lists are. */
function httpPortOf({ baseUrl }: CaConfig): number {
  return baseUrl === undefined ? defaultHttpPort : Number(new URL(baseUrl).port || 80);
}

/** What a process that died had begun: it may be signed, and nobody has it. */
async function tellUnfinished({ authority }: OpenCa, report: Report): Promise<void> {
  const serials = await authority.unfinished();
  if (serials.length === 0) return;
  report.warning(`begun and never finished, and handed to nobody: the certificates ${serials.join(', ')}`);
}

function validationPortOf({ dev = false, http01Port }: ServeOptions): number | undefined {
  if (http01Port === undefined) return undefined;
  if (!dev) throw usageError('--http-01-port without --dev', 'clients elsewhere prove a name at its port 80');
  return parsePort(http01Port);
}

/** What strangers can reach issues by rules, and never looks at what is on its own machine. */
function refuseOpen({ host, dev = false }: ServeOptions, { allow }: CaConfig): void {
  if (isLoopback(host)) return;
  if (dev) {
    throw usageError(
      `--dev at ${host}: others could have the CA send requests to this machine`,
      'leave --dev out, or listen at 127.0.0.1',
    );
  }
  if (allow.domains.length + allow.networks.length > 0) return;
  throw usageError(
    `at ${host} anybody may ask, and no name is allowed`,
    'list in config.json what may be issued for: "allow": ["corp.example"]',
  );
}

function isLoopback(host: string): boolean {
  return host === '::1' || host === 'localhost' || host.startsWith('127.');
}

interface Serving {
  readonly ca: OpenCa;
  readonly names: readonly string[];
  readonly endpoint: EndpointCertificate;
  readonly host: string;
  readonly port: number;
  readonly httpPort: number;
  readonly dev: boolean;
  readonly validationPort: number | undefined;
  readonly report: Report;
}

async function run(serving: Serving, io: Io): Promise<void> {
  const { ca, names, endpoint, host, report } = serving;
  // Its URL has the port in it, which is known when it listens.
  let acme: AcmeService | undefined;
  const directory = (): string => acme?.directory ?? '';
  const files: RequestListener = (request, response) => {
    answerFile(ca, directory(), request, response).catch((error: unknown) => fail(error, response, report));
  };
  const secure = createHttpsServer(
    { selectCredential: () => endpoint.current(), requestTimeout: requestTimeoutMs },
    logged(report, (request, response) => {
      if (acme !== undefined && /^\/acme(\/|$)/.test(request.url ?? '')) acme.listener(request, response);
      else files(request, response);
    }),
  );
  secure.on('tlsClientError', (error: Error) => tellClientError(error, report));
  const ocsp = ocspListener(ca, report);
  const plain = createServer(
    { requestTimeout: requestTimeoutMs },
    logged(report, (request, response) => {
      if (ocsp !== undefined && /^\/ocsp\//.test(request.url ?? '')) ocsp(request, response);
      else files(request, response);
    }),
  );
  const servers: readonly Server[] = [secure, plain];
  try {
    const port = await listen(secure, serving.port, host, '--port');
    const httpPort = await listen(plain, serving.httpPort, host, '--http-port');
    const url = `https://${formatHostPort({ host: names[0] ?? host, port })}`;
    const listeners = [port, httpPort].map((own) => ({ address: host, port: own }));
    const { dev, validationPort } = serving;
    acme = await acmeService({ ca, url, dev, validationPort, listeners: () => listeners, report });
    announce(serving, directory(), httpPort);
    if (!io.interrupted.aborted) await once(io.interrupted, 'abort');
  } finally {
    await Promise.all(servers.map(stop));
    await acme?.close();
  }
  report.data('stopped', {});
}

/** Where certificates name it. */
function ocspListener({ authority, config }: OpenCa, report: Report): RequestListener | undefined {
  if (config.ocsp !== true) return undefined;
  const ocsp = createOcsp({ authority, log: (error) => report.error(error) });
  const listener = getRequestListener(ocsp, { overrideGlobalObjects: false });
  return (request, response) => void listener(request, response);
}

async function listen(server: Server, port: number, host: string, option: string): Promise<number> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new CliError(
      exitCodes.cannotConnect,
      `cannot listen at ${formatHostPort({ host, port })}: ${reasonOf(error)}`,
      {
        cause: error,
        hint: `another program may have that port (${option} takes another, 0 picks a free one), or it needs more rights`,
      },
    );
  }
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

/** Idle connections end at once; requests that are being answered get their answer. */
async function stop(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
}

function announce({ ca, host, names, dev, report }: Serving, directory: string, httpPort: number): void {
  const { bold, dim } = report.colors;
  const http = `http://${formatHostPort({ host: names[0] ?? host, port: httpPort })}`;
  const root = ca.paths.root;
  report.important(`ACME at ${bold(directory)}`, 'listening', { directory, http, root, names });
  report.line(`${ca.config.ocsp === true ? 'root, CRLs and OCSP' : 'root and CRLs'} at ${http}`);
  if (ca.config.kind === 'development' && !dev) {
    report.warning('without --dev no name on this machine can be proven: nothing is validated at loopback addresses');
  }
  report.line(dim('who is to get a certificate trusts the root first: handfast ca trust install shows how'));
  report.line(dim(`certbot: REQUESTS_CA_BUNDLE=${root} certbot certonly --standalone --server ${directory} -d NAME`));
}

/** A line a request, when it has been answered. */
function logged(report: Report, listener: RequestListener): RequestListener {
  return (request, response) => {
    const started = performance.now();
    response.once('close', () => tellRequest(request, response, performance.now() - started, report));
    listener(request, response);
  };
}

function tellRequest(request: IncomingMessage, response: ServerResponse, ms: number, report: Report): void {
  const { method = '', url = '', socket } = request;
  const at = new Date().toISOString();
  const client = socket.remoteAddress ?? 'unknown';
  const status = response.writableFinished ? response.statusCode : null;
  report.news(`${at} ${client} ${method} ${escapeText(url)} ${status ?? 'cut off'} ${Math.round(ms)} ms`, 'request', {
    at,
    client,
    method,
    url,
    status,
    ms: Math.round(ms),
  });
}

/** Whoever does not trust the root says so in an alert: people want to know. */
function tellClientError(error: Error, report: Report): void {
  const code = error instanceof TlsError ? ` [${error.tlsCode}]` : '';
  report.news(`✗ a client left in the handshake: ${error.message}${code}`, 'handshake', { ...explainJson(error) });
}

function fail(error: unknown, response: ServerResponse, report: Report): void {
  report.error(error);
  if (response.headersSent) response.destroy();
  else response.writeHead(500, { 'Content-Type': 'text/plain' }).end('Something is wrong here: its log says what\n');
}
