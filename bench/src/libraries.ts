/**
 * Certificate libraries behind one face, ours first. Each does a job in the way that its own documentation shows; where
 * it does less than the others, `missing` says what.
 *
 * @module
 */

import 'reflect-metadata'; // @peculiar/x509 wants it first
import { X509Certificate } from 'node:crypto';
import { runSettling } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { parseCertificate, parseCertificates, trustStore, verifyCertificate, verifySignature } from '@handfast/x509';
import * as peculiar from '@peculiar/x509';
import forge from 'node-forge';
import * as pkijs from 'pkijs';
import type { Chain } from './certificates.ts';

type Work = () => unknown;

export interface Library {
  readonly name: string;
  /** Whether it knows no keys but RSA's. */
  readonly rsaOnly?: boolean;
  /** Parses, and asks for subject, alternative names and key. */
  readonly parse: (der: Uint8Array<ArrayBuffer>) => unknown;
  /** One signature check between certificates that are parsed already. Throws where the verdict is wrong. */
  readonly signature: (chain: Chain) => Work;
  /** Parses leaf and intermediate, and verifies them under a root that is parsed already. */
  readonly verify: (chain: Chain) => Work;
  /** What `verify` does not look at. */
  readonly missing?: string;
  /** Every root of these parsed. Those that it cannot parse are left out. */
  readonly parseAll: (pems: readonly string[]) => unknown;
}

function must(verdict: unknown): void {
  if (verdict !== true) throw new Error('a good chain was refused');
}

function base64Of(pem: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(pem.replace(/-----[^-]*-----/g, ''), 'base64'));
}

const handfast: Library = {
  name: 'handfast',
  parse(der) {
    const { subject, subjectAltName, publicKey } = parseCertificate(der);
    return [subject.commonName, subjectAltName?.dnsNames, publicKey.type];
  },
  signature(chain) {
    const leaf = parseCertificate(chain.leaf);
    const { publicKey } = parseCertificate(chain.intermediate);
    const { signatureAlgorithm } = leaf;
    if (signatureAlgorithm === undefined) throw new Error('a signature that we do not verify');
    return () =>
      must(runSettling(verifySignature(nodeProvider, publicKey, signatureAlgorithm, leaf.tbs, leaf.signature)));
  },
  verify(chain) {
    const trust = trustStore(parseCertificate(chain.root));
    return () =>
      verifyCertificate({
        provider: nodeProvider,
        leaf: parseCertificate(chain.leaf),
        intermediates: [parseCertificate(chain.intermediate)],
        trust,
        time: new Date(),
        usage: 'serverAuth',
        name: chain.host,
      });
  },
  parseAll: (pems) => pems.map((pem) => parseCertificates(pem)),
};

const node: Library = {
  name: 'node:crypto',
  parse(der) {
    const { subject, subjectAltName, publicKey } = new X509Certificate(der);
    return [subject, subjectAltName, publicKey];
  },
  signature(chain) {
    const leaf = new X509Certificate(chain.leaf);
    const { publicKey } = new X509Certificate(chain.intermediate);
    return () => must(leaf.verify(publicKey));
  },
  // It has no path building: this is what one writes with what it has.
  verify(chain) {
    const root = new X509Certificate(chain.root);
    const rootKey = root.publicKey;
    return () => {
      const leaf = new X509Certificate(chain.leaf);
      const intermediate = new X509Certificate(chain.intermediate);
      const now = new Date();
      for (const { validFromDate, validToDate } of [leaf, intermediate, root])
        must(validFromDate <= now && now <= validToDate);
      must(leaf.checkHost(chain.host) !== undefined);
      must(intermediate.ca && root.ca && leaf.checkIssued(intermediate) && intermediate.checkIssued(root));
      must(leaf.verify(intermediate.publicKey) && intermediate.verify(rootKey));
    };
  },
  missing: 'path building, name constraints, path length, critical extensions',
  parseAll: (pems) => pems.map((pem) => new X509Certificate(pem)),
};

