/**
 * `handfast ca issue` and `handfast ca renew`: an operator gets a certificate by hand, over a new key that is written beside
 * it, or over the key of a request, whose private half the CA never sees.
 *
 * @module
 */

import type { CertificateRecord, IssueRequest } from '@handfast/ca';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { type CertificateRequest, formatIp, parseCertificate, parseRequests, verifyRequest } from '@handfast/x509';
import { dayMs } from '../authority.ts';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { parsingFile, readFileFor } from '../options.ts';
import { type Asked, checkFileOptions, deliver, type FileOptions, mailboxesIn, withNewKey } from './deliver.ts';
import type { FolderOptions } from './folder.ts';
import { hostName } from './names.ts';
import { type OpenCa, operator, withCa } from './open.ts';
import type { OutputChoice } from './output.ts';
import { findRecord, recordName } from './records.ts';

export interface IssueOptions extends FolderOptions, OutputChoice, FileOptions {
  readonly client?: boolean;
  readonly email?: readonly string[];
  readonly csr?: string;
}

export interface RenewOptions extends FolderOptions, OutputChoice, FileOptions {
  readonly sameKey?: boolean;
}

export async function issue(names: readonly string[], options: IssueOptions, io: Io): Promise<ExitCode> {
  const { csr, email = [], client = false } = options;
  checkFileOptions(options, csr !== undefined && '--csr');
  if (email.length > 0 && !client) throw usageError('--email without --client', 'mailboxes are for clients');
  await withCa(options, io, async (ca) => {
    if (csr !== undefined) {
      const request = await readRequest(csr);
      const wanted = names.length > 0 ? names : namesOfRequest(request);
      const asked = askedFor(
        wanted,
        email.length > 0 ? email : client ? mailboxesIn(request.subjectAltName) : [],
        options,
        ca,
      );
      return deliver(ca, { ...asked, publicKey: request.publicKey }, undefined, options, io);
    }
    if (names.length === 0 && email.length === 0) {
      throw usageError('what is the certificate for?', 'handfast ca issue app.test; a client: issue alice --client');
    }
    return withNewKey(options, (pair) =>
      deliver(
        ca,
        { ...askedFor(names, email, options, ca), publicKey: pair.signer.publicKey },
        pair.pkcs8,
        options,
        io,
      ),
    );
  });
  return exitCodes.ok;
}

/** The same names for the same purpose: over a new key, unless the old one is to stay. */
export async function renew(serial: string, options: RenewOptions, io: Io): Promise<ExitCode> {
  checkFileOptions(options, options.sameKey === true && '--same-key');
  await withCa(options, io, async (ca) => {
    const old = await findRecord(serial, ca);
    if (old.status === 'revoked') {
      throw usageError(
        `the certificate for ${recordName(old)} is revoked, and is not renewed`,
        'handfast ca issue makes another one, over another key',
      );
    }
    const certificate = parseCertificate(old.der);
    const asked = { ...sameAgain(old), ...lifetime(options, old) };
    if (options.sameKey === true) {
      return deliver(ca, { ...asked, publicKey: certificate.publicKey }, undefined, options, io);
    }
    return withNewKey(options, (pair) =>
      deliver(ca, { ...asked, publicKey: pair.signer.publicKey }, pair.pkcs8, options, io),
    );
  });
  return exitCodes.ok;
}

// ---- what is asked for

function askedFor(names: readonly string[], emails: readonly string[], options: IssueOptions, ca: OpenCa): Asked {
  const { client = false } = options;
  const common = { by: operator(), ...lifetime(options) };
  if (!client) return { ...common, names: names.map((name) => hostName('NAME', name)), profile: 'server' };
  // Whom a client is for need not be a host; where it is one that the CA certifies, it stands among the names as well.
  const [first, ...others] = names;
  const hosts = [...(first !== undefined && ca.authority.nameRefusal(first) === undefined ? [first] : []), ...others];
  return {
    ...common,
    names: hosts.map((name) => hostName('NAME', name)),
    emails,
    profile: 'client',
    ...(first !== undefined && { commonName: first }),
  };
}

function lifetime({ days }: FileOptions, old?: CertificateRecord): Pick<IssueRequest, 'lifetimeMs'> {
  if (days === undefined) {
    return old === undefined ? {} : { lifetimeMs: old.notAfter.getTime() - old.issuedAt.getTime() };
  }
  const count = /^\d{1,5}(\.\d{1,4})?$/.test(days) ? Number(days) : Number.NaN;
  if (!(count > 0)) throw usageError(`--days ${quote(days)} is no number of days`, 'write 30, or 0.5');
  return { lifetimeMs: Math.round(count * dayMs) };
}

function sameAgain(old: CertificateRecord): Asked {
  const emails = mailboxesIn(parseCertificate(old.der).subjectAltName);
  return {
    by: operator(),
    profile: old.profile,
    names: old.names.filter((name) => !emails.includes(name)),
    emails,
    ...(old.commonName !== undefined && { commonName: old.commonName }),
    replaces: old.serial,
  };
}

async function readRequest(path: string): Promise<CertificateRequest> {
  const bytes = readFileFor('--csr', path);
  const [request, second] = parsingFile('--csr', path, () => parseRequests(bytes));
  if (request === undefined || second !== undefined)
    throw usageError(`--csr ${quote(path)} holds more than one request`);
  await verifyRequest(provider, request);
  return request;
}

function namesOfRequest({ subjectAltName, subject }: CertificateRequest): readonly string[] {
  const names = [
    ...(subjectAltName?.dnsNames ?? []),
    ...(subjectAltName?.ipAddresses ?? []).map((address) => formatIp(address)),
  ];
  return names.length > 0 ? names : subject.commonName === undefined ? [] : [subject.commonName];
}
