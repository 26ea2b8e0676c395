/**
 * `npm run sizes`: how much a browser loads for a TLS client, ours and others', each bundled by esbuild for browsers, minified and
 * gzipped. Writes the table in docs/sizes.md.
 *
 * The entries are in tools/bundles (ours, whose budgets `npm run check` holds) and bench/sizes (the others, and the roots).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { roots } from '@handfast/roots/certificates';
import { root } from './run.mjs';

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string} entry from the top of the repository
 * @property {string} [version] the package whose version is said
 * @property {string} [part] what of it is bundled
 * @property {string} [beside] a file that is loaded, too, and is no JavaScript
 */

const page = join(root, 'docs/sizes.md');
const peers = 'bench/sizes';
const [begin, end] = ['<!-- sizes: begin, written by npm run sizes -->', '<!-- sizes: end -->'];

/** @type {readonly Row[]} */
const rows = [
  { name: 'Handfast, client, TLS 1.3', entry: 'tools/bundles/client-tls13.mjs' },
  { name: 'Handfast, client, TLS 1.3 and 1.2', entry: 'tools/bundles/client-tls13-tls12.mjs' },
  { name: 'Handfast, server, TLS 1.3', entry: 'tools/bundles/server-tls13.mjs' },
  { name: '@handfast/roots', entry: `${peers}/roots-two.mjs`, part: 'two of them' },
  { name: '@handfast/roots', entry: `${peers}/roots-all.mjs`, part: `all ${roots.length}` },
  { name: 'subtls', entry: `${peers}/subtls.mjs`, version: 'subtls' },
  { name: 'node-forge', entry: `${peers}/node-forge.mjs`, version: 'node-forge', part: 'its TLS' },
  { name: '@reclaimprotocol/tls', entry: `${peers}/reclaim.mjs`, version: '@reclaimprotocol/tls' },
  {
    name: 'epoxy-tls',
    entry: `${peers}/epoxy.mjs`,
    version: '@mercuryworkshop/epoxy-tls',
    part: 'its minimal build',
    beside: '@mercuryworkshop/epoxy-tls/minimal/epoxy.wasm',
  },
];

/** @type {{ label: string, minified: number, gzipped: number }[]} */
const measured = [];
for (const row of rows) measured.push({ label: labelOf(row), ...(await measure(row)) });
for (const { label, minified, gzipped } of measured) {
  process.stdout.write(`${label.padEnd(44)} ${kilobytes(minified).padStart(9)} ${kilobytes(gzipped).padStart(9)}\n`);
}
writeFileSync(page, withTable(readFileSync(page, 'utf8')));
process.stdout.write(`${relative(root, page)} says so\n`);

/** @param {Row} row */
async function measure({ entry, beside }) {
  const { build } = await import(pathToFileURL(join(root, 'tools/node_modules/esbuild/lib/main.js')).href);
  const { outputFiles } = await build({
    entryPoints: [join(root, entry)],
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    legalComments: 'none',
    // Two of the others import Node's, for what browsers have as a global: nothing is counted for it.
    external: ['crypto'],
    write: false,
    logLevel: 'error',
  });
  /** @type {Uint8Array[]} */
  const files = outputFiles.map((/** @type {{ contents: Uint8Array }} */ { contents }) => contents);
  if (beside !== undefined) files.push(readFileSync(join(root, peers, 'node_modules', beside)));
  return {
    minified: files.reduce((sum, { length }) => sum + length, 0),
    gzipped: files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0),
  };
}

/** @param {Row} row */
function labelOf({ name, version, part }) {
  const manifest = version === undefined ? undefined : join(root, peers, 'node_modules', version, 'package.json');
  const number = manifest === undefined ? '' : ` ${JSON.parse(readFileSync(manifest, 'utf8')).version}`;
  return `${name}${number}${part === undefined ? '' : `, ${part}`}`;
}

/** @param {string} text the page */
function withTable(text) {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${relative(root, page)} has no place for the table`);
  const lines = measured.map(
    ({ label, minified, gzipped }) => `| ${label} | ${kilobytes(minified)} | ${kilobytes(gzipped)} |\n`,
  );
  const table = `| what is bundled | minified | and gzipped |\n|---|---|---|\n${lines.join('')}`;
  return `${text.slice(0, from)}${begin}\n\n${table}\n${text.slice(to)}`;
}

/** @param {number} bytes in thousands, as size-limit counts */
function kilobytes(bytes) {
  return `${(bytes / 1000).toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 })} kB`;
}
