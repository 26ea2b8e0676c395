/**
 * The certification request of an enrolment or a renewal: whoever made it holds its key, and it asks for nothing beyond what the
 * token, or the certificate that is renewed, is for. One without names asks for all of them.
 *
 * @module
 */

import {
  CertificateError,
  type CertificateRequest,
  formatIp,
  type GeneralName,
  keyPurposeLabel,
  parseRequests,
  type SignatureProvider,
  verifyRequest,
} from '@handfast/x509';
import type { CheckedRequest } from '../issuing/request.ts';
import { EnrolmentProblem } from './problems.ts';

/**
 * @param encoded PEM, or base64 of DER
 * @throws EnrolmentProblem `bad_csr`
 */
export async function readCsr(
  provider: SignatureProvider,
  encoded: string,
  granted: CheckedRequest,
): Promise<CertificateRequest> {
  try {
    const [request, second] = parseRequests(bytesOf(encoded));
    if (request === undefined || second !== undefined) throw badCsr('it is not one request');
    refuseMore(request, granted);
    await verifyRequest(provider, request);
    return request;
  } catch (error) {
    if (error instanceof CertificateError) throw badCsr('it is malformed, or wrongly signed', error);
    throw error;
  }
}

function bytesOf(encoded: string): Uint8Array | string {
  if (encoded.includes('-----BEGIN')) return encoded;
  const base64 = encoded.replaceAll(/\s/g, '');
  if (base64 === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw badCsr('it is neither PEM nor base64');
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

function refuseMore(request: CertificateRequest, { profile, names, commonName }: CheckedRequest): void {
  const wanted = request.subjectAltName?.names ?? [];
  const have = new Set(names.map(({ kind, name }) => `${kind} ${name}`));
  if (wanted.length > 0) {
    const asked = new Set(wanted.map(keyOf));
    if (asked.size !== have.size || ![...asked].every((name) => have.has(name))) {
      throw badCsr('its names are not those that were granted');
    }
  }
  const { commonName: asked } = request.subject;
  if (asked !== undefined && asked !== commonName && !names.some(({ name }) => name === asked.toLowerCase())) {
    throw badCsr('its common name is not one that was granted');
  }
  if (request.basicConstraints?.ca === true) throw badCsr('it asks for a CA');
  const purposes = request.extendedKeyUsage?.map(keyPurposeLabel) ?? [];
  if (!purposes.every((purpose) => profile.extendedKeyUsage.some((granted) => granted === purpose))) {
    throw badCsr(`it asks for a purpose beyond the profile "${profile.name}"`);
  }
}

/** As a granted name is written. */
function keyOf(name: GeneralName): string {
  if (name.kind === 'dns') return `dns ${name.text.toLowerCase()}`;
  if (name.kind === 'ip' && [4, 16].includes(name.bytes.length)) return `ip ${formatIp(name.bytes)}`;
  if (name.kind !== 'email') throw badCsr('it has a name that is neither a DNS name, nor an address, nor a mailbox');
  const [local = '', host = ''] = name.text.split('@');
  return `email ${local}@${host.toLowerCase()}`;
}

function badCsr(why: string, cause?: unknown): EnrolmentProblem {
  return new EnrolmentProblem('bad_csr', { detail: `the certification request cannot be accepted: ${why}`, cause });
}
