/**
 * From a folder to the authority that issues out of it; and what goes wrong with it, in words for an operator.
 *
 * @module
 */

import { userInfo } from 'node:os';
import {
  CaError,
  type Database,
  type IssuerChange,
  type NamePolicy,
  type OpenAuthority,
  openAuthority,
  openSqlite,
  type Profile,
} from '@handfast/ca';
import type { Signer } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { type Certificate, CertificateError, keyPurposeLabel } from '@handfast/x509';
import { CliError, type ExitCode, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { reasonOf } from '../options.ts';
import type { CaConfig } from './config.ts';
import { type CaFolder, type CaPaths, caDirectory, type FolderOptions, readFolder } from './folder.ts';
import { keyPassphrase, type Passphrase } from './issuer-key.ts';
import { namesText } from './names.ts';
import { profilesOf } from './profiles-config.ts';
import { revocationOptions } from './revocation-config.ts';
import { Signers, type StoredIssuers, stateOf } from './stored-issuers.ts';

export interface OpenCa {
  readonly paths: CaPaths;
  readonly config: CaConfig;
  /** What is to be trusted: the newest, and as long as there is one the root before it. */
  readonly roots: readonly [Certificate, ...Certificate[]];
  readonly root: Certificate;
  readonly intermediate: Certificate;
  /** Of the intermediate. */
  readonly signer: Signer;
  readonly authority: OpenAuthority;
  readonly database: Database;
  /** Goes on with the issuers that lie in the folder now. Whether they are others. @throws CliError, and goes on as it was */
  refresh(): Promise<boolean>;
  close(): Promise<void>;
}

/** A CA, until `close`. */
export async function openFolder(directory: string, passphrase: Passphrase): Promise<OpenCa> {
  const folder = await readFolder(directory);
  const { config, paths } = folder;
  refuseDisbelieved(folder);
  const profiles = profilesOf(config.profiles).map((profile) => ({ ...profile, ocsp: config.ocsp === true }));
  refuseUnknownIssuers(folder, profiles);
  const signers = new Signers(directory, passphrase);
  let { issuers } = folder;
  let issuing = await signingOf(issuers, signers);
  const database = config.database === undefined ? await openSqlite(paths.database) : await openServer(config.database);
  try {
    const authority = await openAuthority({
      database,
      provider,
      ...issuing,
      policy: policyOf(config),
      ...(config.baseUrl !== undefined && { baseUrl: config.baseUrl }),
      ...revocationOptions(config.revocation),
      profiles,
    });
    return {
      paths,
      config,
      authority,
      database,
      get roots() {
        return [issuers.root, ...(issuers.previousRoot === undefined ? [] : [issuers.previousRoot])] as const;
      },
      get root() {
        return issuers.root;
      },
      get intermediate() {
        return issuers.current.certificate;
      },
      get signer() {
        return issuing.issuer.signer;
      },
      async refresh() {
        const found = await readFolder(directory);
        if (stateOf(found.issuers) === stateOf(issuers)) return false;
        refuseDisbelieved({ ...found, config });
        refuseUnknownIssuers(found, profiles);
        const next = await signingOf(found.issuers, signers);
        await authority.replaceIssuers(next);
        issuers = found.issuers;
        issuing = next;
        return true;
      },
      async close() {
        await authority.close();
        await signers.close();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function signingOf({ current, retired }: StoredIssuers, signers: Signers): Promise<Required<IssuerChange>> {
  const issuer = await signers.issuerOf(current);
  return { issuer, otherIssuers: await Promise.all(retired.map((one) => signers.issuerOf(one))) };
}

/** A profile may name one that issues no other certificates any more, as long as its key is there. */
function refuseUnknownIssuers({ paths, issuers }: CaFolder, profiles: readonly Profile[]): void {
  const ids = [issuers.current, ...issuers.retired].map(({ id }) => id);
  const lost = profiles.find(({ issuer }) => issuer !== undefined && !ids.includes(issuer));
  if (lost === undefined) return;
  throw usageError(
    `${quote(paths.config)}: the profile ${quote(lost.name)} names the issuer ${quote(lost.issuer ?? '')}, which is not here`,
    `issuers are ${ids.join(', ')}; without "issuer" the newest signs`,
  );
}

/** The package `pg` is not everybody's: the command comes without it. */
async function openServer(url: string): Promise<Database> {
  const { openPostgres } = await import('@handfast/ca/postgres').catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error;
    throw new CliError(
      exitCodes.failed,
      `the CA’s database is on ${quote(hostOf(url))}, and the package "pg" is not there`,
      {
        cause: error,
        hint: 'npm install pg, beside handfast (with --global where that was)',
      },
    );
  });
  return await openPostgres(url);
}

/** To open a new CA over the records of another would retire that one. */
export async function refuseOccupiedDatabase(url: string): Promise<void> {
  const database = await openServer(url);
  try {
    const found = await database.all(
      `SELECT 1 AS found FROM information_schema.tables WHERE table_name = 'issuers' AND table_schema = current_schema()`,
    );
    if (found.length === 0) return;
  } finally {
    await database.close();
  }
  throw usageError(
    `there are a CA’s records in the database on ${quote(hostOf(url))} already`,
    'a further server of that CA gets a copy of its folder; another CA gets a database of its own',
  );
}

function hostOf(url: string): string {
  return new URL(url).host || 'a socket';
}

/** Who turns OCSP on in the configuration may have an intermediate that was made without it. */
function refuseDisbelieved({ config, issuers: { current }, paths }: CaFolder): void {
  const purposes = current.certificate.extendedKeyUsage?.map(keyPurposeLabel) ?? ['any'];
  if (config.ocsp !== true || purposes.includes('any') || purposes.includes('ocspSigning')) return;
  throw usageError(
    `"ocsp" in ${quote(paths.config)}, and nobody would believe the answers: the intermediate is for ${purposes.join(', ')} alone`,
    'handfast ca rotate intermediate makes one that is for ocspSigning, too',
  );
}

/** Opens the CA that the options name, and closes it when `work` is done. */
export async function withCa<T>(options: FolderOptions, io: Io, work: (ca: OpenCa) => Promise<T>): Promise<T> {
  const directory = caDirectory(options, io);
  return inWords(directory, async () => {
    const ca = await openFolder(directory, keyPassphrase(options, io));
    try {
      return await work(ca);
    } catch (error) {
      throw error instanceof CaError && error.code === 'not_allowed' ? withAdvice(error, ca) : error;
    } finally {
      await ca.close();
    }
  });
}

/** For a name that is not: the library knows no file of configuration, and no command. */
function withAdvice(error: CaError, ca: OpenCa): CaError {
  const { cause, code, message } = error;
  if (cause instanceof CertificateError && cause.code === 'name_constraints') {
    return new CaError(code, message, { cause: error, hint: whatConfines });
  }
  return error.hint === undefined ? error : new CaError(code, message, { cause: error, hint: whatIsAllowed(ca) });
}

/** Where the root does not allow it either, that command says so, and what to do. */
const whatConfines =
  'the intermediate is confined to other names: handfast ca rotate intermediate --name NAME makes one that may';

function whatIsAllowed({ config, paths }: OpenCa): string {
  const file = `"allow" in ${paths.config}`;
  return `it certifies ${namesText(config.allow)}: ${file} is the list, and root and intermediate may confine it`;
}

/** Refusals, and a database that fails, as errors of the command. */
export async function inWords<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw worded(directory, error);
  }
}

function worded(directory: string, error: unknown): unknown {
  if (error instanceof AggregateError) return firstOf(directory, error);
  if (error instanceof CaError) return refusal(error);
  if (isDatabaseError(error)) return databaseFailure(directory, error);
  if (isServerError(error)) return serverFailure(error);
  return error;
}

/** Several lists that fail do so for one reason as a rule: the first is told, unless one of them is a fault of ours. */
function firstOf(directory: string, error: AggregateError): unknown {
  const all: readonly unknown[] = error.errors.map((one: unknown) => worded(directory, one));
  const [first] = all;
  const fault = all.find((one) => !(one instanceof CliError));
  if (fault !== undefined || !(first instanceof CliError)) return fault ?? error;
  return new CliError(first.exitCode, `${error.message}: ${first.message}`, {
    cause: first.cause ?? error,
    ...(first.hint !== undefined && { hint: first.hint }),
  });
}

/** Who did it, for the audit log. */
export function operator(): string {
  try {
    return `operator ${userInfo().username}`;
  } catch {
    return `operator with user id ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** What the configuration allows, for the authority; mailboxes at the same domains. */
export function policyOf({ allow, wildcards }: CaConfig): NamePolicy {
  return {
    domains: allow.domains,
    wildcards,
    addresses: allow.networks,
    emails: allow.domains.flatMap((domain) => [domain, `.${domain}`]),
  };
}

function refusal(error: CaError): CliError {
  return new CliError(exitCodeOf(error), error.message, {
    cause: error,
    ...(error.hint !== undefined && { hint: error.hint }),
  });
}

/** What was asked for cannot be had (2), or the CA itself is in no state to sign (1). */
function exitCodeOf({ code }: CaError): ExitCode {
  return code === 'cannot_sign' || code === 'lint' ? exitCodes.failed : exitCodes.usage;
}

function isDatabaseError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR';
}

/** PostgreSQL's own have a severity. */
function isServerError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && (error.code === 'ERR_DATABASE_LOST' || 'severity' in error);
}

function serverFailure(error: Error): CliError {
  return new CliError(exitCodes.failed, `the CA’s database fails: ${error.message}`, {
    cause: error,
    hint: '--database, and then "database" in config.json, says where it is; PGPASSWORD or PGPASSFILE has the password',
  });
}

function databaseFailure(directory: string, error: Error): CliError {
  return new CliError(exitCodes.failed, `the CA’s database in ${quote(directory)} fails: ${reasonOf(error)}`, {
    cause: error,
    hint: 'is the disk full, or the folder not yours? What was not written down was not issued',
  });
}
