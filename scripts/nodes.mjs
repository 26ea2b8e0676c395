/**
 * `npm run nodes`: the tests on each Node that is supported, one after the other, and a table of what came out. With `--others`
 * not on the one that `npm test` takes.
 */
import { join } from 'node:path';
import { root } from './run.mjs';
import { capture, nodes } from './tool.mjs';

if (nodes.length === 0) {
  process.stderr.write(`tools/package.json pins no Node for ${process.platform}-${process.arch}.\n`);
  process.exit(1);
}
const others = '--others';
const args = process.argv.slice(2).filter((argument) => argument !== others);
const rows = [];
const failures = [];
for (const { path } of nodes) {
  const version = (await capture(path, ['--version'])).output.trim();
  if (process.argv.includes(others) && version === process.version) continue;
  const started = performance.now();
  const { code, output } = await capture(path, [join(root, 'scripts/run.mjs'), 'test', ...args], {
    env: { ...process.env, HANDFAST_NODE: path },
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const [, passed = '-', failed = '-'] = /^(\d+) passed, (\d+) failed$/m.exec(output) ?? [];
  const ok = code === 0 && failed === '0' && Number(passed) > 0;
  rows.push(
    `${ok ? '✓' : '✗'}  Node ${version.padEnd(9)}  ${passed.padStart(6)} passed  ${failed.padStart(4)} failed  ${seconds.padStart(6)} s`,
  );
  if (!ok) failures.push(`\nNode ${version}:\n${output}`);
}
process.stdout.write(`${failures.join('')}${failures.length > 0 ? '\n' : ''}${rows.join('\n')}\n`);
process.exitCode = failures.length > 0 ? 1 : 0;
