/**
 * Whether a certificate is for the name that the application asked for (RFC 9525 §6): DNS names against DNS names, IP
 * addresses octet by octet, mailboxes against mailboxes, URIs by scheme and host, and nothing else of the certificate.
 * The subject's common name is never read.
 *
 * @module
 */

import { type Bytes, equalBytes } from '@handfast/crypto';
import type { Certificate } from '../certificate.ts';
import { asciiLowerCase } from '../text.ts';
import { dnsNameMatches, normaliseDnsName } from './dns.ts';
import { formatIp, parseIp } from './ip.ts';
import { parseMailbox, uriParts } from './text-forms.ts';

/**
 * What a certificate shall be for. A string is a host name, or an IP literal (in brackets or not); the objects say which
 * form it is. A host in another script than ASCII takes `NameOptions.toAscii`; without it, it must come as A-labels
 * (`xn--…`).
 */
export type NameReference =
  | string
  | { readonly dns: string }
  | { readonly ip: string }
  | { readonly email: string }
  | { readonly uri: string };

/** A reference, read once. */
type Wanted =
  | { readonly kind: 'dns'; readonly host: string }
  | { readonly kind: 'ip'; readonly address: Bytes }
  | { readonly kind: 'email'; readonly local: string; readonly host: string }
  | { readonly kind: 'uri'; readonly scheme: string; readonly host: string };

/** What is known about names in general, and takes larger tables than this package carries. */
export interface NameOptions {
  /**
   * Whether a name, such as `co.uk`, is one under which strangers register theirs: a wildcard directly below covers
   * nothing. Without the function, a wildcard needs two labels below it.
   *
   * @param name lower case, A-labels, no trailing dot
   */
  readonly isPublicSuffix?: ((name: string) => boolean) | undefined;
  /**
   * The A-labels of a host name that is not ASCII (UTS #46, not transitional), or `undefined` where it has none. A
   * function over tables of Unicode: that of `@handfast/x509/idna`, say.
   */
  readonly toAscii?: ((name: string) => string | undefined) | undefined;
}

/**
 * Whether the certificate's subjectAltName covers `name`. What is no name at all is covered by nothing.
 *
 * @throws CertificateError `malformed` where the subjectAltName does not decode
 *
 * @example
 * ```ts
 * matchesName(certificate, { email: 'alice@example.com' });
 * ```
 */
export function matchesName(certificate: Certificate, name: NameReference, options: NameOptions = {}): boolean {
  const names = certificate.subjectAltName;
  const wanted = names === undefined ? undefined : wantedName(name, options);
  if (names === undefined || wanted === undefined) return false;
  switch (wanted.kind) {
    case 'dns':
      return names.dnsNames.some((presented) => dnsNameMatches(presented, wanted.host, options.isPublicSuffix));
    case 'ip':
      return names.ipAddresses.some((presented) => equalBytes(presented, wanted.address));
    case 'email':
      return names.emails.some((presented) => sameMailbox(presented, wanted));
    case 'uri':
      return names.uris.some((presented) => sameService(presented, wanted));
  }
}

/** `matchesName` for a host name or an IP literal, as the application gave it. */
export function matchesHostname(certificate: Certificate, name: string): boolean {
  return matchesName(certificate, name);
}

/** The text of a reference, for messages. Not escaped. */
export function referenceText(name: NameReference): string {
  if (typeof name === 'string') return name;
  if ('dns' in name) return name.dns;
  if ('ip' in name) return name.ip;
  return 'email' in name ? name.email : name.uri;
}

/** The names that `name` was compared with, or could have been, as text, for people. Not escaped. */
export function presentedNames(certificate: Certificate, name: NameReference): readonly string[] {
  const names = certificate.subjectAltName;
  if (names === undefined) return [];
  if (typeof name !== 'string' && 'email' in name) return names.emails;
  if (typeof name !== 'string' && 'uri' in name) return names.uris;
  // A DNS name that reads as an address matches nothing, and the reader of a message should see why.
  const dnsNames = names.dnsNames.map((text) => (parseIp(text) === undefined ? text : `${text} (as a DNS name)`));
  const addresses = names.ipAddresses.filter(({ length }) => length === 4 || length === 16).map(formatIp);
  return [...dnsNames, ...addresses];
}

function wantedName(name: NameReference, options: NameOptions): Wanted | undefined {
  if (typeof name === 'string') return wantedAddress(name) ?? wantedHost(name, options);
  if ('dns' in name) return wantedHost(name.dns, options);
  if ('ip' in name) return wantedAddress(name.ip);
  return 'email' in name ? wantedMailbox(name.email, options) : wantedService(name.uri, options);
}

function wantedAddress(text: string): Wanted | undefined {
  const address = parseIp(text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text);
  return address === undefined ? undefined : { kind: 'ip', address };
}

function wantedHost(text: string, options: NameOptions): Wanted | undefined {
  const host = hostOf(text, options);
  return host === undefined ? undefined : { kind: 'dns', host };
}

function wantedMailbox(text: string, options: NameOptions): Wanted | undefined {
  const at = text.lastIndexOf('@');
  const host = at < 0 ? undefined : hostOf(text.slice(at + 1), options);
  const mailbox = host === undefined ? undefined : parseMailbox(`${text.slice(0, at)}@${host}`);
  return mailbox === undefined ? undefined : { kind: 'email', ...mailbox };
}

function wantedService(text: string, options: NameOptions): Wanted | undefined {
  const parts = uriParts(text);
  const host = parts === undefined ? undefined : hostOf(parts.host, options);
  return parts === undefined || host === undefined ? undefined : { kind: 'uri', scheme: parts.scheme, host };
}

function hostOf(text: string, { toAscii }: NameOptions): string | undefined {
  const name = isAscii(text) ? text : toAscii?.(text);
  return name === undefined ? undefined : normaliseDnsName(name);
}

/** Whether nothing in `text` needs converting. */
export function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

/** RFC 5280 §7.5: the local part character for character, the host without case. */
function sameMailbox(presented: string, wanted: { readonly local: string; readonly host: string }): boolean {
  const mailbox = parseMailbox(presented);
  return mailbox !== undefined && mailbox.local === wanted.local && mailbox.host === wanted.host;
}

/** RFC 9525 §6.2: the application service is the scheme; wildcards are for DNS names alone. */
function sameService(presented: string, wanted: { readonly scheme: string; readonly host: string }): boolean {
  const parts = uriParts(presented);
  return parts !== undefined && parts.scheme === wanted.scheme && asciiLowerCase(parts.host) === wanted.host;
}
