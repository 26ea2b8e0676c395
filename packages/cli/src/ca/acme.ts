/**
 * The ACME server of `@handfast/ca`, as `handfast ca serve` runs it: what it may connect to, its chores, its log.
 *
 * @module
 */

import { lookup } from 'node:dns/promises';
import type { RequestListener } from 'node:http';
import { type AcmeEvent, createAcme, type Endpoint, http01, type TargetPolicy } from '@handfast/ca';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { escapeText } from '@handfast/x509';
import { getRequestListener } from '@hono/node-server';
import type { Report } from '../report.ts';
import type { OpenCa } from './open.ts';

export interface AcmeSetup {
  readonly ca: OpenCa;
  /** What clients are told, without a path. */
  readonly url: string;
  readonly dev: boolean;
  /** Where http-01 is looked at, with `dev`. */
  readonly validationPort: number | undefined;
  /** Where the CA itself listens. */
  readonly listeners: () => readonly Endpoint[];
  readonly report: Report;
}

export interface AcmeService {
  readonly directory: string;
  readonly listener: RequestListener;
  close(): Promise<void>;
}

const maintenanceMs = 60_000;

export async function acmeService(setup: AcmeSetup): Promise<AcmeService> {
  const { ca, url, dev, validationPort, listeners, report } = setup;
  const { authority, database } = ca;
  const targets: TargetPolicy = { dev, listeners, ...(dev && { resolve }) };
  const acme = await createAcme({
    authority,
    database,
    provider,
    baseUrl: url,
    challenges: [http01({ targets, ...(validationPort !== undefined && { port: validationPort }) })],
    allowsName: (name) => authority.nameRefusal(name) === undefined,
    log: (event) => tell(event, report),
  });
  const maintain = (): void => {
    acme.maintain().catch((error: unknown) => report.error(error));
  };
  const timer = setInterval(maintain, maintenanceMs);
  maintain();
  const listener = getRequestListener((request) => acme.fetch(request), { overrideGlobalObjects: false });
  return {
    directory: `${url}/acme/directory`,
    listener: (request, response) => void listener(request, response),
    async close() {
      clearInterval(timer);
      await acme.close();
    },
  };
}

/** RFC 6761 §6.3: `localhost`, and every name below, is this machine, whatever its resolver makes of it. */
async function resolve(name: string): Promise<readonly string[]> {
  if (/(^|\.)localhost$/i.test(name)) return ['127.0.0.1', '::1'];
  return (await lookup(name, { all: true, verbatim: true })).map(({ address }) => address);
}

/** What a line of a request does not tell. */
function tell(event: AcmeEvent, report: Report): void {
  const { green, red } = report.colors;
  switch (event.event) {
    case 'account': {
      const { accountId, change } = event;
      report.news(`  account ${accountId} ${change}`, 'account', { accountId, change });
      break;
    }
    case 'validation': {
      const { type, identifier, failure } = event;
      const what = `${type} for ${escapeText(identifier.value)}`;
      const line =
        failure === undefined ? `${green('✓')} ${what}` : `${red('✗')} ${what}: ${escapeText(failure.message)}`;
      report.news(`  ${line}`, 'validation', { type, identifier, failure: failure?.message ?? null });
      break;
    }
    case 'order': {
      const { orderId, status } = event;
      const failure = messageOf(event.failure);
      const line = `order ${orderId} is ${status}${failure === null ? '' : `: ${escapeText(failure)}`}`;
      report.news(`  ${line}`, 'order', { orderId, status, failure });
      break;
    }
    case 'refused': {
      const { url, problem } = event;
      const cause = messageOf(event.cause);
      const line = `refused: ${escapeText(problem)}${cause === null ? '' : ` (${escapeText(cause)})`}`;
      report.news(`  ${line}`, 'refused', { url, problem, cause });
      break;
    }
    case 'error':
      report.error(event.error, { url: event.url ?? null });
      break;
  }
}

function messageOf(error: unknown): string | null {
  return error instanceof Error ? error.message : null;
}
