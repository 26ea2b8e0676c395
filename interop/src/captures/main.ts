/**
 * `npm run captures`: our captures are read by Wireshark's `tshark`, decrypted; and what its `dumpcap` captures of OpenSSL's own
 * connections is read by us. Needs the right to capture on the loopback interface.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeProvider as provider } from '@handfast/crypto/node';
import * as tls from '@handfast/tls/node';
import { type Capture, fromBase64, type Recording, readCapture, recorder, writePcapng } from '@handfast/viewer';
import { check, tell } from '../../pkcs11/src/checks.ts';
import { Certificates, type Family } from '../certificates.ts';
import { Command, endAllCommands, listeningPort } from '../processes.ts';

const versions = { 'TLS 1.3': ['TLSv1.3', '-tls1_3'], 'TLS 1.2': ['TLSv1.2', '-tls1_2'] } as const;
const request = 'GET /where HTTP/1.0\r\n\r\n';

const directory = mkdtempSync(join(tmpdir(), 'handfast-captures-'));
const family: Family = await new Certificates(directory).family('ecdsa_secp256r1_sha256');

/** A command's standard output; it must end well. */
async function output(file: string, ...args: readonly string[]): Promise<string> {
  const command = new Command(file, args);
  let text = '';
  command.child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  assert.equal(await command.exit, 0, `${file}: ${command.stderr}`);
  return text;
}

/** `openssl s_server`, which answers requests of HTTP with a page about the connection. */
async function server(flag: string): Promise<{ readonly port: number; end(): void }> {
  const { certFile, keyFile } = family.server;
  const command = new Command('openssl', [
    ...['s_server', '-accept', '127.0.0.1:0', '-www', flag],
    ...['-cert', certFile, '-key', keyFile],
  ]);
  return { port: await listeningPort(command), end: () => command.kill() };
}

/** A field of each frame that has it, as `tshark` sees it. */
async function fields(file: string, field: string, filter = field): Promise<readonly string[]> {
  const text = await output('tshark', '-n', '-r', file, '-Y', filter, '-T', 'fields', '-e', field);
  return text.split('\n').filter((line) => line !== '');
}

/** The numbers of one side's handshake messages, in order. */
async function typesFrom(file: string, port: number, direction: 'srcport' | 'dstport'): Promise<readonly number[]> {
  const filter = `tls.handshake.type && tcp.${direction} == ${port}`;
  return (await fields(file, 'tls.handshake.type', filter)).flatMap((line) => line.split(',').map(Number));
}

function typesOf({ events }: Recording, direction: 'in' | 'out'): readonly number[] {
  return events.flatMap((event) =>
    event.type === 'message' && event.direction === direction ? [fromBase64(event.bytes)[0] ?? 0] : [],
  );
}

function said({ events }: Recording, direction: 'in' | 'out'): string {
  const data = events.flatMap((event) =>
    event.type === 'data' && event.direction === direction ? [fromBase64(event.bytes)] : [],
  );
  return Buffer.concat(data).toString();
}

/** A connection of ours to OpenSSL, recorded. */
async function recorded(version: string, flag: string): Promise<Recording> {
  const { port, end } = await server(flag);
  const { trace, keyLog, recording } = recorder({ target: 'localhost:443' });
  try {
    const socket = tls.connect({
      ...{ host: '127.0.0.1', port, servername: 'localhost', ca: family.ca, minVersion: version, maxVersion: version },
      ...{ trace, keyLog, traceDetails: { wire: true } },
    } as tls.ConnectOptions);
    socket.resume();
    socket.write(request);
    await once(socket, 'close');
  } finally {
    end();
  }
  const made = recording();
  assert.ok(made);
  return made;
}

interface Captured {
  readonly file: string;
  readonly keys: string;
  readonly port: number;
}

/** What `dumpcap` captures of OpenSSL's client and server. */
async function captured(name: string, flag: string): Promise<Captured> {
  const { port, end } = await server(flag);
  const [file, keys] = [join(directory, `${name}.pcapng`), join(directory, `${name}.keys`)];
  const capture = new Command('dumpcap', ['-q', '-i', 'lo', '-f', `tcp port ${port}`, '-w', file]);
  try {
    await capture.said('File: ');
    const client = new Command('openssl', [
      ...['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', '-CAfile', family.caFile],
      ...['-quiet', '-keylogfile', keys, flag],
    ]);
    client.child.stdin.write(request);
    client.child.stdout.resume();
    await client.exit;
    await whole(file);
  } finally {
    capture.child.kill('SIGINT');
    await capture.exit;
    end();
  }
  return { file, keys, port };
}

