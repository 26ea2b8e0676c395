/**
 * Enrolment over an authority of a test's own, asked without a network.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import type { TestContext } from 'node:test';
import type { Signer } from '@handfast/crypto';
import { type Certificate, issueRequest, parseCertificates, type RequestOptions, toPem } from '@handfast/x509';
import {
  createEnrolment,
  type Enrolment,
  type EnrolmentConnection,
  type EnrolmentEvent,
  type EnrolmentOptions,
  openTokens,
  type TokenRequest,
  type Tokens,
} from '../../src/index.ts';
import { newIssuer, nodeProvider, type Opened, opened, type TestIssuer } from '../support/authority.ts';

export const provider = nodeProvider;

let issuer: Promise<TestIssuer> | undefined;

export interface Enrolled extends Opened {
  readonly enrolment: Enrolment;
  readonly tokens: Tokens;
  readonly events: EnrolmentEvent[];
  /** A token's secret. */
  token(request?: Partial<TokenRequest>): Promise<string>;
  enrol(token: string, body: string, connection?: EnrolmentConnection): Promise<Reply>;
  renew(certificate: Certificate | undefined, body: string): Promise<Reply>;
  get(path: string, certificate?: Certificate): Promise<Reply>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
  /** Of what was issued. */
  readonly certificates: readonly Certificate[];
}

/** All tests of a file have one issuer. */
export async function enrolled(
  t: TestContext,
  options: Parameters<typeof opened>[1] = {},
  own: Partial<EnrolmentOptions> = {},
): Promise<Enrolled> {
  issuer ??= newIssuer();
  const ca = await opened(t, { issuer: await issuer, ...options });
  const { authority, database, clock } = ca;
  const basics = { authority, database, provider, clock: clock.read };
  const events: EnrolmentEvent[] = [];
  const enrolment = await createEnrolment({ ...basics, ...own, log: (event) => events.push(event) });
  const tokens = await openTokens(basics);
  return {
    ...ca,
    enrolment,
    tokens,
    events,
    async token(request = {}) {
      return (await tokens.create({ names: ['a.example.test'], by: 'operator alice', ...request })).secret;
    },
    enrol: async (token, csr, connection) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      return await replyOf(enrolment.fetch(post('certificates', headers, JSON.stringify({ csr })), connection));
    },
    renew: async (clientCertificate, csr) => {
      const headers = { 'content-type': 'application/pkcs10' };
      return await replyOf(enrolment.fetch(post('renewals', headers, csr), { clientCertificate }));
    },
    get: async (path, clientCertificate) =>
      await replyOf(enrolment.fetch(new Request(`https://ca.test${path}`), { clientCertificate })),
  };
}

export function post(what: string, headers: Readonly<Record<string, string>>, body: string): Request {
  return new Request(`https://ca.test/enrol/v1/${what}`, { method: 'POST', headers, body });
}

export async function replyOf(pending: Promise<Response>): Promise<Reply> {
  const { status, headers, ...response } = await pending.then(async (answer) => ({
    status: answer.status,
    headers: answer.headers,
    text: await answer.text(),
  }));
  const json = /json/.test(headers.get('content-type') ?? '') ? JSON.parse(response.text) : {};
  const certificates = typeof json.chain === 'string' ? parseCertificates(json.chain) : [];
  return { status, headers, json, certificates, ...response };
}

export async function newSigner(): Promise<Signer> {
  return (await provider.generateKeyPair('secp256r1')).signer;
}

/** A request, PEM; for no name unless told. */
export async function csr(options: Partial<RequestOptions> = {}): Promise<string> {
  const signer = options.signer ?? (await newSigner());
  const { raw } = await issueRequest({ provider, subject: { organization: 'Test' }, ...options, signer });
  return toPem('CERTIFICATE REQUEST', raw);
}

/** Asserts that a reply is a problem with this code and status. */
export function assertProblem(reply: Reply, code: string, status: number): void {
  const { json } = reply;
  assert.deepEqual(
    [json.code, reply.status, json.status, reply.headers.get('content-type')],
    [code, status, status, 'application/problem+json'],
    reply.text,
  );
}
