/**
 * SMTP (RFC 3207).
 *
 * @module
 */

import { type Dialogue, noTls, numberedReply } from './dialogue.ts';

export const smtp: Dialogue = {
  defaultPort: 25,
  async negotiate(wire) {
    await numberedReply(wire, '220', 'in its greeting');
    // An address literal: we have no name to give.
    wire.write('EHLO [127.0.0.1]\r\n');
    const extensions = await numberedReply(wire, '250', 'to EHLO');
    if (!extensions.some((line) => /^250[ -]STARTTLS *$/i.test(line)))
      throw noTls(wire, 'STARTTLS in its answer to EHLO');
    wire.write('STARTTLS\r\n');
    await numberedReply(wire, '220', 'to STARTTLS');
  },
};
