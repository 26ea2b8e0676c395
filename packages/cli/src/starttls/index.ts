/**
 * STARTTLS: the plaintext dialogue by which a protocol agrees to go on in TLS, for eight protocols.
 *
 * Nothing that a server says in plaintext after its go-ahead is taken: such bytes, injected by somebody in between, have
 * been read as if they had come through TLS by many clients (CVE-2011-0411 and its children, https://nostarttls.secvuln.info).
 *
 * @module
 */

import type { Socket } from 'node:net';
import { formatHostPort, type HostPort } from '../options.ts';
import { Wire } from '../wire.ts';
import type { Dialogue } from './dialogue.ts';
import { ftp } from './ftp.ts';
import { imap } from './imap.ts';
import { ldap } from './ldap.ts';
import { mysql } from './mysql.ts';
import { pop3 } from './pop3.ts';
import { postgres } from './postgres.ts';
import { smtp } from './smtp.ts';
import { xmpp } from './xmpp.ts';

/** By the name that `--starttls` takes. */
export const dialogues: ReadonlyMap<string, Dialogue> = new Map([
  ['smtp', smtp],
  ['imap', imap],
  ['pop3', pop3],
  ['ftp', ftp],
  ['xmpp', xmpp],
  ['ldap', ldap],
  ['postgres', postgres],
  ['mysql', mysql],
]);

/**
 * Holds the dialogue; the socket is then ready for TLS.
 *
 * @param host the name that the server is asked for, where the protocol has such a thing.
 * @throws CliError of code `cannotConnect`: a refusal, no TLS there, bytes that are none of the protocol's.
 */
export async function startTls(
  dialogue: Dialogue,
  socket: Socket,
  target: HostPort,
  host: string,
  signal: AbortSignal,
): Promise<void> {
  const wire = new Wire(socket, formatHostPort(target), signal);
  try {
    await dialogue.negotiate(wire, host);
    if (wire.pending > 0) {
      throw wire.fail(
        `${formatHostPort(target)} sent ${wire.pending} bytes of plaintext after its go-ahead for TLS`,
        'no honest server does: somebody in between may be injecting commands (STARTTLS response injection)',
      );
    }
  } finally {
    wire.release();
  }
}
