/**
 * What tests of rotations share: certificates in files, and who verifies them.
 *
 * @module
 */

import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:tls';
import { toHex } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import {
  type Certificate,
  CertificateError,
  parseCertificates,
  parseCrls,
  toPem,
  trustStore,
  verifyCertificate,
} from '@handfast/x509';
import type { Place } from './support.ts';

export function certificatesOf(file: string): readonly Certificate[] {
  return parseCertificates(readFileSync(file));
}

/** The first of a file. */
export function certificateOf(file: string): Certificate {
  const [first] = certificatesOf(file);
  if (first === undefined) throw new Error(`nothing in ${file}`);
  return first;
}

/** Files of a certificate that `ca issue` has made. */
export interface IssuedFiles {
  readonly serial: string;
  readonly chain: readonly Certificate[];
  readonly key: string;
}

export async function issued(place: Place, name: string, ...more: readonly string[]): Promise<IssuedFiles> {
  const out = place.path('out');
  const [value] = await place.json('issue', name, '--out', out, '--force', ...more);
  return {
    serial: String(value?.serial),
    chain: certificatesOf(`${out}/${name}.pem`),
    key: readFileSync(`${out}/${name}-key.pem`, 'utf8'),
  };
}

/** `ok`, or the code of our verifier’s refusal. */
export async function verdict({ chain: [leaf, ...intermediates] }: IssuedFiles, root: Certificate): Promise<string> {
  try {
    await verifyCertificate({
      provider,
      leaf,
      intermediates,
      trust: trustStore([root]),
      time: new Date(),
      usage: 'serverAuth',
    });
    return 'ok';
  } catch (error) {
    if (error instanceof CertificateError) return error.code;
    throw error;
  }
}

/** The same of OpenSSL’s, by Node’s own TLS, which shows the chain and trusts the root alone. */
export async function opensslVerdict({ chain, key }: IssuedFiles, root: Certificate): Promise<string> {
  const cert = chain.map(({ raw }) => toPem('CERTIFICATE', raw)).join('');
  const [name = ''] = chain[0]?.subjectAltName?.dnsNames ?? [];
  const server = createServer({ cert, key }, (socket) => socket.end());
  server.on('tlsClientError', () => undefined);
  try {
    return await new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        const port = typeof address === 'object' && address !== null ? address.port : 0;
        const ca = toPem('CERTIFICATE', root.raw);
        const socket = connect({ port, host: '127.0.0.1', servername: name, ca }, () => {
          socket.destroy();
          resolve('ok');
        });
        socket.on('error', (error) => resolve(reasonOf(error)));
      });
    });
  } finally {
    server.close();
  }
}

/** Node has codes for some of OpenSSL’s reasons, and its words for all. */
function reasonOf(error: Error): string {
  return 'code' in error && error.code !== 'UNSPECIFIED' ? String(error.code) : error.message;
}

/** Serial numbers in the lists that are exported, by the name of their issuer. */
export async function revokedBy(place: Place): Promise<ReadonlyMap<string, readonly string[]>> {
  const file = place.path('exported.pem');
  await place.json('crl', 'export', '--out', file);
  return new Map(
    parseCrls(readFileSync(file)).map((crl) => [
      crl.issuer.toString(),
      [...crl.entries()].map(({ serialNumber }) => toHex(serialNumber)),
    ]),
  );
}

export interface RotationStatus {
  readonly issuer: { readonly id: string; readonly name: string; readonly notAfter: string };
  readonly previousRoot: object | null;
  readonly retired: readonly {
    readonly id: string;
    readonly name: string;
    readonly needed: boolean;
    readonly neededUntil: string | null;
  }[];
  readonly waiting: string | null;
}

/** `ca rotate --json` */
export async function statusOf(place: Place): Promise<RotationStatus> {
  return await told(place, 'rotate');
}

/** The one value of a command. */
export async function told<T = Readonly<Record<string, string>>>(place: Place, ...argv: readonly string[]): Promise<T> {
  const [value] = await place.json(...argv);
  return value as unknown as T;
}
