/**
 * FTP (RFC 4217).
 *
 * @module
 */

import { type Dialogue, numberedReply } from './dialogue.ts';

export const ftp: Dialogue = {
  defaultPort: 21,
  async negotiate(wire) {
    await numberedReply(wire, '220', 'in its greeting');
    wire.write('AUTH TLS\r\n');
    await numberedReply(wire, '234', 'to AUTH TLS');
  },
};
