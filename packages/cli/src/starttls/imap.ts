/**
 * IMAP (RFC 9051 §6.2.1).
 *
 * @module
 */

import type { Wire } from '../wire.ts';
import { type Dialogue, noTls, notTheProtocol, refused } from './dialogue.ts';

const maxUntagged = 100;

export const imap: Dialogue = {
  defaultPort: 143,
  async negotiate(wire) {
    const greeting = await wire.line();
    // PREAUTH: the session is authenticated already, and STARTTLS no longer allowed; nostarttls.secvuln.info §PREAUTH.
    if (/^\* (?:PREAUTH|BYE)(?: |$)/i.test(greeting)) throw refused(wire, greeting, 'in its greeting');
    if (!/^\* OK(?: |$)/i.test(greeting)) throw notTheProtocol(wire, greeting, 'in its greeting');
    wire.write('a1 CAPABILITY\r\n');
    const untagged = await answer(wire, 'a1', 'to CAPABILITY');
    const offered = untagged.some(
      (line) => /^\* CAPABILITY /i.test(line) && line.toUpperCase().split(' ').includes('STARTTLS'),
    );
    if (!offered) throw noTls(wire, 'STARTTLS among its capabilities');
    wire.write('a2 STARTTLS\r\n');
    await answer(wire, 'a2', 'to STARTTLS');
  },
};

/** The untagged lines before the tagged one, which must be OK. */
async function answer(wire: Wire, tag: string, doing: string): Promise<readonly string[]> {
  const untagged: string[] = [];
  for (;;) {
    const line = await wire.line();
    if (line.startsWith(`${tag} `)) {
      if (!/^a\d OK(?: |$)/i.test(line)) throw refused(wire, line, doing);
      return untagged;
    }
    if (!line.startsWith('* ')) throw notTheProtocol(wire, line, doing);
    untagged.push(line);
    if (untagged.length > maxUntagged) throw wire.fail(`more than ${maxUntagged} lines came ${doing}`);
  }
}
