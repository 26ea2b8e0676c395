/**
 * The CA's root, known by its fingerprint alone. It is taken from what the server shows in TLS, or is asked for on a connection
 * that is not trusted, on which nothing of ours is said; only what has the fingerprint is believed, and only a connection that
 * verifies under it gets the token.
 *
 * @module
 */

import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { type Certificate, CertificateError, fingerprintOf, parseCertificates } from '@handfast/x509';
import { CliError, exitCodes, usageError } from '../exit.ts';
import { ask, type CaUrl, withConnection } from './connection.ts';

/** SHA-256, with colons or without, in lower case. */
export function parseFingerprint(text: string): string {
  const hex = text.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(hex)) return hex;
  throw usageError(
    `--fingerprint ${quote(text)} is no SHA-256 fingerprint`,
    '64 hexadecimal digits, as handfast ca token prints them',
  );
}

export function fingerprintHex(certificate: Certificate): string {
  return fingerprintOf(provider, certificate).replaceAll(':', '').toLowerCase();
}

/** @throws CliError where nothing there has the fingerprint */
export async function findRoot(url: CaUrl, fingerprint: string, interrupted: AbortSignal): Promise<Certificate> {
  const isIt = (certificate: Certificate): boolean => fingerprintHex(certificate) === fingerprint;
  const verifyPeer = () => ({ accepted: true }) as const;
  const root = await withConnection(url, { verifyPeer }, interrupted, async (socket, signal) => {
    const shown = socket.negotiated?.peer?.chain.find(isIt);
    if (shown !== undefined) return shown;
    const { status, body } = await ask(socket, { method: 'GET', path: '/enrol/v1/roots' }, url, signal);
    return status === 200 ? certificatesIn(body).find(isIt) : undefined;
  });
  if (root !== undefined) return root;
  throw new CliError(
    exitCodes.certificateRefused,
    `the CA at ${url.origin} has no root with the fingerprint ${fingerprint}`,
    {
      hint: 'compare it with what handfast ca token printed. The token was not sent: if all is right, somebody is in between',
    },
  );
}

function certificatesIn(pem: string): readonly Certificate[] {
  try {
    return parseCertificates(pem);
  } catch (error) {
    if (error instanceof CertificateError) return [];
    throw error;
  }
}
