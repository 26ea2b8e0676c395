/**
 * The dashboard over an authority of a test's own, asked without a network.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import type { TestContext } from 'node:test';
import { type Certificate, issueRequest, type RequestOptions, toPem } from '@handfast/x509';
import {
  type Admin,
  type AdminConnection,
  type AdminEvent,
  type AdminOptions,
  type AdminRole,
  createAdmin,
  createAdminToken,
} from '../../src/index.ts';
import { newIssuer, nodeProvider, type Opened, opened, type TestIssuer } from '../support/authority.ts';

export const provider = nodeProvider;

let issuer: Promise<TestIssuer> | undefined;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

export interface Visitor {
  readonly cookie: string;
  readonly csrf: string;
  get(path: string): Promise<Answer>;
  /** Writes as the page does, but for what `headers` says otherwise. */
  send(method: string, path: string, body: object, headers?: Readonly<Record<string, string>>): Promise<Answer>;
}

export interface Dashboard extends Opened {
  readonly admin: Admin;
  readonly events: AdminEvent[];
  ask(path: string, init?: RequestInit, connection?: AdminConnection): Promise<Answer>;
  token(role: AdminRole, who?: string): Promise<string>;
  signIn(role: AdminRole, who?: string): Promise<Visitor>;
  visitor(answer: Answer, connection?: AdminConnection): Visitor;
}

export const origin = 'https://localhost:8555';

/** All tests of a file have one issuer. */
export async function dashboard(
  t: TestContext,
  options: Parameters<typeof opened>[1] = {},
  own: Partial<AdminOptions> = {},
): Promise<Dashboard> {
  issuer ??= newIssuer();
  const ca = await opened(t, { issuer: await issuer, ...options });
  const { authority, database, clock } = ca;
  const events: AdminEvent[] = [];
  const admin = await createAdmin({
    ...{ authority, database, provider, hosts: ['localhost'], clock: clock.read },
    log: (event) => events.push(event),
    ...own,
  });
  const ask: Dashboard['ask'] = async (path, init, connection) => {
    const response = await admin.fetch(new Request(`${origin}${path}`, init), connection);
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : {} };
  };
  const token: Dashboard['token'] = async (role, who = role) =>
    (await createAdminToken({ database, provider, clock: clock.read }, { who, role, by: 'operator alice' })).secret;
  const visitor: Dashboard['visitor'] = (answer, connection) => {
    const cookie = answer.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
    const csrf = String(answer.json.csrf);
    return {
      cookie,
      csrf,
      get: (path) => ask(`/admin/api/${path}`, { headers: { cookie } }, connection),
      send: (method, path, body, headers = {}) =>
        ask(
          `/admin/api/${path}`,
          {
            method,
            headers: { cookie, origin, 'x-csrf-token': csrf, 'content-type': 'application/json', ...headers },
            ...(method === 'POST' && { body: JSON.stringify(body) }),
          },
          connection,
        ),
    };
  };
  return {
    ...{ ...ca, admin, events, ask, token, visitor },
    async signIn(role, who) {
      const answer = await ask('/admin/api/session', signingIn(await token(role, who)));
      assert.equal(answer.status, 201, answer.text);
      return visitor(answer);
    },
  };
}

export function signingIn(token: string | undefined, headers: Readonly<Record<string, string>> = {}): RequestInit {
  return {
    method: 'POST',
    headers: { origin, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ token }),
  };
}

/** A certificate by an operator. */
export async function issued(
  { authority }: Pick<Dashboard, 'authority'>,
  name: string,
  more: object = {},
): Promise<Certificate> {
  const { signer } = await provider.generateKeyPair('secp256r1');
  const by = 'operator alice';
  return (await authority.issue({ publicKey: signer.publicKey, names: [name], by, ...more })).certificate;
}

export async function csr(options: Partial<RequestOptions>): Promise<string> {
  const { signer } = await provider.generateKeyPair('secp256r1');
  const { raw } = await issueRequest({ provider, subject: {}, signer, ...options });
  return toPem('CERTIFICATE REQUEST', raw);
}

/** Asserts that an answer is a problem of this code and status. */
export function assertProblem({ json, status, headers, text }: Answer, code: string, wanted: number): void {
  assert.deepEqual(
    [json.code, status, json.status, headers.get('content-type')],
    [code, wanted, wanted, 'application/problem+json'],
    text,
  );
}
