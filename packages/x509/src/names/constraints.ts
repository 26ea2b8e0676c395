/**
 * Name constraints (RFC 5280 §4.2.1.10): the name space that a CA is confined to, and whether a certificate below stays
 * within it. Each CA's constraints are checked on their own against every certificate below it, which is the
 * intersection and union that §6.1.4 keeps as state.
 *
 * Two hostile lists multiply, so every comparison is counted by the caller's budget. A name that cannot be understood is
 * refused wherever a constraint of its form stands: what cannot be compared is not known to be inside. A wildcard is
 * inside a permitted subtree only if all its names are, and inside an excluded one if any might be (CVE-2025-61727);
 * directory names are inside an excluded one also where only Unicode's folding makes them equal.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { contextConstructed, contextPrimitive, type DerReader, readDer } from '../der/reader.ts';
import { malformed } from '../errors.ts';
import { asciiLowerCase } from '../text.ts';
import { mayStartWithName, startsWithName } from './directory.ts';
import { isDnsName, isPresentedDnsName } from './dns.ts';
import { describeGeneralName, type GeneralName, readGeneralName } from './general.ts';
import { parseMailbox, uriParts } from './text-forms.ts';

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
  const { permitted, excluded } = subtreesOf(constraints);
  for (const item of names) {
    const name = new Comparable(item, isPresentedDnsName);
    for (const base of excluded) {
      if (base.kind !== name.kind) continue;
      count();
      const verdict = within(name, base, 'excluded');
      if (verdict === undefined) return `${name} cannot be compared with the excluded ${base}`;
      if (verdict) return `${name} is in the excluded ${base}`;
    }
    let constrained = false;
    let inside = false;
    for (const base of permitted) {
      if (base.kind !== name.kind) continue;
      count();
      constrained = true;
      inside = within(name, base, 'permitted') === true;
      if (inside) break;
    }
    if (constrained && !inside) return `${name} is in none of the permitted subtrees`;
  }
  return undefined;
}

/** A DNS name's 253 characters behind `*.`. A longer text is told from a host at once: each issuer asks again. */
const maxHostLength = 255;

/** A name or a base. Hostile lists compare each with each, so what a comparison takes is worked out once. */
class Comparable {
  readonly kind: GeneralName['kind'];
  readonly value: GeneralName;
  readonly #isHost: (text: string) => boolean;
  #host: string | null | undefined;

  constructor(value: GeneralName, isHost: (text: string) => boolean) {
    this.kind = value.kind;
    this.value = value;
    this.#isHost = isHost;
  }

  /** A DNS name in lower case; `null`: it is none. */
  get host(): string | null {
    if (this.#host === undefined) {
      const text = this.value.kind === 'dns' && this.value.text.length <= maxHostLength ? this.value.text : undefined;
      const host = text === undefined ? undefined : asciiLowerCase(text);
      this.#host = host !== undefined && this.#isHost(host) ? host : null;
    }
    return this.#host;
  }

  toString(): string {
    return describeGeneralName(this.value);
  }
}

interface Subtrees {
  readonly permitted: readonly Comparable[];
  readonly excluded: readonly Comparable[];
}

/** Kept as long as the constraints are, for every certificate below. */
const known = new WeakMap<NameConstraints, Subtrees>();

function subtreesOf(constraints: NameConstraints): Subtrees {
  let subtrees = known.get(constraints);
  if (subtrees === undefined) {
    const comparable = (base: GeneralName): Comparable => new Comparable(base, isSubtree);
    subtrees = { permitted: constraints.permitted.map(comparable), excluded: constraints.excluded.map(comparable) };
    known.set(constraints, subtrees);
  }
  return subtrees;
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
function within(presented: Comparable, subtree: Comparable, sense: Sense): boolean | undefined {
  if (presented.kind === 'dns') return dnsWithin(presented.host, subtree.host, sense);
  const name = presented.value;
  const base = subtree.value;
  if (name.kind === 'directory' && base.kind === 'directory')
    return sense === 'excluded' ? mayStartWithName(name.name, base.name) : startsWithName(name.name, base.name);
  if (name.kind === 'ip' && base.kind === 'ip') return ipWithin(name.bytes, base.bytes);
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

/** Nothing is every name. A leading dot is not RFC 5280's, but in use: the names below, without the name itself. */
function isSubtree(text: string): boolean {
  return text === '' || isDnsName(text.startsWith('.') ? text.slice(1) : text);
}

function dnsWithin(presented: string | null, subtree: string | null, sense: Sense): boolean | undefined {
  if (presented === null || subtree === null) return undefined;
  if (subtree === '') return true;
  const dotted = subtree.startsWith('.');
  if (!presented.startsWith('*.')) return isBelow(presented, subtree) || (!dotted && presented === subtree);
  // All names of `*.parent` are below `parent`; some name of it may be `subtree` where that is below `parent`.
  const parent = presented.slice(dotted ? 1 : 2);
  return isBelow(presented, subtree) || (sense === 'excluded' && isBelow(subtree, parent));
}

/** Whether `name` ends in `.subtree`, the dot being there already or not. */
function isBelow(name: string, subtree: string): boolean {
  const extra = name.length - subtree.length;
  if (extra <= 0 || !name.endsWith(subtree)) return false;
  return subtree.startsWith('.') || name.charCodeAt(extra - 1) === 0x2e;
}

function emailWithin(name: string, base: string): boolean | undefined {
  const mailbox = parseMailbox(name);
  if (mailbox === undefined) return undefined;
  if (base.includes('@')) {
    const wanted = parseMailbox(base);
    return wanted === undefined ? undefined : mailbox.local === wanted.local && mailbox.host === wanted.host;
  }
  return hostWithin(mailbox.host, base);
}

function uriWithin(uri: string, base: string): boolean | undefined {
  const parts = uriParts(uri);
  // §4.2.1.10: constraints apply to the host; a URI without an authority, or with an address in it, is refused.
  if (parts === undefined || !parts.hasAuthority || !isDnsName(parts.host)) return undefined;
  return hostWithin(asciiLowerCase(parts.host), base);
}

/** Hosts of mailboxes and URIs: `host` is that host alone, `.domain` is every host below, and an empty base all hosts. */
function hostWithin(host: string, base: string): boolean {
  const wanted = asciiLowerCase(base);
  if (wanted === '') return true;
  return wanted.startsWith('.') ? host.endsWith(wanted) && host.length > wanted.length : host === wanted;
}
