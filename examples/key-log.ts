/**
 * A key log for Wireshark: secrets in the format of SSLKEYLOGFILE, to a file, only because this program asks for it.
 *
 *     tshark -o tls.keylog_file:secrets.log -r capture.pcapng
 *
 * @module
 */

import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect, createServer } from '@handfast/tls/node';
import { exampleCa } from './support/certificates.ts';
import { onLoopback } from './support/loopback.ts';

const ca = await exampleCa();
const directory = mkdtempSync(join(tmpdir(), 'handfast-example-'));
const file = join(directory, 'secrets.log');

const server = createServer({ credentials: [await ca.server('debug.example')] }, (socket) =>
  socket.end('Look closely.'),
);

const socket = connect({
  ...(await onLoopback(server)),
  servername: 'debug.example',
  trust: ca.trust,
  keyLog: (line) => appendFileSync(file, `${line}\n`, { mode: 0o600 }),
});
console.log(await text(socket));

for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) {
  const [label, , secret = ''] = line.split(' ');
  console.log(`${label}: ${secret.length / 2} bytes`);
}

rmSync(directory, { recursive: true });
server.close();
