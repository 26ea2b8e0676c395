/**
 * `handfast ca token`, `ca token list` and `ca token revoke`: tokens for machines and people that can answer no challenge.
 *
 * @module
 */

import { type EnrolmentToken, openTokens, type TokenRequest, type Tokens } from '@handfast/ca';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { escapeText } from '@handfast/x509';
import { timeText, whenText } from '../cert/layout.ts';
import { parseCaUrl } from '../enroll/connection.ts';
import { fingerprintHex } from '../enroll/root.ts';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { formatHostPort, parseCount, parseSpan } from '../options.ts';
import { shellQuoted } from '../shell.ts';
import { defaultPort } from './choices.ts';
import { endpointNames } from './endpoint.ts';
import type { FolderOptions } from './folder.ts';
import { hostName } from './names.ts';
import { type OpenCa, operator, withCa } from './open.ts';
import { type OutputChoice, print, printJson, printLines, table } from './output.ts';

export interface TokenOptions extends FolderOptions, OutputChoice {
  readonly profile: string;
  readonly ttl: string;
  readonly url?: string;
}

export interface TokenListOptions extends FolderOptions, OutputChoice {
  readonly limit: string;
}

export async function token(names: readonly string[], options: TokenOptions, io: Io): Promise<ExitCode> {
  const lifetimeMs = parseSpan('--ttl', options.ttl);
  if (names.length === 0) throw usageError('what is the token for?', 'handfast ca token db.corp.example');
  await withCa(options, io, async (ca) => {
    const url = options.url === undefined ? urlOf(ca) : parseCaUrl('--url', options.url).origin;
    const tokens = await tokensOf(ca);
    const made = await tokens.create({ ...askedFor(names, options, ca), lifetimeMs, by: operator() });
    tell(made, url, ca, options, io);
  });
  return exitCodes.ok;
}

export async function listTokens(options: TokenListOptions, io: Io): Promise<ExitCode> {
  const now = new Date();
  const limit = parseCount('--limit', options.limit);
  const found = await withCa(options, io, async (ca) => (await tokensOf(ca)).list({ limit }));
  if (options.json === true) for (const one of found) printJson(tokenJson(one), io);
  else if (found.length === 0) printLines(['There is no token: handfast ca token NAME makes one'], io);
  else {
    const rows = found.map((one) => [one.id, one.profile, statusText(one, now), escapeText(one.by), namesOf(one)]);
    printLines(table(['ID', 'PROFILE', 'STATUS', 'BY', 'NAMES'], rows), io);
  }
  return exitCodes.ok;
}

export async function revokeToken(id: string, options: FolderOptions & OutputChoice, io: Io): Promise<ExitCode> {
  const revoked = await withCa(options, io, async (ca) => (await tokensOf(ca)).revoke(id, operator()));
  print(
    tokenJson(revoked),
    { heading: `Revoked: the token ${revoked.id}`, fields: [['Names', namesOf(revoked)]] },
    options,
    io,
  );
  return exitCodes.ok;
}

function tokensOf({ authority, database }: OpenCa): Promise<Tokens> {
  return openTokens({ authority, database, provider });
}

/** Whom a client's token is for need not be a host; where it is one that the CA certifies, it stands among the names as well. */
function askedFor(
  given: readonly string[],
  { profile }: TokenOptions,
  { authority }: OpenCa,
): Pick<TokenRequest, 'names' | 'emails' | 'commonName' | 'profile'> {
  const hosts = (names: readonly string[]): readonly string[] => names.map((name) => hostName('NAME', name));
  if (authority.profiles.find(({ name }) => name === profile)?.commonName !== 'identity') {
    return { profile, names: hosts(given) };
  }
  const emails = given.filter((name) => name.includes('@'));
  const [first, ...others] = given.filter((name) => !name.includes('@'));
  if (first === undefined) return { profile, names: [], emails };
  const certified = authority.nameRefusal(first) === undefined ? [first] : [];
  return { profile, names: hosts([...certified, ...others]), emails, commonName: first };
}

/** Where `ca serve` listens unless it is told otherwise. */
export function urlOf(ca: OpenCa): string {
  const [host = 'localhost'] = endpointNames(ca, '127.0.0.1');
  return `https://${formatHostPort({ host, port: defaultPort })}`;
}

function tell(
  { token: made, secret }: { readonly token: EnrolmentToken; readonly secret: string },
  url: string,
  { root }: OpenCa,
  options: TokenOptions,
  io: Io,
): void {
  const fingerprint = fingerprintHex(root);
  const command = `handfast enroll ${shellQuoted(url)} --fingerprint ${fingerprint} --token-file -`;
  print(
    { ...tokenJson(made), token: secret, url, fingerprint, command },
    {
      heading: `A token for ${namesOf(made)}`,
      fields: [
        ['Profile', made.profile],
        ['Id', made.id],
        ['Ends', `${timeText(made.expiresAt)}, ${whenText(made.expiresAt, made.createdAt)}; once used it is used up`],
      ],
    },
    options,
    io,
  );
  if (options.json === true) return;
  // Whole lines, to be copied.
  printLines(['', `Token, shown this once:\n  ${secret}`, '', `There, and paste the token:\n  ${command}`], io);
}

function namesOf({ names, commonName }: EnrolmentToken): string {
  const all = names.map(({ name }) => name);
  const who = commonName === undefined || all.includes(commonName) ? [] : [commonName];
  return [...who, ...all].map(escapeText).join(', ');
}

function tokenJson(token: EnrolmentToken): object {
  const time = (date: Date | undefined): string | null => (date === undefined ? null : timeText(date));
  return {
    id: token.id,
    status: token.status,
    profile: token.profile,
    commonName: token.commonName ?? null,
    names: token.names.map(({ name }) => name),
    by: token.by,
    createdAt: time(token.createdAt),
    expiresAt: time(token.expiresAt),
    usedAt: time(token.usedAt),
    revokedAt: time(token.revokedAt),
  };
}

function statusText({ status, expiresAt, usedAt, revokedAt }: EnrolmentToken, now: Date): string {
  if (status === 'open') return `open, ends ${whenText(expiresAt, now)}`;
  return `${status} ${whenText(usedAt ?? revokedAt ?? expiresAt, now)}`;
}
