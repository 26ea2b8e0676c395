/**
 * `npm run check`: everything that can be said of the repository without running its tests. A line per check; what
 * failed is printed in full at the end. `npm run check -- types packaging` runs those alone.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findNpm, root } from './run.mjs';
import { capture, nodes, tool, toolPath } from './tool.mjs';

/** @typedef {{ code: number, output: string, notes?: readonly string[] }} Outcome Notes are printed however it ends. */

const packages = ['crypto', 'x509', 'roots', 'tls', 'viewer', 'ca', 'cli'].map((folder) => ({
  folder: join(root, 'packages', folder),
  manifest: JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8')),
}));

/** In this order: packaging, sizes and the release look at what `types` has built. */
/** @type {readonly (readonly [string, () => Promise<Outcome>])[]} */
const checks = [
  ['lint', () => tool('@biomejs/biome', ['check', '--error-on-warnings', '--max-diagnostics=50'])],
  ['types', types],
  ['arrows', arrows],
  ['unused', () => tool('knip', ['--no-config-hints'])],
  ['sizes', sizes],
  ['bundles', bundles],
  ['packaging', packaging],
  ['docs', () => tool('typedoc', ['--emit', 'none'], { cwd: join(root, 'tools') })],
  ['hygiene', hygiene],
  ['release', release],
];

/** What no bundle for the web carries unless a program asks for it by name. */
const noPlaceInABundle = [
  /\/x509\/dist\/(issue|template|request|private-keys|crl|ct-logs|sct|pkcs|describe)/,
  /\/x509\/dist\/(revocation|ocsp|pbe|idna)\//,
  /\/x509\/dist\/path\/(profile|dsa|report)/,
  /\/dist\/node\//,
  /\/legacy\//,
  /\/ca\//,
  /\/roots\//,
  /^node:/,
];

/**
 * And what it has no place for by its side, which its name in tools/bundles begins with.
 * @type {Readonly<Record<string, readonly RegExp[]>>}
 */
const noPlaceIn = {
  client: [...noPlaceInABundle, /\/server\.js$/],
  // Who asks for no certificates has nobody to verify.
  server: [...noPlaceInABundle, /\/client\.js$/, /\/x509\/dist\/(path\/|trust(?!-nobody))/],
};

/**
 * What has no place in a file of the repository.
 * @type {readonly (readonly [string, RegExp])[]}
 */
const stains = [
  [
    'names a registry’s host',
    /\b(registry\.npmjs\.org|pypi\.org|pythonhosted\.org|proxy\.golang\.org|deb\.debian\.org|static\.crates\.io)\b/,
  ],
  ['names a path of somebody’s machine', /(?<![\w.])\/(work|root|home\/(?!you\b|user\b)\w+|Users\/\w+)\//],
  ['leaves work for later', /\b(TODO|FIXME|XXX)\b/],
  ['leaves a test out', /\b(test|it|describe|suite)\.(only|skip|todo)\b|\b(only|skip|todo): true\b/],
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !checks.some(([known]) => known === name));
if (unknown.length > 0) {
  process.stderr.write(`No such check: ${unknown.join(', ')}. There are ${checks.map(([name]) => name).join(', ')}.\n`);
  process.exit(2);
}

let passed = 0;
const failures = [];
for (const [name, run] of checks) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const started = performance.now();
  /** @type {Outcome} */
  const outcome = await run().catch((error) => ({ code: 1, output: String(error?.stack ?? error) }));
  const { code, output, notes = [] } = outcome;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${code === 0 ? '✓' : '✗'}  ${name.padEnd(10)}  ${seconds.padStart(6)} s\n`);
  for (const note of notes) process.stdout.write(`   ${note}\n`);
  if (code === 0) passed += 1;
  else failures.push(`\n${name}:\n${output.trim()}\n`);
}
process.stdout.write(
  `${failures.join('')}${failures.length > 0 ? '\n' : ''}${passed} passed, ${failures.length} failed\n`,
);
process.exitCode = failures.length > 0 ? 1 : 0;

/** Builds everything anew, and sees that no source stands outside every project. */
async function types() {
  const built = await capture(process.execPath, [join(root, 'scripts/build.mjs')]);
  if (built.code !== 0) return built;
  const left = packages.flatMap(({ folder }) =>
    filesBelow(join(folder, 'src'), /\.ts$/).filter(
      (file) => !existsSync(file.replace(join(folder, 'src'), join(folder, 'dist')).replace(/\.ts$/, '.js')),
    ),
  );
  return verdict(
    left.map((file) => `${relative(root, file)} belongs to no tsconfig project: nothing is built from it`),
  );
}

/** The rules of tools/dependency-cruiser.cjs. First on a fixture that breaks each once: they must see it. */
async function arrows() {
  const config = join(root, 'tools/dependency-cruiser.cjs');
  const { default: rules } = await import(pathToFileURL(config).href);
  const fixture = await cruise(join(root, 'tools/fixtures/arrows'), config, ['packages']);
  const seen = new Set(fixture.summary.violations.map(({ rule }) => rule.name));
  const blind = rules.forbidden
    .map((/** @type {{ name: string }} */ { name }) => name)
    .filter((/** @type {string} */ name) => !seen.has(name));
  if (blind.length > 0) return verdict([`not reported on the fixture that breaks them: ${blind.join(', ')}`]);

  const folders = packages
    .flatMap(({ folder }) => ['src', 'test'].map((part) => join(folder, part)))
    .filter(existsSync);
  const names = folders.map((folder) => relative(root, folder));
  const { modules, summary } = await cruise(root, config, names);
  const cruised = new Set(modules.map(({ source }) => source));
  const missed = folders.flatMap((folder) => filesBelow(folder, /\.ts$/)).map((file) => relative(root, file));
  return verdict([
    ...missed.filter((file) => !cruised.has(file)).map((file) => `${file} was not looked at`),
    ...summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} imports ${to}`),
  ]);
}

