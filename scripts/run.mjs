/**
 * The launcher: every npm script is `node scripts/run.mjs <task> [arguments]`.
 *
 * It installs what the lock file asks for, unless that is there already, finds the Node that the sources want, and
 * runs the task under it. Plain JavaScript for Node 20 or later, without dependencies: on a bare machine nothing else
 * is there yet. What the tasks do lies in their own files.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, constants } from 'node:os';
import { basename, delimiter, dirname, join, relative, resolve, sep } from 'node:path';
import { isatty } from 'node:tty';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The top of the repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What makes Node read the packages' sources in place of what was built from them. */
export const sourceFlags = ['--conditions=@handfast/source', '--disable-warning=ExperimentalWarning'];

const testFlags = [
  ...sourceFlags,
  '--test',
  `--test-concurrency=${availableParallelism()}`,
  '--test-timeout=300000', // of a file, too: what hangs must end
  '--test-reporter=./scripts/reporter.mjs',
];

/** Where the folders are of files that import test files, so that a process runs several; one a run. */
export const testEntries = join(root, 'node_modules/.cache/tests');

/** Tests that take longer than all others have a task of their own. */
const slowTests = ['wycheproof', 'properties.test'];

const tsc = 'node_modules/typescript/bin/tsc';

/** Folders with a lock file of their own, so that a first `npm start` stays short: what is in them. */
const apart = {
  tools: 'its tools (about 30 s)',
  bench: 'the libraries that we compare with (about 5 s)',
  'bench/sizes': 'the libraries whose size stands beside ours (about 5 s)',
  'packages/dashboard': 'what the dashboard is made of (about 10 s)',
  'packages/dashboard/browser-test': 'what drives Chromium (about 5 s)',
  'packages/viewer/page': 'what the viewer is made of (about 10 s)',
  interop: 'Deno and Bun (about 10 s)',
  'interop/acme': 'an ACME client (about 5 s)',
  programs: 'the programs (about 10 s)',
  'runtime-tests': 'Deno, Bun, workerd, and what drives browsers (about 15 s)',
  'examples/web': 'what the examples of other runtimes run with (about 10 s)',
};

/**
 * @typedef {object} Task
 * @property {string} does what it does, in a line
 * @property {string} [entry] what Node starts, from the top of the repository
 * @property {readonly string[]} [flags] Node's own flags
 * @property {readonly string[]} [args] what comes before the caller's arguments
 * @property {readonly string[]} [byDefault] what stands in where the caller gives no arguments
 * @property {(args: readonly string[]) => readonly string[]} [files] what the arguments stand for
 * @property {Readonly<Record<string, string>>} [env] settings, where the caller has none
 * @property {readonly (keyof typeof apart)[]} [needs] what must be installed, too
 * @property {boolean} [whereCalled] whether it runs in the caller's folder, so that relative paths mean his
 * @property {(args: readonly string[]) => void} [first] what is seen to before, with these arguments
 */

