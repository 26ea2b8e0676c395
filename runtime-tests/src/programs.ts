/**
 * Runtimes that run a program: Node, Deno and Bun.
 *
 * @module
 */

import { existsSync } from 'node:fs';
import { bundle, home } from './bundle.ts';
import { output, type Runtime, timed } from './runtime.ts';

interface Program {
  readonly name: string;
  readonly title: string;
  /** Of `entries/`. */
  readonly entry: 'node' | 'deno' | 'bun';
  readonly executable: string;
  /** Before the module's path. */
  readonly args: readonly string[];
}

const programs: readonly Program[] = [
  { name: 'node', title: 'Node 24', entry: 'node', executable: process.execPath, args: [] },
  {
    name: 'node22',
    title: 'Node 22',
    entry: 'node',
    executable: `${home}../tools/node_modules/node22/bin/node`,
    args: [],
  },
  {
    name: 'deno',
    title: 'Deno',
    entry: 'deno',
    executable: `${home}node_modules/@deno/linux-x64-glibc/deno`,
    args: ['run', '--no-config', '--quiet', '--allow-net=localhost'],
  },
  { name: 'bun', title: 'Bun', entry: 'bun', executable: `${home}node_modules/@oven/bun-linux-x64/bin/bun`, args: [] },
];

export const programRuntimes: readonly Runtime[] = programs.map(({ name, title, entry, executable, args }) => ({
  name,
  async run(words, outside) {
    if (!existsSync(executable)) throw new Error(`${title} is not at ${executable}: npm run runtimes installs it`);
    const module = await bundle(entry);
    const { value, seconds } = await timed(() =>
      output(executable, [...args, module, JSON.stringify(outside), ...words]),
    );
    const report = JSON.parse(value.trim().split('\n').at(-1) ?? '');
    const version = /\d+\.\d+\.\d+/.exec(await output(executable, ['--version']))?.[0] ?? 'unknown';
    return [{ suite: 'common', name: title, version, report, seconds }];
  },
}));
