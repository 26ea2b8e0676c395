/**
 * Revocation by the option `crl`: what a client of Node says of a chain with some lists, and what ours says, for each case.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { describe, it } from 'node:test';
import { connect, createSecureContext, TLSSocket } from 'node:tls';
import type { Signer } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import {
  type Certificate,
  CertificateError,
  type Crl,
  type IssueCrlOptions,
  type IssueOptions,
  issueCertificate,
  issueCrl,
  issueOcspResponse,
  parseCrl,
  revocation,
  toPem,
  trustStore,
  verifyCertificate,
} from '@handfast/x509';
import { crlErrorCode, revocationByCrls } from '../../src/node/revocation-by-crls.ts';

const hour = 3_600_000;
const now = new Date(Math.floor(Date.now() / 1000) * 1000);
const at = (hours: number): Date => new Date(now.getTime() + hours * hour);

interface Identity {
  readonly certificate: Certificate;
  readonly signer: Signer;
  readonly key: string;
}

async function make(commonName: string, issuer?: Identity, more: Partial<IssueOptions> = {}): Promise<Identity> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = await nodeProvider.importPrivateKey(privateKey.export({ format: 'der', type: 'pkcs8' }));
  const certificate = await issueCertificate({
    provider: nodeProvider,
    subject: { commonName },
    publicKey: signer.publicKey,
    issuer: issuer ? { certificate: issuer.certificate, signer: issuer.signer } : { signer },
    notBefore: at(-24),
    notAfter: at(24),
    ...more,
  });
  return { certificate, signer, key: String(privateKey.export({ format: 'pem', type: 'pkcs8' })) };
}

const root = await make('Root', undefined, { ca: true });
const middle = await make('Middle', root, { ca: true });
const leaf = await make('localhost', middle, { names: ['localhost'], extendedKeyUsage: ['serverAuth'] });
const alone = await make('alone', undefined, {
  names: ['localhost'],
  ca: true,
  keyUsage: ['digitalSignature', 'keyCertSign', 'cRLSign'],
});

interface Listing extends Partial<Pick<IssueCrlOptions, 'thisUpdate' | 'nextUpdate' | 'scope'>> {
  readonly revoked?: readonly Identity[];
}

async function list({ certificate, signer }: Identity, { revoked = [], ...times }: Listing = {}): Promise<Crl> {
  return issueCrl({
    issuer: { certificate, signer },
    number: 1n,
    thisUpdate: at(-2),
    nextUpdate: at(2),
    revoked: revoked.map((one) => ({ serialNumber: one.certificate.serialNumber, revokedAt: at(-3) })),
    ...times,
  });
}

function forged(crl: Crl): Crl {
  const bytes = crl.raw.slice();
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  return parseCrl(bytes);
}

const pem = (...chain: readonly Identity[]): string =>
  chain.map(({ certificate }) => toPem('CERTIFICATE', certificate.raw)).join('');

/** What Node's client says of a server with this chain: a code, or `good`. */
async function nodeSays(
  chain: readonly Identity[],
  trusted: readonly Identity[],
  crls: readonly Crl[],
  allowPartialTrustChain: boolean = false,
): Promise<string> {
  const [client, server] = duplexPair();
  const secureContext = createSecureContext({ key: chain[0]?.key ?? '', cert: pem(...chain) });
  const accepted = new TLSSocket(server, { isServer: true, secureContext });
  const socket = connect({
    socket: client,
    servername: 'localhost',
    ca: pem(...trusted),
    allowPartialTrustChain,
    crl: crls.map(({ raw }) => toPem('X509 CRL', raw)),
    rejectUnauthorized: false,
  });
  await once(socket, 'secureConnect');
  const { authorizationError } = socket;
  socket.destroy();
  accepted.destroy();
  return authorizationError === null ? 'good' : String(authorizationError);
}

async function oursSays(
  chain: readonly Identity[],
  anchors: readonly Identity[],
  crls: readonly Crl[],
): Promise<string> {
  const trusted = anchors.map(({ certificate }) => certificate);
  const [first, ...intermediates] = chain.map(({ certificate }) => certificate);
  try {
    const { revocation: verdicts, path } = await verifyCertificate({
      provider: nodeProvider,
      leaf: first,
      intermediates,
      trust: trustStore(trusted),
      time: now,
      usage: 'serverAuth',
      name: 'localhost',
      ...(crls.length > 0 && { revocation: revocationByCrls(crls, { trusted }) }),
    });
    assert.equal(verdicts.length, crls.length > 0 ? path.length - 1 : 0);
    return 'good';
  } catch (error) {
    assert.ok(error instanceof CertificateError);
    return crlErrorCode(error, crls, now) ?? error.code;
  }
}

