/**
 * docs/states.md: the state machines of the handshake, drawn from the tables that the compiler holds the flows to. Run by
 * `npm run docs`; a test fails where the page is not what the tables say.
 *
 * @module
 */

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { clientStates12, serverStates12 } from '../packages/tls/src/tls12/states.ts';
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
  return `# States of the handshake

An arrow is a message that is legal in its state; everything else on the wire ends the connection with
\`unexpected_message\`. Drawn by \`npm run docs\` from the tables that the compiler holds the code to.

## TLS 1.3

Named as in RFC 9846 appendix A; \`packages/tls/src/tls13/states.ts\`.

### Client

${diagram(clientStates)}

### Server

${diagram(serverStates)}

## TLS 1.2 and before

RFC 5246 names no states: each is named after the message that it waits for; \`packages/tls/src/tls12/states.ts\`. A client
ignores a HelloRequest inside a handshake, so those arrows are left out.

### Client

${diagram(withoutHelloRequests(clientStates12))}

### Server

${diagram(serverStates12)}
`;
}

function withoutHelloRequests(table: Table): Table {
  const entries = Object.entries(table).map(([state, { hello_request: _, ...messages }]) => [state, messages] as const);
  return Object.fromEntries(entries);
}

if (import.meta.main) writeFileSync(fileURLToPath(page), draw());