/** @type {Readonly<Record<string, Task>>} */
const tasks = {
  start: {
    does: 'runs the handfast command; without arguments, its demo',
    entry: 'packages/cli/src/main.ts',
    flags: sourceFlags,
    byDefault: ['demo'],
    whereCalled: true,
    first: pageForView,
  },
  handfast: {
    does: 'runs the handfast command',
    entry: 'packages/cli/src/main.ts',
    flags: sourceFlags,
    whereCalled: true,
    first: pageForView,
  },
  test: {
    does: 'runs every test that needs nothing from outside, or those named',
    flags: testFlags,
    files: testFiles,
  },
  thorough: {
    does: 'runs the tests that take longer: Wycheproof’s vectors, hostile bytes by the thousand, a CA that is killed hundreds of times',
    flags: [...testFlags, '--test-timeout=900000'],
    env: { CA_KILLS: '200', CA_ROTATION_KILLS: '1000' },
    files: (args) => testFiles([...args, ...slowTests, 'killed.test']),
  },
  check: {
    does: 'lints, compiles, checks the packages as users get them',
    entry: 'scripts/check.mjs',
    needs: [
      'tools',
      'bench',
      'packages/dashboard',
      'packages/dashboard/browser-test',
      'packages/viewer/page',
      'runtime-tests',
      'examples/web',
    ],
  },
  build: {
    does: 'compiles every package into its dist/, and builds the dashboard and the viewer’s page',
    entry: 'scripts/build.mjs',
    needs: ['packages/dashboard', 'packages/viewer/page'],
  },
  types: {
    does: 'compiles everything that is TypeScript',
    entry: tsc,
    args: ['-b'],
    needs: [
      'bench',
      'packages/dashboard',
      'packages/dashboard/browser-test',
      'packages/viewer/page',
      'runtime-tests',
      'examples/web',
    ],
  },
  lint: { does: 'lints; with --write it formats, too', entry: 'scripts/lint.mjs', needs: ['tools'] },
  docs: { does: 'writes the API reference into docs/api/', entry: 'scripts/docs.mjs', needs: ['tools'] },
  roots: {
    does: 'writes Mozilla’s roots, as the pinned Node carries them, into packages/roots',
    entry: 'scripts/roots.mjs',
    flags: sourceFlags,
  },
  nodes: { does: 'runs the tests on each Node that is supported', entry: 'scripts/nodes.mjs', needs: ['tools'] },
  release: {
    does: 'makes a release, or shows what it would do',
    entry: 'scripts/release.mjs',
    needs: ['packages/dashboard', 'packages/viewer/page'],
  },
  examples: { does: 'runs every example', entry: 'scripts/examples.mjs' },
  'web-examples': {
    does: 'runs the examples in browsers, workers, Deno and Bun, with real peers',
    entry: 'examples/web/run.ts',
    flags: sourceFlags,
    needs: ['examples/web'],
  },
  interop: {
    does: 'talks to other stacks, in both directions',
    entry: 'interop/src/main.ts',
    flags: sourceFlags,
    needs: ['interop'],
  },
  captures: {
    does: 'tshark reads our captures, and we read those of OpenSSL',
    entry: 'interop/src/captures/main.ts',
    flags: sourceFlags,
  },
  acme: {
    does: 'ACME clients of others get, renew and revoke certificates of our authority',
    entry: 'interop/acme/src/main.ts',
    flags: sourceFlags,
    needs: ['interop/acme'],
  },
  terminal: {
    does: 'draws docs/terminal-*.svg: what the command prints, as pictures',
    entry: 'scripts/terminal.ts',
    flags: sourceFlags,
  },
  dashboard: {
    does: 'builds the page of `handfast ca serve`',
    entry: 'packages/dashboard/build.mjs',
    needs: ['packages/dashboard'],
  },
  browser: {
    does: 'the dashboard in Chromium',
    entry: 'packages/dashboard/browser-test/src/main.ts',
    flags: sourceFlags,
    needs: ['packages/dashboard', 'packages/dashboard/browser-test'],
  },
  viewer: {
    does: 'builds the page that shows handshakes, into packages/viewer/site',
    entry: 'packages/viewer/page/build.mjs',
    needs: ['packages/viewer/page'],
  },
  'viewer-test': {
    does: 'the page that shows handshakes, in Chromium',
    entry: 'packages/dashboard/browser-test/src/viewer/main.ts',
    flags: sourceFlags,
    needs: ['packages/viewer/page', 'packages/dashboard/browser-test'],
  },
  pkcs11: {
    does: 'an authority whose key is in a token (SoftHSM), and what goes wrong with one',
    entry: 'interop/pkcs11/src/main.ts',
    flags: sourceFlags,
  },
  fleet: {
    does: 'four servers, a balancer and a Redis that comes and goes: who comes back is resumed',
    entry: 'fleet/src/main.ts',
    flags: sourceFlags,
  },
  programs: {
    does: 'programs of others, as they are, with real servers: their node:tls is ours',
    entry: 'programs/src/main.ts',
    flags: sourceFlags,
    needs: ['programs'],
  },
  runtimes: {
    does: 'one suite in Node, Deno, Bun, workerd, Chromium and Firefox',
    entry: 'runtime-tests/src/main.ts',
    flags: sourceFlags,
    needs: ['runtime-tests', 'tools'],
  },
  bench: {
    does: 'measures against node:tls, other TLS and other certificate libraries',
    entry: 'bench/src/main.ts',
    flags: sourceFlags,
    needs: ['bench'],
  },
  'bench:ca': {
    does: 'measures the CA: ACME orders a second beside Pebble, a store that grows, lists of what is revoked',
    entry: 'bench/src/ca/main.ts',
    flags: sourceFlags,
    needs: ['bench'],
  },
  'bench:web': {
    does: 'measures TLS in a page of Chromium beside WebCrypto alone: handshakes, bulk data, a blocked main thread',
    entry: 'bench/web/main.ts',
    flags: sourceFlags,
    needs: ['bench', 'runtime-tests'],
  },
  sizes: {
    does: 'measures what a browser loads, ours and others’, into docs/sizes.md',
    entry: 'scripts/sizes.mjs',
    flags: sourceFlags,
    needs: ['tools', 'bench/sizes'],
  },
  timing: {
    does: 'looks for secrets in the time that work takes',
    entry: 'bench/src/constant-time/main.ts',
    flags: sourceFlags,
  },
  fuzz: { does: 'throws bad input at the decoders', entry: 'fuzz/src/main.ts', flags: sourceFlags },
};

