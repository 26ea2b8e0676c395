/**
 * A process that issues is killed again and again, at no particular point. Afterwards the database and what was handed out agree.
 */
import { strict as assert } from 'node:assert';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { toHex } from '@handfast/crypto';
import { issueIntermediate, issueRoot, parseCertificate, toPem } from '@handfast/x509';
import { listAudit, openAuthority, openSqlite } from '../../src/index.ts';
import { auditFaults } from '../support/audit.ts';
import { day, nodeProvider } from '../support/authority.ts';

/** More by `CA_KILLS`. */
const kills = Number(process.env.CA_KILLS ?? 8);

/** Where Node keeps what it has compiled, from run to run. */
const cache = join(tmpdir(), 'node-compile-cache');

/** Children that are started before they are needed. */
const ahead = 4;

const child = fileURLToPath(new URL('../support/issuing-child.ts', import.meta.url));

interface Told {
  readonly issued: Map<string, string>;
  readonly revoked: Set<string>;
  readonly crlNumbers: number[];
}

async function issuerFile(folder: string) {
  const now = Date.now();
  const dates = { notBefore: new Date(now - day), notAfter: new Date(now + day) };
  const root = await nodeProvider.generateKeyPair('secp256r1');
  const intermediate = await nodeProvider.generateKeyPair('secp256r1');
  const rootCertificate = await issueRoot({
    ...dates,
    provider: nodeProvider,
    subject: { commonName: 'root' },
    signer: root.signer,
  });
  const certificate = await issueIntermediate({
    ...dates,
    provider: nodeProvider,
    subject: { commonName: 'intermediate' },
    publicKey: intermediate.signer.publicKey,
    issuer: { certificate: rootCertificate, signer: root.signer },
  });
  const chain = [certificate, rootCertificate];
  const file = join(folder, 'issuer.json');
  const pem = chain.map(({ raw }) => toPem('CERTIFICATE', raw)).join('');
  writeFileSync(file, JSON.stringify({ chain: pem, key: toPem('PRIVATE KEY', intermediate.pkcs8) }));
  return { file, chain, signer: intermediate.signer };
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

/** It starts, and waits to be told to begin. */
function started(args: readonly string[]): Child {
  return spawn(process.execPath, ['--conditions=@handfast/source', '--no-warnings', child, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
  });
}

/** Lets a child run until it has told of `lines` things, and some turns of the event loop longer; then kills it. */
async function runAndKill(running: Child, lines: number, turns: number, told: Told): Promise<void> {
  const ended = once(running, 'close');
  running.stdin.end('begin');
  let heard = 0;
  for await (const line of createInterface({ input: running.stdout })) {
    const [what, subject = '', digest = ''] = line.split(' ');
    if (what === 'issued') {
      assert.equal(told.issued.has(subject), false, `serial number ${subject} was handed out twice`);
      told.issued.set(subject, digest);
    }
    if (what === 'revoked') told.revoked.add(subject);
    if (what === 'crl') told.crlNumbers.push(Number(subject));
    if (heard++ !== lines) continue;
    for (let count = 0; count < turns; count++) await turn();
    running.kill('SIGKILL');
  }
  const [, signal] = await ended;
  assert.equal(signal, 'SIGKILL', 'the child ended by itself');
}

test(`killed ${kills} times, the database and what was handed out agree`, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ca-killed-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'ca.db');
  const issuer = await issuerFile(folder);
  const told: Told = { issued: new Map(), revoked: new Set(), crlNumbers: [] };
  const start = (): Child => started([file, issuer.file]);
  // The first goes by itself, and leaves the others what it has compiled.
  const first = start();
  first.stdin.end();
  await once(first, 'close');
  const waiting = Array.from({ length: Math.min(ahead, kills) }, start);
  for (let kill = 0; kill < kills; kill++) {
    const running = waiting.shift();
    assert.ok(running);
    if (kill + ahead < kills) waiting.push(start());
    await runAndKill(running, (kill * 7) % 12, (kill * 13) % 37, told);
  }

  const database = await openSqlite(file);
  const authority = await openAuthority({
    database,
    provider: nodeProvider,
    issuer,
    policy: { domains: ['example.test'] },
  });
  t.after(() => authority.close());
  assert.ok(told.issued.size > 0);
  const records = await authority.list({ limit: 100_000 });
  const bySerial = new Map(records.map((record) => [record.serial, record]));
  for (const [serial, digest] of told.issued) {
    const record = bySerial.get(serial);
    assert.ok(record, `${serial} was handed out and is not known`);
    assert.equal(toHex(nodeProvider.digest('sha256', record.der)), digest);
  }
  for (const serial of told.revoked) assert.equal(bySerial.get(serial)?.status, 'revoked');
  for (const { serial, der } of records) assert.equal(parseCertificate(der).serialNumberHex, serial);
  // Of every certificate there is an entry, and of every one that was begun.
  const entries = await listAudit(database, { limit: 100_000 });
  const subjects = (action: string): readonly string[] =>
    entries.filter((entry) => entry.action === action).map(({ subject }) => subject);
  assert.deepEqual(subjects('issue').toSorted(), [...bySerial.keys()].toSorted());
  const unfinished = await authority.unfinished();
  assert.deepEqual(subjects('unfinished').toSorted(), unfinished.toSorted());
  assert.equal(unfinished.filter((serial) => told.issued.has(serial)).length, 0);
  assert.deepEqual(await auditFaults(database), []);
  // Each list is told of once by whoever made it, and once more by whoever asked meanwhile: never a lower number.
  assert.deepEqual(
    subjects('crl').map(Number),
    subjects('crl')
      .map(Number)
      .toSorted((a, b) => b - a),
  );
  assert.equal(new Set(subjects('crl')).size, subjects('crl').length);
  assert.deepEqual(
    told.crlNumbers,
    told.crlNumbers.toSorted((a, b) => a - b),
  );
});
