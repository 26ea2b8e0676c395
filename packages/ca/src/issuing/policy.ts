/**
 * Which names a CA certifies: an allow-list, and nothing is on it that was not put there. Names are first brought to the one form
 * in which they are compared, kept and signed.
 *
 * What the issuers' own name constraints forbid is found by the rules of paths (`preview.ts`).
 *
 * @module
 */

import { type Bytes, equalBytes } from '@handfast/crypto';
import { escapeText, formatIp, parseIp } from '@handfast/x509';

export interface NamePolicy {
  /** Domains: `example.test` allows itself and every name below; `*` allows every DNS name. */
  readonly domains?: readonly string[];
  /** Whether names under a wildcard are certified, below those domains. */
  readonly wildcards?: boolean;
  /** Networks: `10.0.0.0/8`, `fd00::/8`, or an address. */
  readonly addresses?: readonly string[];
  /** Hosts of mailboxes: `example.com` alone, `.example.com` those below, `*` all. */
  readonly emails?: readonly string[];
}

/** A name in its one form: lower case, addresses as RFC 5952 writes them. */
export interface RequestedName {
  readonly kind: 'dns' | 'ip' | 'email';
  readonly name: string;
}

/** What a name is not, in words: for a refusal. */
export interface NameRefusal {
  readonly code: 'bad_request' | 'not_allowed';
  readonly message: string;
}

export interface CompiledPolicy {
  /** A DNS name, a wildcard or an address. */
  check(name: string): RequestedName | NameRefusal;
  checkEmail(email: string): RequestedName | NameRefusal;
}

interface Network {
  readonly address: Bytes;
  readonly bits: number;
}

/** @throws RangeError for what is no domain, network or host */
export function compilePolicy(policy: NamePolicy): CompiledPolicy {
  const domains = new Set((policy.domains ?? []).map(domainOf));
  const networks = (policy.addresses ?? []).map(networkOf);
  const mailHosts = new Set((policy.emails ?? []).map(mailHostOf));

  const check = (given: string): RequestedName | NameRefusal => {
    const address = parseIp(given);
    if (address !== undefined) {
      const name = formatIp(address);
      return networks.some((network) => inside(address, network))
        ? { kind: 'ip', name }
        : notAllowed(`the address ${name} is in none of the networks that this CA certifies`);
    }
    const name = given.toLowerCase();
    const wildcard = name.startsWith('*.');
    const host = wildcard ? name.slice(2) : name;
    const fault = asciiFault(given) ?? hostFault(host) ?? (wildcard && !host.includes('.') ? wildcardFault : undefined);
    if (fault !== undefined) return badRequest(`${quoted(given)} is no name for a certificate: ${fault}`);
    if (!below(host, domains)) return notAllowed(`${quoted(name)} is in none of the domains that this CA certifies`);
    if (wildcard && policy.wildcards !== true) return notAllowed(`${quoted(name)}: this CA certifies no wildcards`);
    return { kind: 'dns', name };
  };

  const checkEmail = (given: string): RequestedName | NameRefusal => {
    const [local = '', host, ...rest] = given.split('@');
    // RFC 5321 §4.1.2 without quoted strings; the local part is its host's, and kept as it is.
    const name = (host ?? '').toLowerCase();
    const localIsGood = /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}$/.test(local);
    if (!localIsGood || rest.length > 0 || (asciiFault(given) ?? hostFault(name)) !== undefined) {
      return badRequest(`${quoted(given)} is no mailbox`);
    }
    const parent = name.slice(name.indexOf('.') + 1);
    const allowed = mailHosts.has('*') || mailHosts.has(name) || (parent !== name && belowDotted(parent, mailHosts));
    return allowed
      ? { kind: 'email', name: `${local}@${name}` }
      : notAllowed(`${quoted(given)}: ${name} is none of the hosts whose mailboxes this CA certifies`);
  };

  return { check, checkEmail };
}

const wildcardFault = 'a wildcard needs two labels after it (RFC 9525 §6.3)';

/** Asked before anything is folded: some letters beyond ASCII have one of it as their lower case. */
function asciiFault(text: string): string | undefined {
  return /[^\x21-\x7e]/.test(text) ? 'write international names as A-labels (xn--…), without spaces' : undefined;
}

/** Why text in lower case is no host name, as RFC 5280 §4.2.1.6 and BR §7.1.2.7.12 want them; `undefined`: it is one. */
export function hostFault(host: string): string | undefined {
  if (host === '') return 'it is empty';
  if (host.length > 253) return 'it is longer than 253 characters';
  if (host.endsWith('.')) return 'it ends with a dot';
  const labels = host.split('.');
  for (const label of labels) {
    if (!/^[a-z0-9-]{1,63}$/.test(label)) return `${quoted(label)} is no label of 1 to 63 letters, digits and hyphens`;
    if (label.startsWith('-') || label.endsWith('-')) return `the label ${quoted(label)} begins or ends with a hyphen`;
    if (label.startsWith('--', 2) && !label.startsWith('xn--')) return `the label ${quoted(label)} is reserved`;
  }
  // Half of the world's parsers take it for an IPv4 address.
  return /^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '') ? 'its last label is a number' : undefined;
}

function below(host: string, domains: ReadonlySet<string>): boolean {
  if (domains.has('*') || domains.has(host)) return true;
  for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
    if (domains.has(host.slice(dot + 1))) return true;
  }
  return false;
}

/** Whether a host, or one that it is below, stands in the list with a dot in front. */
function belowDotted(host: string, hosts: ReadonlySet<string>): boolean {
  if (hosts.has(`.${host}`)) return true;
  const dot = host.indexOf('.');
  return dot >= 0 && belowDotted(host.slice(dot + 1), hosts);
}

function inside(address: Bytes, { address: base, bits }: Network): boolean {
  if (address.length !== base.length) return false;
  const whole = bits >> 3;
  if (!equalBytes(address.subarray(0, whole), base.subarray(0, whole))) return false;
  const shift = 8 - (bits & 7);
  return shift === 8 || ((address[whole] ?? 0) ^ (base[whole] ?? 0)) >> shift === 0;
}

function domainOf(text: string): string {
  const domain = text.toLowerCase();
  const fault = domain === '*' ? undefined : (asciiFault(text) ?? hostFault(domain));
  if (fault !== undefined) throw new RangeError(`not a domain: ${quoted(text)}: ${fault}`);
  return domain;
}

function mailHostOf(text: string): string {
  const host = text.toLowerCase();
  const fault = host === '*' ? undefined : (asciiFault(text) ?? hostFault(host.startsWith('.') ? host.slice(1) : host));
  if (fault !== undefined) throw new RangeError(`not a host of mailboxes: ${quoted(text)}: ${fault}`);
  return host;
}

function networkOf(text: string): Network {
  const [base = '', length, ...rest] = text.split('/');
  const address = parseIp(base);
  const most = 8 * (address?.length ?? 0);
  const bits = length === undefined ? most : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  if (address === undefined || rest.length > 0 || !(bits <= most)) {
    throw new RangeError(`not a network, as in 10.0.0.0/8: ${quoted(text)}`);
  }
  return { address, bits };
}

function badRequest(message: string): NameRefusal {
  return { code: 'bad_request', message };
}

function notAllowed(message: string): NameRefusal {
  return { code: 'not_allowed', message };
}

/** For messages: escaped and cut, as a requester's text is. */
export function quoted(text: string): string {
  return `"${escapeText(text)}"`;
}
