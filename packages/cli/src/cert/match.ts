/**
 * `handfast cert match`: whether a key belongs to a certificate or a request. What is compared are the public halves.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { quote } from '@handfast/tls';
import { keyMatches } from '@handfast/x509';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import { colorsFor, type Io } from '../io.ts';
import { openContainers } from './contents.ts';
import { digestHex } from './json.ts';
import { digestLines, publicHalfOf, spkiLabel } from './keys.ts';
import { decodedOr, layOut, quotedName } from './layout.ts';
import { type Entry, type KeyAccess, loadFile, readableEntries, readPassword, whereOf } from './load.ts';

export interface MatchOptions {
  readonly json?: boolean;
  readonly color?: boolean;
  readonly passwordFile?: string;
  readonly legacy?: boolean;
}

/** Something about a key, and the key's public half. */
interface Bearer {
  readonly what: string;
  readonly where: string;
  readonly kind: Entry['kind'];
  readonly spki: Bytes;
}

/** Exits with 1 where the two are about different keys. */
export async function match(
  certificateFile: string,
  keyFile: string,
  options: MatchOptions,
  io: Io,
): Promise<ExitCode> {
  if (certificateFile === '-' && keyFile === '-') throw usageError('stdin (-) is given twice');
  const access = { password: readPassword(options.passwordFile), legacy: options.legacy };
  const one = await bearerIn(
    'CERT',
    certificateFile,
    ['certificate', 'request', 'publicKey', 'privateKey'],
    access,
    io,
  );
  const other = await bearerIn('KEY', keyFile, ['privateKey', 'publicKey', 'certificate', 'request'], access, io);
  const same = keyMatches(one, other);
  if (options.json) io.stdout.write(`${JSON.stringify({ match: same, certificate: json(one), key: json(other) })}\n`);
  else for (const line of verdict(one, other, same, options, io)) io.stdout.write(`${line}\n`);
  return same ? exitCodes.ok : exitCodes.failed;
}

/** The first piece of the kind that is looked for first. */
async function bearerIn(
  option: string,
  path: string,
  kinds: readonly Entry['kind'][],
  access: KeyAccess,
  io: Io,
): Promise<Bearer> {
  const entries = await openContainers(readableEntries(await loadFile(option, path, io)), access);
  for (const kind of kinds) {
    const entry = entries.find((candidate) => candidate.kind === kind);
    const bearer = entry === undefined ? undefined : await bearerOf(entry, access);
    if (bearer !== undefined) return bearer;
  }
  throw usageError(`${option} ${quote(path)} holds no certificate, no request and no key`);
}

async function bearerOf(entry: Entry, access: KeyAccess): Promise<Bearer | undefined> {
  const { kind } = entry;
  const where = whereOf(entry);
  switch (kind) {
    case 'certificate':
      return { kind, where, what: `the certificate ${quotedName(entry.certificate)}`, spki: entry.certificate.spki };
    case 'request':
      return {
        kind,
        where,
        what: `the request of ${quote(entry.request.subject.toString())}`,
        spki: entry.request.spki,
      };
    case 'publicKey':
      return { kind, where, what: 'the public key', spki: entry.spki };
    case 'privateKey':
      return { kind, where, what: 'the private key', spki: await publicHalfOf(entry, access) };
    default:
      return undefined;
  }
}

function verdict(one: Bearer, other: Bearer, same: boolean, options: MatchOptions, io: Io): readonly string[] {
  const colors = colorsFor(io.stdout, io.env, options.color ?? true);
  const text = same
    ? `${one.what} and ${other.what} belong together`
    : `${one.what} and ${other.what} do not belong together`;
  const side = (bearer: Bearer): readonly [string, readonly string[]] => [
    'Key SHA-256',
    [...digestLines(bearer.spki), `${keyText(bearer)}, ${bearer.where}`],
  ];
  return layOut(
    { heading: `${same ? colors.green('✓') : colors.red('✗')} ${text}`, fields: [side(one), side(other)] },
    colors,
  );
}

function json(bearer: Bearer): object {
  return { kind: bearer.kind, where: bearer.where, keySha256: digestHex(bearer.spki) };
}

function keyText({ spki }: Bearer): string {
  return decodedOr(
    () => spkiLabel(spki),
    () => 'a key of unknown kind',
  );
}
