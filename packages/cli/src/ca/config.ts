/**
 * `config.json` of a CA's folder: what people may change with an editor, read strictly.
 *
 * @module
 */

import type { AdminClient } from '@handfast/ca';
import { quote } from '@handfast/tls';
import { type CliError, usageError } from '../exit.ts';
import { parsingFile, readFileFor } from '../options.ts';
import { type AcmeConfig, acmeConfigOf } from './acme-config.ts';
import { dashboardConfigOf } from './dashboard-config.ts';
import { type NameSpace, parseNameSpace } from './names.ts';
import { type ProfileConfig, profileConfigsOf } from './profiles-config.ts';
import { type RevocationConfig, revocationConfigOf } from './revocation-config.ts';
import { type SignerConfig, signerConfigOf, signerJson } from './signer-module.ts';

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
  /** Whether a new ACME account needs a key that an operator made; no, unless set. */
  readonly externalAccountRequired?: boolean | undefined;
  /** Kinds of certificate of one's own. */
  readonly profiles?: readonly ProfileConfig[] | undefined;
  readonly acme?: AcmeConfig | undefined;
  /** Client certificates that may sign in at the dashboard. */
  readonly dashboard?: readonly AdminClient[] | undefined;
  /** Lists of what is revoked, and how long certificates are remembered. */
  readonly revocation?: RevocationConfig | undefined;
  /** Who signs with the issuing key, where that does not lie in the folder. */
  readonly signer?: SignerConfig | undefined;
  /** After the rotation of a root: whether chains end with the old one or the new; the old, unless set. */
  readonly chain?: 'old' | 'new' | undefined;
  /** How long a server keeps entries of the audit log: for ever, unless set. */
  readonly auditKeptDays?: number | undefined;
}

const version = 1;

/** As it is written: one field a line, names as people type them. */
export function configText(config: CaConfig): string {
  const {
    kind,
    title,
    allow,
    wildcards,
    baseUrl,
    ocsp,
    database,
    externalAccountRequired,
    profiles,
    acme,
    auditKeptDays,
  } = config;
  const value = {
    version,
    kind,
    title,
    allow: [...allow.domains, ...allow.networks],
    wildcards,
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(ocsp === true ? { ocsp } : {}),
    ...(database === undefined ? {} : { database }),
    ...(externalAccountRequired === true ? { externalAccountRequired } : {}),
    ...(profiles === undefined ? {} : { profiles }),
    ...(acme === undefined ? {} : { acme }),
    ...(config.dashboard === undefined ? {} : { dashboard: config.dashboard }),
    ...(config.revocation === undefined ? {} : { revocation: config.revocation }),
    ...(auditKeptDays === undefined ? {} : { auditKeptDays }),
    ...(config.signer === undefined ? {} : { signer: signerJson(config.signer) }),
    ...(config.chain === undefined ? {} : { chain: config.chain }),
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
  const externalAccountRequired = fields.get('externalAccountRequired') ?? false;
  if (typeof externalAccountRequired !== 'boolean') throw wrong('externalAccountRequired is neither true nor false');
  const [profiles, acme] = [fields.get('profiles'), fields.get('acme')];
  const [dashboard, revocation] = [fields.get('dashboard'), fields.get('revocation')];
  const auditKeptDays = fields.get('auditKeptDays');
  if (auditKeptDays !== undefined && !(Number.isSafeInteger(auditKeptDays) && (auditKeptDays as number) > 0)) {
    throw wrong('auditKeptDays is no number of days', 'leave it out to keep the audit log for ever');
  }
  const [signer, chain] = [fields.get('signer'), fields.get('chain')];
  if (chain !== undefined && chain !== 'old' && chain !== 'new') throw wrong('chain is neither "old" nor "new"');
  return {
    kind,
    title,
    wildcards,
    ...(signer !== undefined && { signer: signerConfigOf(`${what} ${quote(file)}: signer`, signer) }),
    ...(chain !== undefined && { chain }),
    ...(ocsp && { ocsp }),
    ...(externalAccountRequired && { externalAccountRequired }),
    ...(profiles !== undefined && { profiles: profileConfigsOf(`${what} ${quote(file)}: profiles`, profiles) }),
    ...(acme !== undefined && { acme: acmeConfigOf(`${what} ${quote(file)}: acme`, acme) }),
    ...(dashboard !== undefined && { dashboard: dashboardConfigOf(`${what} ${quote(file)}: dashboard`, dashboard) }),
    ...(revocation !== undefined && {
      revocation: revocationConfigOf(`${what} ${quote(file)}: revocation`, revocation),
    }),
    allow: parseNameSpace(`${what} ${quote(file)}: allow`, names),
    baseUrl: parseBaseUrl(`${what} ${quote(file)}: baseUrl`, baseUrl),
    ...(auditKeptDays !== undefined && { auditKeptDays: auditKeptDays as number }),
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
  'externalAccountRequired',
  'profiles',
  'acme',
  'dashboard',
  'revocation',
  'auditKeptDays',
  'signer',
  'chain',
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
