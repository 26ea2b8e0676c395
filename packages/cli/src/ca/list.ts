/**
 * `handfast ca list`, `ca show` and `ca revoke`: what was issued, one of it in full, and taking it back.
 *
 * @module
 */

import type { CertificateStatus, ListFilter } from '@handfast/ca';
import { quote } from '@handfast/tls';
import { escapeText, parseCertificate, toPem } from '@handfast/x509';
import { dayMs } from '../authority.ts';
import { timeText } from '../cert/layout.ts';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { parseCount } from '../options.ts';
import type { Reason } from './choices.ts';
import type { FolderOptions } from './folder.ts';
import { operator, withCa } from './open.ts';
import { type OutputChoice, print, printJson, printLines, table } from './output.ts';
import { findRecord, keyText, recordJson, recordName, statusText } from './records.ts';

export interface ListOptions extends FolderOptions, OutputChoice {
  readonly status?: CertificateStatus;
  readonly search?: string;
  readonly expiring?: string;
  readonly limit: string;
}

export interface ShowOptions extends FolderOptions, OutputChoice {
  readonly pem?: boolean;
}

export interface RevokeOptions extends FolderOptions, OutputChoice {
  readonly reason?: Reason;
}

/** Newest first. */
export async function list(options: ListOptions, io: Io): Promise<ExitCode> {
  const now = new Date();
  const limit = parseCount('--limit', options.limit);
  const filter: ListFilter = {
    ...(options.status !== undefined && { status: options.status }),
    ...(options.search !== undefined && { search: options.search }),
    ...(options.expiring !== undefined && expiringWithin(options.expiring, options.status, now)),
  };
  // One more than is shown tells whether there are others.
  const found = await withCa(options, io, ({ authority }) => authority.list({ ...filter, limit: limit + 1 }));
  const records = found.slice(0, limit);
  if (options.json === true) {
    for (const record of records) printJson(recordJson(record), io);
    return exitCodes.ok;
  }
  if (records.length === 0) {
    const all = Object.keys(filter).length === 0;
    printLines([all ? 'Nothing is issued yet: handfast ca issue NAME does it' : 'No certificate is like that'], io);
    return exitCodes.ok;
  }
  const rows = records.map((record) => [
    record.serial,
    record.profile,
    statusText(record, now),
    escapeText(record.by),
    recordName(record),
  ]);
  printLines(table(['SERIAL', 'PROFILE', 'STATUS', 'BY', 'NAMES'], rows), io);
  if (found.length > limit)
    printLines(['', `There are more: --limit shows more than ${limit}, --search finds some`], io);
  return exitCodes.ok;
}

export async function show(serial: string, options: ShowOptions, io: Io): Promise<ExitCode> {
  const record = await withCa(options, io, (ca) => findRecord(serial, ca));
  const certificate = parseCertificate(record.der);
  const pem = toPem('CERTIFICATE', record.der);
  if (options.pem === true) {
    if (options.json === true) throw usageError('--pem and --json contradict each other', '--json has the PEM in it');
    io.stdout.write(pem);
    return exitCodes.ok;
  }
  print(
    { ...recordJson(record), key: keyText(record), issuerName: certificate.issuer.toString(), pem },
    {
      heading: recordName(record),
      fields: [
        ['Status', statusText(record, new Date())],
        ['Serial', record.serial],
        ['Subject', certificate.subject.rdns.length === 0 ? 'none' : quote(certificate.subject.toString())],
        ['Names', record.names.length === 0 ? 'none' : record.names.map(escapeText)],
        ['Valid', `${timeText(record.notBefore)} to ${timeText(record.notAfter)}`],
        ['Key', keyText(record)],
        ['Profile', record.profile],
        ['Issuer', quote(certificate.issuer.toString())],
        ['Issued', `${timeText(record.issuedAt)} to ${escapeText(record.by)}`],
      ],
    },
    options,
    io,
  );
  return exitCodes.ok;
}

export async function revoke(serial: string, options: RevokeOptions, io: Io): Promise<ExitCode> {
  const revoked = await withCa(options, io, async (ca) => {
    const { serial: found } = await findRecord(serial, ca);
    const { reason } = options;
    return ca.authority.revoke({ serial: found, by: operator(), ...(reason !== undefined && { reason }) });
  });
  print(
    recordJson(revoked),
    {
      heading: `Revoked: ${recordName(revoked)}`,
      fields: [
        ['Serial', revoked.serial],
        ['Reason', revoked.reason ?? 'unspecified'],
        ['CRL', 'the next one that is fetched has it; handfast ca crl export writes one now'],
        ...(revoked.reason === 'keyCompromise'
          ? [['Key', 'blocked for ever; every other certificate with it is revoked as well'] as const]
          : []),
      ],
    },
    options,
    io,
  );
  return exitCodes.ok;
}

function expiringWithin(days: string, status: CertificateStatus | undefined, now: Date): ListFilter {
  if (status !== undefined && status !== 'valid') {
    throw usageError(`--expiring and --status ${status} contradict each other`, 'what expires soon is valid still');
  }
  const count = parseCount('--expiring', days);
  return { status: 'valid', expiresBefore: new Date(now.getTime() + count * dayMs) };
}