const peculiars: Library = {
  name: '@peculiar/x509',
  parse(der) {
    const certificate = new peculiar.X509Certificate(der);
    const names = certificate.getExtension(peculiar.SubjectAlternativeNameExtension)?.names.items;
    return [certificate.subject, names?.map(({ value }) => value), certificate.publicKey.algorithm];
  },
  signature(chain) {
    const leaf = new peculiar.X509Certificate(chain.leaf);
    const { publicKey } = new peculiar.X509Certificate(chain.intermediate);
    return async () => must(await leaf.verify({ publicKey, signatureOnly: true }));
  },
  verify(chain) {
    const root = new peculiar.X509Certificate(chain.root);
    return async () => {
      const leaf = new peculiar.X509Certificate(chain.leaf);
      const intermediate = new peculiar.X509Certificate(chain.intermediate);
      const built = await new peculiar.X509ChainBuilder({ certificates: [intermediate, root] }).build(leaf);
      must(built.length === 3);
    };
  },
  missing: 'anything but issuer names and signatures: no validity, CA flag, usage, name or constraint',
  parseAll: (pems) => pems.map((pem) => new peculiar.X509Certificate(pem)),
};

const pkijss: Library = {
  name: 'pkijs',
  parse(der) {
    const { subject, extensions, subjectPublicKeyInfo } = pkijs.Certificate.fromBER(der);
    const names: unknown = extensions?.find(({ extnID }) => extnID === '2.5.29.17')?.parsedValue;
    return [subject.typesAndValues[0]?.value, names, subjectPublicKeyInfo.parsedKey];
  },
  signature(chain) {
    const leaf = pkijs.Certificate.fromBER(chain.leaf);
    const intermediate = pkijs.Certificate.fromBER(chain.intermediate);
    return async () => must(await leaf.verify(intermediate));
  },
  verify(chain) {
    const root = pkijs.Certificate.fromBER(chain.root);
    return async () => {
      const engine = new pkijs.CertificateChainValidationEngine({
        trustedCerts: [root],
        certs: [pkijs.Certificate.fromBER(chain.intermediate), pkijs.Certificate.fromBER(chain.leaf)],
        checkDate: new Date(),
      });
      must((await engine.verify()).result);
    };
  },
  missing: 'the host name, extended key usage',
  parseAll: (pems) => pems.map((pem) => pkijs.Certificate.fromBER(base64Of(pem))),
};

const forges: Library = {
  name: 'node-forge',
  rsaOnly: true,
  parse(der) {
    const { subject, publicKey, ...certificate } = forgeCertificate(der);
    return [
      subject.getField('CN')?.value,
      certificate.extensions.find(({ name }) => name === 'subjectAltName'),
      publicKey,
    ];
  },
  signature(chain) {
    const leaf = forgeCertificate(chain.leaf);
    const intermediate = forgeCertificate(chain.intermediate);
    return () => must(intermediate.verify(leaf));
  },
  verify(chain) {
    const store = forge.pki.createCaStore([forgeCertificate(chain.root)]);
    return () =>
      must(
        forge.pki.verifyCertificateChain(store, [forgeCertificate(chain.leaf), forgeCertificate(chain.intermediate)]),
      );
  },
  missing: 'the host name, extended key usage',
  parseAll: (pems) =>
    pems.map((pem) => {
      try {
        return forge.pki.certificateFromPem(pem);
      } catch {
        return undefined; // a key that is not RSA's
      }
    }),
};

function forgeCertificate(der: Uint8Array<ArrayBuffer>): forge.pki.Certificate {
  return forge.pki.certificateFromAsn1(forge.asn1.fromDer(forge.util.createBuffer(der)));
}

/** Ours first. */
export const libraries: readonly Library[] = [handfast, node, peculiars, pkijss, forges];
