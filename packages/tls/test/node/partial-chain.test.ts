/**
 * Where a path may end, with `allowPartialTrustChain` and without: our stores' verdicts, held to those of connections of `node:tls`.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { connect, createServer } from 'node:tls';
import { nodeProvider } from '@handfast/crypto/node';
import { type Certificate, issueCertificate, toPem, verifyCertificate } from '@handfast/x509';
import { namedTrust } from '../../src/node/ca-certificates.ts';

const [notBefore, notAfter] = [new Date('2020-01-01T00:00:00Z'), new Date('2049-01-01T00:00:00Z')];
const time = new Date();

const { pkcs8, signer } = await nodeProvider.generateKeyPair('secp256r1');
const key = toPem('PRIVATE KEY', pkcs8);

interface Named {
  readonly certificate: Certificate;
  readonly signer: typeof signer;
}

async function make(commonName: string, issuer?: Named, ca: boolean = true): Promise<Named> {
  const own = ca ? (await nodeProvider.generateKeyPair('secp256r1')).signer : signer;
  const certificate = await issueCertificate({
    ...{ provider: nodeProvider, subject: { commonName }, publicKey: own.publicKey, issuer: issuer ?? { signer: own } },
    ...{ notBefore, notAfter, ca, names: ca ? [] : ['localhost'], unverifiable: true },
  });
  return { certificate, signer: own };
}

const root = await make('root');
const middle = await make('middle', root);
const lower = await make('lower', middle);
const newRoot = await make('root', root);
const other = await make('other');
const certificates = {
  root,
  middle,
  lower,
  newRoot,
  other,
  leaf: await make('leaf', middle, false),
  lowLeaf: await make('low leaf', lower, false),
  newLeaf: await make('new leaf', newRoot, false),
  self: await make('self', undefined, false),
} as const;

type Name = keyof typeof certificates;
const listed = (names: readonly Name[]): readonly Certificate[] => names.map((name) => certificates[name].certificate);
const pem = (names: readonly Name[]): string[] => listed(names).map(({ raw }) => toPem('CERTIFICATE', raw));

async function nodes(sent: readonly Name[], ca: readonly Name[], allowPartialTrustChain: boolean): Promise<boolean> {
  const server = createServer({ key, cert: pem(sent).join('') }, (socket) => socket.end());
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: pem(ca), allowPartialTrustChain });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once('secureConnect', () => resolve(true)).once('error', () => resolve(false));
  const verdict = await promise;
  socket.destroy();
  server.close();
  return verdict;
}

async function ours(sent: readonly Name[], ca: readonly Name[], allowPartialTrustChain: boolean): Promise<boolean> {
  const [leaf, ...intermediates] = listed(sent);
  const trust = namedTrust(listed(ca), { trustsDefaults: false, allowPartialTrustChain });
  try {
    await verifyCertificate({ provider: nodeProvider, leaf, intermediates, trust, time, usage: 'serverAuth' });
    return true;
  } catch {
    return false;
  }
}

describe('a path', () => {
  for (const [sent, ca, plain, partial] of [
    [['leaf'], ['middle'], false, true],
    [['leaf', 'middle'], ['middle'], false, true],
    [['leaf', 'middle', 'root'], ['middle'], false, true],
    [['leaf', 'middle'], ['root'], true, true],
    [['leaf'], ['root', 'middle'], true, true],
    [['leaf'], ['root'], false, false],
    [['leaf'], ['leaf'], false, true],
    [['leaf', 'middle', 'root'], ['leaf'], false, true],
    [['self'], ['self'], true, true],
    [['self'], ['root'], false, false],
    [['lowLeaf'], ['lower'], false, true],
    [['lowLeaf', 'lower'], ['middle'], false, true],
    [['lowLeaf', 'lower'], ['middle', 'root'], true, true],
    [['lowLeaf', 'lower', 'middle'], ['lower'], false, true],
    [['lowLeaf', 'lower', 'middle', 'root'], ['other'], false, false],
    [['newLeaf', 'newRoot'], ['root'], true, true],
    [['newLeaf'], ['newRoot'], false, true],
    [['newLeaf'], ['newRoot', 'root'], true, true],
  ] as const) {
    it(`of ${sent.join(', ')}, trusting ${ca.join(' and ')}`, async () => {
      const both = [false, true] as const;
      const asked = await Promise.all(both.map((allowed) => nodes(sent, ca, allowed)));
      assert.deepEqual(asked, [plain, partial]);
      assert.deepEqual(await Promise.all(both.map((allowed) => ours(sent, ca, allowed))), asked);
    });
  }

  // OpenSSL, once in its store, does not look at what was sent any more.
  it('goes on from a certificate of ours through one that was sent, to a root of ours', async () => {
    assert.equal(await nodes(['lowLeaf', 'middle'], ['lower', 'root'], false), false);
    assert.equal(await ours(['lowLeaf', 'middle'], ['lower', 'root'], false), true);
  });
});
