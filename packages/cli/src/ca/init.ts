/**
 * `handfast ca init`: a root, an intermediate that it has signed, and the folder to issue from.
 *
 * For a developer the root's key is thrown away once it has signed: what nobody has, nobody can lose. A team keeps it in a
 * file elsewhere, under a passphrase, for the day the intermediate is replaced. Root and intermediate are both confined to
 * the names that the CA is for, so that whoever trusts the root does not trust it with a bank's.
 *
 * @module
 */

import { rmSync, statSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { dirname, resolve } from 'node:path';
import { issuerIdOf } from '@handfast/ca';
import { type Bytes, wipe } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import {
  type Certificate,
  type Crl,
  encryptPrivateKey,
  fingerprintOf,
  issueCertificate,
  issueCrl,
  toPem,
} from '@handfast/x509';
import { dayMs } from '../authority.ts';
import { digestLines } from '../cert/keys.ts';
import { timeText } from '../cert/layout.ts';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { reasonOf } from '../options.ts';
import { Report } from '../report.ts';
import { type CaConfig, configText, parseBaseUrl, parseDatabaseUrl } from './config.ts';
import { caDirectory, type FolderOptions, isWithin, makeFolder, pathsIn, refuseOccupied, writeNew } from './folder.ts';
import {
  constraintsOf,
  contains,
  joinNames,
  localNames,
  type NameSpace,
  namesText,
  parseNameSpace,
  publicSuffixes,
} from './names.ts';
import { inWords, openFolder, operator, refuseOccupiedDatabase } from './open.ts';
import { type OutputChoice, print } from './output.ts';
import { askNewPassphrase, passphraseFile } from './passphrase.ts';

export interface InitOptions extends FolderOptions, OutputChoice {
  readonly dev?: boolean;
  readonly title?: string;
  readonly name?: readonly string[];
  readonly allow?: readonly string[];
  readonly unconstrained?: boolean;
  readonly wildcards: boolean;
  readonly baseUrl?: string;
  readonly ocsp?: boolean;
  /** `postgres://…` */
  readonly database?: string;
  readonly rootKey?: string;
  readonly passphraseFile?: string;
  /** False for `--no-passphrase`. */
  readonly passphrase: boolean;
}

const yearDays = 365;
const developmentYears = 5;
const rootYears = 20;
const intermediateYears = 5;
/** CA/Browser Forum, TLS Baseline Requirements §4.9.7: at most twelve months for a list of CAs. */
const rootCrlDays = yearDays;
/** Clocks differ. */
const backdatedMs = 5 * 60_000;
/** RFC 5280, appendix A: ub-common-name. */
const commonNameLength = 64;

/** What the options come to. */
interface Plan {
  readonly folder: string;
  readonly config: CaConfig;
  /** What root and intermediate are confined to; `undefined`: to nothing. */
  readonly constraints: NameSpace | undefined;
  readonly rootKey: RootKey | undefined;
}

interface RootKey {
  readonly file: string;
  readonly passphrase: string | undefined;
}

interface Made {
  readonly root: Certificate;
  readonly rootKey: Bytes;
  readonly rootCrl: Crl;
  readonly intermediate: Certificate;
  readonly intermediateKey: Bytes;
}

export async function init(options: InitOptions, io: Io): Promise<ExitCode> {
  const report = new Report(io, options);
  const folder = caDirectory(options, io);
  refuseOccupied(folder);
  const plan = await planOf(folder, options, io);
  const { database } = plan.config;
  if (database !== undefined) await inWords(folder, () => refuseOccupiedDatabase(database));
  warn(plan, report);
  const made = await make(plan, new Date());
  try {
    await write(plan, made);
  } finally {
    wipe(made.rootKey, made.intermediateKey);
  }
  tell(plan, made, options, io);
  return exitCodes.ok;
}

async function planOf(folder: string, options: InitOptions, io: Io): Promise<Plan> {
  const { dev = false, wildcards, unconstrained = false, ocsp = false } = options;
  const names = parseNameSpace('--name', options.name ?? []);
  const allowed = parseNameSpace('--allow', options.allow ?? []);
  const baseUrl = parseBaseUrl('--base-url', options.baseUrl);
  const database = parseDatabaseUrl('--database', options.database);
  const allow = dev ? joinNames(localNames, names, allowed) : allowed;
  if (allow.domains.length === 0) throw nothingAllowed(allow);
  const confined = joinNames(allow, names);
  const host = baseUrl === undefined ? undefined : new URL(baseUrl).hostname.replace(/^\[|\]$/g, '');
  if (host !== undefined && !contains(allow, host)) {
    throw usageError(
      `--base-url ${quote(baseUrl ?? '')}: the CA may not issue for ${quote(host)}, and needs a certificate itself`,
      `${dev ? '--name' : '--allow'} ${host} permits it`,
    );
  }
  if (ocsp && baseUrl === undefined) {
    throw usageError(
      '--ocsp without --base-url: where would certificates say that the responder is?',
      '--base-url http://ca.corp.example is where the CA is reached',
    );
  }
  return {
    folder,
    config: {
      kind: dev ? 'development' : 'team',
      title: titleOf(options, allow),
      allow,
      wildcards,
      baseUrl,
      ocsp,
      database,
    },
    constraints: unconstrained ? undefined : confined,
    rootKey: await rootKeyOf(folder, options, io),
  };
}

function nothingAllowed({ networks }: NameSpace): Error {
  return networks.length === 0
    ? usageError(
        'what may the CA issue for? Nothing is allowed that is not named',
        'name domains and networks: --allow corp.example 10.0.0.0/8; for this machine alone: --dev',
      )
    : usageError('--allow has networks and no domain', 'name one that is yours: --allow corp.example');
}

function titleOf({ dev, title }: InitOptions, { domains }: NameSpace): string {
  if (title !== undefined) {
    if (/^[^\p{Cc}]{1,40}$/u.test(title)) return title;
    throw usageError(`--title ${quote(title)} is no name`, 'one line of at most 40 characters');
  }
  return dev ? `handfast dev ${userName()}@${hostname()}`.slice(0, 40) : `${domains[0] ?? ''} CA`.slice(-40);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry in the system's list has no name.
    return 'unknown';
  }
}

