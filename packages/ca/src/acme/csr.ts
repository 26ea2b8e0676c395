/**
 * The certification request of an order (RFC 8555 §7.4): it asks for the order's names and for nothing that the order does not
 * have, and whoever made it holds its key.
 *
 * @module
 */

import {
  CertificateError,
  type CertificateRequest,
  formatIp,
  parseRequest,
  type SignatureProvider,
  verifyRequest,
} from '@handfast/x509';
import { normaliseDns } from './identifiers.ts';
import { Problem } from './problems.ts';

/** With its key, which is decoded when somebody asks for it. @throws Problem `badCSR` */
export function parseCsr(
  der: Uint8Array,
): Pick<CertificateRequest, 'publicKey'> & { readonly request: CertificateRequest } {
  try {
    const request = parseRequest(der);
    return { request, publicKey: request.publicKey };
  } catch (error) {
    throw inWords(error);
  }
}

/**
 * @param names in the one spelling of `identifiers.ts`
 * @throws Problem `badCSR`
 */
export async function checkCsr(
  provider: SignatureProvider,
  request: CertificateRequest,
  names: readonly string[],
): Promise<void> {
  try {
    const asked = namesOf(request);
    if (asked.size !== names.length || !names.every((name) => asked.has(name))) {
      throw badCsr('its names are not those of the order');
    }
    const { commonName } = request.subject;
    if (commonName !== undefined && !names.includes(normaliseDns(commonName) ?? commonName)) {
      throw badCsr('its common name is none of its names');
    }
    if (request.basicConstraints?.ca === true) throw badCsr('it asks for a CA');
    await verifyRequest(provider, request);
  } catch (error) {
    throw inWords(error);
  }
}

function inWords(error: unknown): unknown {
  return error instanceof CertificateError
    ? badCsr('it is malformed, wrongly signed, or for a key of another kind', error)
    : error;
}

function namesOf({ subjectAltName, subject }: CertificateRequest): ReadonlySet<string> {
  // Names may be in the subject, in the extension, or in both.
  const inSubject = normaliseDns(subject.commonName ?? '');
  return new Set([
    ...(inSubject === undefined ? [] : [inSubject]),
    ...(subjectAltName?.names ?? []).map((name) => {
      const text =
        name.kind === 'dns'
          ? normaliseDns(name.text)
          : name.kind === 'ip' && [4, 16].includes(name.bytes.length)
            ? formatIp(name.bytes)
            : undefined;
      if (text === undefined) throw badCsr('it has a name that is neither a DNS name nor an IP address');
      return text;
    }),
  ]);
}

export function badCsr(why: string, cause?: unknown): Problem {
  return new Problem('badCSR', { detail: `the certification request cannot be accepted: ${why}`, cause });
}
