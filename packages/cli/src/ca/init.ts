/**
 * `handfast ca init`: a root, an intermediate that it has signed, and the folder to issue from.
 *
 * For a developer the root's key is thrown away once it has signed: what nobody has, nobody can lose. A team keeps it in a
 * file elsewhere, under a passphrase, for the day the intermediate is replaced. Root and intermediate are both confined to
 * the names that the CA is for, so that whoever trusts the root does not trust it with a bank's.
 *
 * @module
 */

import { createAdminToken } from '@handfast/ca';
import { type Bytes, type PublicKeyInfo, wipe } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { type Certificate, type Crl, toPem } from '@handfast/x509';
import { type ExitCode, exitCodes } from '../exit.ts';
import type { Io } from '../io.ts';
import { Report } from '../report.ts';
import { writeAuditKey } from './audit-key.ts';
import { configText } from './config.ts';
import { writeNew } from './files.ts';
import { caDirectory, makeFolder, pathsIn, refuseOccupied } from './folder.ts';
import { limitsOf, type Making, makeIntermediate, makeRoot, makeRootCrl, newName } from './hierarchy.ts';
import { type InitOptions, type Plan, planOf, warn } from './init-plan.ts';
import { tell } from './init-text.ts';
import { type IssuingKey, newIssuingKey, putKey } from './issuing-key.ts';
import { inWords, openFolder, operator, refuseOccupiedDatabase } from './open.ts';
import { changeFolder } from './pending.ts';
import { withWrittenKey } from './root-key.ts';
import { requestFor, tellWaiting, waitingChange } from './waiting.ts';

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