/** Waits until the end of the connection stands in the file, too. */
async function whole(file: string): Promise<void> {
  for (let turn = 0; turn < 200; turn++) {
    const { recordings } = await readCapture(readFileSync(file), { provider });
    if (recordings[0]?.events.at(-1)?.type === 'closed') return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the end of the connection was not captured');
}

const read = (file: string, keys?: string): Promise<Capture> =>
  readCapture(readFileSync(file), { provider, ...(keys !== undefined && { keyLog: readFileSync(keys, 'utf8') }) });

async function theirsReadsOurs(name: string, [version, flag]: readonly [string, string]): Promise<void> {
  await check(`${name}: tshark opens our capture of a connection with OpenSSL, decrypted`, async () => {
    const recording = await recorded(version, flag);
    const file = join(directory, `ours-${version}.pcapng`);
    writeFileSync(file, writePcapng(recording));
    assert.deepEqual(await typesFrom(file, 443, 'dstport'), typesOf(recording, 'out'));
    assert.deepEqual(await typesFrom(file, 443, 'srcport'), typesOf(recording, 'in'));
    assert.deepEqual(await fields(file, 'http.request.uri'), ['/where']);
    const text = await output('tshark', '-n', '-q', '-r', file, '-z', 'follow,tls,ascii,0');
    assert.match(text, /GET \/where HTTP\/1\.0[\s\S]*HTTP\/1\.0 200 ok/);
    assert.deepEqual(await fields(file, 'frame.number', '_ws.malformed || tcp.analysis.flags'), []);
    const checks = ['-o', 'ip.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE'];
    const bad = 'ip.checksum.status == 0 || tcp.checksum.status == 0';
    assert.equal(await output('tshark', '-n', '-r', file, ...checks, '-Y', bad), '');
  });
}

async function weReadTheirs(name: string, [version, flag]: readonly [string, string]): Promise<void> {
  let capture: Captured | undefined;
  await check(`${name}: we read what dumpcap captured of OpenSSL's two sides, with its key log`, async () => {
    capture = await captured(version, flag);
    const { file, keys, port } = capture;
    const { recordings, notes } = await read(file, keys);
    const [recording, ...more] = recordings;
    assert.ok(recording);
    assert.deepEqual([more.length, notes], [0, []]);
    assert.deepEqual([recording.negotiated?.version, recording.target], [name, `localhost:${port}`]);
    assert.equal(said(recording, 'out'), request);
    assert.match(said(recording, 'in'), /^HTTP\/1\.0 200 ok\r\n/);
    assert.equal(recording.peer?.chain.length, 1);
    const secrets = ['-o', `tls.keylog_file:${keys}`];
    const theirs = await output(
      ...(['tshark', '-n', '-r', file, ...secrets, '-Y', 'tls.handshake.type'] as const),
      ...(['-T', 'fields', '-e', 'tcp.dstport', '-e', 'tls.handshake.type'] as const),
    );
    const rows = theirs.split('\n').map((line) => line.split('\t'));
    for (const direction of ['in', 'out'] as const) {
      const ofSide = rows.filter(([to = '', types]) => types && (Number(to) === port) === (direction === 'out'));
      assert.deepEqual(
        typesOf(recording, direction),
        ofSide.flatMap(([, types = '']) => types.split(',').map(Number)),
      );
    }
  });
  await check(`${name}: the same with its secrets in the capture, and in the older format`, async () => {
    assert.ok(capture);
    const { file, keys } = capture;
    const [wanted] = (await read(file, keys)).recordings;
    assert.ok(wanted);
    const [inside, older] = [join(directory, `${version}-inside.pcapng`), join(directory, `${version}.pcap`)];
    await output('editcap', '--inject-secrets', `tls,${keys}`, file, inside);
    assert.deepEqual((await read(inside)).recordings, [wanted]);
    await output('editcap', '-F', 'pcap', file, older);
    const [fromOlder] = (await read(older, keys)).recordings;
    assert.deepEqual([said(fromOlder ?? wanted, 'in'), fromOlder?.negotiated], [said(wanted, 'in'), wanted.negotiated]);
  });
}

try {
  for (const [name, ways] of Object.entries(versions)) {
    await theirsReadsOurs(name, ways);
    await weReadTheirs(name, ways);
  }
} finally {
  endAllCommands();
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = tell() ? 0 : 1;
