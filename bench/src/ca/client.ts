/**
 * A lean ACME client (RFC 8555): what an order takes and nothing else, over connections that stay open. The same one for every CA
 * that is measured.
 *
 * @module
 */

import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { type Agent, request } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';

interface Reply {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

/** What is read of any ACME object. */
interface Resource {
  readonly status?: string;
  readonly finalize?: string;
  readonly certificate?: string;
  readonly authorizations?: readonly string[];
  readonly challenges?: readonly { readonly type: string; readonly url: string; readonly token: string }[];
  readonly newNonce?: string;
  readonly newAccount?: string;
  readonly newOrder?: string;
}

/** Pauses before something in work is looked at again: twice as long each time. `Retry-After` is in seconds, and made for the Internet. */
const pauseMs = { first: 2, most: 32 };
const patienceMs = 30_000;

/** One account, which has one request under way at a time. */
export class AcmeClient {
  readonly #agent: Agent;
  readonly #key: KeyObject;
  readonly #jwk: Readonly<Record<string, string>>;
  /** What a challenge's file holds, behind its token. */
  readonly thumbprint: string;
  #directory: Resource = {};
  #account: string | undefined;
  #nonce: string | undefined;
  requests = 0;

  constructor(agent: Agent) {
    this.#agent = agent;
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
    this.#key = privateKey;
    this.#jwk = { crv: 'P-256', kty: 'EC', x, y };
    this.thumbprint = createHash('sha256').update(JSON.stringify(this.#jwk)).digest('base64url');
  }

  async register(directory: string): Promise<void> {
    this.#directory = JSON.parse((await this.#send('GET', directory)).body);
    await this.#send('HEAD', this.#directory.newNonce ?? '');
    const { location } = await this.#post(this.#directory.newAccount, { termsOfServiceAgreed: true });
    this.#account = location;
  }

  /** From new order to certificate. `answer` is told of each token that is asked for. */
  async order(name: string, csr: string, answer: (token: string, keyAuthorization: string) => void): Promise<string> {
    const identifiers = [{ type: 'dns', value: name }];
    const { location = '', body } = await this.#post(this.#directory.newOrder, { identifiers });
    let order: Resource = JSON.parse(body);
    // Pebble takes one proof of a hundred over, even where it is told to take none.
    if (order.status === 'pending') {
      const [url] = order.authorizations ?? [];
      const authorization: Resource = JSON.parse((await this.#post(url)).body);
      const challenge = authorization.challenges?.find(({ type }) => type === 'http-01');
      if (challenge === undefined) throw new Error(`no http-01: ${JSON.stringify(authorization)}`);
      answer(challenge.token, `${challenge.token}.${this.thumbprint}`);
      await this.#post(challenge.url, {});
      order = await this.#settled(location, 'pending');
    }
    order = JSON.parse((await this.#post(order.finalize, { csr })).body);
    if (order.status !== 'valid') order = await this.#settled(location, 'ready', 'processing');
    return (await this.#post(order.certificate)).body;
  }

  async #settled(url: string, ...passing: readonly string[]): Promise<Resource> {
    const end = performance.now() + patienceMs;
    for (let pause = pauseMs.first; ; pause = Math.min(2 * pause, pauseMs.most)) {
      await delay(pause);
      const resource: Resource = JSON.parse((await this.#post(url)).body);
      if (resource.status === 'invalid') throw new Error(`the order is invalid: ${JSON.stringify(resource)}`);
      if (!passing.includes(resource.status ?? '')) return resource;
      if (performance.now() > end) throw new Error(`an order stays ${resource.status}`);
    }
  }

  /** Without a payload: POST-as-GET. */
  async #post(url: string | undefined, payload?: object): Promise<Reply> {
    if (url === undefined) throw new Error('a resource names no URL for what comes next');
    const who = this.#account === undefined ? { jwk: this.#jwk } : { kid: this.#account };
    const header = base64url(JSON.stringify({ alg: 'ES256', ...who, nonce: this.#nonce, url }));
    const content = payload === undefined ? '' : base64url(JSON.stringify(payload));
    const signature = sign('sha256', Buffer.from(`${header}.${content}`), {
      key: this.#key,
      dsaEncoding: 'ieee-p1363',
    });
    const body = JSON.stringify({ protected: header, payload: content, signature: signature.toString('base64url') });
    const reply = await this.#send('POST', url, body);
    if (reply.status >= 400) throw new Error(`${reply.status} ${reply.body.replace(/\s+/g, ' ')} for ${url}`);
    return reply;
  }

  #send(method: string, url: string, body?: string): Promise<Reply> {
    this.requests++;
    return new Promise((resolve, reject) => {
      const headers =
        body === undefined
          ? {}
          : { 'content-type': 'application/jose+json', 'content-length': Buffer.byteLength(body) };
      const sent = request(url, { method, agent: this.#agent, headers }, (response) => {
        const { 'replay-nonce': nonce, location } = response.headers;
        if (typeof nonce === 'string') this.#nonce = nonce;
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
        });
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, location, body: text }));
      });
      sent.setTimeout(patienceMs, () => sent.destroy(new Error(`no answer of ${url}`)));
      sent.on('error', (error: NodeJS.ErrnoException) => {
        // The server ends a connection that was idle for long, and this request was on its way then.
        if (sent.reusedSocket && error.code === 'ECONNRESET') this.#send(method, url, body).then(resolve, reject);
        else reject(error);
      });
      sent.end(body);
    });
  }
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
