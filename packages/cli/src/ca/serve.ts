/**
 * `handfast ca serve`: ACME over TLS, under a certificate that the CA issues for itself; root and CRLs over plain HTTP, since
 * who fetches them may be about to verify the very certificate that TLS would show. OCSP is asked there for the same reason.
 *
 * @module
 */

import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { isIP } from 'node:net';
import { type AcmeEvent, createOcsp } from '@handfast/ca';
import { quote } from '@handfast/tls';
import { createHttpsServer } from '@handfast/tls/node';
import { toPem } from '@handfast/x509';
import { getRequestListener } from '@hono/node-server';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { listen, stop } from '../listening.ts';
import { formatHostPort, parsePort } from '../options.ts';
import type { Report } from '../report.ts';
import { type AcmeService, acmeService } from './acme.ts';
import { AuditService } from './audit-service.ts';
import { EndpointCertificate, endpointNames, namesOfThisMachine } from './endpoint.ts';
import { type EnrolmentListener, enrolmentListener } from './enrolment.ts';
import { type OpenCa, withCa } from './open.ts';
import { answerFile } from './public-files.ts';
import { adminOf, type HostAndPort, httpPortOf, provingOf, refuseOpen, type ServeOptions } from './serve-options.ts';
import { adminListener } from './serving/admin.ts';
import { type Announcing, announce, tellCheckpoint } from './serving/announce.ts';
import { startChores } from './serving/chores.ts';
import { dashboardListener } from './serving/dashboard.ts';
import { readiness } from './serving/health.ts';
import { watchIssuers } from './serving/issuers.ts';
import { openMetrics } from './serving/metrics.ts';
import { type ServeReport, serveReport } from './serving/report.ts';
import { byPath, clientLimits, fail, logged, tellClientError } from './serving/requests.ts';

/** A handshake takes two round trips, and a key of the client's perhaps. */
const handshakeTimeoutMs = 10_000;

export async function serve(options: ServeOptions, io: Io): Promise<ExitCode> {
  // Without a listener it would end the process, and who rotates logs or issuers does not ask whether it has started.
  process.on('SIGHUP', nothing);
  try {
    return await serveUntilInterrupted(options, io);
  } finally {
    process.off('SIGHUP', nothing);
  }
}

function nothing(): void {}

async function serveUntilInterrupted(options: ServeOptions, io: Io): Promise<ExitCode> {
  const host = options.host === 'localhost' ? '127.0.0.1' : options.host;
  const port = parsePort(options.port, 0);
  const givenHttpPort = options.httpPort === undefined ? undefined : parsePort(options.httpPort, 0);
  if (isIP(host) === 0) {
    throw usageError(`--host is an address of this machine, not ${quote(host)}`, '127.0.0.1, or 0.0.0.0 for all');
  }
  const proving = provingOf(options);
  const admin = adminOf(options);
  const report = serveReport(io, options);
  await withCa(options, io, async (ca) => {
    refuseOpen(options, ca.config);
    const names = endpointNames(ca, host);
    const endpoint = new EndpointCertificate(ca.authority, names, (error) => report.error(error));
    await endpoint.current();
    await tellUnfinished(ca, report);
    const httpPort = givenHttpPort ?? httpPortOf(ca.config);
    const { auditLog, dashboard } = options;
    await run({ ca, names, endpoint, host, port, httpPort, proving, admin, dashboard, auditLog, report }, io);
  });
  return exitCodes.ok;
}

/** What a process that died had begun: it may be signed, and nobody has it. */
async function tellUnfinished({ authority }: OpenCa, report: Report): Promise<void> {
  const serials = await authority.unfinished();
  if (serials.length === 0) return;
  report.warning(`begun and never finished, and handed to nobody: the certificates ${serials.join(', ')}`);
}

interface Serving extends Announcing {
  readonly report: ServeReport;
  readonly endpoint: EndpointCertificate;
  readonly port: number;
  readonly httpPort: number;
  /** Where health and metrics are, if anywhere. */
  readonly admin: HostAndPort | undefined;
  readonly auditLog: string | undefined;
}

