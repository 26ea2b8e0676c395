/**
 * Issuing keys that are elsewhere, as in a token or with a cloud's key service: a module makes a `Signer` for one. Its default export is
 * `(settings) => Promise<Signer>`. A `pkcs11:` URI (RFC 7512) stands for the module that comes with the CA.
 *
 * @module
 */

import { createRequire } from 'node:module';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { equalBytes, type PublicKeyInfo, type Signer } from '@handfast/crypto';
import { quote } from '@handfast/tls';
import { CliError, exitCodes, usageError } from '../exit.ts';
import { reasonOf } from '../options.ts';
import { Fields } from './fields.ts';
import { algorithmsOf } from './issuer-key.ts';

export interface SignerConfig {
  /** A file, from the CA's folder on; a package; or a `pkcs11:` URI. */
  readonly module: string;
  /** What the module is given. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A signer, and how to be done with it. */
export interface OpenSigner extends Signer {
  close?(): unknown;
}

/** `"./kms.js"`, or `{ "module": "./kms.js", "settings": { "key": "issuing" } }`. @throws CliError */
export function signerConfigOf(where: string, value: unknown): SignerConfig {
  if (typeof value === 'string' && value !== '') return { module: value };
  const fields = new Fields(where, value, ['module', 'settings']);
  const module = fields.text('module');
  if (module === undefined) throw usageError(`${where} has no module`, 'write "signer": "./kms.js"');
  const settings = fields.get('settings');
  if (settings === undefined) return { module };
  if (
    typeof settings !== 'object' ||
    settings === null ||
    Object.values(settings).some((one) => typeof one !== 'string')
  )
    throw usageError(`${fields.where('settings')} is no object of texts`);
  return { module, settings: settings as Readonly<Record<string, string>> };
}

/** As it stands in a file. */
export function signerJson({ module, settings }: SignerConfig): unknown {
  return settings === undefined ? module : { module, settings };
}

/**
 * `--signer` and `--signer-setting`.
 *
 * @param folder the CA's: a file is named from there on
 * @throws CliError
 */
export function parseSigner(signer: string, settings: readonly string[] | undefined, folder: string): SignerConfig {
  const pairs = (settings ?? []).map((text) => {
    const at = text.indexOf('=');
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)] as const;
    throw usageError(`--signer-setting ${quote(text)} is no setting`, 'write NAME=VALUE');
  });
  return {
    module: isFile(signer) ? fromFolder(resolve(signer), folder) : signer,
    ...(pairs.length > 0 && { settings: Object.fromEntries(pairs) }),
  };
}

/** Asks for the key. @throws CliError where there is no such module, or it makes no signer */
export async function openSigner({ module, settings = {} }: SignerConfig, folder: string): Promise<OpenSigner> {
  const [name, given] = module.startsWith('pkcs11:') ? [pkcs11, { uri: module, ...settings }] : [module, settings];
  const make = await imported(name, folder);
  let made: unknown;
  try {
    made = await make(given);
  } catch (cause) {
    throw new CliError(exitCodes.failed, `the signer ${quote(name)} cannot be had: ${reasonOf(cause)}`, {
      cause,
      ...hintOf(cause),
    });
  }
  if (isSigner(made)) return made;
  throw usageError(
    `the signer ${quote(name)} is none`,
    'its default export answers { publicKey, algorithms, sign(algorithm, data) }',
  );
}

/**
 * Asked for when it first signs, so that who only looks at records needs no token.
 *
 * @param folder the CA's
 */
export function moduleSigner(publicKey: PublicKeyInfo, config: SignerConfig, folder: string): OpenSigner {
  const algorithms = algorithmsOf.get(publicKey.type);
  if (algorithms === undefined)
    throw usageError(`the signer ${quote(config.module)}: keys of this kind sign nothing here`);
  let opening: Promise<OpenSigner> | undefined;
  const open = async (): Promise<OpenSigner> => {
    const signer = await openSigner(config, folder);
    if (equalBytes(signer.publicKey.spki, publicKey.spki)) return signer;
    await signer.close?.();
    throw usageError(`the signer ${quote(config.module)} has another key than the issuer’s certificate`);
  };
  return {
    publicKey,
    algorithms,
    async sign(algorithm, data) {
      opening ??= open();
      let signer: OpenSigner;
      try {
        signer = await opening;
      } catch (error) {
        opening = undefined;
        throw error;
      }
      return await signer.sign(algorithm, data);
    },
    async close() {
      const signer = await opening?.catch(() => undefined);
      opening = undefined;
      await signer?.close?.();
    },
  };
}

/** Of what it has to say itself. */
function hintOf(error: unknown): { readonly hint?: string } {
  return error instanceof Error && 'hint' in error && typeof error.hint === 'string' ? { hint: error.hint } : {};
}

const pkcs11 = '@handfast/ca/pkcs11';

async function imported(name: string, folder: string): Promise<(settings: object) => unknown> {
  let found: { readonly default?: unknown };
  try {
    found = (await import(name === pkcs11 ? name : moduleUrl(name, folder))) as typeof found;
  } catch (cause) {
    throw usageError(
      `the signer ${quote(name)} cannot be loaded: ${reasonOf(cause)}`,
      'is that its path, or its package installed?',
    );
  }
  if (typeof found.default === 'function') return found.default as (settings: object) => unknown;
  throw usageError(`the signer ${quote(name)} has no function as its default export`);
}

function moduleUrl(name: string, folder: string): string {
  const file = isFile(name) ? resolve(folder, name) : createRequire(join(folder, 'config.json')).resolve(name);
  return pathToFileURL(file).href;
}

function isFile(module: string): boolean {
  return isAbsolute(module) || /^\.{0,2}[/\\]/.test(module);
}

/** Without its place where it is within, so that the folder can be moved. */
function fromFolder(file: string, folder: string): string {
  const path = relative(folder, file);
  return path.startsWith('..') || isAbsolute(path) ? file : `./${path.split(sep).join('/')}`;
}

function isSigner(value: unknown): value is OpenSigner {
  if (typeof value !== 'object' || value === null) return false;
  const { publicKey, algorithms, sign } = value as Partial<Record<keyof Signer, unknown>>;
  const hasKey = typeof publicKey === 'object' && publicKey !== null && 'spki' in publicKey;
  return hasKey && Array.isArray(algorithms) && algorithms.length > 0 && typeof sign === 'function';
}
