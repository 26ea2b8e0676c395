/**
 * Accounts (RFC 8555 §7.1.2, §7.3): made, found, changed, deactivated, and given another key; all of it in the audit log.
 *
 * @module
 */

import { equalBytes, type PublicKeyInfo } from '@handfast/crypto';
import { parsePublicKey } from '@handfast/x509';
import { appendAudit } from '../audit.ts';
import { lastly, type Sql, type SqlRow } from '../store/database.ts';
import { bytes, optional, text } from '../store/rows.ts';
import { flagMember, jsonMembers, jsonValue, type Members } from './encoding.ts';
import { verifyExternalBinding } from './external-accounts.ts';
import { parseJwk, thumbprint } from './jwk.ts';
import { embeddedKey, innerJws, verifyJws } from './jws.ts';
import { malformed, Problem, type ProblemOptions } from './problems.ts';
import { addressRange, roomFor } from './rates.ts';
import type { AccountCall, Answer, Call } from './requests.ts';
import type { AccountChange, Service } from './settings.ts';

export type AccountStatus = 'valid' | 'deactivated' | 'revoked';

export interface Account {
  readonly id: string;
  readonly status: AccountStatus;
  readonly key: PublicKeyInfo;
  readonly thumbprint: string;
  readonly contacts: readonly string[];
  /** The external account binding as it was sent. */
  readonly externalBinding: string | undefined;
}

const columns = 'id, status, public_key, thumbprint, contacts, external_binding';

/** @param before as it was a short while ago: its key is parsed once more only where that is another */
export async function findAccount(sql: Sql, id: string, before?: Account): Promise<Account | undefined> {
  return accountOf(await sql.all(`SELECT ${columns} FROM acme_accounts WHERE id = $1`, [id]), before?.key);
}

/** The account of a key, whatever its status. */
async function findByKey(sql: Sql, key: PublicKeyInfo): Promise<Account | undefined> {
  return accountOf(await sql.all(`SELECT ${columns} FROM acme_accounts WHERE public_key = $1`, [key.spki]));
}

/** Whether a key is an account's: such a key is in no certificate (RFC 8555 §11.1). */
export async function isAccountKey(sql: Sql, key: PublicKeyInfo): Promise<boolean> {
  return (await findByKey(sql, key)) !== undefined;
}