async function rootKeyOf(folder: string, options: InitOptions, io: Io): Promise<RootKey | undefined> {
  const { dev = false, rootKey, passphrase: encrypted, passphraseFile: from } = options;
  if (rootKey === undefined) {
    if (from !== undefined)
      throw usageError('--passphrase-file without --root-key', 'the passphrase is the root key’s');
    if (dev) return undefined;
    throw usageError(
      'where is the root’s key to be written?',
      '--root-key FILE, outside of the CA’s folder: on a medium that you take away and lock up',
    );
  }
  const file = resolve(rootKey);
  if (isWithin(file, folder)) {
    throw usageError(
      `--root-key ${quote(rootKey)} is in the CA’s own folder`,
      'whoever gets at the CA must not get at its root: name a file elsewhere',
    );
  }
  if (statSync(file, { throwIfNoEntry: false }) !== undefined) {
    throw usageError(`--root-key ${quote(rootKey)} is there already`, 'name a new file: a key is never written over');
  }
  if (statSync(dirname(file), { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw usageError(`--root-key ${quote(rootKey)}: there is no folder ${quote(dirname(file))}`);
  }
  if (!encrypted) {
    if (from === undefined) return { file, passphrase: undefined };
    throw usageError('--passphrase-file and --no-passphrase contradict each other');
  }
  const passphrase =
    from === undefined ? await askNewPassphrase('the root’s key', io) : passphraseFile('--passphrase-file', from);
  return { file, passphrase };
}

function warn({ config, constraints, rootKey }: Plan, report: Report): void {
  if (constraints === undefined) {
    report.warning('unconstrained: whoever gets the intermediate’s key can pose as any site to all who trust the root');
  }
  for (const suffix of publicSuffixes(constraints ?? config.allow)) {
    report.warning(`strangers have names under ${quote(suffix)}: the CA may issue for them, too`);
  }
  if (rootKey !== undefined && rootKey.passphrase === undefined) {
    report.warning(`the root’s key is not encrypted: whoever reads ${rootKey.file} is the CA`);
  }
}

async function make({ config, constraints, rootKey }: Plan, now: Date): Promise<Made> {
  const development = config.kind === 'development';
  const rootPair = await provider.generateKeyPair('secp256r1');
  const pair = await provider.generateKeyPair('secp256r1');
  const notBefore = new Date(now.getTime() - backdatedMs);
  const until = (years: number): Date => new Date(notBefore.getTime() + years * yearDays * dayMs);
  const basics = { provider, notBefore, ...(constraints && { nameConstraints: constraintsOf(constraints) }) };
  // Whoever makes a second CA of the same title tells them apart in a browser's list.
  const nameOf = (what: string): string =>
    `${config.title} ${what} ${now.toISOString().slice(0, 10)}`.slice(0, commonNameLength);
  const root = await issueCertificate({
    ...basics,
    subject: { commonName: nameOf('root') },
    publicKey: rootPair.signer.publicKey,
    issuer: { signer: rootPair.signer },
    notAfter: until(development ? developmentYears : rootYears),
    ca: { pathLength: 1 },
  });
  const byRoot = { certificate: root, signer: rootPair.signer };
  const intermediate = await issueCertificate({
    ...basics,
    subject: { commonName: nameOf('issuing CA') },
    publicKey: pair.signer.publicKey,
    issuer: byRoot,
    notAfter: until(development ? developmentYears : intermediateYears),
    ca: { pathLength: 0 },
    // A responder that it certifies needs the purpose all the way up.
    extendedKeyUsage: ['serverAuth', 'clientAuth', ...(config.ocsp === true ? (['ocspSigning'] as const) : [])],
    ...(config.baseUrl && { crlUrls: [`${config.baseUrl}/crl/${issuerIdOf(provider, root)}.crl`] }),
  });
  const rootCrl = await issueCrl({
    issuer: byRoot,
    number: 1n,
    thisUpdate: notBefore,
    // A root without a key signs no other list.
    nextUpdate: rootKey === undefined ? root.notAfter : new Date(now.getTime() + rootCrlDays * dayMs),
    revoked: [],
  });
  return { root, rootKey: rootPair.pkcs8, rootCrl, intermediate, intermediateKey: pair.pkcs8 };
}

async function write({ folder, config, rootKey }: Plan, made: Made): Promise<void> {
  if (rootKey !== undefined) await writeRootKey(rootKey, made.rootKey);
  try {
    await makeFolder(folder, async (aside) => {
      const paths = pathsIn(aside);
      writeNew(paths.intermediateKey, toPem('PRIVATE KEY', made.intermediateKey), 0o600);
      writeNew(paths.root, toPem('CERTIFICATE', made.root.raw), 0o644);
      writeNew(paths.intermediate, toPem('CERTIFICATE', made.intermediate.raw), 0o644);
      writeNew(paths.config, configText(config), 0o644);
      const { authority, close } = await openFolder(aside);
      try {
        await authority.importCrl({ crl: made.rootCrl.raw, by: operator() });
      } finally {
        await close();
      }
    });
  } catch (error) {
    // A root that signed for no CA is good for nothing.
    if (rootKey !== undefined) rmSync(rootKey.file, { force: true });
    throw error;
  }
}

async function writeRootKey({ file, passphrase }: RootKey, pkcs8: Bytes): Promise<void> {
  const pem =
    passphrase === undefined
      ? toPem('PRIVATE KEY', pkcs8)
      : toPem('ENCRYPTED PRIVATE KEY', await encryptPrivateKey(provider, pkcs8, passphrase));
  try {
    writeNew(file, pem, 0o600);
  } catch (error) {
    throw usageError(`--root-key ${quote(file)} cannot be written: ${reasonOf(error)}`);
  }
}

function tell(plan: Plan, { root, rootCrl }: Made, options: InitOptions, io: Io): void {
  const { folder, config, constraints, rootKey } = plan;
  const fingerprint = fingerprintOf(provider, root);
  const dev = config.kind === 'development';
  print(
    {
      folder,
      kind: config.kind,
      title: config.title,
      root: { file: pathsIn(folder).root, notAfter: timeText(root.notAfter), sha256: fingerprint },
      rootKey: rootKey?.file ?? null,
      rootCrlUntil: timeText(rootCrl.nextUpdate ?? root.notAfter),
      allow: [...config.allow.domains, ...config.allow.networks],
      constrainedTo: constraints === undefined ? null : [...constraints.domains, ...constraints.networks],
      baseUrl: config.baseUrl ?? null,
      ...(config.ocsp === true && { ocsp: true }),
      ...(config.database !== undefined && { database: config.database }),
    },
    {
      heading: `The CA ${quote(config.title)} is in ${folder}`,
      fields: [
        ['Root', [pathsIn(folder).root, `until ${timeText(root.notAfter)}`]],
        ['SHA-256', digestLines(root.raw)],
        ['Issues for', namesText(config.allow)],
        ['Confined to', constraints === undefined ? 'nothing: any name at all' : constrainedText(plan, constraints)],
        ['Root’s key', rootKeyText(rootKey)],
      ],
    },
    options,
    io,
  );
  if (options.json === true) return;
  const dir = options.dir === undefined ? '' : ` --dir ${options.dir}`;
  const next = [
    [`handfast ca trust install${dir}`, 'this machine and its browsers trust it'],
    [`handfast ca serve${dev ? ' --dev' : ' --host 0.0.0.0'}${dir}`, 'certbot and other ACME clients get certificates'],
    [`handfast ca issue app.${config.allow.domains[0] ?? 'test'}${dir}`, 'a certificate by hand'],
  ];
  const width = Math.max(...next.map(([command = '']) => command.length));
  io.stdout.write(`\nNext:\n${next.map(([command = '', what]) => `  ${command.padEnd(width)}   ${what}\n`).join('')}`);
}

function constrainedText({ config }: Plan, constraints: NameSpace): string {
  const same = namesText(constraints) === namesText(config.allow);
  return `${same ? 'the same' : namesText(constraints)}, by its certificates: no other name of theirs is valid`;
}

function rootKeyText(rootKey: RootKey | undefined): string {
  if (rootKey === undefined) return 'thrown away: nobody can sign with it again';
  return `${rootKey.file}${rootKey.passphrase === undefined ? '' : ', encrypted'}: take it off this machine`;
}
