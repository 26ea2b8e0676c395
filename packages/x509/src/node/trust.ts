/**
 * Trust stores from where Node and its system keep them: the system's own store, Node's bundled roots, a file, a
 * directory. Files are read whole and at once, as a program does when it starts; their certificates are parsed when they
 * are first asked for.
 *
 * @module
 */

import { statSync } from 'node:fs';
import * as tls from 'node:tls';
import { CertificateError } from '../errors.ts';
import { type TrustStore, trustStore } from '../trust.ts';
import { inputOfFile, inputsOfDirectory, isHashName, unusable } from './files.ts';
import { opensslInputs, usesOpensslStore } from './openssl-store.ts';

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
 * Whom Node trusts by default: its bundled roots, with what `NODE_EXTRA_CA_CERTS` and `--use-system-ca` add, or what
 * `tls.setDefaultCACertificates` put in their place; before Node 22.15 the bundled roots alone. With `--use-openssl-ca`,
 * OpenSSL's own store (`SSL_CERT_FILE`, `SSL_CERT_DIR`) is read in the roots' place, as far as it is now.
 *
 * @param certificates what `tls.getCACertificates('default')` said at another time; default: what it says now
 *
 */
export function defaultTrust(certificates: readonly string[] = currentDefault()): TrustStore {
  const openssl = certificates === ofOpensslStore ? opensslInputs() : [];
  return trustStore(new Set([...certificates, ...openssl]));
}

function currentDefault(): readonly string[] {
  return typeof tls.getCACertificates === 'function' ? tls.getCACertificates('default') : tls.rootCertificates;
}

/** Node does not list what is in OpenSSL's store: where that counts, its list is of the extra ones, until another is set. */
const ofOpensslStore: readonly string[] | undefined = usesOpensslStore() ? unsetDefault() : undefined;

function unsetDefault(): readonly string[] | undefined {
  const [current, extra] = [currentDefault(), nodeCertificates('extra')];
  return current.length === extra.length && current.every((pem) => extra.includes(pem)) ? current : undefined;
}

/** Systems list many of theirs twice and more: by bundle, and by the names that OpenSSL looks them up by. */
function nodeCertificates(type: 'system' | 'extra'): readonly string[] {
  return typeof tls.getCACertificates === 'function' ? tls.getCACertificates(type) : [];
}

/**
 * The certificates of a file, in PEM or DER.
 *
 * @throws CertificateError `empty_trust` where the file cannot be read or holds no certificate that can be
 */
export function fileTrust(path: string): TrustStore {
  const store = trustStore(inputOfFile(path));
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
  const { inputs, sources } = inputsOfDirectory(path, (name) => isHashName(name) || /\.(pem|crt|cer|der)$/i.test(name));
  const store = trustStore(inputs, { sources });
  if (store.size > 0) return store;
  throw unusable(
    path,
    'holds no certificate that can be read',
    'certificates are files named .pem, .crt, .cer or .der, or by their hash as `openssl rehash` names them',
  );
}
