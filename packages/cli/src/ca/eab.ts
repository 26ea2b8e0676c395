/**
 * `handfast ca eab`: keys by which new ACME accounts show whose they are (RFC 8555 §7.3.4).
 *
 * @module
 */

import {
  acmeSchema,
  createExternalKey,
  type ExternalKey,
  listExternalKeys,
  migrate,
  revokeExternalKey,
} from '@handfast/ca';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { escapeText } from '@handfast/x509';
import { timeText, whenText } from '../cert/layout.ts';
import { parseCaUrl } from '../enroll/connection.ts';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { Report } from '../report.ts';
import { shellQuoted } from '../shell.ts';
import type { FolderOptions } from './folder.ts';
import { type OpenCa, operator, withCa } from './open.ts';
import { type OutputChoice, print, printJson, printLines, table } from './output.ts';
import { urlOf } from './token.ts';

export interface EabOptions extends FolderOptions, OutputChoice {
  readonly url?: string;
}

export async function createEab(label: string | undefined, options: EabOptions, io: Io): Promise<ExitCode> {
  const what = label ?? '';
  if (what.length > 200) throw usageError('LABEL is longer than 200 characters');
  await withCa(options, io, async (ca) => {
    const url = options.url === undefined ? urlOf(ca) : parseCaUrl('--url', options.url).origin;
    await migrate(ca.database, [acmeSchema]);
    const key = await createExternalKey(ca.database, provider, what, new Date(), operator());
    if (ca.config.externalAccountRequired !== true) {
      new Report(io, options).warning(
        'the CA asks no new account for one: "externalAccountRequired": true in its config.json does',
      );
    }
    tell({ ...key, label: what }, `${url}/acme/directory`, options, io);
  });
  return exitCodes.ok;
}

export async function listEab(options: EabOptions, io: Io): Promise<ExitCode> {
  const now = new Date();
  const keys = await withCa(options, io, async ({ database }) => {
    await migrate(database, [acmeSchema]);
    return await listExternalKeys(database);
  });
  if (options.json === true) for (const key of keys) printJson(keyJson(key), io);
  else if (keys.length === 0) printLines(['There is no external account key: handfast ca eab create makes one'], io);
  else {
    const rows = keys.map(({ id, label, createdAt, revokedAt }) => [
      id,
      revokedAt === undefined ? 'open' : `revoked ${whenText(revokedAt, now)}`,
      `made ${whenText(createdAt, now)}`,
      escapeText(label),
    ]);
    printLines(table(['ID', 'STATUS', 'MADE', 'LABEL'], rows), io);
  }
  return exitCodes.ok;
}

export async function revokeEab(id: string, options: EabOptions, io: Io): Promise<ExitCode> {
  await withCa(options, io, async ({ database }: OpenCa) => {
    await migrate(database, [acmeSchema]);
    if (await revokeExternalKey(database, id, new Date(), operator())) return;
    throw usageError(
      `there is no external account key ${quote(id)} that is not revoked`,
      'handfast ca eab list shows all',
    );
  });
  print(
    { id, revoked: true },
    {
      heading: `Revoked: the external account key ${id}`,
      fields: [['Accounts', 'those that are bound to it stay; no new one is']],
    },
    options,
    io,
  );
  return exitCodes.ok;
}

interface NewKey {
  readonly id: string;
  readonly secret: string;
  readonly label: string;
}

function tell({ id, secret, label }: NewKey, directory: string, options: EabOptions, io: Io): void {
  const server = shellQuoted(directory);
  const commands = {
    certbot: `certbot register --server ${server} --eab-kid=${id} --eab-hmac-key=${secret}`,
    lego: `lego --server ${server} --eab --kid=${id} --hmac=${secret} …`,
    acmeSh: `acme.sh --register-account --server ${server} --eab-kid ${id} --eab-hmac-key ${secret}`,
  };
  print(
    { id, secret, label, directory, commands },
    {
      heading: `An external account key${label === '' ? '' : ` for ${escapeText(label)}`}, shown this once`,
      fields: [
        ['Key id', id],
        ['HMAC key', secret],
      ],
    },
    options,
    io,
  );
  if (options.json === true) return;
  printLines(['', ...Object.values(commands).map((command) => `  ${command}`)], io);
}

function keyJson({ id, label, createdAt, revokedAt }: ExternalKey): object {
  return { id, label, createdAt: timeText(createdAt), revokedAt: revokedAt === undefined ? null : timeText(revokedAt) };
}
