/**
 * What a client of others' proves, as rows of one table.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { RunningAuthority } from '../authority.ts';
import type { Site } from '../world/site.ts';

/** The columns of the table, in order. */
export const columns = [
  'account under an external key',
  'http-01',
  'dns-01',
  'wildcard',
  'tls-alpn-01',
  'IP address',
  'renew',
  'revoke by the account',
  'revoke by the key',
  'account key change',
  'profile',
  'alternate chain',
  'ARI',
  'refused by policy',
  'refused by CAA',
  'refused without an answer on CAA',
  'deactivate',
] as const;

export type Column = (typeof columns)[number];

/** What was done: in the table a yes, or what it says of it. */
export interface Done {
  readonly column: Column;
  /** A few words, of what was special. */
  readonly how?: string;
}

export interface Client {
  readonly name: string;
  /** Where it comes from. */
  readonly from: string;
  /** The first two parts of its version: what Debian mends moves the third. */
  version(site: Site): Promise<string>;
  /** Each row when it was done. */
  run(place: Place): AsyncGenerator<Done>;
}

export interface Place {
  readonly site: Site;
  readonly ca: RunningAuthority;
}

export function done(column: Column, how?: string): Done {
  return how === undefined ? { column } : { column, how };
}

export const email = 'ops@app.test';

/** The certificate in a file, or the first of several. */
export async function leafIn(file: string): Promise<X509Certificate> {
  return new X509Certificate(await readFile(file));
}

/** That a certificate is for these names, and no others, and that the CA has it as valid. */
export async function issuedFor(
  ca: RunningAuthority,
  leaf: X509Certificate,
  ...names: readonly string[]
): Promise<void> {
  assert.deepEqual(leaf.subjectAltName?.split(', ').toSorted(), names.toSorted());
  assert.equal(await ca.statusOf(leaf.serialNumber), 'valid');
}

/** That one certificate came in the place of another. */
export function renewed(first: X509Certificate, second: X509Certificate): void {
  assert.notEqual(second.serialNumber, first.serialNumber);
  assert.equal(second.subjectAltName, first.subjectAltName);
}

export async function revoked(ca: RunningAuthority, leaf: X509Certificate): Promise<void> {
  assert.equal(await ca.statusOf(leaf.serialNumber), 'revoked');
}

/** That the client fails, since the CA refuses, in words of its log. What the client says of it is its own affair. */
export async function refused(ca: RunningAuthority, attempt: Promise<unknown>, words: RegExp): Promise<void> {
  const before = ca.events.length;
  await assert.rejects(attempt);
  assert.match(ca.events.slice(before).join('\n'), words);
}

export const notIssuedFor = /problem: 'rejectedIdentifier'/;
export const forbiddenByCaa = /the CAA records of foreign\.test do not permit it|CAA records forbid/;

/** That it was ordered as the successor of another. */
export async function succeeds(ca: RunningAuthority, second: X509Certificate, first: X509Certificate): Promise<void> {
  renewed(first, second);
  // Node leaves out the zeros that stand before a number's first bit.
  const replaced = await ca.replacedBy(second.serialNumber);
  assert.equal(replaced?.replace(/^0+/, ''), first.serialNumber.toLowerCase().replace(/^0+/, ''));
}

export function daysOf(leaf: X509Certificate): number {
  return Math.round((leaf.validToDate.getTime() - leaf.validFromDate.getTime()) / 86_400_000);
}
