/**
 * As much of an ACME client (RFC 8555) as it takes to get a certificate by http-01 or dns-01: JWS by node:crypto, HTTPS by
 * node:https.
 *
 * @module
 */

import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { request } from 'node:https';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/** HTTPS, trusting `ca` alone. */
export function https(ca: string, url: string, method = 'GET', body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'Content-Type': 'application/jose+json' };
    request(url, { ca, method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    })
      .on('error', reject)
      .end(body);
  });
}

interface Reply {
  readonly status: number;
  readonly location: string;
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
}

export class AcmeClient {
  readonly #ca: string;
  readonly #directory: Readonly<Record<string, string>>;
  readonly #key: KeyObject;
  readonly #jwk: object;
  #account: string | undefined;

  private constructor(ca: string, directory: Readonly<Record<string, string>>) {
    this.#ca = ca;
    this.#directory = directory;
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = privateKey;
    const { crv, kty, x, y } = publicKey.export({ format: 'jwk' });
    // In the order of RFC 7638.
    this.#jwk = { crv, kty, x, y };
  }

  static async open(ca: string, directory: string): Promise<AcmeClient> {
    const { body } = await https(ca, directory);
    const client = new AcmeClient(ca, JSON.parse(body) as Record<string, string>);
    const { location } = await client.#post(client.#url('newAccount'), { termsOfServiceAgreed: true });
    client.#account = location;
    return client;
  }

  /**
   * @param prove serves the content at the path until the order is done; for dns-01 the TXT record at the name
   * @returns the chain, PEM
   */
  async order(
    name: string,
    csr: Uint8Array,
    prove: (place: string, content: string) => void,
    type: 'http-01' | 'dns-01' = 'http-01',
    more: object = {},
  ): Promise<string> {
    const order = await this.#post(this.#url('newOrder'), { identifiers: [{ type: 'dns', value: name }], ...more });
    if (order.status !== 201) throw new Error(order.text);
    const [authorization] = order.value.authorizations as readonly string[];
    const { value } = await this.#post(authorization ?? '');
    const challenges = value.challenges as readonly {
      readonly type: string;
      readonly url: string;
      readonly token: string;
    }[];
    const challenge = challenges.find((candidate) => candidate.type === type);
    if (challenge === undefined) throw new Error(`no ${type}`);
    const thumbprint = createHash('sha256').update(JSON.stringify(this.#jwk)).digest('base64url');
    const authorized = `${challenge.token}.${thumbprint}`;
    if (type === 'http-01') prove(`/.well-known/acme-challenge/${challenge.token}`, authorized);
    else
      prove(
        `_acme-challenge.${name.replace(/^\*\./, '')}`,
        createHash('sha256').update(authorized).digest('base64url'),
      );
    await this.#post(challenge.url, {});
    await this.#until(order.location, 'ready');
    await this.#post(String(order.value.finalize), { csr: Buffer.from(csr).toString('base64url') });
    const done = await this.#until(order.location, 'valid');
    return (await this.#post(String(done.certificate))).text;
  }

  async #until(url: string, status: string): Promise<Readonly<Record<string, unknown>>> {
    for (;;) {
      const { value, text } = await this.#post(url);
      if (value.status === status) return value;
      if (value.status === 'invalid') throw new Error(text);
    }
  }

  #url(name: string): string {
    return this.#directory[name] ?? '';
  }

  /** POST-as-GET without a payload. */
  async #post(url: string, payload?: object): Promise<Reply> {
    const { headers } = await https(this.#ca, this.#url('newNonce'), 'HEAD');
    const key = this.#account === undefined ? { jwk: this.#jwk } : { kid: this.#account };
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const head = encode({ alg: 'ES256', nonce: headers['replay-nonce'], url, ...key });
    const body = payload === undefined ? '' : encode(payload);
    const signature = sign('sha256', Buffer.from(`${head}.${body}`), { key: this.#key, dsaEncoding: 'ieee-p1363' });
    const jws = { protected: head, payload: body, signature: signature.toString('base64url') };
    const { status, headers: given, body: text } = await https(this.#ca, url, 'POST', JSON.stringify(jws));
    const json = /json/.test(String(given['content-type']));
    return { status, location: String(given.location), text, value: json ? (JSON.parse(text) as Reply['value']) : {} };
  }
}