/**
 * Runs a task, and ends as it ends: with its exit code, or by its signal.
 * @param {string} name
 * @param {readonly string[]} args
 */
export async function launch(name, args) {
  const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
  if (task === undefined) {
    const width = Math.max(...Object.keys(tasks).map((key) => key.length));
    refuse(
      `Tasks:\n${Object.entries(tasks)
        .map(([key, { does }]) => `  ${key.padEnd(width)}  ${does}`)
        .join('\n')}`,
      2,
    );
  }
  install(root, 'First run: installing what the repository needs (about 10 s)');
  for (const name of task.needs ?? []) install(join(root, name), `First run of this task: installing ${apart[name]}`);
  const node = findNode();
  if (task.entry !== undefined && !existsSync(join(root, task.entry))) refuse(`${task.entry} is not there.`, 1);

  task.first?.(args);
  const given = args.length === 0 ? (task.byDefault ?? []) : args;
  const rest = task.files === undefined ? given : task.files(given);
  const entry = task.entry === undefined ? [] : [join(root, task.entry)];
  const code = await run(
    node,
    [...(task.flags ?? []), ...entry, ...(task.args ?? []), ...rest],
    callersFolder(name, task),
    task.env,
  );
  process.exit(code);
}

/**
 * `handfast view` shows a page that must be built: at its first use, and where the page is older than what it is made of.
 * @param {readonly string[]} args
 */
function pageForView(args) {
  if (args[0] !== 'view' || args.includes('--help') || args.includes('-h')) return;
  const folder = join(root, 'packages', 'viewer', 'page');
  const sources = ['crypto', 'x509', 'tls', 'viewer'].map((name) => join(root, 'packages', name, 'src'));
  const parts = [...sources, join(folder, 'src'), join(folder, 'public')].flatMap((part) =>
    readdirSync(part, { recursive: true, encoding: 'utf8' }).map((name) => join(part, name)),
  );
  const others = ['build.mjs', 'index.html', 'package-lock.json', 'vite.config.js'].map((name) => join(folder, name));
  const newest = Math.max(...[...parts, ...others].map(modified));
  const isBuilt = () => modified(join(root, 'packages', 'viewer', 'site', 'index.html')) > newest;
  if (isBuilt()) return;
  process.stderr.write('Building the page that handfast view shows (about 15 s)\n');
  install(folder);
  const lock = join(folder, '.installing');
  takeLock(lock);
  const built = isBuilt() ? undefined : spawnSync(findNode(), [join(folder, 'build.mjs')], { encoding: 'utf8' });
  rmSync(lock, { force: true });
  if (built === undefined || built.status === 0) return;
  refuse(`${built.stdout ?? ''}${built.stderr ?? ''}${built.error?.message ?? ''}`.trim(), 1);
}

/**
 * When a file was changed last; one that is not there never was.
 * @param {string} path
 */
function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/**
 * Installs what a folder's lock file asks for. Says one line, if given, where there is something to do; nothing otherwise.
 * @param {string} folder
 * @param {string} [notice]
 */
