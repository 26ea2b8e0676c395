/**
 * `checkServerIdentity()`: whether a certificate, in the form of `getPeerCertificate()`, is for a host. Verdicts, words and
 * code are those of `node:tls` (Node 24), so that programs which call it, wrap it or compare with it go on working.
 *
 * The rules are RFC 9525's with what Node keeps beside: the common name counts where there is no DNS name at all, `*` may
 * be a part of the first label, and a host name is first made ASCII as URLs do it. That is laxer than what this package's
 * own verification asks (`@handfast/x509`, `names/match.ts`), which looks at no common name.
 *
 * @module
 */

import { isIP, SocketAddress } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import { domainToASCII } from 'node:url';

/** Of a certificate, what the question needs. */
type Named = Pick<PeerCertificate, 'subjectaltname'> & {
  readonly subject?: { readonly CN?: string | readonly string[] };
};

/** That a certificate is for somebody else: Node's `ERR_TLS_CERT_ALTNAME_INVALID`. */
export class AltNameError extends Error {
  readonly code = 'ERR_TLS_CERT_ALTNAME_INVALID';
  /** Which names were compared. */
  readonly reason: string;
  /** The name that was asked for, without a final dot. */
  readonly host: string;
  readonly cert: Partial<PeerCertificate>;

  constructor(reason: string, host: string, cert: Partial<PeerCertificate>) {
    super(`Hostname/IP does not match certificate's altnames: ${reason}`);
    this.reason = reason;
    this.host = host;
    this.cert = cert;
  }

  override toString(): string {
    return `Error [${this.code}]: ${this.message}`;
  }
}

/** That `subjectaltname` is no text that Node writes. */
class AltNameFormatError extends SyntaxError {
  readonly code = 'ERR_TLS_CERT_ALTNAME_FORMAT';

  constructor() {
    super('Invalid subject alternative name string');
  }

  override toString(): string {
    return `SyntaxError [${this.code}]: ${this.message}`;
  }
}

/**
 * Whether a certificate is for a host.
 *
 * @param hostname a host name or an IP address, with or without a final dot.
 * @param cert as `getPeerCertificate()` answers it; `subjectaltname` and `subject.CN` are looked at.
 * @returns undefined where it is; else an Error with `code` `ERR_TLS_CERT_ALTNAME_INVALID`, `reason`, `host` and `cert`.
 * @throws SyntaxError `ERR_TLS_CERT_ALTNAME_FORMAT` for a `subjectaltname` with a quotation mark that nothing closes.
 *
 * @example
 * ```ts
 * const error = checkServerIdentity('db.internal', socket.getPeerCertificate());
 * if (error !== undefined) socket.destroy(error);
 * ```
 */
export function checkServerIdentity(hostname: string, cert: Partial<PeerCertificate>): AltNameError | undefined {
  const { subject, subjectaltname }: Named = cert;
  const host = withoutFinalDot(`${hostname}`);
  const altNames = subjectaltname ? splitAltNames(subjectaltname) : [];
  const addresses = altNames.flatMap((name) => (name.startsWith('IP Address:') ? canonical(name.slice(11)) : []));
  const dnsNames = altNames.flatMap((name) => (name.startsWith('DNS:') ? name.slice(4) : []));

  if (isIP(host) !== 0) {
    if (addresses.includes(canonical(host))) return undefined;
    return new AltNameError(`IP: ${host} is not in the cert's list: ${addresses.join(', ')}`, host, cert);
  }
  const commonName = subject?.CN;
  if (dnsNames.length === 0 && !commonName) return new AltNameError('Cert does not contain a DNS name', host, cert);

  const labels = labelsOf(withoutFinalDot(domainToASCII(`${hostname}`)));
  const names = dnsNames.length > 0 ? dnsNames : typeof commonName === 'string' ? [commonName] : (commonName ?? []);
  if (names.some((name) => covers(labels, name))) return undefined;
  const reason =
    dnsNames.length > 0
      ? `Host: ${host}. is not in the cert's altnames: ${subjectaltname}`
      : `Host: ${host}. is not cert's CN: ${commonName}`;
  return new AltNameError(reason, host, cert);
}

/**
 * Whether a name of a certificate is the host's: label by label, and in the first one, `*` stands for any characters. Not in
 * names of two labels, and not in those in Punycode.
 */
function covers([first = '', ...parents]: readonly string[], name: string): boolean {
  const [pattern = '', ...above] = labelsOf(name);
  if (name === '' || parents.length !== above.length) return false;
  if (parents.some((label, index) => label !== above[index] || !isPrintable(label))) return false;
  if (!isPrintable(pattern)) return false;
  const [prefix = '', suffix, ...more] = pattern.split('*');
  if (suffix === undefined || pattern.includes('xn--')) return first === pattern;
  if (more.length > 0 || above.length < 2) return false;
  return first.length >= prefix.length + suffix.length && first.startsWith(prefix) && first.endsWith(suffix);
}

/** Not empty, and of ASCII without blanks. */
function isPrintable(label: string): boolean {
  return /^[!-\x7f]+$/.test(label);
}

/** The labels of a name, with ASCII letters small: others are not folded, as nothing may become ASCII by it. */
function labelsOf(name: string): readonly string[] {
  return withoutFinalDot(name)
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    .split('.');
}

function withoutFinalDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

/** An address as Node prints it, without a zone; empty for what is none. */
function canonical(text: string): string {
  const family = isIP(text);
  return family === 0 ? '' : new SocketAddress({ address: text, family: family === 6 ? 'ipv6' : 'ipv4' }).address;
}

/** A string as JSON writes it; a comma, which ends a name, with the blank behind it; anything else. */
const altNameTokens = /("(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(,[\s\S]?)|[^",]+/y;

/**
 * The names of `subjectaltname`. One with characters that could pass for the end of a name stands in quotation marks
 * (CVE-2021-44532).
 */
function splitAltNames(text: string): readonly string[] {
  if (!text.includes('"')) return text.split(', ');
  const names: string[] = [];
  let name = '';
  altNameTokens.lastIndex = 0;
  while (altNameTokens.lastIndex < text.length) {
    const token = altNameTokens.exec(text);
    if (token === null) throw new AltNameFormatError();
    const [characters, quoted, separator] = token;
    if (separator !== undefined) {
      names.push(name);
      name = '';
    } else {
      name += quoted === undefined ? characters : unquoted(quoted);
    }
  }
  return [...names, name];
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

function unquoted(text: string): string {
  return text.slice(1, -1).replace(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_, digits: string | undefined, plain: string) => {
    return digits === undefined ? (escapes.get(plain) ?? plain) : String.fromCharCode(Number.parseInt(digits, 16));
  });
}