export async function newAccount(call: Call, sql: Sql): Promise<Answer> {
  const { service, key, now, jws } = call;
  const payload = jsonMembers(jws.payload, 'the payload');
  const existing = await findByKey(sql, key);
  if (existing !== undefined) {
    if (existing.status !== 'valid')
      throw new Problem('unauthorized', { status: 401, detail: `the account is ${existing.status}` });
    return accountAnswer(service, existing, 200);
  }
  if (flagMember(payload, 'onlyReturnExisting') === true) throw new Problem('accountDoesNotExist');
  const contacts = contactsOf(payload, service) ?? [];
  const agreed = flagMember(payload, 'termsOfServiceAgreed') === true;
  if (service.options.termsOfService !== undefined && !agreed)
    throw new Problem('userActionRequired', termsHint(service));
  const count = await roomForAddress(call, sql);
  const binding = payload.get('externalAccountBinding');
  if (binding === undefined && service.options.externalAccountRequired === true)
    throw new Problem('externalAccountRequired');
  const externalKeyId = binding === undefined ? null : await verifyExternalBinding(call, sql, binding);
  const account: Account = {
    id: service.newId(),
    status: 'valid',
    key,
    thumbprint: thumbprint(service.provider, key),
    contacts,
    externalBinding: binding === undefined ? undefined : JSON.stringify(binding),
  };
  // What is refused takes nobody's place: behind one address there may be many.
  lastly(count());
  const made = await sql.run(
    `INSERT INTO acme_accounts (id, status, thumbprint, public_key, contacts, terms_agreed_at, external_key_id,
       external_binding, created_at) VALUES ($1, 'valid', $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
    [
      account.id,
      account.thumbprint,
      key.spki,
      JSON.stringify(contacts),
      agreed ? now : null,
      externalKeyId,
      account.externalBinding ?? null,
      now,
    ],
  );
  // Another request with the same key has won.
  const winner = made === 1 ? undefined : await findByKey(sql, key);
  if (winner !== undefined) return accountAnswer(service, winner, 200);
  const by = externalKeyId === null ? [] : [`external key ${externalKeyId}`];
  await tell(sql, now, account.id, 'create account', [`key ${account.thumbprint}`, ...by, ...contacts]);
  return accountAnswer(service, account, 201, 'created');
}

/** What counts one more account of the client's address. @throws Problem `rateLimited` */
async function roomForAddress({ service, address, now }: Call, sql: Sql): Promise<() => Promise<unknown>> {
  if (address === undefined) return async () => undefined;
  const { accountsPerHour: perHour } = service.limits;
  return await roomFor(service, sql, { kind: 'account', subject: addressRange(address), perHour }, now);
}

/** Reads, or changes the contacts, or deactivates; another status is not looked at (RFC 8555 §7.3.2). */
export async function account(call: AccountCall, sql: Sql): Promise<Answer> {
  const { service, account: own, jws, now } = call;
  if (call.id !== own.id) throw new Problem('unauthorized');
  if (jws.payload.length === 0) return accountAnswer(service, own, 200);
  const payload = jsonMembers(jws.payload, 'the payload');
  if (payload.get('status') === 'deactivated') return await deactivate(call, sql);
  const contacts = contactsOf(payload, service);
  if (contacts === undefined) return accountAnswer(service, own, 200);
  await sql.run('UPDATE acme_accounts SET contacts = $2 WHERE id = $1', [own.id, JSON.stringify(contacts)]);
  await tell(sql, now, own.id, 'change account', contacts.length === 0 ? ['no contact'] : contacts);
  return accountAnswer(service, { ...own, contacts }, 200, 'updated');
}

/** RFC 8555 §7.3.6: what is pending ends with it. Certificates stay. */
async function deactivate({ service, account: own, now }: AccountCall, sql: Sql): Promise<Answer> {
  await sql.run("UPDATE acme_accounts SET status = 'deactivated' WHERE id = $1", [own.id]);
  await sql.run("UPDATE acme_orders SET status = 'invalid' WHERE account_id = $1 AND status IN ('pending', 'ready')", [
    own.id,
  ]);
  await sql.run(
    "UPDATE acme_authorizations SET status = 'deactivated' WHERE account_id = $1 AND status IN ('pending', 'valid')",
    [own.id],
  );
  await tell(sql, now, own.id, 'deactivate account');
  return accountAnswer(service, { ...own, status: 'deactivated' }, 200, 'deactivated');
}

/** RFC 8555 §7.3.5, in its order. */
export async function keyChange({ service, account: own, jws, now }: AccountCall, sql: Sql): Promise<Answer> {
  const inner = innerJws(jsonValue(jws.payload, 'the inner JWS'), 'the inner JWS');
  const key = embeddedKey(inner);
  await verifyJws(service.provider, inner, key);
  const change = jsonMembers(inner.payload, 'the key change');
  if (inner.url !== jws.url) throw malformed('the inner JWS is signed for another URL');
  if (change.get('account') !== service.links.to('account', own.id))
    throw malformed('the key change is of another account');
  if (!equalBytes(parseJwk(change.get('oldKey')).spki, own.key.spki)) {
    throw malformed('"oldKey" is not the key of the account');
  }
  const holder = await findByKey(sql, key);
  if (holder !== undefined) {
    const headers = { location: service.links.to('account', holder.id) };
    throw new Problem('malformed', { status: 409, detail: "the new key is an account's already", headers });
  }
  const print = thumbprint(service.provider, key);
  await sql.run('UPDATE acme_accounts SET public_key = $2, thumbprint = $3 WHERE id = $1', [own.id, key.spki, print]);
  await tell(sql, now, own.id, 'change account key', [`key ${print}`, `before ${own.thumbprint}`]);
  return accountAnswer(service, own, 200, 'rekeyed');
}

/** What an account has done to itself. */
async function tell(sql: Sql, now: number, id: string, action: string, notes: readonly string[] = []): Promise<void> {
  const note = notes.length === 0 ? undefined : notes.join(', ');
  await appendAudit(sql, new Date(now), { actor: `acme account ${id}`, action, subject: id, note });
}

function accountAnswer(service: Service, own: Account, code: number, change?: AccountChange): Answer {
  const { id, status, contacts, externalBinding } = own;
  const location = service.links.to('account', id);
  return {
    status: code,
    headers: { location },
    body: {
      status,
      ...(contacts.length > 0 && { contact: contacts }),
      ...(externalBinding !== undefined && { externalAccountBinding: JSON.parse(externalBinding) }),
      orders: `${location}/orders`,
    },
    event: change && { event: 'account', accountId: id, change },
  };
}

function accountOf([row]: readonly SqlRow[], keyBefore?: PublicKeyInfo): Account | undefined {
  if (row === undefined) return undefined;
  const status = text(row, 'status');
  const spki = bytes(row, 'public_key');
  return {
    id: text(row, 'id'),
    status: status === 'valid' || status === 'deactivated' ? status : 'revoked',
    key: keyBefore !== undefined && equalBytes(keyBefore.spki, spki) ? keyBefore : parsePublicKey(spki),
    thumbprint: text(row, 'thumbprint'),
    contacts: JSON.parse(text(row, 'contacts')),
    externalBinding: optional(row, 'external_binding', text),
  };
}

/** `mailto:` URLs with one address and nothing else (RFC 8555 §7.3); `undefined`: not said. */
function contactsOf(payload: Members, { limits }: Service): readonly string[] | undefined {
  const contacts = payload.get('contact');
  if (contacts === undefined) return undefined;
  if (!Array.isArray(contacts) || contacts.length > limits.contacts) {
    throw malformed(`"contact" is a list of at most ${limits.contacts} URLs`);
  }
  return contacts.map((contact: unknown) => {
    if (typeof contact !== 'string' || !contact.includes(':')) throw new Problem('invalidContact');
    if (!contact.toLowerCase().startsWith('mailto:')) throw new Problem('unsupportedContact');
    if (contact.length > 320 || !/^[^\s,?;@<>\p{C}]+@[^\s,?;@<>\p{C}]+$/u.test(contact.slice(7))) {
      throw new Problem('invalidContact');
    }
    return contact;
  });
}

/** RFC 8555 §7.3.3. */
function termsHint({ options }: Service): ProblemOptions {
  const { termsOfService = '' } = options;
  return { instance: termsOfService, headers: { link: `<${termsOfService}>;rel="terms-of-service"` } };
}
