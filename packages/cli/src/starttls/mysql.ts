/**
 * MySQL's and MariaDB's SSLRequest (protocol version 10): the server greets with its capabilities, the client answers
 * that it goes on in TLS. There is no go-ahead but the greeting.
 *
 * @module
 */

import { quote } from '@handfast/tls';
import type { Wire } from '../wire.ts';
import { type Dialogue, noTls } from './dialogue.ts';

const maxGreeting = 4096;
const capabilities = { protocol41: 0x200, ssl: 0x800, secureConnection: 0x8000 } as const;
const utf8mb4 = 45;

export const mysql: Dialogue = {
  defaultPort: 3306,
  async negotiate(wire) {
    const { sequence, payload } = await readPacket(wire);
    if (payload[0] === 0xff) throw wire.fail(`the server refused: ${quote(payload.subarray(3).toString('latin1'))}`);
    if (payload[0] !== 10) throw wire.fail('the server does not greet as MySQL does', 'is it MySQL, on that port?');
    // Version (ends in a zero), connection id (4), authentication data (8), filler (1), the capabilities' lower half.
    const versionEnd = payload.indexOf(0, 1);
    const at = versionEnd + 1 + 4 + 8 + 1;
    if (versionEnd < 0 || at + 2 > payload.length) throw wire.fail('the greeting of the server is cut short');
    if ((payload.readUInt16LE(at) & capabilities.ssl) === 0) throw noTls(wire, 'TLS among its capabilities');

    const request = Buffer.alloc(4 + 32);
    request.writeUIntLE(32, 0, 3);
    request[3] = sequence + 1;
    request.writeUInt32LE(capabilities.protocol41 | capabilities.ssl | capabilities.secureConnection, 4);
    request.writeUInt32LE(0x0100_0000, 8);
    request[12] = utf8mb4;
    // What is pipelined behind a greeting must not be read as TLS's: looked at before we say a word.
    if (wire.pending > 0) throw wire.fail('the server sent more than its greeting, in plaintext');
    wire.write(request);
  },
};

async function readPacket(wire: Wire): Promise<{ readonly sequence: number; readonly payload: Buffer }> {
  const header = await wire.bytes(4);
  const length = header.readUIntLE(0, 3);
  if (length > maxGreeting)
    throw wire.fail(`a greeting of ${length} bytes came, where ${maxGreeting} are taken`, 'is it MySQL, on that port?');
  return { sequence: header[3] ?? 0, payload: await wire.bytes(length) };
}
