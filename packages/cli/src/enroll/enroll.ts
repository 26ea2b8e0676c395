/**
 * `handfast enroll`: a key is made here, and a token gets it a certificate. The key is on the disk before anything is asked: where
 * the answer is lost, the same token gets the same certificate, with the same key and no other.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Bytes, type Signer, wipe } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { type Certificate, issueRequest, parsePrivateKey, toPem } from '@handfast/x509';
import { FileFailure, type FileOptions, fileName, StagedFiles, withNewKey } from '../ca/deliver.ts';
import { writeNew } from '../ca/files.ts';
import { type OutputChoice, print } from '../ca/output.ts';
import { timeText, whenText } from '../cert/layout.ts';
import { CliError, type ExitCode, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { parsingFile, reasonOf } from '../options.ts';
import { Report } from '../report.ts';
import { shellQuoted } from '../shell.ts';
import { ask, type CaAnswer, CaRefusal, type CaUrl, fieldsOf, parseCaUrl, withConnection } from './connection.ts';
import { certifiedNames, checkIssued } from './issued.ts';
import { findRoot, fingerprintHex, parseFingerprint } from './root.ts';
import { stateText } from './state.ts';
import { type TokenOptions, tokenFrom } from './token.ts';
import { realWorld, type World } from './world.ts';

export interface EnrollOptions extends TokenOptions, OutputChoice, Pick<FileOptions, 'keyType' | 'out' | 'force'> {
  readonly fingerprint: string;
  readonly bundle?: boolean;
  readonly hook?: string;
}

/** A key that waits for its certificate. */
interface Pending {
  readonly file: string;
  readonly signer: Signer;
  readonly pkcs8: Bytes;
  /** Whether an answer was lost, in this attempt or an earlier one: the token may be bound to it, and its certificate issued. */
  mayBeBound: boolean;
}

export async function enroll(
  where: string,
  names: readonly string[],
  options: EnrollOptions,
  io: Io,
  world: World = realWorld,
): Promise<ExitCode> {
  const url = parseCaUrl('URL', where);
  const fingerprint = parseFingerprint(options.fingerprint);
  if (names.length > 0) refuseExisting(filesFor(names, options), options);
  const report = new Report(io, options);
  const token = await tokenFrom(options, io, report);
  const root = await findRoot(url, fingerprint, io.interrupted);
  const pending = await pendingKey(token, options);
  try {
    const answer = await redeem({ url, root, token, pending, io, world, report });
    const chain = await checkIssued(fieldsOf(answer).get('chain'), {
      key: pending.signer.publicKey,
      root,
      now: world.now(),
      names: names.length > 0 ? names : undefined,
    });
    const files = filesFor(names.length > 0 ? names : certifiedNames(chain[0]), options);
    refuseExisting(files, options);
    write({ url, root, chain, pending, files, options });
    tell(chain[0], files, root, options, io, world.now());
  } catch (error) {
    throw withPending(error, pending);
  } finally {
    wipe(pending.pkcs8);
  }
  return exitCodes.ok;
}

// ---- the key

/** The one that an earlier attempt with this token has left, or a new one: on the disk either way. */
async function pendingKey(token: string, options: EnrollOptions): Promise<Pending> {
  const { out = '.' } = options;
  try {
    mkdirSync(out, { recursive: true });
  } catch (error) {
    throw usageError(`--out ${quote(out)} cannot be made: ${reasonOf(error)}`);
  }
  const file = join(out, `.enroll-${createHash('sha256').update(token).digest('hex').slice(0, 16)}-key.pem`);
  if (existsSync(file)) {
    const pkcs8 = parsingFile('the key of an earlier attempt', file, () => parsePrivateKey(readFileSync(file)));
    return { file, pkcs8, signer: await provider.importPrivateKey(pkcs8), mayBeBound: true };
  }
  return await withNewKey(options, async ({ signer, pkcs8 }) => {
    try {
      writeNew(file, toPem('PRIVATE KEY', pkcs8), 0o600);
    } catch (error) {
      throw usageError(`${quote(file)} cannot be written: ${reasonOf(error)}`, 'name another folder with --out');
    }
    return { file, signer, pkcs8: pkcs8.slice(), mayBeBound: false };
  });
}

/** What the CA says where the token gets no certificate for this key, whoever asks and however often. Proxies have no such codes. */
const forGood: ReadonlySet<string> = new Set([
  'bad_key',
  'token_expired',
  'token_revoked',
  'token_unknown',
  'token_used',
]);

/** A refusal for good leaves no key behind; where the certificate may be there, the key stays. */
function withPending(error: unknown, { file, mayBeBound }: Pending): unknown {
  if (error instanceof CaRefusal && forGood.has(error.code)) {
    if (mayBeBound) return withHint(error, `the key of an earlier request is still in ${quote(file)}`);
    rmSync(file, { force: true });
    return error;
  }
  if (!(error instanceof CliError) || !existsSync(file)) return error;
  return withHint(error, 'the same command once more, with the same token, goes on where this one ended');
}

