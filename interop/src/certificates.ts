/**
 * Certificates for the cases, issued by our own library: for each signature scheme a root with that kind of key, and
 * under it a server, a client and an expired server. Files are what most peers want, so each is written once.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GeneratedKeyPair } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { signatureSchemes } from '@handfast/tls';
import {
  type Certificate,
  type Issuer,
  issueClientCertificate,
  issueOcspResponse,
  issueRoot,
  issueServerCertificate,
  toPem,
} from '@handfast/x509';

/** A certificate and its key: where they lie, and what they say. */
export interface Identity {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

/** All that belongs to one signature scheme. */
export interface Family {
  readonly caFile: string;
  readonly ca: string;
  readonly server: Identity;
  readonly client: Identity;
  readonly expired: Identity;
  /** An OCSP response about `server`, by the root: the same one each time. */
  staple(status: StapleStatus): Promise<Staple>;
}

export type StapleStatus = 'good' | 'revoked';

/** An OCSP response: where it lies, and what it says. */
export interface Staple {
  readonly file: string;
  readonly der: Uint8Array;
}

const dayMs = 24 * 60 * 60 * 1000;

export class Certificates {
  readonly #directory: string;
  readonly #families = new Map<string, Promise<Family>>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @param scheme IANA's name; `stranger/` before it gives another root that nobody trusts. */
  family(scheme: string): Promise<Family> {
    const known = this.#families.get(scheme);
    if (known !== undefined) return known;
    const made = this.#make(scheme);
    this.#families.set(scheme, made);
    return made;
  }

  async #make(label: string): Promise<Family> {
    const name = label.split('/').at(-1) ?? label;
    const row = signatureSchemes.find((scheme) => scheme.name === name);
    if (row === undefined) throw new Error(`there is no signature scheme ${name}`);
    const directory = join(this.#directory, label.replaceAll('/', '-'));
    mkdirSync(directory, { recursive: true });
    // An RSA root signs as everybody's does; any other with the scheme under test.
    const signatureAlgorithm = row.keyType === 'rsa' ? ('rsa-pkcs1-sha256' as const) : row.algorithm;
    const now = Date.now();
    const period = { notBefore: new Date(now - dayMs), notAfter: new Date(now + 30 * dayMs) };
    const past = { notBefore: new Date(now - 3 * dayMs), notAfter: new Date(now - 2 * dayMs) };
    const { signer } = await provider.generateKeyPair(row.keyType);
    const ca = await issueRoot({
      provider,
      subject: { commonName: `Interop root ${label}` },
      signer,
      signatureAlgorithm,
      notBefore: new Date(now - 9 * dayMs),
      notAfter: new Date(now + 90 * dayMs),
    });
    const issuer: Issuer = { certificate: ca, signer };
    const write = (file: string, pair: GeneratedKeyPair, certificate: Certificate): Identity => {
      const certFile = join(directory, `${file}.pem`);
      const keyFile = join(directory, `${file}.key`);
      const cert = toPem('CERTIFICATE', certificate.raw);
      const key = toPem('PRIVATE KEY', pair.pkcs8);
      writeFileSync(certFile, cert);
      writeFileSync(keyFile, key, { mode: 0o600 });
      return { certFile, keyFile, cert, key };
    };
    const serverKey = await provider.generateKeyPair(row.keyType);
    const server = (validity: typeof period): ReturnType<typeof issueServerCertificate> =>
      issueServerCertificate({
        provider,
        subject: { commonName: 'localhost' },
        issuer,
        publicKey: serverKey.signer.publicKey,
        names: ['localhost', '127.0.0.1', '::1'],
        signatureAlgorithm,
        ...validity,
      });
    const clientKey = await provider.generateKeyPair(row.keyType);
    const client = await issueClientCertificate({
      provider,
      subject: { commonName: 'Interop client' },
      issuer,
      publicKey: clientKey.signer.publicKey,
      emails: ['client@example.com'],
      signatureAlgorithm,
      ...period,
    });
    const serverCertificate = await server(period);
    const issueStaple = async (status: StapleStatus): Promise<Staple> => {
      const thisUpdate = new Date(now - dayMs / 24);
      const about = { subject: serverCertificate, thisUpdate, nextUpdate: new Date(now + dayMs) };
      const answer = status === 'good' ? { ...about, status } : { ...about, status, revokedAt: thisUpdate };
      const der = await issueOcspResponse({
        provider,
        responder: { signer },
        issuer: ca,
        answers: [answer],
        producedAt: thisUpdate,
      });
      const file = join(directory, `${status}.ocsp`);
      writeFileSync(file, der);
      return { file, der };
    };
    // Each is made once: no two ECDSA signatures are the same, and s_server reads its file at each handshake.
    const staples = new Map<StapleStatus, Promise<Staple>>();
    const staple = (status: StapleStatus): Promise<Staple> => {
      const made = staples.get(status) ?? issueStaple(status);
      staples.set(status, made);
      return made;
    };
    const caFile = join(directory, 'ca.pem');
    const caPem = toPem('CERTIFICATE', ca.raw);
    writeFileSync(caFile, caPem);
    return {
      caFile,
      ca: caPem,
      server: write('server', serverKey, serverCertificate),
      expired: write('expired', serverKey, await server(past)),
      client: write('client', clientKey, client),
      staple,
    };
  }
}
