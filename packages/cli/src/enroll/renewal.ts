/**
 * One renewal: whether it is due, and the new certificate in the old one's place.
 *
 * @module
 */

import { wipe } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { type Certificate, issueRequest, toPem } from '@handfast/x509';
import { whenText } from '../cert/layout.ts';
import { CliError, exitCodes } from '../exit.ts';
import { ask, CaRefusal, type CaRequest, type CaUrl, fieldsOf, withConnection } from './connection.ts';
import { checkNote, noteHook } from './hook.ts';
import { certifiedNames, checkIssued } from './issued.ts';
import { checkReplaceable, type Material, type MaterialFiles, readMaterial, replaceMaterial } from './material.ts';

export interface RenewalTarget {
  readonly url: CaUrl;
  readonly root: Certificate;
  readonly files: MaterialFiles;
  readonly hook: string | undefined;
}

export interface RenewalRun {
  readonly now: Date;
  readonly force: boolean;
  readonly interrupted: AbortSignal;
  /** Told where the CA could not be asked when to renew, and it is not due. */
  readonly away: (error: unknown) => void;
}

export interface RenewalOutcome {
  readonly renewed: boolean;
  /** The one that is there now. */
  readonly certificate: Certificate;
  readonly dueAt: Date;
}

/** As the CA has it. */
const renewAfter = 2 / 3;

/** No renewal will ever go well: only a new token helps. */
export class RenewalEnded extends CliError {}

const endings: ReadonlySet<string> = new Set([
  'certificate_expired',
  'certificate_revoked',
  'certificate_unknown',
  'not_renewable',
]);

/** @throws RenewalEnded, and what may go better another time */
export async function renewOnce(target: RenewalTarget, run: RenewalRun): Promise<RenewalOutcome> {
  const material = await readMaterial(target.files);
  try {
    const [leaf] = material.chain;
    refuseExpired(leaf, target, run.now);
    const own = dueAt(leaf);
    const due = run.force || own <= run.now ? own : await advised(target, material, run, own);
    if (!run.force && due > run.now) return { renewed: false, certificate: leaf, dueAt: due };
    const certificate = await replaceBy(target, material, run);
    return { renewed: true, certificate, dueAt: dueAt(certificate) };
  } catch (error) {
    if (!(error instanceof CaRefusal) || !endings.has(error.code)) throw error;
    throw new RenewalEnded(exitCodes.certificateRefused, error.message, {
      cause: error,
      ...(error.hint !== undefined && { hint: error.hint }),
    });
  } finally {
    wipe(material.pkcs8);
  }
}

function dueAt({ notBefore, notAfter }: Certificate): Date {
  return new Date(notBefore.getTime() + renewAfter * (notAfter.getTime() - notBefore.getTime()));
}

function refuseExpired(leaf: Certificate, { url }: RenewalTarget, now: Date): void {
  if (leaf.notAfter > now) return;
  const names = certifiedNames(leaf);
  throw new RenewalEnded(
    exitCodes.failed,
    `the certificate for ${names.join(', ')} ended ${whenText(leaf.notAfter, now)}, and cannot renew itself any more`,
    {
      hint: `at the CA: handfast ca token ${names.join(' ')}; here: handfast enroll ${url.origin} --fingerprint … --token-file - --force`,
    },
  );
}

/** The CA may want it sooner: it changes its issuer, say. */
async function advised(target: RenewalTarget, material: Material, run: RenewalRun, own: Date): Promise<Date> {
  let renewAt: unknown;
  try {
    const answer = await speak(target, material, { method: 'GET', path: '/enrol/v1/renewals' }, run.interrupted);
    renewAt = answer.get('renewAt');
  } catch (error) {
    if (run.interrupted.aborted || (error instanceof CaRefusal && endings.has(error.code))) throw error;
    run.away(error);
  }
  const time = typeof renewAt === 'string' ? Date.parse(renewAt) : Number.NaN;
  return Number.isNaN(time) ? own : new Date(Math.min(time, own.getTime()));
}

async function replaceBy(target: RenewalTarget, material: Material, run: RenewalRun): Promise<Certificate> {
  const { files, root, hook } = target;
  const [leaf] = material.chain;
  checkReplaceable(files);
  if (hook !== undefined) checkNote(files);
  const key =
    files.key === files.certificate ? await keyLike(leaf) : { signer: material.signer, pkcs8: material.pkcs8 };
  try {
    const { raw } = await issueRequest({ provider, signer: key.signer, subject: { organization: 'handfast renew' } });
    const fields = await speak(
      target,
      material,
      {
        method: 'POST',
        path: '/enrol/v1/renewals',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ csr: toPem('CERTIFICATE REQUEST', raw) }),
      },
      run.interrupted,
    );
    const wanted = { key: key.signer.publicKey, root, now: run.now, names: certifiedNames(leaf) };
    const chain = await checkIssued(fields.get('chain'), wanted);
    if (hook !== undefined) noteHook(files);
    replaceMaterial(files, chain, key.pkcs8);
    return chain[0];
  } finally {
    wipe(key.pkcs8);
  }
}

/** A new key of the same kind. */
async function keyLike({ publicKey: { type, bits } }: Certificate): Promise<Pick<Material, 'signer' | 'pkcs8'>> {
  return await provider.generateKeyPair(type, type === 'rsa' || type === 'rsa-pss' ? { modulusBits: bits } : {});
}

async function speak(
  { url, root }: RenewalTarget,
  { chain, signer }: Material,
  request: CaRequest,
  interrupted: AbortSignal,
): Promise<ReadonlyMap<string, unknown>> {
  const tls = {
    ca: toPem('CERTIFICATE', root.raw),
    credentials: [{ chain, signer }],
  };
  return await withConnection(url, tls, interrupted, async (socket, signal) =>
    fieldsOf(await ask(socket, request, url, signal)),
  );
}
