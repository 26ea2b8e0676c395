/**
 * docs/states.md: the state machines of the handshake, drawn from the tables that the compiler holds the flows to. Run by
 * `npm run docs`; a test fails where the page is not what the tables say.
 *
 * @module
 */

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { clientStates, serverStates } from '../packages/tls/src/tls13/states.ts';

export const page: URL = new URL('../docs/states.md', import.meta.url);

type Table = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

function diagram(table: Table): string {
  const [first = ''] = Object.keys(table);
  const lines = Object.entries(table).flatMap(([state, messages]) =>
    Object.entries(messages).flatMap(([message, next]) => next.map((to) => `  ${state} --> ${to}: ${message}`)),
  );
  return ['```mermaid', 'stateDiagram-v2', `  [*] --> ${first}`, ...lines, '```'].join('\n');
}

/** The page's text. */
export function draw(): string {
  return `# States of the TLS 1.3 handshake

Named as in RFC 9846 appendix A. An arrow is a message that is legal in its state; everything else on the wire ends the
connection with \`unexpected_message\`. Drawn from \`packages/tls/src/tls13/states.ts\` by \`npm run docs\`.

## Client

${diagram(clientStates)}

## Server

${diagram(serverStates)}
`;
}

if (import.meta.main) writeFileSync(fileURLToPath(page), draw());
