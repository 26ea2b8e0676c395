/**
 * The suite as a program for Node.
 *
 * @module
 */

import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { open } from '../snippets/node.ts';
import type { Opener } from '../suite/outside.ts';
import { program } from './program.ts';

await program(async ({ port }, ca) => {
  const socket = open(port, ca);
  await once(socket, 'secureConnect');
  return Duplex.toWeb(socket) as Awaited<ReturnType<Opener>>;
});
