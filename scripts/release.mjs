/**
 * `npm run release`: publishes every package in one version, or, without --publish, shows what that would do.
 *
 *   npm run release                   checks, builds, and lets npm go through the motions
 *   npm run release -- --version 0.2.0   writes that version into every package first
 *   npm run release -- --sbom DIR     writes each package's software bill of materials there (CycloneDX), too
 *   npm run release -- --publish      publishes, with provenance: for the release workflow alone
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findNpm, root } from './run.mjs';
import { capture } from './tool.mjs';

/** Lowest first: nobody can install a package before those that it needs. */
const folders = ['crypto', 'x509', 'roots', 'tls', 'viewer', 'ca', 'cli'];

const { values: options } = parseArgs({
  options: { version: { type: 'string' }, sbom: { type: 'string' }, publish: { type: 'boolean' } },
});
if (options.version !== undefined) setVersion(options.version);

const manifests = folders.map((folder) => readManifest(folder));
const version = manifests[0]?.version;
const complaints = [...lockStep(), ...changelog()];
if (complaints.length > 0) fail(complaints.join('\n'));

await must(process.execPath, [join(root, 'scripts/build.mjs')]);
const [npm, ...npmArgs] = findNpm();
if (options.sbom !== undefined) await writeBills(resolve(options.sbom));
for (const folder of folders) {
  const how = options.publish ? ['--provenance'] : ['--dry-run'];
  const tag = version.includes('-') ? ['--tag', 'next'] : [];
  await must(
    npm,
    [...npmArgs, 'publish', '--access', 'public', '--ignore-scripts', '--loglevel=error', ...how, ...tag],
    join(root, 'packages', folder),
  );
  process.stdout.write(`${options.publish ? 'published' : 'would publish'} ${readManifest(folder).name} ${version}\n`);
}

/**
 * What each package brings along when it is installed.
 * @param {string} into
 */
async function writeBills(into) {
  mkdirSync(into, { recursive: true });
  for (const folder of folders) {
    const { name } = readManifest(folder);
    const how = ['--sbom-format', 'cyclonedx', '--sbom-type', 'library', '--omit', 'dev', '--workspace', name];
    const bill = JSON.parse(await must(npm, [...npmArgs, 'sbom', ...how, '--loglevel=error']));
    const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
    if (!bill.components.some((/** @type {{ purl: string }} */ component) => component.purl === purl)) {
      fail(`the bill of materials of ${name} does not name it`);
    }
    writeFileSync(join(into, `${folder}.cdx.json`), `${JSON.stringify(bill, null, 2)}\n`);
  }
}

/** One version everywhere, also where the packages name each other. */
function lockStep() {
  return manifests.flatMap((manifest) => [
    ...(manifest.version === version ? [] : [`${manifest.name} is ${manifest.version}, the others are ${version}`]),
    ...Object.entries(manifest.dependencies ?? {})
      .filter(([name, range]) => manifests.some((other) => other.name === name) && range !== version)
      .map(([name, range]) => `${manifest.name} wants ${name} ${range}, not ${version}`),
  ]);
}

/** The entry must be there; before it is published it must have its date. */
function changelog() {
  const text = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
  const heading = text.split('\n').find((line) => line.startsWith(`## [${version}]`));
  if (heading === undefined) return [`CHANGELOG.md has no entry for ${version}`];
  if (options.publish && !/ - \d{4}-\d{2}-\d{2}$/.test(heading)) return [`CHANGELOG.md: "${heading}" has no date`];
  return [];
}

/** @param {string} next */
function setVersion(next) {
  if (!/^\d+\.\d+\.\d+(-[0-9a-z.-]+)?$/.test(next)) fail(`${next} is no version`);
  const names = folders.map((folder) => readManifest(folder).name);
  for (const folder of folders) {
    const path = join(root, 'packages', folder, 'package.json');
    const before = readManifest(folder).version;
    let text = readFileSync(path, 'utf8').replace(`"version": "${before}"`, `"version": "${next}"`);
    for (const name of names) text = text.replace(`"${name}": "${before}"`, `"${name}": "${next}"`);
    writeFileSync(path, text);
  }
  process.stdout.write('Now run `npm install --package-lock-only`, and commit.\n');
}

/** @param {string} folder */
function readManifest(folder) {
  return JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8'));
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} [cwd]
 */
async function must(command, args, cwd = root) {
  const { code, output } = await capture(command, args, { cwd });
  if (code !== 0) fail(output);
  return output;
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  process.stderr.write(`${message.trim()}\n`);
  process.exit(1);
}
