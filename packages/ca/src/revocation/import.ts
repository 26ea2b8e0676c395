/**
 * Lists of issuers whose keys are elsewhere, as an offline root's.
 *
 * @module
 */

import { toHex } from '@handfast/crypto';
import { type Certificate, CertificateError, type Crl, type DirectoryName, parseCrl } from '@handfast/x509';
import { appendAudit } from '../audit.ts';
import type { CaContext } from '../context.ts';
import { CaError } from '../errors.ts';
import { issuerIdOf } from '../issuing/issuers.ts';
import { quoted } from '../issuing/policy.ts';
import { integer } from '../store/rows.ts';
import { isSignedBy } from './signed-by.ts';
import { insertList } from './stored.ts';

/**
 * Takes a list whose issuer's key is elsewhere.
 *
 * @throws CaError `bad_request`: not of an issuer in a chain, wrongly signed, without number or next update, not newer
 */
export async function importCrl(
  context: CaContext,
  { crl: der, by }: { readonly crl: Uint8Array; readonly by: string },
): Promise<void> {
  const { provider } = context;
  const crl = parsed(der);
  const named = context.authorities.filter(({ subject }) => isSameName(subject, crl.issuer));
  if (named.length === 0) throw refused(`its issuer is none of this CA's: ${quoted(crl.issuer.toString())}`);
  const { number, nextUpdate } = crl;
  if (number === undefined || nextUpdate === undefined || crl.baseNumber !== undefined) {
    throw refused('it is no complete list with a number and a next update');
  }
  if (crl.issuingDistributionPoint !== undefined) throw refused('it tells of some of the certificates alone');
  if (number > BigInt(Number.MAX_SAFE_INTEGER)) throw refused(`its number is ${number}`);
  const issuer = await signerAmong(context, crl, named);
  if (issuer === undefined) throw refused("its signature is not its issuer's");
  const issuerId = issuerIdOf(provider, issuer);
  // It might lack what was revoked here.
  if (context.issuers.has(issuerId)) throw refused("its issuer's key is here, and makes its lists");
  const now = context.clock();
  await context.database.transaction(async (sql) => {
    const [row] = await sql.all(
      'UPDATE issuers SET crl_number = $2 WHERE id = $1 AND crl_number < $2 RETURNING revocations',
      [issuerId, Number(number)],
    );
    if (row === undefined) throw refused(`its number ${number} is not above those before it`);
    const dates = { number: Number(number), thisUpdate: crl.thisUpdate, nextUpdate, now };
    const revocations = integer(row, 'revocations');
    await insertList(sql, { ...dates, issuerId, name: 'complete', revocations, raw: crl.raw });
    const digest = toHex(provider.digest('sha256', crl.raw));
    await appendAudit(sql, now, { actor: by, action: 'import crl', subject: String(number), issuerId, digest });
  });
}

/** One name may have had several keys. */
async function signerAmong({ provider }: CaContext, crl: Crl, named: readonly Certificate[]) {
  for (const issuer of named) if (await isSignedBy(provider, crl, issuer)) return issuer;
  return undefined;
}

function isSameName({ keys }: DirectoryName, other: DirectoryName): boolean {
  return keys.length === other.keys.length && keys.every((key, index) => key === other.keys[index]);
}

function parsed(der: Uint8Array): Crl {
  try {
    return parseCrl(der);
  } catch (cause) {
    if (!(cause instanceof CertificateError)) throw cause;
    throw refused(cause.message, cause);
  }
}

function refused(why: string, cause?: unknown): CaError {
  return new CaError('bad_request', `the CRL cannot be taken: ${why}`, { cause });
}
