/**
 * Private keys in a CA's folder that have no place there: the root's, above all.
 *
 * @module
 */

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { wipe } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { CertificateError, decryptPrivateKey } from '@handfast/x509';
import { usageError } from '../exit.ts';
import { reasonOf } from '../options.ts';
import { filesBelow } from './pending.ts';

/** More than any key has. */
const keyFileBytes = 1 << 16;

/** @throws CliError where there is one, or a file that cannot be read */
export async function refuseStrayKeys(folder: string): Promise<void> {
  for (const path of filesBelow(folder)) {
    if (mayHoldKey(path)) continue;
    const file = join(folder, path);
    const content = contentOf(file);
    if (content === undefined) continue;
    const found = await holdsKey(content);
    wipe(content);
    if (!found) continue;
    throw usageError(
      `${quote(file)} is a private key that has no place in the CA’s folder`,
      'if it is the root’s, it belongs where this machine cannot reach it: move it there',
    );
  }
}

/** Where keys lie, and where they wait for a change of the folder to be whole. */
function mayHoldKey(path: string): boolean {
  return /^(intermediate-key|audit-key|waiting\/key|issuers\/[0-9a-f]{64}\/key)\.pem$|^(\.next\.[0-9a-f]{12}|next)\//.test(
    path,
  );
}

/** Nothing for what is no file, such as a link to a folder elsewhere, and for what went away meanwhile. */
function contentOf(file: string): Uint8Array | undefined {
  try {
    const stat = statSync(file, { throwIfNoEntry: false });
    return stat?.isFile() === true && stat.size < keyFileBytes ? readFileSync(file) : undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw usageError(
      `${quote(file)} cannot be read: ${reasonOf(error)}`,
      'it may be a private key that has no place in the CA’s folder: move it elsewhere',
    );
  }
}

/**
 * A program may speak of keys and hold none: PEM is one from its first line to its last, with headers and Base64 between them. Whether we
 * could read it is not asked: others may.
 */
const pemKey =
  /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----[ \t]*\r?\n(?:[\w-]+:[^\n]*\n)*[A-Za-z0-9+/=\s]{32,}-----END \1-----/;

/** DER begins with a SEQUENCE. */
const derTag = 0x30;

async function holdsKey(content: Uint8Array): Promise<boolean> {
  if (content[0] === derTag) return await isKey(content);
  return pemKey.test(Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1'));
}

/** To open one takes work that nobody wants. */
const noWork = { iterations: 0, scryptBytes: 0 };

/** Whatever passphrase it is under: what only fails to open is one. */
async function isKey(key: Uint8Array): Promise<boolean> {
  try {
    wipe(await decryptPrivateKey(provider, key, '', { limits: noWork }));
    return true;
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    return error.code !== 'malformed';
  }
}
