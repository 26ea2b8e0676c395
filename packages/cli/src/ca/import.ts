/**
 * `handfast ca import`: the certificate that somebody else's root has signed for the CA's request, checked as clients will check it, and
 * made the one that issues; and lists of such a root.
 *
 * @module
 */

import { createAdminToken, issuerIdOf } from '@handfast/ca';
import { equalBytes } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { type Certificate, type Crl, escapeText, parseCertificates, parseCrls, toPem } from '@handfast/x509';
import { timeText } from '../cert/layout.ts';
import { CliError, type ExitCode, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { parsingFile, readFileFor } from '../options.ts';
import { Report } from '../report.ts';
import { chainTo, checkChains } from './chains.ts';
import { readConfig } from './config.ts';
import { caDirectory, type FolderOptions, isWaiting, pathsIn, readFolder, refuseNone } from './folder.ts';
import { checkIssuer } from './import-checks.ts';
import { putKey, refuseUsedKey } from './issuing-key.ts';
import { unconstrainedText } from './names.ts';
import { inWords, type OpenCa, operator, withCa } from './open.ts';
import { type OutputChoice, print } from './output.ts';
import { changeFolder, type FileChange, finishChange, versionOf } from './pending.ts';
import { tellRotated } from './rotate.ts';
import { noteRotation, retire } from './rotation.ts';
import { waitingIn } from './waiting.ts';

export interface ImportOptions extends FolderOptions, OutputChoice {
  readonly crl?: string;
}

export async function importChain(file: string | undefined, options: ImportOptions, io: Io): Promise<ExitCode> {
  const { crl } = options;
  if (file === undefined && crl === undefined) {
    throw usageError('what is to be imported?', 'handfast ca import CHAIN.pem, or --crl ROOT.crl, or both');
  }
  const directory = caDirectory(options, io);
  await inWords(directory, async () => {
    if (file === undefined) return await tellCrl(crl ?? '', options, io);
    refuseNone(directory);
    finishChange(directory);
    const report = new Report(io, options);
    // A file that is no list is refused before anything is changed.
    const lists = crl === undefined ? undefined : listsIn(crl);
    const { before, chain } = await takeChain(file, directory);
    if (chain.every(({ nameConstraints }) => nameConstraints === undefined)) report.warning(unconstrainedText);
    // What is done stands in the log, whatever becomes of the lists.
    if (before === undefined) await tellLive(options, io);
    else await tellRotated(before, undefined, options, io);
    if (lists !== undefined) return await takeCrls(lists, options, io);
    if (before !== undefined) return;
    report.warning('the root’s list of what it has revoked is not here: handfast ca import --crl ROOT.crl takes it');
  });
  return exitCodes.ok;
}

interface Taken {
  /** In whose place it is, if there was one. */
  readonly before: Certificate | undefined;
  readonly chain: readonly Certificate[];
}

async function takeChain(file: string, directory: string): Promise<Taken> {
  const paths = pathsIn(directory);
  const version = versionOf(directory);
  const waiting = waitingIn(paths);
  if (waiting === undefined) {
    throw usageError(
      'nothing waits for a certificate here',
      'handfast ca rotate intermediate --csr, or for a new CA handfast ca init --root-csr, makes a request',
    );
  }
  const bytes = readFileFor('CHAIN', file);
  const all = parsingFile('CHAIN', file, () => parseCertificates(bytes));
  const certificate = all.find(({ spki }) => equalBytes(spki, waiting.request.spki));
  if (certificate === undefined) {
    throw usageError(
      `${quote(file)} has no certificate for the key that waits`,
      `it is to be signed for the request ${quote(`${paths.waiting}/request.csr`)}`,
    );
  }
  const config = readConfig(paths.config);
  const current = isWaiting(paths) ? undefined : (await readFolder(directory)).issuers;
  const chain = await chainIn(file, certificate, all, current?.root);
  checkIssuer(chain, config);
  if (current !== undefined) refuseUsedKey(certificate.spki, current);
  const between = chain.slice(1, -1);
  if (current !== undefined) await checkChains(certificate, { ...current, between: [...current.between, ...between] });
  const { files, removed } = putKey(config, waiting.kept);
  const merged = unique([...(current?.between ?? []), ...between]);
  const changes: FileChange[] = [
    ...(current === undefined ? [] : retire(current.current)),
    ...files,
    pemFile('intermediate.pem', [certificate]),
    pemFile('root.pem', chain.slice(-1)),
    ...(merged.length === 0 ? [] : [pemFile('between.pem', merged)]),
  ];
  changeFolder(directory, changes, [...removed, 'waiting'], version);
  return { before: current?.current.certificate, chain };
}

/** Up to a root that has signed itself: the CA's own, where it has one. */
async function chainIn(
  file: string,
  certificate: Certificate,
  all: readonly Certificate[],
  own: Certificate | undefined,
): Promise<readonly Certificate[]> {
  const others = all.filter((one) => one !== certificate);
  const given = others.filter(({ subject, issuer }) => equalBytes(subject.raw, issuer.raw));
  const between = others.filter((one) => !given.includes(one));
  if (own !== undefined) return await chainTo(own, certificate, between);
  const [root, second] = given;
  if (root === undefined) {
    throw usageError(
      `${quote(file)} has no root in it`,
      'add the certificate that has signed itself, above all others',
    );
  }
  if (second === undefined) return await chainTo(root, certificate, between);
  let refusal: unknown;
  for (const each of given) {
    try {
      return await chainTo(each, certificate, between);
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      refusal ??= error;
    }
  }
  throw refusal;
}

function unique(all: readonly Certificate[]): readonly Certificate[] {
  return all.filter((one, index) => all.findIndex(({ raw }) => equalBytes(raw, one.raw)) === index);
}

function pemFile(path: string, certificates: readonly Certificate[]): FileChange {
  return { path, content: certificates.map(({ raw }) => toPem('CERTIFICATE', raw)).join(''), mode: 0o644 };
}

function listsIn(file: string): readonly Crl[] {
  const bytes = readFileFor('--crl', file);
  return parsingFile('--crl', file, () => parseCrls(bytes));
}

async function takeCrls(crls: readonly Crl[], options: ImportOptions, io: Io): Promise<void> {
  await withCa(options, io, async ({ authority }) => {
    for (const { raw } of crls) await authority.importCrl({ crl: raw, by: operator() });
  });
}

async function tellCrl(file: string, options: ImportOptions, io: Io): Promise<void> {
  const crls = listsIn(file);
  await takeCrls(crls, options, io);
  const report = new Report(io, options);
  for (const crl of crls) {
    const issuer = crl.issuer.toString();
    report.news(`${file}: the list of ${escapeText(issuer)} is taken`, 'imported', { file, issuer });
  }
}

async function tellLive(options: ImportOptions, io: Io): Promise<void> {
  await withCa(options, io, async (ca) => {
    const { authority, intermediate, root, config, paths } = ca;
    await noteRotation(ca, 'import issuer', authority.issuerId, intermediate.subject.toString());
    const id = issuerIdOf(provider, intermediate);
    const token = await firstToken(ca);
    print(
      {
        issuer: { id, name: intermediate.subject.toString(), notAfter: timeText(intermediate.notAfter) },
        root: { file: paths.root, name: root.subject.toString(), notAfter: timeText(root.notAfter) },
        dashboardToken: token,
      },
      {
        heading: `The CA ${quote(config.title)} is live`,
        fields: [
          ['Issuer', [intermediate.subject.toString(), `until ${timeText(intermediate.notAfter)}`]],
          ['Root', [paths.root, root.subject.toString(), `until ${timeText(root.notAfter)}`]],
          ['Dashboard', [token, 'an admin’s token for 30 days, shown this once']],
        ],
      },
      options,
      io,
    );
  });
}

/** `ca init` makes one where it makes a CA that is live. */
async function firstToken({ database }: OpenCa): Promise<string> {
  const by = operator();
  const who = by.replace(/^operator /, '');
  return (await createAdminToken({ database, provider }, { who, role: 'admin', by })).secret;
}
