/**
 * The name constraints of a CA's certificate (RFC 5280 §4.2.1.10), as the names that people type: which are permitted, and, where
 * they are of the form that `names.ts` writes, all that the CA is confined to.
 *
 * @module
 */

import { quote } from '@handfast/tls';
import { type Certificate, formatIp, type GeneralName, type NameConstraints, parseIp } from '@handfast/x509';
import { usageError } from '../exit.ts';
import { constraintsOf, keepNames, maskedBy, type NameSpace } from './names.ts';

/** Those names that a CA may not certify. */
export function beyond({ nameConstraints }: Certificate, names: NameSpace): NameSpace {
  if (nameConstraints === undefined) return { domains: [], networks: [] };
  return keepNames(names, (name) =>
    name.includes('/') ? !permitsNetwork(nameConstraints, name) : !permitsDomain(nameConstraints, name),
  );
}

/**
 * What a CA is confined to; `undefined`: to nothing.
 *
 * @throws CliError for constraints that say more, or less, than a list of names
 */
export function namesOf({ nameConstraints, subject }: Certificate): NameSpace | undefined {
  if (nameConstraints === undefined) return undefined;
  const names = listedIn(nameConstraints);
  if (names !== undefined) return names;
  throw usageError(
    `the name constraints of ${quote(subject.toString())} are not such as handfast writes: what would be added to them?`,
    '--confine-to NAMES puts a list of names in their place',
  );
}

/** Whether they are nothing but a list of names, as handfast writes it. */
export function areList(nameConstraints: NameConstraints): boolean {
  return listedIn(nameConstraints) !== undefined;
}

function listedIn({ permitted, excluded }: NameConstraints): NameSpace | undefined {
  const domains = permitted.flatMap((name) => (name.kind === 'dns' ? [name.text] : []));
  const networks = permitted.flatMap((name) => (name.kind === 'ip' ? [networkText(name.bytes)] : []));
  const written = constraintsOf({ domains, networks });
  return same(permitted, written.permitted) && same(excluded, written.excluded) ? { domains, networks } : undefined;
}

type Subtrees = ReturnType<typeof constraintsOf>['permitted'];

function same(names: readonly GeneralName[], { dns = [], ip = [], email = [], uri = [] }: Subtrees = {}): boolean {
  const texts = { dns, ip, email, uri };
  const wanted = Object.entries(texts).flatMap(([kind, all]) => all.map((text) => `${kind} ${text}`));
  return names.map(describe).toSorted().join('\n') === wanted.toSorted().join('\n');
}

function describe(name: GeneralName): string {
  if ('text' in name) return `${name.kind} ${name.text}`;
  return name.kind === 'ip' ? `ip ${networkText(name.bytes)}` : name.kind;
}

/** Of address and mask. */
function networkText(bytes: Uint8Array): string {
  const half = bytes.length / 2;
  return `${formatIp(bytes.subarray(0, half))}/${bitsOf(bytes.subarray(half))}`;
}

/** All that is at and below a domain; of what is excluded nothing. */
function permitsDomain({ permitted, excluded }: NameConstraints, domain: string): boolean {
  const bases = (names: NameConstraints['permitted']): readonly string[] =>
    names.flatMap((name) => (name.kind === 'dns' ? [name.text.toLowerCase()] : []));
  const within = (base: string): boolean => base === '' || domain === base || domain.endsWith(`.${base}`);
  const touches = (base: string): boolean => within(base) || base.endsWith(`.${domain}`);
  const [inside, outside] = [bases(permitted), bases(excluded)];
  return (inside.length === 0 || inside.some(within)) && !outside.some(touches);
}

function permitsNetwork({ permitted, excluded }: NameConstraints, network: string): boolean {
  const [text = '', bits = ''] = network.split('/');
  const address = parseIp(text);
  if (address === undefined) return false;
  const bases = (names: NameConstraints['permitted']) =>
    names.flatMap((name) => (name.kind === 'ip' && name.bytes.length === 2 * address.length ? [name.bytes] : []));
  const holds = (base: Uint8Array, length: number): boolean => {
    const [start, mask] = [base.subarray(0, address.length), base.subarray(address.length)];
    return bitsOf(mask) <= length && maskedBy(address, bitsOf(mask)).every((byte, at) => byte === start[at]);
  };
  const touches = (base: Uint8Array): boolean => {
    const length = bitsOf(base.subarray(address.length));
    const shorter = Math.min(length, Number(bits));
    const start = maskedBy(base.subarray(0, address.length), shorter);
    return maskedBy(address, shorter).every((byte, at) => byte === start[at]);
  };
  const ofKind = permitted.some(({ kind }) => kind === 'ip');
  return (!ofKind || bases(permitted).some((base) => holds(base, Number(bits)))) && !bases(excluded).some(touches);
}

function bitsOf(mask: Uint8Array): number {
  return mask.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
}
