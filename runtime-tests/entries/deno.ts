/**
 * The suite as a program for Deno.
 *
 * @module
 */

import { open } from '../snippets/deno.ts';
import { program } from './program.ts';

await program(({ port }, ca) => open(port, ca));
