/**
 * The names that a CA is for, as people type them: domains, each standing for itself and everything below, and networks.
 * From one such list come the name constraints of root and intermediate (RFC 5280 §4.2.1.10) and the policy's allow-list.
 *
 * @module
 */

import { domainToASCII } from 'node:url';
import { quote } from '@handfast/tls';
import { type ExtensionTemplate, formatIp, parseIp } from '@handfast/x509';
import { parse } from 'tldts';
import { usageError } from '../exit.ts';

export interface NameSpace {
  /** `internal`: itself and everything below. */
  readonly domains: readonly string[];
  /** `10.0.0.0/8` */
  readonly networks: readonly string[];
}

/** Names that no public CA may issue for, and addresses that the Internet does not route. */
export const localNames: NameSpace = {
  domains: ['test', 'localhost', 'internal', 'home.arpa'],
  networks: [
    '127.0.0.0/8',
    '::1/128',
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '169.254.0.0/16',
    'fc00::/7',
    'fe80::/10',
  ],
};

/**
 * `corp.example`, `10.0.0.0/8`, `192.0.2.1`
 * @throws CliError
 */
export function parseNameSpace(option: string, texts: readonly string[]): NameSpace {
  const domains: string[] = [];
  const networks: string[] = [];
  for (const text of texts) {
    const network = parseNetwork(text);
    if (network === undefined) domains.push(parseDomain(option, text));
    else networks.push(network);
  }
  return { domains, networks };
}

/** Each once, in the order of first mention. */
export function joinNames(...spaces: readonly NameSpace[]): NameSpace {
  return {
    domains: [...new Set(spaces.flatMap(({ domains }) => domains))],
    networks: [...new Set(spaces.flatMap(({ networks }) => networks))],
  };
}

/** Constraints for every kind of name that stands in the certificates of people and hosts: what has none is forbidden. */
export function constraintsOf({ domains, networks }: NameSpace): NonNullable<ExtensionTemplate['nameConstraints']> {
  const hosts = domains.flatMap((domain) => [domain, `.${domain}`]);
  return {
    permitted: { dns: domains, ip: networks, email: hosts, uri: hosts },
    // A kind without a permitted subtree would be unconstrained.
    ...(networks.length === 0 && { excluded: { ip: ['0.0.0.0/0', '::/0'] } }),
  };
}

/** `test, localhost and all below; private and loopback addresses, 192.0.2.0/24` */
export function namesText({ domains, networks }: NameSpace): string {
  const allLocal = localNames.networks.every((network) => networks.includes(network));
  const shown = allLocal
    ? ['private and loopback addresses', ...networks.filter((network) => !localNames.networks.includes(network))]
    : networks;
  const parts = [
    ...(domains.length === 0 ? [] : [`${domains.join(', ')} and all below`]),
    ...(shown.length === 0 ? [] : [shown.join(', ')]),
  ];
  return parts.join('; ') || 'nothing';
}

/** A warning, where root and intermediate are confined to no names. */
export const unconstrainedText: string =
  'unconstrained: whoever gets the intermediate’s key can pose as any site to all who trust the root';

/** Suffixes under which strangers register: to be for one of them is to be for the Internet. */
export function publicSuffixes({ domains }: NameSpace): readonly string[] {
  return domains.filter((domain) => {
    if (localNames.domains.includes(domain)) return false;
    const { publicSuffix, isIcann, isPrivate } = parse(domain, { allowPrivateDomains: true });
    return publicSuffix === domain && (isIcann === true || isPrivate === true);
  });
}

/** Whether a host name, an address or a whole network is within. */
export function contains({ domains, networks }: NameSpace, name: string): boolean {
  const [text = '', length] = name.split('/');
  const address = parseIp(text);
  if (address === undefined) {
    const host = name.toLowerCase();
    return domains.some((domain) => host === domain || host.endsWith(`.${domain}`));
  }
  const most = length === undefined ? 8 * address.length : Number(length);
  return networks.some((network) => {
    const [base = '', bits = ''] = network.split('/');
    const bytes = parseIp(base);
    return bytes?.length === address.length && Number(bits) <= most && equalBits(bytes, address, Number(bits));
  });
}

/** What of one is in the other, too. */
export function commonNames(one: NameSpace, other: NameSpace): NameSpace {
  return joinNames(
    keepNames(one, (name) => contains(other, name)),
    keepNames(other, (name) => contains(one, name)),
  );
}

/** Domains and networks that are as wanted. */
export function keepNames({ domains, networks }: NameSpace, wanted: (name: string) => boolean): NameSpace {
  return { domains: domains.filter(wanted), networks: networks.filter(wanted) };
}

/** All of them, as people type them. */
export function listOf({ domains, networks }: NameSpace): readonly string[] {
  return [...domains, ...networks];
}

/** A host name or an address as it stands in a certificate: in lower case, IDNs as A-labels; a wildcard may lead. */
export function hostName(option: string, text: string): string {
  const address = parseIp(text);
  if (address !== undefined) return formatIp(address);
  const wildcard = text.startsWith('*.');
  return `${wildcard ? '*.' : ''}${asciiName(option, wildcard ? text.slice(2) : text, text)}`;
}

function parseDomain(option: string, text: string): string {
  const below = /^\*?\.(?=.)/.exec(text)?.[0] ?? '';
  if (below !== '') {
    throw usageError(
      `${option} ${quote(text)} has a wildcard`,
      `write ${text.slice(below.length)}: it stands for itself and everything below`,
    );
  }
  return asciiName(option, text, text);
}

/** @param given as it was typed, for messages */
function asciiName(option: string, text: string, given: string): string {
  const name = isAscii(text) ? text.toLowerCase() : domainToASCII(text);
  const labels = name.split('.');
  const good =
    name.length <= 253 &&
    labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label)) &&
    !/^\d+$/.test(labels.at(-1) ?? '');
  if (!good) throw usageError(`${option} ${quote(given)} is neither a host name nor an address`, adviceFor(given));
  return name;
}

function isAscii(text: string): boolean {
  return /^[\x21-\x7e]*$/.test(text);
}

function adviceFor(text: string): string | undefined {
  if (text.includes('://')) return 'write the name alone, without https:// and path';
  if (text.includes('@')) return 'a mailbox is given with --email';
  if (/:\d+$/.test(text)) return 'a certificate has no port: write the name alone';
  return undefined;
}

/** An address is a network of one. */
function parseNetwork(text: string): string | undefined {
  const [base = '', length, ...rest] = text.split('/');
  const bytes = parseIp(base);
  if (bytes === undefined) return undefined;
  const most = 8 * bytes.length;
  const bits = length === undefined ? most : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  if (rest.length > 0 || !(bits <= most)) {
    throw usageError(`${quote(text)} is no network`, 'write address/length: 10.0.0.0/8');
  }
  if (!equalBits(bytes, maskedBy(bytes, bits), most)) {
    throw usageError(`${quote(text)} is no network`, `the network is ${formatIp(maskedBy(bytes, bits))}/${bits}`);
  }
  return `${formatIp(bytes)}/${bits}`;
}

export function maskedBy(bytes: Uint8Array, bits: number): Uint8Array {
  return bytes.map((byte, at) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * at))));
}

function equalBits(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  const [left, right] = [maskedBy(a, bits), maskedBy(b, bits)];
  return left.every((byte, at) => byte === right[at]);
}
