/**
 * What the options of `handfast ca init` come to: names, the title, where the root's key is to lie; and what is dangerous about it.
 *
 * @module
 */

import { hostname, userInfo } from 'node:os';
import { quote } from '@handfast/tls';
import { usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import type { Report } from '../report.ts';
import { type CaConfig, parseBaseUrl, parseDatabaseUrl } from './config.ts';
import type { FolderOptions } from './folder.ts';
import { credentialPassphrase, passphraseOption } from './issuer-key.ts';
import type { SignerOptions } from './issuing-key.ts';
import {
  contains,
  joinNames,
  localNames,
  type NameSpace,
  parseNameSpace,
  publicSuffixes,
  unconstrainedText,
} from './names.ts';
import type { OutputChoice } from './output.ts';
import { askNewPassphrase, passphraseFile } from './passphrase.ts';
import { type NewKey, newKeyAt, rootKeyFile } from './root-key.ts';

export interface InitOptions extends FolderOptions, OutputChoice, SignerOptions {
  readonly dev?: boolean;
  readonly title?: string;
  readonly name?: readonly string[];
  readonly allow?: readonly string[];
  readonly unconstrained?: boolean;
  readonly wildcards: boolean;
  readonly baseUrl?: string;
  readonly ocsp?: boolean;
  readonly requireEab?: boolean;
  /** `postgres://…` */
  readonly database?: string;
  /** No root, but a request for one that there is. */
  readonly rootCsr?: boolean;
  readonly rootKey?: string;
  readonly passphraseFile?: string;
  /** False for `--no-passphrase`. */
  readonly passphrase: boolean;
  /** The issuing key is put under a passphrase, too. */
  readonly encryptKey?: boolean;
}

/** What the options come to. */
export interface Plan {
  readonly folder: string;
  readonly config: CaConfig;
  /** What root and intermediate are confined to; `undefined`: to nothing. */
  readonly constraints: NameSpace | undefined;
  readonly rootKey: NewKey | undefined;
  /** Of the issuing key, where it is to be under one. */
  readonly keyPassphrase: string | undefined;
}

/** @throws CliError for what will not do */
export async function planOf(folder: string, options: InitOptions, io: Io): Promise<Plan> {
  const { dev = false, wildcards, unconstrained = false, ocsp = false } = options;
  const names = parseNameSpace('--name', options.name ?? []);
  const allowed = parseNameSpace('--allow', options.allow ?? []);
  const baseUrl = parseBaseUrl('--base-url', options.baseUrl);
  const database = parseDatabaseUrl('--database', options.database);
  const allow = dev ? joinNames(localNames, names, allowed) : allowed;
  if (allow.domains.length === 0) throw nothingAllowed(allow);
  const confined = joinNames(allow, names);
  const host = baseUrl === undefined ? undefined : new URL(baseUrl).hostname.replace(/^\[|\]$/g, '');
  if (host !== undefined && !contains(allow, host)) {
    throw usageError(
      `--base-url ${quote(baseUrl ?? '')}: the CA may not issue for ${quote(host)}, and needs a certificate itself`,
      `${dev ? '--name' : '--allow'} ${host} permits it`,
    );
  }
  if (ocsp && baseUrl === undefined) {
    throw usageError(
      '--ocsp without --base-url: where would certificates say that the responder is?',
      '--base-url http://ca.corp.example is where the CA is reached',
    );
  }
  return {
    folder,
    config: {
      kind: dev ? 'development' : 'team',
      title: titleOf(options, allow),
      allow,
      wildcards,
      baseUrl,
      ocsp,
      database,
      externalAccountRequired: options.requireEab === true,
    },
    constraints: unconstrained ? undefined : confined,
    rootKey: options.rootCsr === true ? noRootKey(options) : await rootKeyOf(folder, options, io),
    keyPassphrase: await newKeyPassphrase(options, io),
  };
}

function noRootKey({ rootKey, passphraseFile: from }: InitOptions): undefined {
  const option = rootKey === undefined ? '--passphrase-file' : '--root-key';
  if (rootKey === undefined && from === undefined) return undefined;
  throw usageError(`${option} with --root-csr`, 'the root is elsewhere, and its key as well');
}

async function newKeyPassphrase(options: InitOptions, io: Io): Promise<string | undefined> {
  const { encryptKey = false, keyPassphraseFile: from, signer } = options;
  if (encryptKey && signer !== undefined) {
    throw usageError('--encrypt-key with --signer', 'the key that a signer has is not in the folder');
  }
  if (!encryptKey) {
    if (from === undefined) return undefined;
    throw usageError(`${passphraseOption} without --encrypt-key`, 'the passphrase is the issuing key’s');
  }
  if (from !== undefined) return passphraseFile(passphraseOption, from);
  const advice = { option: passphraseOption, without: 'without --encrypt-key the key is unencrypted' };
  return credentialPassphrase(io) ?? (await askNewPassphrase('the issuing key', io, advice));
}

function nothingAllowed({ networks }: NameSpace): Error {
  return networks.length === 0
    ? usageError(
        'what may the CA issue for? Nothing is allowed that is not named',
        'name domains and networks: --allow corp.example 10.0.0.0/8; for this machine alone: --dev',
      )
    : usageError('--allow has networks and no domain', 'name one that is yours: --allow corp.example');
}

function titleOf({ dev, title }: InitOptions, { domains }: NameSpace): string {
  if (title !== undefined) {
    if (/^[^\p{Cc}]{1,40}$/u.test(title)) return title;
    throw usageError(`--title ${quote(title)} is no name`, 'one line of at most 40 characters');
  }
  return dev ? `handfast dev ${userName()}@${hostname()}`.slice(0, 40) : `${domains[0] ?? ''} CA`.slice(-40);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry in the system's list has no name.
    return 'unknown';
  }
}

async function rootKeyOf(folder: string, options: InitOptions, io: Io): Promise<NewKey | undefined> {
  const { dev = false, rootKey, passphrase: encrypted, passphraseFile: from } = options;
  if (rootKey === undefined) {
    if (from !== undefined)
      throw usageError('--passphrase-file without --root-key', 'the passphrase is the root key’s');
    if (dev) return undefined;
    throw usageError(
      'where is the root’s key to be written?',
      '--root-key FILE, outside of the CA’s folder: on a medium that you take away and lock up',
    );
  }
  return await newKeyAt(
    folder,
    { ...rootKeyFile({ rootKey, ...(from !== undefined && { passphraseFile: from }) }), encrypted },
    io,
  );
}

/** What its operator should think twice about. */
export function warn({ config, constraints, rootKey }: Plan, report: Report): void {
  if (constraints === undefined) {
    report.warning(unconstrainedText);
  }
  for (const suffix of publicSuffixes(constraints ?? config.allow)) {
    report.warning(`strangers have names under ${quote(suffix)}: the CA may issue for them, too`);
  }
  if (rootKey !== undefined && rootKey.passphrase === undefined) {
    report.warning(`the root’s key is not encrypted: whoever reads ${rootKey.file} is the CA`);
  }
}