/**
 * @param {string} cwd
 * @param {string} config
 * @param {readonly string[]} folders
 * @returns {Promise<{ modules: { source: string }[], summary: { violations: { rule: { name: string }, from: string, to: string }[] } }>}
 */
async function cruise(cwd, config, folders) {
  const { output } = await tool('dependency-cruiser', ['--config', config, '--output-type', 'json', ...folders], {
    command: 'depcruise',
    cwd,
  });
  try {
    return JSON.parse(output);
  } catch {
    throw new Error(output);
  }
}

/** The limits of tools/.size-limit.mjs; what was measured is printed, kept or not. */
async function sizes() {
  const { code, output } = await tool('size-limit', ['--json'], { cwd: join(root, 'tools') });
  /** @type {readonly { name: string, size: number, sizeLimit: number }[]} */
  let rows;
  try {
    rows = JSON.parse(output);
  } catch {
    return { code: code || 1, output };
  }
  const kilobytes = (/** @type {number} */ bytes) => `${(bytes / 1000).toFixed(1)} kB`;
  const notes = rows.map(
    ({ name, size, sizeLimit }) =>
      `${name.padEnd(58)}${kilobytes(size).padStart(8)} gzipped, of ${kilobytes(sizeLimit)}`,
  );
  return {
    ...verdict(rows.filter(({ size, sizeLimit }) => size > sizeLimit).map(({ name }) => `${name}: too large`)),
    notes,
  };
}

