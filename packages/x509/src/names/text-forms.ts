/**
 * Mailboxes and URIs as certificates have them: just enough of their grammar to find the host in each, and nothing that
 * two readers could understand differently. By hand: these are a stranger's strings.
 *
 * @module
 */

import { asciiLowerCase } from '../text.ts';
import { isDnsName } from './dns.ts';

export interface Mailbox {
  /** As it stood: case matters (RFC 5280 §7.5). */
  readonly local: string;
  /** Lower case. */
  readonly host: string;
}

/** `local@host` (RFC 5321 §4.1.2). Quoted local parts and address literals are none: nobody compares them alike. */
export function parseMailbox(text: string): Mailbox | undefined {
  const at = text.indexOf('@');
  if (at <= 0 || at !== text.lastIndexOf('@')) return undefined;
  const local = text.slice(0, at);
  const host = text.slice(at + 1);
  if (!isDotString(local) || !isDnsName(host)) return undefined;
  return { local, host: asciiLowerCase(host) };
}

/** RFC 5321's Dot-string of RFC 5322's atext, in ASCII. */
function isDotString(text: string): boolean {
  return text.length <= 64 && text.split('.').every((atom) => /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+$/.test(atom));
}

export interface UriParts {
  /** Lower case, without its colon. */
  readonly scheme: string;
  /** As it stood: a registered name, an IPv4 address, or an IP literal in its brackets. */
  readonly host: string;
  /** Whether the host stands behind `//`, as the authority that RFC 5280 §4.2.1.10 speaks of. */
  readonly hasAuthority: boolean;
}

/**
 * Scheme and host of an absolute URI (RFC 3986 §3), also of one without `//`, such as `sip:example.com`; `undefined`
 * where it has none of them, or an ambiguous one.
 */
export function uriParts(uri: string): UriParts | undefined {
  const colon = uri.indexOf(':');
  const scheme = asciiLowerCase(uri.slice(0, Math.max(colon, 0)));
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) return undefined;
  const rest = uri.slice(colon + 1);
  const hasAuthority = rest.startsWith('//');
  const authority = hasAuthority ? rest.slice(2) : rest;
  const end = authority.search(/[/?#;]/);
  const whole = end < 0 ? authority : authority.slice(0, end);
  // A second @ or a backslash is where parsers part ways.
  if (whole.includes('\\') || whole.indexOf('@') !== whole.lastIndexOf('@')) return undefined;
  const hostAndPort = whole.slice(whole.indexOf('@') + 1);
  const portAt = hostAndPort.startsWith('[') ? hostAndPort.indexOf(']') + 1 : hostAndPort.indexOf(':');
  const host = portAt < 0 ? hostAndPort : hostAndPort.slice(0, portAt);
  const port = portAt < 0 ? '' : hostAndPort.slice(portAt);
  if (host === '' || !/^(:\d{0,5})?$/.test(port)) return undefined;
  return { scheme, host, hasAuthority };
}
