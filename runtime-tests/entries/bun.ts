/**
 * The suite as a program for Bun.
 *
 * @module
 */

import { open } from '../snippets/bun.ts';
import { program } from './program.ts';

await program(({ port }, ca) => open(port, ca));
