/**
 * A pasted certification request: whoever made it holds its key. Its names are the certificate's; everything else is the profile's.
 *
 * @module
 */

import {
  CertificateError,
  type CertificateRequest,
  formatIp,
  keyPurposeLabel,
  parseRequests,
  verifyRequest,
} from '@handfast/x509';
import type { Profile } from '../issuing/profiles.ts';
import type { KeylessRequest } from '../issuing/request.ts';
import { AdminProblem } from './problems.ts';
import type { AdminService } from './service.ts';

export interface PastedRequest {
  readonly request: CertificateRequest;
  readonly asked: KeylessRequest;
}

/** `{ "csr": PEM, "profile": … }` @throws AdminProblem `bad_csr`, `bad_request` */
export async function readRequest(
  { authority, provider }: AdminService,
  body: ReadonlyMap<string, unknown>,
): Promise<PastedRequest> {
  const csr = body.get('csr');
  const name = body.get('profile') ?? authority.profiles[0]?.name;
  const profile = authority.profiles.find((one) => one.name === name);
  if (profile === undefined) throw new AdminProblem('bad_request', { detail: 'there is no such profile' });
  if (typeof csr !== 'string' || !csr.includes('-----BEGIN')) {
    throw new AdminProblem('bad_csr', {
      detail: 'this is no request',
      hint: 'paste all of it, from -----BEGIN CERTIFICATE REQUEST----- to the end',
    });
  }
  try {
    const [request, second] = parseRequests(csr);
    if (request === undefined || second !== undefined) throw badCsr('it is not one request');
    const asked = askedBy(request, profile);
    await verifyRequest(provider, request);
    return { request, asked };
  } catch (error) {
    if (error instanceof CertificateError) throw badCsr(error.message, error);
    throw error;
  }
}

/** What it asks for, of a profile. */
function askedBy(request: CertificateRequest, profile: Profile): KeylessRequest {
  if (request.basicConstraints?.ca === true) throw badCsr('it asks for a CA');
  const purposes = request.extendedKeyUsage?.map(keyPurposeLabel) ?? [];
  if (!purposes.every((purpose) => profile.extendedKeyUsage.some((own) => own === purpose))) {
    throw badCsr(
      `it asks for ${purposes.join(', ')}, and the profile "${profile.name}" is for ${profile.extendedKeyUsage.join(', ')}`,
    );
  }
  const { commonName } = request.subject;
  const names: string[] = [];
  const emails: string[] = [];
  for (const name of request.subjectAltName?.names ?? []) {
    if (name.kind === 'dns') names.push(name.text);
    else if (name.kind === 'email') emails.push(name.text);
    else if (name.kind === 'ip' && [4, 16].includes(name.bytes.length)) names.push(formatIp(name.bytes));
    else throw badCsr('it has a name that is neither a DNS name, nor an address, nor a mailbox');
  }
  if (profile.commonName === 'identity') {
    return { profile: profile.name, names, emails, ...(commonName !== undefined && { commonName }) };
  }
  // One without the extension has its one name in the subject.
  if (names.length + emails.length === 0 && commonName !== undefined) names.push(commonName);
  return { profile: profile.name, names, emails };
}

function badCsr(why: string, cause?: unknown): AdminProblem {
  return new AdminProblem('bad_csr', { detail: `the request cannot be accepted: ${why}`, cause });
}
