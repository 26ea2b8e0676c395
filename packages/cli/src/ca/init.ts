/**
 * `handfast ca init`: a root, an intermediate that it has signed, and the folder to issue from.
 *
 * For a developer the root's key is thrown away once it has signed: what nobody has, nobody can lose. A team keeps it in a
 * file elsewhere, under a passphrase, for the day the intermediate is replaced. Root and intermediate are both confined to
 * the names that the CA is for, so that whoever trusts the root does not trust it with a bank's.
 *
 * @module
 */

import { hostname, userInfo } from 'node:os';
import { createAdminToken } from '@handfast/ca';
import { type Bytes, type PublicKeyInfo, wipe } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { type Certificate, type Crl, fingerprintOf, toPem } from '@handfast/x509';
import { digestLines } from '../cert/keys.ts';
import { timeText } from '../cert/layout.ts';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { Report } from '../report.ts';
import { writeAuditKey } from './audit-key.ts';
import { type CaConfig, configText, parseBaseUrl, parseDatabaseUrl } from './config.ts';
import { writeNew } from './files.ts';
import { caDirectory, type FolderOptions, makeFolder, pathsIn, refuseOccupied } from './folder.ts';
import { limitsOf, type Making, makeIntermediate, makeRoot, makeRootCrl, newName } from './hierarchy.ts';
import { passphraseOption } from './issuer-key.ts';
import { type IssuingKey, newIssuingKey, putKey, type SignerOptions } from './issuing-key.ts';
import {
  contains,
  joinNames,
  localNames,
  type NameSpace,
  namesText,
  parseNameSpace,
  publicSuffixes,
  unconstrainedText,
} from './names.ts';
import { inWords, openFolder, operator, refuseOccupiedDatabase } from './open.ts';
import { type OutputChoice, print } from './output.ts';
import { askNewPassphrase, passphraseFile } from './passphrase.ts';
import { changeFolder } from './pending.ts';
import { type NewKey, newKeyAt, rootKeyFile, withWrittenKey } from './root-key.ts';
import { requestFor, tellWaiting, waitingChange } from './waiting.ts';

export interface InitOptions extends FolderOptions, OutputChoice, SignerOptions {
  readonly dev?: boolean;
  readonly title?: string;
  readonly name?: readonly string[];
  readonly allow?: readonly string[];
  readonly unconstrained?: boolean;
  readonly wildcards: boolean;
  readonly baseUrl?: string;
  readonly ocsp?: boolean;
  readonly requireEab?: boolean;
  /** `postgres://…` */
  readonly database?: string;
  /** No root, but a request for one that there is. */
  readonly rootCsr?: boolean;
  readonly rootKey?: string;
  readonly passphraseFile?: string;
  /** False for `--no-passphrase`. */
  readonly passphrase: boolean;
  /** The issuing key is put under a passphrase, too. */
  readonly encryptKey?: boolean;
}

/** What the options come to. */
interface Plan {
  readonly folder: string;
  readonly config: CaConfig;
  /** What root and intermediate are confined to; `undefined`: to nothing. */
  readonly constraints: NameSpace | undefined;
  readonly rootKey: NewKey | undefined;
  /** Of the issuing key, where it is to be under one. */
  readonly keyPassphrase: string | undefined;
}

interface Made {
  readonly root: Certificate;
  readonly rootKey: Bytes;
  readonly rootCrl: Crl;
  readonly intermediate: Certificate;
}

export async function init(options: InitOptions, io: Io): Promise<ExitCode> {
  const report = new Report(io, options);
  const folder = caDirectory(options, io);
  refuseOccupied(folder);
  const plan = await planOf(folder, options, io);
  const { database } = plan.config;
  if (database !== undefined) await inWords(folder, () => refuseOccupiedDatabase(database));
  warn(plan, report);
  const key = await newIssuingKey(folder, options, async () => plan.keyPassphrase);
  try {
    if (options.rootCsr === true) await wait(plan, key, options, io);
    else await makeLive(plan, key, options, io);
  } finally {
    await key.close();
  }
  return exitCodes.ok;
}

async function makeLive(plan: Plan, key: IssuingKey, options: InitOptions, io: Io): Promise<void> {
  const made = await make(plan, key.signer.publicKey, new Date());
  try {
    const token = await write(plan, key, made);
    tell(plan, made, token, options, io);
  } finally {
    wipe(made.rootKey);
  }
}

