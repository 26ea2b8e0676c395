/**
 * The dashboard by `@handfast/ca`, as `handfast ca serve` runs it beside ACME: for this machine alone, unless told otherwise.
 *
 * @module
 */

import type { RequestListener } from 'node:http';
import { type AdminEvent, createAdmin, readAdminPage } from '@handfast/ca';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { TLSSocket } from '@handfast/tls/node';
import { getRequestListener } from '@hono/node-server';
import type { Report } from '../../report.ts';
import type { DashboardReach } from '../choices.ts';
import type { OpenCa } from '../open.ts';

export interface DashboardOptions {
  readonly reach: DashboardReach;
  /** By which browsers reach the server. */
  readonly hosts: readonly string[];
  readonly report: Report;
  /** Something was revoked. */
  revoked(): void;
}

/** For requests below `/admin` that came over TLS; `undefined` where there is to be none. */
export async function dashboardListener(
  { authority, database, config }: OpenCa,
  { reach, hosts, report, revoked }: DashboardOptions,
): Promise<RequestListener | undefined> {
  if (reach === 'off') return undefined;
  const admin = await createAdmin({
    ...{ authority, database, provider, hosts },
    page: await readAdminPage(),
    clients: config.dashboard ?? [],
    log(event) {
      tell(event, report);
      if (event.event === 'revoked') revoked();
    },
  });
  const listener = getRequestListener(
    (request, { incoming: { socket } }) => {
      const clientCertificate = socket instanceof TLSSocket ? socket.negotiated?.peer?.chain[0] : undefined;
      return admin.fetch(request, { clientCertificate, remoteAddress: socket.remoteAddress });
    },
    { overrideGlobalObjects: false },
  );
  return (request, response) => {
    if (reach === 'network' || isThisMachine(request.socket.remoteAddress)) return void listener(request, response);
    response.writeHead(403, { 'Content-Type': 'text/plain; charset=utf-8' });
    response.end('The dashboard is for this machine alone, unless ca serve is told --dashboard network\n');
  };
}

function isThisMachine(address = ''): boolean {
  return address === '::1' || address.replace(/^::ffff:/i, '').startsWith('127.');
}

function tell(event: AdminEvent, report: Report): void {
  switch (event.event) {
    case 'signed in':
      report.news(`  signed in: ${event.who}, ${event.role}`, 'signed in', { who: event.who, role: event.role });
      break;
    case 'issued':
    case 'revoked':
      report.news(`  ${event.event}: ${event.serial}, by ${event.who}`, event.event, {
        serial: event.serial,
        by: event.who,
      });
      break;
    case 'refused':
      report.news(`  refused: ${event.code}`, 'refused', { path: event.path, code: event.code });
      break;
    case 'error':
      report.error(event.error, { path: event.path });
      break;
  }
}
