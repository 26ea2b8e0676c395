/**
 * Trust stores from where Node and its system keep them: the system's own store, Node's bundled roots, a file, a
 * directory. Files are read whole and at once, as a program does when it starts; their certificates are parsed when they
 * are first asked for.
 *
 * @module
 */

import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as tls from 'node:tls';
import type { Bytes } from '@handfast/crypto';
import { looksLikePem } from '../der/pem.ts';
import { CertificateError } from '../errors.ts';
import { escapeText, quote } from '../text.ts';
import { type TrustInput, type TrustStore, trustStore } from '../trust.ts';

/** A directory with more than this is not one of certificates: /etc/ssl/certs has some 450 names. */
const maxFiles = 10_000;
/** A bundle of the web's roots is about 250 KiB; all of a directory's files together may have four times this. */
const maxFileBytes = 16 << 20;
const maxDirectoryBytes = 4 * maxFileBytes;

/** Where Linux distributions keep their bundle, the commonest first; the BSDs' last. */
const bundles: readonly string[] = [
  '/etc/ssl/certs/ca-certificates.crt', // Debian, Ubuntu, Arch, Gentoo
  '/etc/pki/tls/certs/ca-bundle.crt', // Fedora, RHEL
  '/etc/ssl/ca-bundle.pem', // openSUSE
  '/etc/pki/tls/cacert.pem', // OpenELEC
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem', // CentOS, RHEL 7
  '/etc/ssl/cert.pem', // Alpine, macOS, OpenBSD
  '/usr/local/etc/ssl/cert.pem', // FreeBSD
];

/**
 * Whom this system trusts: through Node where it offers that (22.15, 24), else from the bundle of the distribution.
 *
 * @throws CertificateError `empty_trust` where neither is to be had
 *
 * @example
 * ```ts
 * const trust = systemTrust();
 * ```
 */
export function systemTrust(): TrustStore {
  const system = nodeCertificates('system');
  if (system.length > 0) return trustStore(new Set(system));
  const path = bundles.find((candidate) => statSync(candidate, { throwIfNoEntry: false })?.isFile() === true);
  if (path !== undefined) return fileTrust(path);
  throw new CertificateError('empty_trust', `the system's trust store was not found (${bundles.join(', ')})`, {
    hint: 'install ca-certificates, or take bundledTrust() or fileTrust(path)',
  });
}

/** The roots that come with Node, which are Mozilla's. What the system or the environment adds is not in it. */
export function bundledTrust(): TrustStore {
  return trustStore(new Set(tls.rootCertificates));
}

/**
 * Whom Node trusts by default: its bundled roots, with what `NODE_EXTRA_CA_CERTS` and `--use-system-ca` add; before
 * Node 22.15 the bundled roots alone.
 */
export function defaultTrust(): TrustStore {
  const certificates = nodeCertificates('default');
  return certificates.length > 0 ? trustStore(new Set(certificates)) : bundledTrust();
}

/** Systems list many of theirs twice and more: by bundle, and by the names that OpenSSL looks them up by. */
function nodeCertificates(type: 'default' | 'system'): readonly string[] {
  return typeof tls.getCACertificates === 'function' ? tls.getCACertificates(type) : [];
}

/**
 * The certificates of a file, in PEM or DER.
 *
 * @throws CertificateError `empty_trust` where the file cannot be read or holds no certificate that can be
 */
export function fileTrust(path: string): TrustStore {
  const store = trustStore(inputOf(readBounded(path, maxFileBytes)));
  if (store.size > 0) return store;
  const why = store.skipped[0]?.error.message ?? 'it is empty';
  throw unusable(
    path,
    `holds no certificate: ${why}`,
    'give a file of CERTIFICATE blocks (PEM), or of one certificate (DER)',
  );
}

/**
 * The certificates of a directory's files: those named `.pem`, `.crt`, `.cer` or `.der`, and OpenSSL's links by hash
 * (`5ed36f99.0`), but not those of directories in it. A file that cannot be read or is no certificate is in `skipped`,
 * with its path.
 *
 * @throws CertificateError `empty_trust` where the directory cannot be read, is too large, or holds no certificate
 *
 * @example
 * ```ts
 * const trust = directoryTrust('/etc/ssl/certs');
 * for (const { source, error } of trust.skipped) console.warn(`${source}: ${error.message}`);
 * ```
 */
export function directoryTrust(path: string): TrustStore {
  const sources: string[] = [];
  const inputs: TrustInput[] = [];
  const seen = new Set<string>();
  let left = maxDirectoryBytes;
  for (const name of certificateNames(path)) {
    const file = join(path, name);
    const input = readOnce(file, seen, Math.min(left, maxFileBytes));
    if (input === undefined) continue;
    sources.push(file);
    inputs.push(input instanceof CertificateError ? input : inputOf(input));
    if (!(input instanceof CertificateError)) left -= input.length;
  }
  const store = trustStore(inputs, { sources });
  if (store.size > 0) return store;
  throw unusable(
    path,
    'holds no certificate that can be read',
    'certificates are files named .pem, .crt, .cer or .der, or by their hash as `openssl rehash` names them',
  );
}

/** PEM as text, which is indexed faster, and made of bytes at little cost here; only ASCII matters in it. */
function inputOf(bytes: Bytes): string | Bytes {
  return looksLikePem(bytes) ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1') : bytes;
}

/** In the order of their names, so that two readings of a directory are the same. */
function certificateNames(path: string): readonly string[] {
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
  return names.filter((name) => /\.(pem|crt|cer|der)$/i.test(name) || /^[0-9a-f]{8}\.\d{1,4}$/.test(name)).toSorted();
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

function unusable(path: string, why: string, hint: string): CertificateError {
  return new CertificateError('empty_trust', `trust anchors: ${quote(path)} ${why}`, { hint });
}

/** `ENOENT`, `ELOOP`, …: the system's own word. */
function codeOf(error: unknown): string {
  if (error instanceof Error) return 'code' in error ? String(error.code) : escapeText(error.message);
  return escapeText(String(error));
}
