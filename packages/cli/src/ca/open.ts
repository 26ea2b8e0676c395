/**
 * From a folder to the authority that issues out of it; and what goes wrong with it, in words for an operator.
 *
 * @module
 */

import { userInfo } from 'node:os';
import { CaError, type Database, type NamePolicy, type OpenAuthority, openAuthority, openSqlite } from '@handfast/ca';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { CliError, type ExitCode, exitCodes } from '../exit.ts';
import type { Io } from '../io.ts';
import { reasonOf } from '../options.ts';
import type { CaConfig } from './config.ts';
import { type CaFolder, caDirectory, type FolderOptions, readFolder } from './folder.ts';
import { namesText } from './names.ts';

export interface OpenCa extends CaFolder {
  readonly authority: OpenAuthority;
  readonly database: Database;
  close(): Promise<void>;
}

/** A CA, until `close`. */
export async function openFolder(directory: string): Promise<OpenCa> {
  const folder = await readFolder(directory);
  const { config, intermediate, root, signer, paths } = folder;
  const database = await openSqlite(paths.database);
  try {
    const authority = await openAuthority({
      database,
      provider,
      issuer: { chain: [intermediate, root], signer },
      policy: policyOf(config),
      ...(config.baseUrl !== undefined && { baseUrl: config.baseUrl }),
    });
    return { ...folder, authority, database, close: () => authority.close() };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Opens the CA that the options name, and closes it when `work` is done. */
export async function withCa<T>(options: FolderOptions, io: Io, work: (ca: OpenCa) => Promise<T>): Promise<T> {
  const directory = caDirectory(options, io);
  return inWords(directory, async () => {
    const ca = await openFolder(directory);
    try {
      return await work(ca);
    } catch (error) {
      throw error instanceof CaError && error.code === 'not_allowed' && error.hint !== undefined
        ? new CaError(error.code, error.message, { cause: error, hint: whatIsAllowed(ca) })
        : error;
    } finally {
      await ca.close();
    }
  });
}

/** For a name that is not: the library knows no file of configuration. */
function whatIsAllowed({ config, paths }: OpenCa): string {
  const file = `"allow" in ${paths.config}`;
  return `it certifies ${namesText(config.allow)}: ${file} is the list, and root and intermediate may confine it`;
}

/** Refusals, and a database that fails, as errors of the command. */
export async function inWords<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CaError) throw refusal(error);
    if (isDatabaseError(error)) throw databaseFailure(directory, error);
    throw error;
  }
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

function databaseFailure(directory: string, error: Error): CliError {
  return new CliError(exitCodes.failed, `the CA’s database in ${quote(directory)} fails: ${reasonOf(error)}`, {
    cause: error,
    hint: 'is the disk full, or the folder not yours? What was not written down was not issued',
  });
}