export function install(folder, notice) {
  const wanted = `${createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex')} ${process.platform}-${process.arch}\n`;
  const stamp = join(folder, 'node_modules', '.handfast-installed');
  if (readIfThere(stamp) === wanted) return;

  if (notice !== undefined) process.stderr.write(`${notice}\n`);
  const lock = join(folder, '.installing');
  takeLock(lock);
  try {
    if (readIfThere(stamp) === wanted) return; // another process has just done it
    const [command, ...npmArgs] = findNpm();
    const result = spawnSync(command, [...npmArgs, 'ci', ...installFlags], {
      cwd: folder,
      env: installEnvironment(),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: command === 'npm' && process.platform === 'win32',
    });
    if (result.error || result.status !== 0) {
      rmSync(lock, { force: true });
      refuse(
        `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`.trim() ||
          `npm ci ended by ${result.signal}`,
        1,
      );
    }
    writeFileSync(stamp, wanted);
  } finally {
    rmSync(lock, { force: true });
  }
}

/** They stand on the command line, where they win over .npmrc files and the environment. */
const installFlags = [
  '--ignore-scripts',
  '--include=dev',
  '--include=optional',
  '--engine-strict=false',
  '--no-audit',
  '--no-fund',
  '--loglevel=error',
];

/** What an outer npm was told about its own run does not hold for this one. */
function installEnvironment() {
  const env = { ...process.env };
  for (const key of Object.keys(env)) {
    if (
      /^npm_config_(workspaces?|include_workspace_root|prefix|global|location|dry_run|package_lock_only|install_strategy)$/i.test(
        key,
      )
    )
      delete env[key];
  }
  return env;
}

/**
 * npm's own program, and the Node that runs it: those that run us, or those beside our Node, or the PATH's.
 * @returns {readonly [string, ...string[]]}
 */