describe('revocation by lists', async () => {
  const [rootList, middleList, aloneList] = await Promise.all([list(root), list(middle), list(alone)]);
  const chain = [leaf, middle];
  // biome-ignore format: a table
  const cases: readonly (readonly [string, string, readonly Crl[]])[] = [
    ['no list at all', 'good', []],
    ['all covered', 'good', [rootList, middleList]],
    ["a stranger's beside", 'good', [aloneList, rootList, middleList]],
    ['none for the leaf', 'UNABLE_TO_GET_CRL', [rootList]],
    ['none for the intermediate and the root', 'UNABLE_TO_GET_CRL', [middleList]],
    ["a stranger's alone", 'UNABLE_TO_GET_CRL', [aloneList]],
    ['the leaf revoked', 'CERT_REVOKED', [rootList, await list(middle, { revoked: [leaf] })]],
    ['the intermediate revoked', 'CERT_REVOKED', [await list(root, { revoked: [middle] }), middleList]],
    ['the root revoked by itself', 'CERT_REVOKED', [await list(root, { revoked: [root] }), middleList]],
    ["the leaf's list out of date", 'CRL_HAS_EXPIRED', [rootList, await list(middle, { nextUpdate: at(-1) })]],
    ['out of date by a second', 'CRL_HAS_EXPIRED', [rootList, await list(middle, { nextUpdate: new Date(now.getTime() - 1000) })]],
    ["the root's list out of date", 'CRL_HAS_EXPIRED', [await list(root, { nextUpdate: at(-1) }), middleList]],
    ['not valid yet', 'CRL_NOT_YET_VALID', [rootList, await list(middle, { thisUpdate: at(1) })]],
    ['an old list beside a new one', 'good', [await list(middle, { nextUpdate: at(-1) }), rootList, middleList]],
    ["of CAs alone, for the leaf", 'UNABLE_TO_GET_CRL', [rootList, await list(middle, { scope: { only: 'cas' } })]],
    ["of a shard that the leaf does not name", 'UNABLE_TO_GET_CRL', [rootList, await list(middle, { scope: { urls: ['http://crl.test/1'] } })]],
    ['forged', 'CRL_SIGNATURE_FAILURE', [rootList, forged(middleList)]],
  ];

  for (const [name, code, crls] of cases) {
    it(`${name}: ${code}`, async () => {
      assert.equal(await nodeSays(chain, [root], crls), code);
      assert.equal(await oursSays(chain, [root], crls), code);
    });
  }

  it('a certificate that is its own anchor must be covered by its own list', async () => {
    for (const [code, crls] of [
      ['good', [aloneList]],
      ['UNABLE_TO_GET_CRL', [rootList]],
      ['CERT_REVOKED', [await list(alone, { revoked: [alone] })]],
      ['CRL_HAS_EXPIRED', [await list(alone, { nextUpdate: at(-1) })]],
    ] as const) {
      assert.equal(await nodeSays([alone], [alone], crls), code);
      assert.equal(await oursSays([alone], [alone], crls), code);
    }
  });

  it('a trusted intermediate ends no path: it is looked up too, and so is its root', async () => {
    for (const [code, crls] of [
      ['good', [rootList, middleList]],
      ['UNABLE_TO_GET_CRL', [middleList]],
      ['CERT_REVOKED', [await list(root, { revoked: [middle] }), middleList]],
      ['CERT_REVOKED', [await list(root, { revoked: [root] }), middleList]],
    ] as const) {
      for (const trusted of [
        [middle, root],
        [root, middle],
      ]) {
        assert.equal(await nodeSays([leaf], trusted, crls), code);
        assert.equal(await oursSays([leaf], trusted, crls), code);
      }
    }
    for (const crls of [[rootList, middleList], [middleList]]) {
      assert.equal(await nodeSays([leaf], [middle], crls, true), 'UNABLE_TO_GET_CRL');
      assert.equal(await oursSays([leaf], [middle], crls), 'UNABLE_TO_GET_CRL');
    }
  });

  it('what is asked beside refuses, and stands for no list', async () => {
    const staple = await issueOcspResponse({
      provider: nodeProvider,
      issuer: middle.certificate,
      responder: { signer: middle.signer },
      producedAt: now,
      answers: [{ subject: leaf.certificate, status: 'good', thisUpdate: now, nextUpdate: at(1) }],
    });
    const verify = (crls: readonly Crl[], bytes: Uint8Array): unknown =>
      verifyCertificate({
        provider: nodeProvider,
        leaf: leaf.certificate,
        intermediates: [middle.certificate],
        trust: trustStore([root.certificate]),
        time: now,
        usage: 'serverAuth',
        revocation: revocationByCrls(crls, { also: revocation({ mode: 'prefer' }) }),
        staple: bytes,
      });
    assert.ok(await verify([rootList, middleList], staple));
    await assert.rejects(async () => verify([rootList], staple), { code: 'revocation_unknown' });
    await assert.rejects(async () => verify([rootList, middleList], Uint8Array.of(1)), { code: 'bad_status_response' });
  });

  it('what is no refusal by a list has no such code', () => {
    assert.equal(crlErrorCode(new CertificateError('expired', 'x'), [], now), undefined);
  });
});