async function bundles() {
  const { build } = await import(pathToFileURL(join(root, 'tools/node_modules/esbuild/lib/main.js')).href);
  const folder = join(root, 'tools/bundles');
  /** @type {string[]} */
  const complaints = [];
  for (const name of readdirSync(folder)) {
    const { metafile } = await build({
      entryPoints: [join(folder, name)],
      absWorkingDir: root,
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      write: false,
      metafile: true,
      logLevel: 'silent',
    });
    for (const output of Object.values(metafile.outputs)) {
      const inputs = Object.entries(output.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
      const forbidden = noPlaceIn[name.split('-')[0] ?? ''] ?? noPlaceInABundle;
      const wrong = inputs.filter(([input]) => forbidden.some((pattern) => pattern.test(input)));
      complaints.push(
        ...wrong.map(([input, { bytesInOutput }]) => `${name} holds ${bytesInOutput} bytes of ${input}`),
        ...output.imports.map((/** @type {{ path: string }} */ { path }) => `${name} imports ${path}`),
      );
    }
  }
  return verdict(complaints);
}

/** The tarballs as npm would publish them: their contents, their types, and a project that installs and uses them. */
async function packaging() {
  const folder = mkdtempSync(join(tmpdir(), 'handfast-packages-'));
  try {
    const packed = await npm(
      ['pack', '--workspaces', '--json', '--pack-destination', folder, '--ignore-scripts', '--loglevel=error'],
      root,
    );
    if (packed.code !== 0) return packed;
    const tarballs = readdirSync(folder).map((name) => join(folder, name));
    if (tarballs.length !== packages.length)
      return verdict([`${tarballs.length} tarballs of ${packages.length} packages`]);

    const complaints = [];
    for (const { folder: source, manifest } of packages) {
      const tarball = join(folder, `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`);
      const listing = await capture('tar', ['-tzf', tarball]);
      for (const file of ['package/LICENSE', 'package/src/', 'package/dist/']) {
        if (!listing.output.includes(file)) complaints.push(`${manifest.name} has no ${file}`);
      }
      if (manifest.name === '@handfast/ca' && !listing.output.includes('package/dashboard/dist/index.html')) {
        complaints.push('@handfast/ca has no dashboard');
      }
      if (manifest.name === '@handfast/viewer' && !listing.output.includes('package/site/index.html')) {
        complaints.push('@handfast/viewer has no page');
      }
      for (const wrong of listing.output.match(/.*(\.tsbuildinfo|\.test\.|tsconfig).*/g) ?? []) {
        complaints.push(`${manifest.name} has ${wrong}`);
      }
      const lint = await tool('publint', ['run', tarball, '--strict'], { cwd: source });
      if (lint.code !== 0) complaints.push(lint.output);
      if (manifest.exports['.'] !== undefined) {
        const attw = await tool(
          '@arethetypeswrong/cli',
          [tarball, '--profile', 'esm-only', '--no-emoji', '--no-color'],
          {
            command: 'attw',
          },
        );
        if (attw.code !== 0) complaints.push(attw.output);
      }
    }
    complaints.push(...(await consume(folder, tarballs)));
    return verdict(complaints);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * A project with nothing in it but what npm installs of the tarballs.
 * @param {string} folder
 * @param {readonly string[]} tarballs
 */
async function consume(folder, tarballs) {
  const project = join(folder, 'consumer');
  cpSync(join(root, 'tools/consumer'), project, { recursive: true });
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const nodeTypes = `@types/node@${devDependencies['@types/node']}`;
  const installed = await npm(
    ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...tarballs, nodeTypes],
    project,
  );
  if (installed.code !== 0) return [installed.output];

  const complaints = [];
  for (const { name, compiler } of [
    { name: 'TypeScript 6', compiler: toolPath('typescript', 'tsc') },
    { name: 'TypeScript 7', compiler: join(root, 'node_modules/typescript/bin/tsc') },
  ]) {
    for (const config of ['tsconfig.json', 'tsconfig.web.json']) {
      const compiled = await capture(process.execPath, [compiler, '-p', config, '--pretty', 'false'], { cwd: project });
      if (compiled.code !== 0) complaints.push(`${name} with ${config}:\n${compiled.output}`);
    }
  }
  for (const { major, path } of nodes) {
    for (const args of [
      ['out/sockets.js'],
      ['out/engine.js'],
      ['out/page.js'],
      ['node_modules/handfast/bin/handfast.js', 'demo'],
    ]) {
      const run = await capture(path, args, { cwd: project });
      if (run.code !== 0) complaints.push(`Node ${major}, ${args.join(' ')}:\n${run.output}`);
    }
  }
  return complaints;
}

async function hygiene() {
  const { code, output } = await capture('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  if (code !== 0) return { code, output };
  /** @type {string[]} */
  const complaints = [];
  for (const name of new Set(output.split('\0'))) {
    const path = join(root, name);
    if (name === '' || name === 'scripts/check.mjs' || !existsSync(path)) continue;
    const content = readFileSync(path);
    if (content.includes(0) || /(^|\/)vectors\//.test(name)) continue;
    content
      .toString('utf8')
      .split('\n')
      .forEach((line, index) => {
        for (const [what, pattern] of stains) {
          if (pattern.test(line)) complaints.push(`${name}:${index + 1} ${what}: ${line.trim().slice(0, 120)}`);
        }
      });
  }
  return verdict(complaints);
}

/** A release, but for its last step. */
async function release() {
  const folder = mkdtempSync(join(tmpdir(), 'handfast-release-'));
  try {
    return await capture(process.execPath, [join(root, 'scripts/release.mjs'), '--sbom', folder]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {readonly string[]} args
 * @param {string} cwd
 */
function npm(args, cwd) {
  const [command, ...before] = findNpm();
  return capture(command, [...before, ...args], { cwd });
}

/**
 * @param {readonly string[]} complaints
 * @returns {Outcome}
 */
function verdict(complaints) {
  return { code: complaints.length > 0 ? 1 : 0, output: complaints.join('\n') };
}

/**
 * @param {string} folder
 * @param {RegExp} pattern
 */
function filesBelow(folder, pattern) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name) && !name.includes('node_modules'))
    .map((name) => join(folder, name));
}
