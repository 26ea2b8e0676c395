import assert from 'node:assert/strict';
import { test } from 'node:test';
import { casesOf } from '../src/cases.ts';
import { Certificates } from '../src/certificates.ts';
import { peers } from '../src/peers/index.ts';
import type { Job } from '../src/run.ts';
import { circumstances, presharedJobs } from '../src/scenarios/preshared.ts';

function jobsOf(peer: (typeof peers)[number], direction: 'client' | 'server'): readonly Job[] {
  const abilities = peer[direction];
  if (abilities === undefined) return [];
  const rows = casesOf(abilities, false);
  const plain = ['TLS 1.3', 'TLS 1.2'].flatMap((version) => rows.find((one) => one.version === version) ?? []);
  return presharedJobs(peer, direction, plain, new Certificates('/nowhere'));
}

test('each peer that takes keys from outside is given them in every circumstance that it has', () => {
  const found = peers.flatMap((peer) =>
    (['client', 'server'] as const).flatMap((direction) => {
      const count = jobsOf(peer, direction).length;
      return count === 0 ? [] : [`${peer.name} ${direction} ${count}`];
    }),
  );
  const all = circumstances.length;
  const ofSha256 = circumstances.filter(({ hash, behind }) => hash === 'sha256' && !behind).length;
  assert.deepEqual(found, [
    // s_client offers one key alone, and one of SHA-384 not after HelloRetryRequest.
    `openssl client ${all - 2}`,
    `openssl server ${all}`,
    `gnutls client ${ofSha256}`,
    `gnutls server ${ofSha256}`,
  ]);
});

test('keys from outside are for TLS 1.3 alone, each job under a name of its own', () => {
  const jobs = peers.flatMap((peer) => (['client', 'server'] as const).flatMap((direction) => jobsOf(peer, direction)));
  assert.deepEqual(new Set(jobs.map(({ version }) => version)), new Set(['TLS 1.3']));
  const names = jobs.map(({ peer, direction, id }) => `${peer.name} ${direction} ${id}`);
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.includes('openssl server tls1.3+goes on with a key of SHA-384 after HelloRetryRequest'));
});
