/**
 * POP3 (RFC 2595 §4).
 *
 * @module
 */

import type { Wire } from '../wire.ts';
import { type Dialogue, notTheProtocol, refused } from './dialogue.ts';

export const pop3: Dialogue = {
  defaultPort: 110,
  async negotiate(wire) {
    await expectOk(wire, 'in its greeting');
    wire.write('STLS\r\n');
    await expectOk(wire, 'to STLS');
  },
};

async function expectOk(wire: Wire, doing: string): Promise<void> {
  const line = await wire.line();
  if (/^\+OK(?: |$)/.test(line)) return;
  throw line.startsWith('-ERR') ? refused(wire, line, doing) : notTheProtocol(wire, line, doing);
}
