/**
 * What a STARTTLS dialogue is, and what the line protocols share.
 *
 * @module
 */

import { quote } from '@handfast/tls';
import type { CliError } from '../exit.ts';
import type { Wire } from '../wire.ts';

export interface Dialogue {
  readonly defaultPort: number;
  /** Speaks until the server's go-ahead, and reads no byte beyond it. */
  readonly negotiate: (wire: Wire, host: string) => Promise<void>;
}

/** Lines of one answer: more is nobody's greeting. */
const maxLines = 100;

/**
 * An answer of SMTP or FTP: `250-first`, `250-second`, `250 last`. FTP's inner lines may begin with anything.
 * @throws CliError where its code is not the one that is wanted.
 */
export async function numberedReply(wire: Wire, wanted: string, doing: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for (;;) {
    const line = await wire.line();
    lines.push(line);
    if (lines.length === 1 && !/^\d{3}(?:[ -]|$)/.test(line)) throw notTheProtocol(wire, line, doing);
    const code = (lines[0] ?? '').slice(0, 3);
    const last = line.startsWith(code) && line[3] !== '-';
    if (last && code !== wanted) throw refused(wire, line, doing);
    if (last) return lines;
    if (lines.length >= maxLines) throw wire.fail(`an answer of more than ${maxLines} lines came ${doing}`);
  }
}

export function refused(wire: Wire, line: string, doing: string): CliError {
  return wire.fail(`the server refused ${doing}: ${quote(line)}`);
}

export function notTheProtocol(wire: Wire, line: string, doing: string): CliError {
  return wire.fail(`the server answered ${quote(line)} ${doing}`, 'is it that protocol, on that port?');
}

export function noTls(wire: Wire, what: string): CliError {
  return wire.fail(
    `the server offers no ${what}`,
    'TLS is not set up there, or somebody in between has removed the offer',
  );
}