/** Until the certificate is imported. */
async function wait(plan: Plan, key: IssuingKey, options: InitOptions, io: Io): Promise<void> {
  const { folder, config, constraints } = plan;
  const limits = limitsOf(constraints);
  const request = await requestFor(
    config,
    limits,
    key.signer,
    newName('issuing CA', { config, limits, now: new Date() }),
  );
  await makeFolder(folder, async (aside) => {
    const paths = pathsIn(aside);
    await writeAuditKey(paths);
    writeNew(paths.config, configText(config), 0o644);
    changeFolder(aside, waitingChange(request, key.kept));
  });
  const heading = `The CA ${quote(config.title)} is in ${folder}, and waits for its certificate`;
  tellWaiting(heading, pathsIn(folder), request, options, io);
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
      externalAccountRequired: options.requireEab === true,
    },
    constraints: unconstrained ? undefined : confined,
    rootKey: options.rootCsr === true ? noRootKey(options) : await rootKeyOf(folder, options, io),
    keyPassphrase: await newKeyPassphrase(options, io),
  };
}

function noRootKey({ rootKey, passphraseFile: from }: InitOptions): undefined {
  const option = rootKey === undefined ? '--passphrase-file' : '--root-key';
  if (rootKey === undefined && from === undefined) return undefined;
  throw usageError(`${option} with --root-csr`, 'the root is elsewhere, and its key as well');
}

async function newKeyPassphrase(options: InitOptions, io: Io): Promise<string | undefined> {
  const { encryptKey = false, keyPassphraseFile: from, signer } = options;
  if (encryptKey && signer !== undefined) {
    throw usageError('--encrypt-key with --signer', 'the key that a signer has is not in the folder');
  }
  if (!encryptKey) {
    if (from === undefined) return undefined;
    throw usageError(`${passphraseOption} without --encrypt-key`, 'the passphrase is the issuing key’s');
  }
  return from === undefined ? await askNewPassphrase('the issuing key', io) : passphraseFile(passphraseOption, from);
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

async function rootKeyOf(folder: string, options: InitOptions, io: Io): Promise<NewKey | undefined> {
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
  return await newKeyAt(
    folder,
    { ...rootKeyFile({ rootKey, ...(from !== undefined && { passphraseFile: from }) }), encrypted },
    io,
  );
}

function warn({ config, constraints, rootKey }: Plan, report: Report): void {
  if (constraints === undefined) {
    report.warning(unconstrainedText);
  }
  for (const suffix of publicSuffixes(constraints ?? config.allow)) {
    report.warning(`strangers have names under ${quote(suffix)}: the CA may issue for them, too`);
  }
  if (rootKey !== undefined && rootKey.passphrase === undefined) {
    report.warning(`the root’s key is not encrypted: whoever reads ${rootKey.file} is the CA`);
  }
}

async function make({ config, constraints, rootKey }: Plan, publicKey: PublicKeyInfo, now: Date): Promise<Made> {
  const { signer, pkcs8 } = await provider.generateKeyPair('secp256r1');
  const making: Making = { config, limits: limitsOf(constraints), now };
  const root = await makeRoot(making, signer);
  const byRoot = { certificate: root, signer };
  const intermediate = await makeIntermediate(making, byRoot, publicKey);
  // A root without a key signs no other list.
  const rootCrl = await makeRootCrl(byRoot, 1n, now, [], rootKey === undefined ? root.notAfter : undefined);
  return { root, rootKey: pkcs8, rootCrl, intermediate };
}

/** Answers the first token for the dashboard. */
async function write(plan: Plan, key: IssuingKey, made: Made): Promise<string> {
  const { rootKey } = plan;
  if (rootKey === undefined) return await writeFolder(plan, key, made);
  return await withWrittenKey('--root-key', rootKey, made.rootKey, () => writeFolder(plan, key, made));
}

async function writeFolder({ folder, config, keyPassphrase }: Plan, { kept }: IssuingKey, made: Made): Promise<string> {
  let token = '';
  await makeFolder(folder, async (aside) => {
    const paths = pathsIn(aside);
    writeNew(paths.root, toPem('CERTIFICATE', made.root.raw), 0o644);
    writeNew(paths.intermediate, toPem('CERTIFICATE', made.intermediate.raw), 0o644);
    await writeAuditKey(paths);
    writeNew(paths.config, configText(config), 0o644);
    changeFolder(aside, putKey(config, kept).files);
    const { authority, database, close } = await openFolder(aside, async () => keyPassphrase ?? '');
    try {
      const by = operator();
      await authority.importCrl({ crl: made.rootCrl.raw, by });
      const who = by.replace(/^operator /, '');
      token = (await createAdminToken({ database, provider }, { who, role: 'admin', by })).secret;
    } finally {
      await close();
    }
  });
  return token;
}

function tell(plan: Plan, { root, rootCrl }: Made, token: string, options: InitOptions, io: Io): void {
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
      dashboardToken: token,
      ...(config.ocsp === true && { ocsp: true }),
      ...(config.externalAccountRequired === true && { externalAccountRequired: true }),
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
        ['Dashboard', [token, 'an admin’s token for 30 days, shown this once']],
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

function rootKeyText(rootKey: NewKey | undefined): string {
  if (rootKey === undefined) return 'thrown away: nobody can sign with it again';
  return `${rootKey.file}${rootKey.passphrase === undefined ? '' : ', encrypted'}: take it off this machine`;
}
