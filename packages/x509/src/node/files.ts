/**
 * Files of certificates, read whole and within limits: as `trustStore` takes them.
 *
 * @module
 */

import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Bytes } from '@handfast/crypto';
import { looksLikePem } from '../der/pem.ts';
import { CertificateError } from '../errors.ts';
import { escapeText, quote } from '../text.ts';
import type { TrustInput } from '../trust.ts';

/** A directory with more than this is not one of certificates: /etc/ssl/certs has some 450 names. */
const maxFiles = 10_000;
/** A bundle of the web's roots is about 250 KiB; all of a directory's files together may have four times this. */
const maxFileBytes = 16 << 20;
const maxDirectoryBytes = 4 * maxFileBytes;

/** @throws CertificateError `empty_trust` where the file cannot be read */
export function inputOfFile(path: string): string | Bytes {
  return inputOf(readBounded(path, maxFileBytes));
}

/**
 * What is in a directory's files of the names that are wanted, each file once, in the order of their names; of one that cannot
 * be read, why.
 *
 * @throws CertificateError `empty_trust` where the directory cannot be read, or is too large
 */
export function inputsOfDirectory(
  path: string,
  wanted: (name: string) => boolean,
): { readonly inputs: readonly TrustInput[]; readonly sources: readonly string[] } {
  const sources: string[] = [];
  const inputs: TrustInput[] = [];
  const seen = new Set<string>();
  let left = maxDirectoryBytes;
  for (const name of namesIn(path).filter(wanted)) {
    const file = join(path, name);
    const input = readOnce(file, seen, Math.min(left, maxFileBytes));
    if (input === undefined) continue;
    sources.push(file);
    inputs.push(input instanceof CertificateError ? input : inputOf(input));
    if (!(input instanceof CertificateError)) left -= input.length;
  }
  return { inputs, sources };
}

/** A name that OpenSSL looks a certificate up by: the hash of its subject, and a number. */
export function isHashName(name: string): boolean {
  return /^[0-9a-f]{8}\.\d{1,4}$/.test(name);
}

/** PEM as text, which is indexed faster, and made of bytes at little cost here; only ASCII matters in it. */
function inputOf(bytes: Bytes): string | Bytes {
  return looksLikePem(bytes) ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1') : bytes;
}

/** In the order of their names, so that two readings of a directory are the same. */
function namesIn(path: string): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(path);
  } catch (error) {
    throw unusable(path, `cannot be read (${codeOf(error)})`, 'give a directory of certificates that we may read');
  }
  if (names.length > maxFiles) {
    throw unusable(
      path,
      `has ${names.length} files, over the limit of ${maxFiles}`,
      'give a directory of certificates alone',
    );
  }
  return names.toSorted();
}

/** A file's bytes or why there are none; `undefined` for a directory, and for what was read under another name. */
function readOnce(path: string, seen: Set<string>, maxBytes: number): Bytes | CertificateError | undefined {
  try {
    const found = statSync(path, { bigint: true });
    const identity = `${found.dev}:${found.ino}`;
    if (found.isDirectory() || seen.has(identity)) return undefined;
    seen.add(identity);
    return readBounded(path, maxBytes);
  } catch (error) {
    return error instanceof CertificateError ? error : unreadable(path, error);
  }
}

/** All of a file that is one: no pipe is waited for, and no device read without end. */
function readBounded(path: string, maxBytes: number): Bytes {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    const found = fstatSync(descriptor);
    if (!found.isFile()) throw unusable(path, 'is no file', 'give a file of certificates');
    if (found.size > maxBytes) {
      throw unusable(
        path,
        `has ${found.size} bytes, over the limit of ${maxBytes}`,
        'give a file of certificates alone',
      );
    }
    return readAll(descriptor, found.size);
  } catch (error) {
    throw error instanceof CertificateError ? error : unreadable(path, error);
  } finally {
    closeSync(descriptor);
  }
}

/** What is there, up to `size`: a file that grows meanwhile is not followed. */
function readAll(descriptor: number, size: number): Bytes {
  const bytes = new Uint8Array(size);
  let at = 0;
  while (at < size) {
    const count = readSync(descriptor, bytes, at, size - at, at);
    if (count === 0) break;
    at += count;
  }
  return bytes.subarray(0, at);
}

function unreadable(path: string, error: unknown): CertificateError {
  return unusable(path, `cannot be read (${codeOf(error)})`, 'give a file of certificates that we may read');
}

export function unusable(path: string, why: string, hint: string): CertificateError {
  return new CertificateError('empty_trust', `trust anchors: ${quote(path)} ${why}`, { hint });
}

/** `ENOENT`, `ELOOP`, …: the system's own word. */
function codeOf(error: unknown): string {
  if (error instanceof Error) return 'code' in error ? String(error.code) : escapeText(error.message);
  return escapeText(String(error));
}
