/**
 * A CA of a test's own behind our TLS: it notes what it is asked, and answers as it is told.
 *
 * @module
 */

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { createHttpsServer, type HttpsServer, TLSSocket } from '@handfast/tls/node';
import {
  type Certificate,
  type CertificateRequest,
  issueServerCertificate,
  parseRequests,
  toPem,
} from '@handfast/x509';
import { makeAuthority } from '../../src/authority.ts';
import { fingerprintHex } from '../../src/enroll/root.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly token: string | undefined;
  /** What the connection was made with. */
  readonly client: Certificate | undefined;
  readonly csr: CertificateRequest | undefined;
}

/** Undefined: the connection is cut. */
export type Answer = { readonly status: number; readonly body: string; readonly headers?: Record<string, string> };

type Issuer = Awaited<ReturnType<typeof makeAuthority>>['issuer'];

export class FakeCa {
  readonly asked: Asked[] = [];
  readonly root: Certificate;
  readonly issuer: Issuer;
  /** What it serves as roots. */
  roots: string;
  /** Of what it issues. */
  names: readonly string[] = ['app.test'];
  from: Date = new Date(Date.now() - 60_000);
  to: Date = new Date(Date.now() + 30 * 86_400_000);
  renewAt: Date | undefined;
  /** Takes the place of what it would do. */
  answers: ((asked: Asked) => Answer | 'cut' | undefined)[] = [];
  #server: HttpsServer | undefined;
  #port = 0;

  private constructor(issuer: Issuer) {
    this.issuer = issuer;
    this.root = issuer.certificate;
    this.roots = toPem('CERTIFICATE', this.root.raw);
  }

  static async open(port = 0): Promise<FakeCa> {
    const { issuer } = await makeAuthority('Fake CA', { from: new Date(Date.now() - 86_400_000), days: 100 });
    const ca = new FakeCa(issuer);
    await ca.listen(port);
    return ca;
  }

  async listen(port = 0): Promise<void> {
    const { signer } = await provider.generateKeyPair('secp256r1');
    const leaf = await this.issue(signer.publicKey, ['localhost', '127.0.0.1']);
    const server = createHttpsServer(
      {
        credentials: [{ chain: [leaf], signer }],
        ...{ requestCert: true, rejectUnauthorized: false, ca: toPem('CERTIFICATE', this.root.raw) },
      },
      (request, response) => {
        void this.#answer(request).then((answer) => {
          if (answer === 'cut') request.socket.destroy();
          else response.writeHead(answer.status, answer.headers).end(answer.body);
        });
      },
    );
    server.on('tlsClientError', () => undefined);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `https://localhost:${this.port}`;
  }

  get fingerprint(): string {
    return fingerprintHex(this.root);
  }

  async issue(publicKey: Certificate['publicKey'], names: readonly string[] = this.names): Promise<Certificate> {
    const { issuer, from: notBefore, to: notAfter } = this;
    return await issueServerCertificate({ provider, subject: {}, issuer, publicKey, names, notBefore, notAfter });
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage): Promise<Answer | 'cut'> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const fields = body === '' ? {} : (JSON.parse(body) as { csr?: string });
    const { socket } = request;
    const asked: Asked = {
      method: request.method ?? '',
      path: request.url ?? '',
      token: request.headers.authorization,
      client: socket instanceof TLSSocket ? socket.negotiated?.peer?.chain[0] : undefined,
      csr: fields.csr === undefined ? undefined : parseRequests(fields.csr)[0],
    };
    this.asked.push(asked);
    if (asked.path === '/enrol/v1/roots') return { status: 200, body: this.roots };
    const other = this.answers.shift()?.(asked);
    if (other !== undefined) return other;
    if (asked.csr === undefined) return { status: 200, body: JSON.stringify({ renewAt: this.renewAt }) };
    const leaf = await this.issue(asked.csr.publicKey);
    return { status: 201, body: JSON.stringify({ chain: toPem('CERTIFICATE', leaf.raw) }) };
  }
}

/** A problem document. */
export function problem(status: number, code: string, detail: string): Answer {
  return {
    status,
    body: JSON.stringify({ status, code, detail }),
    headers: { 'content-type': 'application/problem+json' },
  };
}
