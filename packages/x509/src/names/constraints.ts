/**
 * Name constraints (RFC 5280 §4.2.1.10): the name space that a CA is confined to, and whether a certificate below stays
 * within it. Each CA's constraints are checked on their own against every certificate below it, which is the
 * intersection and union that §6.1.4 keeps as state.
 *
 * Two hostile lists multiply, so every comparison is counted by the caller's budget. A name that cannot be understood is
 * refused wherever a constraint of its form stands: what cannot be compared is not known to be inside. A wildcard is
 * inside a permitted subtree only if all its names are, and inside an excluded one if any might be (CVE-2025-61727).
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { contextConstructed, contextPrimitive, type DerReader, readDer } from '../der/reader.ts';
import { malformed } from '../errors.ts';
import { startsWithName } from './directory.ts';
import { isDnsName, isPresentedDnsName } from './dns.ts';
import { describeGeneralName, type GeneralName, readGeneralName } from './general.ts';
import { parseIp } from './ip.ts';

export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

/** The extension's value. Refuses subtrees with a minimum or maximum, empty lists, and addresses without a CIDR mask. */
export function parseNameConstraints(value: Bytes, what: string): NameConstraints {
  return readDer(value, what, (reader) => {
    const constraints = reader.sequence();
    const permitted = readSubtrees(constraints, 0, what);
    const excluded = readSubtrees(constraints, 1, what);
    constraints.end();
    if (permitted === undefined && excluded === undefined)
      throw malformed(what, 'neither permitted nor excluded subtrees');
    return { permitted: permitted ?? [], excluded: excluded ?? [] };
  });
}

/**
 * Why `names` break `constraints`, in words, or `undefined` where they do not.
 *
 * @param count called once a comparison; throws where the budget is used up
 */
export function constraintViolation(
  constraints: NameConstraints,
  names: readonly GeneralName[],
  count: () => void,
): string | undefined {
  for (const name of names) {
    const label = describeGeneralName(name);
    for (const base of constraints.excluded) {
      if (base.kind !== name.kind) continue;
      count();
      const verdict = within(name, base, 'excluded');
      if (verdict === undefined) return `${label} cannot be compared with the excluded ${describeGeneralName(base)}`;
      if (verdict) return `${label} is in the excluded ${describeGeneralName(base)}`;
    }
    let constrained = false;
    let inside = false;
    for (const base of constraints.permitted) {
      if (base.kind !== name.kind) continue;
      count();
      constrained = true;
      inside = within(name, base, 'permitted') === true;
      if (inside) break;
    }
    if (constrained && !inside) return `${label} is in none of the permitted subtrees`;
  }
  return undefined;
}

function readSubtrees(reader: DerReader, number: number, what: string): readonly GeneralName[] | undefined {
  const element = reader.optional(contextConstructed(number));
  if (element === undefined) return undefined;
  const list = reader.within(element.content, what);
  const subtrees = list.list(() => {
    const subtree = list.sequence();
    const base = readGeneralName(subtree, what);
    // minimum is 0 by default, and DER encodes no defaults; maximum must be absent.
    if (subtree.nextTag === contextPrimitive(0) || subtree.nextTag === contextPrimitive(1)) {
      throw malformed(what, 'a subtree with a minimum or maximum');
    }
    subtree.end();
    if (base.kind === 'ip') checkMask(base.bytes, what);
    return base;
  });
  if (subtrees.length === 0) throw malformed(what, 'an empty list of subtrees');
  return subtrees;
}

/** Address and mask, the mask being ones and then zeros (RFC 4632, which §4.2.1.10 cites). */
function checkMask(bytes: Bytes, what: string): void {
  if (bytes.length !== 8 && bytes.length !== 32) throw malformed(what, 'an IP range that is not 8 or 32 octets');
  let ended = false;
  for (const byte of bytes.subarray(bytes.length / 2)) {
    const ones = Math.clz32(~(byte << 24));
    if ((ended && byte !== 0) || (byte & (0xff >> ones)) !== 0)
      throw malformed(what, 'an IP range whose mask has holes');
    if (ones < 8) ended = true;
  }
}

type Sense = 'permitted' | 'excluded';

/** Whether `name` is inside `base`, both of one kind; `undefined` where that cannot be said. */
function within(name: GeneralName, base: GeneralName, sense: Sense): boolean | undefined {
  if (name.kind === 'directory' && base.kind === 'directory') return startsWithName(name.name, base.name);
  if (name.kind === 'ip' && base.kind === 'ip') return ipWithin(name.bytes, base.bytes);
  if (name.kind === 'dns' && base.kind === 'dns') return dnsWithin(name.text, base.text, sense);
  if (name.kind === 'email' && base.kind === 'email') return emailWithin(name.text, base.text);
  if (name.kind === 'uri' && base.kind === 'uri') return uriWithin(name.text, base.text);
  return undefined;
}

function ipWithin(address: Bytes, base: Bytes): boolean | undefined {
  if (address.length !== 4 && address.length !== 16) return undefined;
  if (base.length !== 2 * address.length) return false;
  return address.every((byte, at) => {
    const mask = base[address.length + at] ?? 0;
    return (byte & mask) === ((base[at] ?? 0) & mask);
  });
}

function dnsWithin(name: string, base: string, sense: Sense): boolean | undefined {
  const subtree = base.toLowerCase();
  const presented = name.toLowerCase();
  if (!isPresentedDnsName(presented)) return undefined;
  if (subtree === '') return true;
  // A leading dot is not RFC 5280's, but in use: the names below, without the name itself.
  const below = subtree.startsWith('.') ? subtree : `.${subtree}`;
  if (!isDnsName(below.slice(1))) return undefined;
  if (!presented.startsWith('*.')) return presented === subtree || presented.endsWith(below);
  const parent = presented.slice(1);
  // All names of `*.parent` end in `.parent`; some name of it may be `subtree` where that is below `parent`.
  return parent.endsWith(below) || (sense === 'excluded' && below.endsWith(parent));
}

function emailWithin(name: string, base: string): boolean | undefined {
  const mailbox = splitMailbox(name);
  if (mailbox === undefined) return undefined;
  if (base.includes('@')) {
    const wanted = splitMailbox(base);
    return wanted === undefined ? undefined : mailbox.local === wanted.local && mailbox.host === wanted.host;
  }
  return hostWithin(mailbox.host, base);
}

/** `local@host`, quoted local parts refused: nobody's comparison of them is the same. */
function splitMailbox(text: string): { readonly local: string; readonly host: string } | undefined {
  const [local = '', host = '', ...rest] = text.split('@');
  return rest.length === 0 && local !== '' && !local.includes('"') && isDnsName(host)
    ? { local, host: host.toLowerCase() }
    : undefined;
}

function uriWithin(uri: string, base: string): boolean | undefined {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(uri)?.[1];
  const host = authority?.slice(authority.lastIndexOf('@') + 1).replace(/:\d*$/, '');
  // §4.2.1.10: constraints apply to the host; a URI without one, or with an address, is refused.
  if (host === undefined || parseIp(host) !== undefined || !isDnsName(host)) return undefined;
  return hostWithin(host.toLowerCase(), base);
}

/** Hosts of mailboxes and URIs: `host` is that host alone, `.domain` is every host below, and an empty base all hosts. */
function hostWithin(host: string, base: string): boolean {
  const wanted = base.toLowerCase();
  if (wanted === '') return true;
  return wanted.startsWith('.') ? host.endsWith(wanted) && host.length > wanted.length : host === wanted;
}