export function findNpm() {
  const beside = dirname(process.execPath);
  const onPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'npm'));
  const candidates = [
    process.env.npm_execpath,
    join(beside, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(beside, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    ...onPath,
  ];
  for (const candidate of candidates) {
    if (!candidate || !existsSync(candidate)) continue;
    const program = realpathSync(candidate);
    const cli = join(dirname(program), 'npm-cli.js');
    // npm_execpath may be npx, or another package manager.
    if (/^np[mx]-cli\.c?js$/.test(basename(program)) && existsSync(cli))
      return [process.env.npm_node_execpath ?? process.execPath, cli];
  }
  return ['npm'];
}

/**
 * Waits until no other process installs into the same folder. The lock of a process that is gone does not count.
 * @param {string} path
 */
function takeLock(path) {
  for (;;) {
    try {
      const file = openSync(path, 'wx');
      writeFileSync(file, String(process.pid));
      closeSync(file);
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const holder = Number(readIfThere(path) ?? 0);
    pause(200); // before a second look: the holder writes its number after it has made the file
    if (!isAlive(holder) && Number(readIfThere(path) ?? 0) === holder) rmSync(path, { force: true });
  }
}

/** @param {number} pid */
function isAlive(pid) {
  if (!pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** @param {number} ms */
function pause(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/**
 * The pinned Node, by its path in its platform's package, if it runs here; else our own, if it is new enough.
 * @returns {string}
 */
function findNode() {
  if (process.env.HANDFAST_NODE) return process.env.HANDFAST_NODE;
  const system = process.platform === 'win32' ? 'win' : process.platform;
  const pinned = join(
    root,
    'node_modules',
    `node-${system}-${process.arch}`,
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  );
  if (existsSync(pinned) && spawnSync(pinned, ['--version'], { stdio: 'ignore' }).status === 0) return pinned;
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 23 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18)) return process.execPath;
  return refuse(
    `This needs Node 22.18 or later, and this is Node ${process.versions.node}: please install Node 24.`,
    1,
  );
}

/**
 * Runs a program to its end, on our own standard streams; passes on the signals that we get.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} cwd
 * @param {Readonly<Record<string, string>>} [settings]
 * @returns {Promise<number>} its exit code
 */
function run(command, args, cwd, settings) {
  // What was compiled once is not compiled again: that is half of what a small test file costs.
  const env = { NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compile'), ...settings, ...process.env };
  const child = spawn(command, args, { cwd, env, stdio: 'inherit' });
  const onTerminal = [0, 1, 2].some((fd) => isatty(fd));
  /** @type {Map<NodeJS.Signals, () => void>} */
  const handlers = new Map();
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'])) {
    if (process.platform === 'win32' && signal !== 'SIGINT' && signal !== 'SIGTERM' && signal !== 'SIGHUP') continue;
    // A terminal's Ctrl-C and Ctrl-\ reach the whole group, the child too: twice would be once too often.
    const fromTerminal = onTerminal && (signal === 'SIGINT' || signal === 'SIGQUIT');
    const handler = () => {
      if (!fromTerminal) child.kill(signal);
    };
    handlers.set(signal, handler);
    process.on(signal, handler);
  }
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('exit', (code, signal) => {
      if (signal === null) return done(code ?? 1);
      for (const [name, handler] of handlers) process.off(name, handler);
      process.kill(process.pid, signal);
      // A signal that does not end us: as a shell counts.
      setTimeout(() => done(128 + (constants.signals[signal] ?? 0)), 200);
    });
  });
}

/**
 * npm moves to the top of the repository before it runs a script; the person who called it is elsewhere.
 * @param {string} name
 * @param {Task} task
 */
function callersFolder(name, task) {
  if (!task.whereCalled) return root;
  const viaScript = process.env.npm_lifecycle_event === name && process.cwd() === root;
  return viaScript && process.env.INIT_CWD && existsSync(process.env.INIT_CWD) ? process.env.INIT_CWD : process.cwd();
}

/**
 * The test files: all, or those below the folders and beside the names that were given. Options stay as they are.
 * @param {readonly string[]} args
 * @returns {readonly string[]}
 */
function testFiles(args) {
  const options = args.filter((argument) => argument.startsWith('-'));
  const names = args.filter((argument) => !argument.startsWith('-'));
  const packages = readdirSync(join(root, 'packages'))
    .sort()
    .map((name) => join('packages', name, 'test'));
  const all = [...packages, join('interop', 'test'), join('scripts', 'test')].flatMap(testFilesBelow);
  const wanted = all.filter((file) =>
    names.length === 0
      ? !slowTests.some((slow) => file.includes(slow))
      : names.some((name) => file.includes(relative(root, resolve(root, name)))),
  );
  if (wanted.length === 0) refuse(`No test files${names.length > 0 ? ` match ${names.join(' ')}` : ''}.`, 1);
  // Whoever sets options looks for something: each file's process is then its own.
  return options.length > 0 ? [...options, ...wanted] : together(wanted);
}

/** Test files in a process: each process loads the packages anew, and begins cold. */
const filesTogether = 8;

/** The name of test files that change what their process shares, as the defaults of `node:tls`. */
const alone = '.alone.test.';

/**
 * Files that import these, some of one package at a time, in place of them.
 * @param {readonly string[]} files
 * @returns {readonly string[]}
 */
function together(files) {
  mkdirSync(testEntries, { recursive: true });
  const folder = mkdtempSync(join(testEntries, 'run-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  /** @type {string[][]} */
  const groups = [];
  for (const file of files.filter((file) => !file.includes(alone))) {
    const group = groups.at(-1);
    const fits = group !== undefined && group.length < filesTogether && topOf(group[0]) === topOf(file);
    if (fits) group.push(file);
    else groups.push([file]);
  }
  groups.push(...files.filter((file) => file.includes(alone)).map((file) => [file]));
  return groups.map((group, index) => {
    const entry = join(folder, `${index}.mjs`);
    const urls = group.map((file) => pathToFileURL(join(root, file)).href);
    writeFileSync(entry, urls.map((url) => `import ${JSON.stringify(url)};\n`).join(''));
    return entry;
  });
}

/**
 * The package that a file is in.
 * @param {string} [file] from the top of the repository
 */
function topOf(file = '') {
  return file.split(sep).slice(0, 2).join(sep);
}

/**
 * @param {string} folder from the top of the repository
 * @returns {string[]}
 */
function testFilesBelow(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.test\.m?ts$/.test(name) && !name.includes('node_modules'))
    .sort()
    .map((name) => join(folder, name));
}

/** @param {string} path */
function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * @param {string} message
 * @param {number} code
 * @returns {never}
 */
function refuse(message, code) {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

function isMain() {
  return (
    process.argv[1] !== undefined &&
    existsSync(process.argv[1]) &&
    realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)
  );
}

if (isMain()) {
  const [name = '', ...args] = process.argv.slice(2);
  await launch(name, args);
}
