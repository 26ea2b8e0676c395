/**
 * Flags and variables, held to what `node:tls` does in a process that has them.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { processFlag, rejectsUnauthorized, splitOptions, tracesByDefault } from '../../src/node/process-settings.ts';
import { thrown } from './thrown.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'handfast-settings-'));
});
after(() => rmSync(folder, { recursive: true }));

const settings = new URL('../../src/node/process-settings.ts', import.meta.url).href;

/** What a script, that may use `settings` and `warnings`, prints as JSON. */
async function run(script: string, flags: readonly string[], env: NodeJS.ProcessEnv): Promise<unknown> {
  const head = `
    import tls from 'node:tls';
    import * as settings from ${JSON.stringify(settings)};
    const warnings = [];
    process.on('warning', ({ name, message }) => warnings.push([name, message]));
    const end = () => new Promise((done) => setTimeout(done, 5));
    `;
  const { PATH } = process.env;
  const all = ['--conditions=@handfast/source', '--no-warnings', ...flags, '--input-type=module', '-e', head + script];
  const { stdout } = await promisify(execFile)(process.execPath, all, { env: { PATH, ...env } });
  return JSON.parse(stdout);
}

describe('NODE_TLS_REJECT_UNAUTHORIZED', () => {
  it('makes clients take anybody if it is 0 and no option says otherwise', () => {
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    try {
      for (const value of ['1', '', 'false', '00']) {
        process.env.NODE_TLS_REJECT_UNAUTHORIZED = value;
        assert.equal(rejectsUnauthorized({}), true);
      }
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
    assert.equal(rejectsUnauthorized({}), true);
    assert.equal(rejectsUnauthorized({ rejectUnauthorized: false }), false);
    for (const value of [undefined, null, 0, true])
      assert.equal(rejectsUnauthorized({ rejectUnauthorized: value }), true);
  });

  it('warns once, in the words of Node, also where an option decides', async () => {
    const answer = await run(
      `tls.connect({ port: 1, host: '127.0.0.1' }).on('error', () => {}).destroy();
      await end();
      const nodes = warnings.splice(0);
      const verdicts = [{ rejectUnauthorized: true }, {}, { rejectUnauthorized: undefined }].map(settings.rejectsUnauthorized);
      await end();
      console.log(JSON.stringify([nodes, warnings, verdicts]));`,
      [],
      { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    );
    const [nodes, ours, verdicts] = answer as [unknown[], unknown[], boolean[]];
    assert.equal(nodes.length, 1);
    assert.deepEqual(ours, nodes);
    assert.deepEqual(verdicts, [true, false, true]);
  });
});

describe('--tls-keylog', () => {
  it('appends lines to a file, and warns in the words of Node', async () => {
    const file = join(folder, 'a "log"');
    const answer = await run(
      `tls.connect({ port: 1, host: '127.0.0.1' }).on('error', () => {}).destroy();
      await end();
      const nodes = warnings.splice(0);
      const log = settings.keyLogOfFlag();
      log('LABEL 00 11');
      await end();
      settings.keyLogOfFlag()('LABEL 22 33');
      await end();
      console.log(JSON.stringify([nodes, warnings]));`,
      [],
      { NODE_OPTIONS: `--tls_keylog="${file.replaceAll('"', '\\"')}"` },
    );
    const [nodes, ours] = answer as [unknown[], unknown[]];
    assert.equal(readFileSync(file, 'utf8'), 'LABEL 00 11\nLABEL 22 33\n');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(ours.length, 1);
    // Node warns when a connection stands that has keys to log.
    assert.deepEqual(nodes.length === 0 ? ours : nodes, ours);
    assert.deepEqual(ours, [
      ['Warning', `Using --tls-keylog makes TLS connections insecure by writing secret key material to file ${file}`],
    ]);
  });

  it('that cannot be written is told of once, and ends nothing', async () => {
    const file = join(folder, 'absent', 'log');
    const answer = await run(
      `const log = settings.keyLogOfFlag();
      log('LABEL 00 11');
      log('LABEL 22 33');
      await end();
      console.log(JSON.stringify(warnings));`,
      ['--tls-keylog', file],
      {},
    );
    const [, failed, ...more] = answer as [unknown, string[]];
    assert.deepEqual(failed, [
      'Warning',
      `Failed to write TLS keylog (this warning will not be repeated): Error: ENOENT: no such file or directory, open '${file}'`,
    ]);
    assert.deepEqual(more, []);
  });
});

describe('--trace-tls', () => {
  it('traces where a socket does not say, and warns in the words of Node', async () => {
    const answer = await run(
      `tls.connect({ port: 1, host: '127.0.0.1' }).on('error', () => {}).destroy();
      await end();
      const nodes = warnings.splice(0);
      const verdicts = [false, undefined, null, true].map(settings.tracesByDefault);
      await end();
      console.log(JSON.stringify([nodes, warnings, verdicts]));`,
      ['--trace-tls'],
      {},
    );
    const [nodes, ours, verdicts] = answer as [unknown[], unknown[], boolean[]];
    assert.equal(nodes.length, 1);
    assert.deepEqual(ours, nodes);
    assert.deepEqual(verdicts, [false, true, true, true]);
  });

  it('is not there, and a socket says nothing: no trace', () => {
    assert.deepEqual([undefined, null, false, true].map(tracesByDefault), [false, false, false, true]);
    assert.deepEqual(
      thrown(() => tracesByDefault('yes')).message,
      `The "options.enableTrace" property must be of type boolean. Received type string ('yes')`,
    );
  });
});

describe('flags', () => {
  it('are read as Node reads them', () => {
    for (const [args, log, trace] of [
      [[], undefined, undefined],
      [['--tls-keylog=a'], 'a', undefined],
      [['--tls-keylog', 'a', '--trace-tls'], 'a', true],
      [['--tls_keylog', 'a', '--trace_tls'], 'a', true],
      [['--tls-keylog=a=b', '--tls-keylog=c=d'], 'c=d', undefined],
      [['--trace-tls', '--no-trace-tls'], undefined, undefined],
      [['--no-trace-tls', '--trace-tls=false'], undefined, true],
      [['--trace-tls-records', '-e', 'tls-keylog=x'], undefined, undefined],
    ] as const) {
      assert.deepEqual([processFlag('tls-keylog', args), processFlag('trace-tls', args)], [log, trace]);
    }
  });

  it('in NODE_OPTIONS are split as Node splits them', () => {
    for (const [text, options] of [
      ['', []],
      ['  ', []],
      [' --a  --b=c ', ['--a', '--b=c']],
      ['--a="b c" --d', ['--a=b c', '--d']],
      ['"--a" "b \\"c\\" \\\\"', ['--a', 'b "c" \\']],
      ['--a=b\\c', ['--a=b\\c']],
      ['"--a', ['--a']],
    ] as const) {
      assert.deepEqual(splitOptions(text), options);
    }
  });
});
