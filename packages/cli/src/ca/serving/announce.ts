/**
 * What `handfast ca serve` says when it listens, and of what it has signed into the audit log.
 *
 * @module
 */

import { type AuditCheckpoint, checkpointJson } from '@handfast/ca';
import { formatHostPort } from '../../options.ts';
import type { Report } from '../../report.ts';
import type { Proving } from '../acme.ts';
import type { DashboardReach } from '../choices.ts';
import type { OpenCa } from '../open.ts';

/** Who serves. */
export interface Announcing {
  readonly ca: OpenCa;
  readonly host: string;
  readonly names: readonly string[];
  readonly proving: Proving;
  readonly dashboard: DashboardReach;
  readonly report: Report;
}

interface Addresses {
  readonly url: string;
  readonly directory: string;
  readonly httpPort: number;
  readonly admin: string | undefined;
}

export function announce(serving: Announcing, { url, directory, httpPort, admin }: Addresses): void {
  const { ca, host, names, proving, report } = serving;
  const { bold, dim } = report.colors;
  const http = `http://${formatHostPort({ host: names[0] ?? host, port: httpPort })}`;
  const root = ca.paths.root;
  report.important(`ACME at ${bold(directory)}`, 'listening', {
    directory,
    http,
    root,
    names,
    ...(serving.dashboard !== 'off' && { dashboard: `${url}/admin/` }),
    ...(admin !== undefined && { admin }),
  });
  report.line(`${ca.config.ocsp === true ? 'root, CRLs and OCSP' : 'root and CRLs'} at ${http}`);
  if (serving.dashboard !== 'off') report.line(`dashboard at ${url}/admin/: handfast ca admin token lets people in`);
  if (admin !== undefined) report.line(`health and metrics at ${admin}`);
  if (ca.config.kind === 'development' && !proving.dev) {
    report.warning('without --dev no name on this machine can be proven: nothing is validated at loopback addresses');
  }
  report.line(dim('who is to get a certificate trusts the root first: handfast ca trust install shows how'));
  report.line(dim(`certbot: REQUESTS_CA_BUNDLE=${root} certbot certonly --standalone --server ${directory} -d NAME`));
}

/** As its line, so that it lies where logs do: for a developer's terminal it is no news. */
export function tellCheckpoint(checkpoint: AuditCheckpoint, { proving, report }: Announcing): void {
  const line = checkpointJson(checkpoint);
  if (proving.dev) report.data('audit checkpoint', line);
  else report.news(JSON.stringify(line), 'audit checkpoint', line);
}
