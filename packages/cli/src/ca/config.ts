/**
 * `config.json` of a CA's folder: what people may change with an editor, read strictly.
 *
 * @module
 */

import { quote } from '@handfast/tls';
import { type CliError, usageError } from '../exit.ts';
import { parsingFile, readFileFor } from '../options.ts';
import { type NameSpace, parseNameSpace } from './names.ts';

export interface CaConfig {
  /** `development`: for one machine, whose root key nobody keeps. */
  readonly kind: 'development' | 'team';
  /** What the CA is called, in its certificates too. */
  readonly title: string;
  /** Names and networks that may be issued for; empty: none. */
  readonly allow: NameSpace;
  readonly wildcards: boolean;
  /** Where root and CRLs are to be had over plain HTTP, without a slash at the end. */
  readonly baseUrl: string | undefined;
  /** Whether certificates name the CA's OCSP responder, which is below `baseUrl`; no, unless set. */
  readonly ocsp?: boolean | undefined;
  /** A PostgreSQL server's, `postgres://…`; absent: a file in the folder. */
  readonly database?: string | undefined;
}

const version = 1;

/** As it is written: one field a line, names as people type them. */
export function configText({ kind, title, allow, wildcards, baseUrl, ocsp, database }: CaConfig): string {
  const value = {
    version,
    kind,
    title,
    allow: [...allow.domains, ...allow.networks],
    wildcards,
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(ocsp === true ? { ocsp } : {}),
    ...(database === undefined ? {} : { database }),
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** @throws CliError that says which field is wrong, and how */
export function readConfig(file: string): CaConfig {
  const what = 'the CA’s configuration';
  const text = readFileFor(what, file).toString('utf8');
  const value: unknown = parsingFile(what, file, () => JSON.parse(text));
  const wrong = (message: string, hint?: string): CliError => usageError(`${what} ${quote(file)}: ${message}`, hint);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('it is no object');
  const fields = new Map<string, unknown>(Object.entries(value));
  if (fields.get('version') !== version) {
    throw wrong(`version is not ${version}`, 'a newer handfast may have written it');
  }
  const unknown = [...fields.keys()].find((name) => !known.has(name));
  if (unknown !== undefined) throw wrong(`${quote(unknown)} is no field`, `fields are ${[...known].join(', ')}`);
  const kind = fields.get('kind');
  if (kind !== 'development' && kind !== 'team') throw wrong('kind is neither "development" nor "team"');
  const title = fields.get('title');
  if (typeof title !== 'string' || title === '') throw wrong('title is no text');
  const names = fields.get('allow');
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    throw wrong('allow is no list of texts', 'write "allow": ["corp.example", "10.0.0.0/8"]');
  }
  const wildcards = fields.get('wildcards');
  if (typeof wildcards !== 'boolean') throw wrong('wildcards is neither true nor false');
  const baseUrl = fields.get('baseUrl');
  if (baseUrl !== undefined && typeof baseUrl !== 'string') throw wrong('baseUrl is no text');
  const database = fields.get('database');
  if (database !== undefined && typeof database !== 'string') throw wrong('database is no text');
  const ocsp = fields.get('ocsp') ?? false;
  if (typeof ocsp !== 'boolean') throw wrong('ocsp is neither true nor false');
  if (ocsp && baseUrl === undefined)
    throw wrong('ocsp without baseUrl', 'certificates name where they are asked after');
  return {
    kind,
    title,
    wildcards,
    ...(ocsp && { ocsp }),
    allow: parseNameSpace(`${what} ${quote(file)}: allow`, names),
    baseUrl: parseBaseUrl(`${what} ${quote(file)}: baseUrl`, baseUrl),
    ...(database !== undefined && { database: parseDatabaseUrl(`${what} ${quote(file)}: database`, database) }),
  };
}

const known: ReadonlySet<string> = new Set([
  'version',
  'kind',
  'title',
  'allow',
  'wildcards',
  'baseUrl',
  'ocsp',
  'database',
]);

/**
 * `postgres://ca@db.corp.example/ca`. Without a password: the configuration may be read by who may not issue. PGPASSWORD and
 * PGPASSFILE hold one, or the server knows the user by a certificate.
 */
export function parseDatabaseUrl(option: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:')) {
    throw usageError(`${option} is no URL of a PostgreSQL server`, 'write postgres://USER@HOST/DATABASE');
  }
  if (url.password !== '' || url.searchParams.has('password')) {
    throw usageError(
      `${option} has a password in it`,
      'leave it out, and set PGPASSWORD, or PGPASSFILE to a file with it',
    );
  }
  return text;
}

/** `http://ca.corp.example`, with a port where there is one, without a slash at the end. */
export function parseBaseUrl(option: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') {
    throw usageError(`${option} ${quote(text)} is no URL`, 'write where the CA is reached: http://ca.corp.example');
  }
  if (url.protocol === 'https:') {
    throw usageError(
      `${option} ${quote(text)} is https`,
      `CRLs are fetched over plain HTTP, or who fetches them would need one first: http://${url.host}`,
    );
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw usageError(`${option} ${quote(text)} has more than host and port`, `write http://${url.host}`);
  }
  return url.origin;
}