function withHint({ exitCode, message, cause, hint }: CliError, more: string): CliError {
  return new CliError(exitCode, message, { cause, hint: hint === undefined ? more : `${hint}; ${more}` });
}

// ---- asking

interface Redeeming {
  readonly url: CaUrl;
  readonly root: Certificate;
  readonly token: string;
  readonly pending: Pending;
  readonly io: Io;
  readonly world: World;
  readonly report: Report;
}

const attempts = 4;

/** Asked again where the answer was lost, or the CA says so: it is the same request. */
async function redeem({ url, root, token, pending, io, world, report }: Redeeming): Promise<CaAnswer> {
  // The names are the token's; a request has to say something.
  const { raw } = await issueRequest({
    provider,
    signer: pending.signer,
    subject: { organization: 'handfast enroll' },
  });
  const request = {
    method: 'POST',
    path: '/enrol/v1/certificates',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ csr: toPem('CERTIFICATE REQUEST', raw) }),
  } as const;
  const tls = { ca: toPem('CERTIFICATE', root.raw) };
  for (let attempt = 1; ; attempt++) {
    let asked = false;
    let waitMs = 1000 * attempt;
    try {
      const answer = await withConnection(url, tls, io.interrupted, (socket, signal) => {
        asked = true;
        return ask(socket, request, url, signal);
      });
      if (answer.status !== 503 || attempt === attempts) return answer;
      waitMs = answer.retryAfterMs ?? waitMs;
      report.line('the CA says: later; asking again …');
    } catch (error) {
      if (asked) pending.mayBeBound = true;
      if (!asked || attempt === attempts || io.interrupted.aborted) throw error;
      report.line('the answer was lost; asking again …');
    }
    await world.wait(waitMs, io.interrupted);
  }
}

// ---- files

interface Files {
  readonly certificate: string;
  readonly key: string;
  readonly root: string;
  readonly state: string;
}

function filesFor(names: readonly string[], { out = '.', bundle }: EnrollOptions): Files {
  const base = join(out, fileName({ names }));
  const certificate = `${base}.pem`;
  const key = bundle === true ? certificate : `${base}-key.pem`;
  return { certificate, key, root: `${base}-root.pem`, state: `${base}.renew.json` };
}

function refuseExisting({ key, certificate, root, state }: Files, { force }: EnrollOptions): void {
  const existing = [key, certificate, root, state].find((file) => existsSync(file));
  if (existing === undefined || force === true) return;
  throw usageError(`${quote(existing)} is there already`, '--force replaces it; --out writes elsewhere');
}

interface Writing {
  readonly url: CaUrl;
  readonly root: Certificate;
  readonly chain: readonly Certificate[];
  readonly pending: Pending;
  readonly files: Files;
  readonly options: EnrollOptions;
}

function write({ url, root, chain, pending, files, options }: Writing): void {
  const staged = new StagedFiles();
  const certificates = chain.map(({ raw }) => toPem('CERTIFICATE', raw)).join('');
  const key = toPem('PRIVATE KEY', pending.pkcs8);
  const state = stateText({
    url: url.origin,
    root: basename(files.root),
    certificate: basename(files.certificate),
    key: basename(files.key),
    hook: options.hook,
  });
  try {
    if (files.key === files.certificate) staged.write(files.certificate, certificates + key, 0o600);
    else {
      staged.write(files.key, key, 0o600);
      staged.write(files.certificate, certificates, 0o644);
    }
    staged.write(files.root, toPem('CERTIFICATE', root.raw), 0o644);
    staged.write(files.state, state, 0o644);
    staged.finish();
  } catch (error) {
    staged.discard();
    if (!(error instanceof FileFailure)) throw error;
    throw usageError(error.message, 'make room for it');
  }
  rmSync(pending.file, { force: true });
}

function tell(leaf: Certificate, files: Files, root: Certificate, options: EnrollOptions, io: Io, now: Date): void {
  const names = certifiedNames(leaf);
  const { certificate, key, state } = files;
  print(
    {
      serial: leaf.serialNumberHex,
      names,
      notBefore: timeText(leaf.notBefore),
      notAfter: timeText(leaf.notAfter),
      root: fingerprintHex(root),
      files,
    },
    {
      heading: `Enrolled: ${names.join(', ')}`,
      fields: [
        ['Serial', leaf.serialNumberHex],
        ['Ends', `${timeText(leaf.notAfter)}, ${whenText(leaf.notAfter, now)}`],
        ['Certificate', certificate],
        ['Key', key === certificate ? 'in the same file' : key],
        ['Root', files.root],
        ['Renewal', `handfast renew ${shellQuoted(state)} --daemon`],
      ],
    },
    options,
    io,
  );
}
