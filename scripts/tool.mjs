/**
 * The programs below tools/: where they lie, and how to run one.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.mjs';

const modules = join(root, 'tools', 'node_modules');

/** The Nodes that are supported, oldest first, and their binaries as tools/package.json pins them. */
export const nodes = ['22', '24', '26']
  .map((major) => ({ major, path: join(modules, `node${major}`, 'bin', 'node') }))
  .filter(({ path }) => existsSync(path));

/**
 * The script behind a package's command. Links below .bin are not used: some versions of npm lose them.
 * @param {string} name the package
 * @param {string} [command] where it is not the package's name
 */
export function toolPath(name, command = name.replace(/^@.*\//, '')) {
  const { bin } = JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8'));
  return join(modules, name, typeof bin === 'string' ? bin : bin[command]);
}

/**
 * Runs a program and keeps what it prints.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ code: number, output: string }>}
 */
export function capture(command, args, { cwd = root, env = process.env } = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (/** @type {Buffer} */ chunk) => {
      output += chunk;
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => done({ code: 1, output: `${output}${error.message}` }));
    child.on('close', (code) => done({ code: code ?? 1, output }));
  });
}

/**
 * Runs a tool that is a script, under our own Node.
 * @param {string} name the package
 * @param {readonly string[]} args
 * @param {{ command?: string, cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 */
export function tool(name, args, { command, ...options } = {}) {
  return capture(process.execPath, [toolPath(name, command), ...args], options);
}
