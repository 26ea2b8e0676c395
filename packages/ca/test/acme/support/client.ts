/**
 * A small ACME client over `node:crypto`, which can also do what no client should: every part of a request can be set.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { createHash, createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { issueRequest } from '@handfast/x509';

export interface Key {
  readonly alg: string;
  readonly privateKey: KeyObject;
  readonly jwk: Readonly<Record<string, unknown>>;
  readonly thumbprint: string;
}

const generators = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  EdDSA: () => generateKeyPairSync('ed25519'),
} as const;

export function newKey(alg: keyof typeof generators = 'ES256'): Key {
  return keyOf(alg, generators[alg]().privateKey);
}

export function keyOf(alg: string, privateKey: KeyObject): Key {
  const { d, p, q, dp, dq, qi, ...jwk } = privateKey.export({ format: 'jwk' });
  void [d, p, q, dp, dq, qi];
  const sorted = Object.fromEntries(Object.entries(jwk).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return { alg, privateKey, jwk, thumbprint: createHash('sha256').update(JSON.stringify(sorted)).digest('base64url') };
}

export interface Jws {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

/** `payload`: an object, or text as it is (empty: POST-as-GET). */
export function signJws(key: Key, header: object, payload: object | string): Jws {
  const [head, body] = [JSON.stringify(header), typeof payload === 'string' ? payload : JSON.stringify(payload)].map(
    (text) => Buffer.from(text).toString('base64url'),
  );
  const hash = { ES256: 'sha256', ES384: 'sha384', RS256: 'sha256' }[key.alg] ?? null;
  const signature = sign(hash, Buffer.from(`${head}.${body}`), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
  return { protected: head ?? '', payload: body ?? '', signature: signature.toString('base64url') };
}

export function macJws(secret: string, header: object, payload: object): Jws {
  const [head, body] = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  const signature = createHmac('sha256', Buffer.from(secret, 'base64url'))
    .update(`${head}.${body}`)
    .digest('base64url');
  return { protected: head ?? '', payload: body ?? '', signature };
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of it
  readonly json: any;
}

export type Fetch = (request: Request) => Promise<Response>;

export class Client {
  readonly key: Key;
  readonly #fetch: Fetch;
  readonly #base: string;
  kid: string | undefined;

  constructor(fetch: Fetch, base: string, key: Key = newKey()) {
    this.#fetch = fetch;
    this.#base = base;
    this.key = key;
  }

  url(path: string): string {
    return path.startsWith('http') ? path : `${this.#base}/acme/${path}`;
  }

  async nonce(): Promise<string> {
    const response = await this.#fetch(new Request(this.url('new-nonce'), { method: 'HEAD' }));
    return response.headers.get('replay-nonce') ?? assert.fail('no nonce');
  }

  async get(path: string, method = 'GET'): Promise<Reply> {
    return replyOf(await this.#fetch(new Request(this.url(path), { method })));
  }

  /** A body as it stands. */
  async send(path: string, body: string | Uint8Array<ArrayBuffer>, type = 'application/jose+json'): Promise<Reply> {
    return replyOf(
      await this.#fetch(new Request(this.url(path), { method: 'POST', headers: { 'content-type': type }, body })),
    );
  }

  /** The header of a request, signed by the account where there is one. */
  async header(path: string, byKey = this.kid === undefined): Promise<Record<string, unknown>> {
    const who = byKey ? { jwk: this.key.jwk } : { kid: this.kid };
    return { alg: this.key.alg, nonce: await this.nonce(), url: this.url(path), ...who };
  }

  async post(
    path: string,
    payload: object | string = '',
    changes: Readonly<Record<string, unknown>> = {},
  ): Promise<Reply> {
    const header = { ...(await this.header(path, path === 'new-account' || undefined)), ...changes };
    return await this.send(path, JSON.stringify(signJws(this.key, header, payload)));
  }

  /** Makes the account, and signs with it from now on. */
  async register(payload: object = {}): Promise<Reply> {
    const reply = await this.post('new-account', payload);
    this.kid = reply.headers.get('location') ?? undefined;
    return reply;
  }
}

/** An order whose identifiers are these names, as `POST new-order` takes it. */
export function orderFor(...names: readonly string[]): object {
  return { identifiers: names.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? 'ip' : 'dns', value })) };
}

/** A request for these names, base64url, by a new key. */
export async function csrFor(
  names: readonly string[],
  subject: { readonly commonName?: string } = {},
): Promise<string> {
  const { signer } = await nodeProvider.generateKeyPair('secp256r1');
  const { raw } = await issueRequest({ provider: nodeProvider, signer, subject, names });
  return Buffer.from(raw).toString('base64url');
}

/** Asserts that a reply is a problem of this type and status; answers its document. */
export function assertProblem(reply: Reply, type: string, status: number): Reply['json'] {
  assert.deepEqual(
    [reply.json?.type, reply.status, reply.headers.get('content-type'), reply.json?.status],
    [`urn:ietf:params:acme:error:${type}`, status, 'application/problem+json', status],
    reply.text,
  );
  return reply.json;
}

async function replyOf(response: Response): Promise<Reply> {
  const text = await response.text();
  const json = /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : undefined;
  return { status: response.status, headers: response.headers, text, json };
}
