/**
 * PostgreSQL's SSLRequest (its manual, §55.2.10): one byte answers.
 *
 * @module
 */

import { type Dialogue, noTls } from './dialogue.ts';

const sslRequestCode = 80_877_103;

export const postgres: Dialogue = {
  defaultPort: 5432,
  async negotiate(wire) {
    const request = Buffer.alloc(8);
    request.writeUInt32BE(request.length, 0);
    request.writeUInt32BE(sslRequestCode, 4);
    wire.write(request);
    const [answer] = await wire.bytes(1);
    if (answer === 0x53) return;
    if (answer === 0x4e) throw noTls(wire, 'TLS: it answered N to SSLRequest');
    throw wire.fail('the server does not answer SSLRequest as PostgreSQL does', 'is it PostgreSQL, on that port?');
  },
};
