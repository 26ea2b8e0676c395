/**
 * What `npm test` prints: a line per package, what the suites of others counted, the failures in full, and a closing
 * count. A reporter of `node --test`.
 */
import { readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { root, testEntries } from './run.mjs';

/**
 * @typedef {object} Tally
 * @property {Set<string>} files
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {number} ms the time that its files took, added up: several run at once
 */

/**
 * @param {AsyncIterable<{ type: string, data: any }>} events
 * @returns {AsyncGenerator<string>}
 */
export default async function* report(events) {
  /** @type {Map<string, Tally>} */
  const tallies = new Map();
  /** @type {Map<string, string>} what the process of a file wrote that imports test files */
  const output = new Map();
  /** @type {Map<string, string[]>} the names around the test that runs, by file */
  const path = new Map();
  /** @type {Set<string>} */
  const failedFiles = new Set();
  /** @type {string[]} */
  const failures = [];
  /** @type {Set<string>} */
  const entries = new Set();
  /** @type {string[]} lines that a test wrote about a suite of somebody else's: `PKITS, node: 249 passed` */
  const suites = [];
  /** @type {Map<string, number>} test vectors by package */
  const vectors = new Map();

  for await (const { type, data } of events) {
    const file = data?.file;
    if (typeof file !== 'string') continue;
    if (type === 'test:stdout' || type === 'test:stderr') {
      output.set(file, (output.get(file) ?? '') + data.message);
    } else if (type === 'test:diagnostic') {
      const count = /^(\d+) (vectors|cases)$/.exec(data.message)?.[1];
      const name = packageOf(file);
      if (count !== undefined) vectors.set(name, (vectors.get(name) ?? 0) + Number(count));
      else if (/^[^:]+: \d/.test(data.message)) suites.push(data.message);
    } else if (type === 'test:enqueue') {
      if (data.name.startsWith(testEntries)) entries.add(data.name);
    } else if (type === 'test:start') {
      path.set(file, [...(path.get(file) ?? []).slice(0, data.nesting), data.name]);
    } else if (type === 'test:pass' || type === 'test:fail') {
      const name = packageOf(file);
      const tally = tallies.get(name) ?? { files: new Set(), passed: 0, failed: 0, skipped: 0, ms: 0 };
      tallies.set(name, tally);
      tally.files.add(file);
      if (data.nesting === 0) tally.ms += data.details.duration_ms;
      const error = data.details.error;
      const onlyByChildren = error?.failureType === 'subtestsFailed';
      if (type === 'test:fail' && data.todo === undefined && data.skip === undefined) {
        failedFiles.add(file);
        if (onlyByChildren) continue;
        tally.failed += 1;
        const names = [...(path.get(file) ?? []).slice(0, data.nesting), data.name];
        const where = `${relative(root, file)}${data.line ? `:${data.line}` : ''}`;
        failures.push(`✗ ${names.join(' › ')}\n  ${where}\n${indent(explain(error))}\n`);
      } else if (data.details.type !== 'suite' && resolve(data.name) !== file) {
        // (A process without any test passes under its file's name.)
        if (data.skip !== undefined || data.todo !== undefined) tally.skipped += 1;
        else tally.passed += 1;
      }
    }
  }
  for (const [name, tally] of [...tallies].sort(([a], [b]) => (a < b ? -1 : 1))) yield line(name, tally);

  for (const [name, count] of vectors) suites.push(`Wycheproof, ${name}: ${count.toLocaleString('en-US')} vectors`);
  for (const suite of suites.sort()) yield `   ${suite}\n`;

  for (const failure of failures) yield `\n${failure}`;
  for (const [file, text] of output) {
    const names = testFilesIn(file);
    if (text.trim() === '' || ![file, ...names].some((name) => failedFiles.has(name))) continue;
    yield `\n${names.map((name) => relative(root, name)).join(', ')} wrote:\n${indent(text.trim())}\n`;
  }
  const all = [...tallies.values()];
  // Whoever ends the process ends it without a failure.
  const silent = [...entries].flatMap(testFilesIn).filter((file) => !all.some(({ files }) => files.has(file)));
  for (const file of silent) yield `\n✗ ${relative(root, file)} has run no test\n`;
  if (silent.length > 0) process.exitCode = 1;
  const passed = all.reduce((sum, tally) => sum + tally.passed, 0);
  const failed = all.reduce((sum, tally) => sum + tally.failed, silent.length);
  yield `${failures.length > 0 ? '\n' : ''}${passed} passed, ${failed} failed\n`;
}

/**
 * The test files that a file imports (`run.mjs`).
 * @param {string} file
 */
function testFilesIn(file) {
  const urls = readFileSync(file, 'utf8').matchAll(/^import "(file:.*)";$/gm);
  return [...urls].map(([, url = '']) => fileURLToPath(url));
}

/**
 * @param {string} name
 * @param {Tally} tally
 */
function line(name, tally) {
  const { files, passed, failed, skipped, ms } = tally;
  const columns = [
    failed > 0 ? '✗' : '✓',
    name.padEnd(18),
    `${String(files.size).padStart(3)} ${files.size === 1 ? 'file ' : 'files'}`,
    `${String(passed).padStart(5)} passed`,
    `${String(failed).padStart(3)} failed`,
    `${(ms / 1000).toFixed(1).padStart(6)} s`,
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ];
  return `${columns.join('  ')}\n`;
}

/** @type {Map<string, string>} */
const packageNames = new Map();

/**
 * `@handfast/x509` for a file below packages/x509; elsewhere the folder at the top.
 * @param {string} file
 */
function packageOf(file) {
  const [top = '', folder = ''] = relative(root, file).split(sep);
  if (top !== 'packages') return top;
  const known = packageNames.get(folder);
  if (known !== undefined) return known;
  const { name } = JSON.parse(readFileSync(join(root, top, folder, 'package.json'), 'utf8'));
  packageNames.set(folder, name);
  return name;
}

/** @param {any} error */
function explain(error) {
  // node:test wraps what a test threw.
  const thrown = error?.code === 'ERR_TEST_FAILURE' && error.cause !== undefined ? error.cause : error;
  return typeof thrown === 'string'
    ? thrown
    : inspect(thrown, { depth: 8, maxStringLength: 4000, maxArrayLength: 200 });
}

/** @param {string} text */
function indent(text) {
  return text.replace(/^/gm, '    ');
}