async function run(serving: Serving, io: Io): Promise<void> {
  const { ca, names, endpoint, host, report } = serving;
  const audit = await AuditService.start({
    ca,
    file: serving.auditLog,
    log: (checkpoint) => tellCheckpoint(checkpoint, serving),
    error: (error) => report.error(error),
  });
  // Its URL has the port in it, which is known when it listens.
  let acme: AcmeService | undefined;
  let enrolment: EnrolmentListener | undefined;
  let dashboard: RequestListener | undefined;
  const directory = (): string => acme?.directory ?? '';
  const files: RequestListener = (request, response) => {
    answerFile(ca, directory(), request, response).catch((error: unknown) => fail(error, response, report));
  };
  const listener = (answer: RequestListener): RequestListener => byPath(logged(report, answer));
  const secure = createHttpsServer(
    {
      selectCredential: () => endpoint.current(),
      ...clientLimits,
      handshakeTimeout: handshakeTimeoutMs,
      // For renewals: who shows none is as welcome, and what one is good for the records say.
      ...{ requestCert: true, rejectUnauthorized: false, ca: rootsOf(ca) },
    },
    listener((request, response) => {
      if (acme !== undefined && /^\/acme(\/|$)/.test(request.url ?? '')) acme.listener(request, response);
      else if (enrolment !== undefined && /^\/enrol\//.test(request.url ?? '')) enrolment.listener(request, response);
      else if (dashboard !== undefined && /^\/admin(\/|$)/.test(request.url ?? '')) dashboard(request, response);
      else files(request, response);
    }),
  );
  secure.on('tlsClientError', (error: Error) => tellClientError(error, report));
  const ocsp = ocspListener(ca, report);
  const plain = createServer(
    clientLimits,
    listener((request, response) => {
      if (ocsp !== undefined && /^\/ocsp\//.test(request.url ?? '')) ocsp(request, response);
      else files(request, response);
    }),
  );
  const metrics = openMetrics(ca, { tally: report.tally, failed: (error) => report.error(error) });
  let stopping = false;
  const admin = createServer(
    clientLimits,
    byPath(
      adminListener({
        ready: readiness(ca),
        metrics,
        stopping: () => stopping,
        failed: (error) => report.error(error),
      }),
    ),
  );
  const chores = startChores(ca.authority, {
    ocsp: ca.config.ocsp === true,
    failed: (error) => report.error(error),
  });
  const issuers = watchIssuers(ca, {
    report,
    changed() {
      secure.setSecureContext({ ca: rootsOf(ca) });
      endpoint.replace();
      chores.hurry();
    },
  });
  const count = (event: AcmeEvent): void => {
    metrics.count(event);
    if (event.event === 'revoked') chores.hurry();
  };
  const servers: readonly Server[] = [secure, plain];
  try {
    const port = await listen(secure, serving.port, host, '--port');
    const httpPort = await listen(plain, serving.httpPort, host, '--http-port');
    const url = `https://${formatHostPort({ host: names[0] ?? host, port })}`;
    const listeners = [port, httpPort].map((own) => ({ address: host, port: own }));
    const adminAt = serving.admin && {
      host: serving.admin.host,
      port: await listen(admin, serving.admin.port, serving.admin.host, '--admin-port'),
    };
    if (adminAt !== undefined) listeners.push({ address: adminAt.host, port: adminAt.port });
    acme = await acmeService({ ca, url, proving: serving.proving, listeners: () => listeners, report, count });
    enrolment = await enrolmentListener(ca, report);
    dashboard = await dashboardListener(ca, {
      ...{ reach: serving.dashboard, hosts: [...names, ...namesOfThisMachine], report },
      revoked: () => chores.hurry(),
    });
    announce(serving, { url, directory: directory(), httpPort, admin: adminAt && `http://${formatHostPort(adminAt)}` });
    if (!io.interrupted.aborted) await once(io.interrupted, 'abort');
  } finally {
    stopping = true;
    await Promise.all(servers.map((server) => stop(server)));
    await acme?.close();
    enrolment?.close();
    await issuers.close();
    await chores.close();
    await audit.close();
    await stop(admin);
    metrics.close();
  }
  report.data('stopped', {});
}

/** Whose clients' certificates are asked for. */
function rootsOf({ roots }: OpenCa): string {
  return roots.map(({ raw }) => toPem('CERTIFICATE', raw)).join('');
}

/** Where certificates name it. */
function ocspListener({ authority, config }: OpenCa, report: Report): RequestListener | undefined {
  if (config.ocsp !== true) return undefined;
  const ocsp = createOcsp({ authority, log: (error) => report.error(error) });
  // HTTP/1.0 has no Host, and nothing of it is looked at.
  const listener = getRequestListener(ocsp, { overrideGlobalObjects: false, hostname: 'localhost' });
  return (request, response) => void listener(request, response);
}
