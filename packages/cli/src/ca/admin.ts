/**
 * `handfast ca admin`: tokens by which people sign in at the dashboard of `handfast ca serve`.
 *
 * @module
 */

import { type AdminToken, createAdminToken, listAdminTokens, revokeAdminToken } from '@handfast/ca';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { escapeText } from '@handfast/x509';
import { timeText, whenText } from '../cert/layout.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import type { Io } from '../io.ts';
import { parseCount, parseSpan } from '../options.ts';
import { dashboardRoles } from './choices.ts';
import { choiceOf } from './fields.ts';
import type { FolderOptions } from './folder.ts';
import { operator, withCa } from './open.ts';
import { type OutputChoice, print, printJson, printLines, table } from './output.ts';
import { urlOf } from './token.ts';

export interface AdminTokenOptions extends FolderOptions, OutputChoice {
  readonly role: string;
  readonly ttl: string;
}

export interface AdminListOptions extends FolderOptions, OutputChoice {
  readonly limit: string;
}

export async function adminToken(who: string, options: AdminTokenOptions, io: Io): Promise<ExitCode> {
  const lifetimeMs = parseSpan('--ttl', options.ttl);
  const role = choiceOf('--role', options.role, dashboardRoles);
  await withCa(options, io, async (ca) => {
    const { database } = ca;
    const { token, secret } = await createAdminToken({ database, provider }, { who, role, lifetimeMs, by: operator() });
    print(
      { ...tokenJson(token), token: secret, url: `${urlOf(ca)}/admin/` },
      {
        heading: `A token for the dashboard, shown this once`,
        fields: [
          ['Token', secret],
          ['For', `${escapeText(who)}, ${role}, until ${timeText(token.expiresAt)}`],
          ['At', `${urlOf(ca)}/admin/`],
        ],
      },
      options,
      io,
    );
  });
  return exitCodes.ok;
}

export async function listAdmins(options: AdminListOptions, io: Io): Promise<ExitCode> {
  const now = new Date();
  const limit = parseCount('--limit', options.limit);
  const tokens = await withCa(options, io, ({ database }) => listAdminTokens({ database, provider }, { limit }));
  if (options.json === true) for (const token of tokens) printJson(tokenJson(token), io);
  else if (tokens.length === 0)
    printLines(['There is no token for the dashboard: handfast ca admin token WHO makes one'], io);
  else {
    const rows = tokens.map((token) => [
      token.id,
      token.role,
      statusText(token, now),
      escapeText(token.by),
      escapeText(token.who),
    ]);
    printLines(table(['ID', 'ROLE', 'STATUS', 'BY', 'WHO'], rows), io);
  }
  return exitCodes.ok;
}

export async function revokeAdmin(id: string, options: FolderOptions & OutputChoice, io: Io): Promise<ExitCode> {
  const token = await withCa(options, io, ({ database }) => revokeAdminToken({ database, provider }, id, operator()));
  print(
    tokenJson(token),
    {
      heading: `Revoked: ${escapeText(token.who)}’s token ${token.id}`,
      fields: [['Sessions', 'all of it have ended']],
    },
    options,
    io,
  );
  return exitCodes.ok;
}

function statusText({ status, expiresAt }: AdminToken, now: Date): string {
  return status === 'active' ? `ends ${whenText(expiresAt, now)}` : status;
}

function tokenJson({ id, who, role, by, status, createdAt, expiresAt, usedAt, revokedAt }: AdminToken): object {
  const at = (date: Date | undefined): string | null => (date === undefined ? null : timeText(date));
  return {
    ...{ id, who, role, by, status },
    ...{ createdAt: at(createdAt), expiresAt: at(expiresAt), usedAt: at(usedAt), revokedAt: at(revokedAt) },
  };
}
