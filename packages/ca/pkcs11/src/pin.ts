/**
 * Where a PIN comes from: a file or one of systemd's credentials, never an argument or the environment, which others can read.
 * It is read each time that it is needed, and not kept.
 *
 * @module
 */

import { createHmac, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bytes, copyBytes, type MaybePromise, wipe } from '@handfast/crypto';
import { Pkcs11Error } from './errors.ts';

export type PinSource =
  /** The file's first line. */
  | { readonly file: string }
  /** By its name in systemd.exec(5)'s `LoadCredential=` or `LoadCredentialEncrypted=`. */
  | { readonly credential: string }
  /** The bytes are wiped when they have been used. */
  | (() => MaybePromise<Uint8Array>);

const maxPinBytes = 1024;

/** @throws Pkcs11Error `pin`; what a function throws */
export async function readPin(source: PinSource): Promise<Bytes> {
  const given = typeof source === 'function' ? await source() : await firstLine(pathOf(source));
  const pin = copyBytes(given);
  wipe(given);
  if (pin.length > 0 && pin.length <= maxPinBytes) return pin;
  throw new Pkcs11Error('pin', `the PIN is ${pin.length === 0 ? 'empty' : 'far too long'}`, { hint: hintFor(source) });
}

function pathOf(source: Exclude<PinSource, () => unknown>): string {
  if ('file' in source) return source.file;
  const { CREDENTIALS_DIRECTORY: folder } = process.env;
  const { credential } = source;
  if (folder !== undefined && !/^\.{1,2}$|[/\0]/.test(credential)) return join(folder, credential);
  throw new Pkcs11Error('pin', `there is no credential ${JSON.stringify(credential)}`, {
    hint: `have systemd start this, with LoadCredentialEncrypted=${credential} in its unit; or name a file`,
  });
}

async function firstLine(path: string): Promise<Buffer> {
  let content: Buffer;
  try {
    content = await readFile(path);
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new Pkcs11Error('pin', `the PIN cannot be read from ${JSON.stringify(path)}: ${reason}`, { cause });
  }
  const end = content.indexOf('\n');
  const line = end < 0 ? content : content.subarray(0, end);
  const pin = Buffer.from(line.at(-1) === 0x0d ? line.subarray(0, -1) : line);
  wipe(content);
  return pin;
}

function hintFor(source: PinSource): string | undefined {
  if (typeof source === 'function') return undefined;
  return `it is the first line of ${'file' in source ? JSON.stringify(source.file) : `the credential ${source.credential}`}`;
}

const processKey = randomBytes(32);

/** PINs that tokens refused, by what nobody learns them from. */
const refused = new Set<string>();

function fingerprint(token: string, pin: Uint8Array): string {
  return createHmac('sha256', processKey).update(token).update('\0').update(pin).digest('hex');
}

/** To be called before the PIN goes to a thread that may keep its memory. */
export function pinRefusals(token: string, pin: Uint8Array): { readonly known: boolean; remember(): void } {
  const entry = fingerprint(token, pin);
  return { known: refused.has(entry), remember: () => void refused.add(entry) };
}
