/**
 * DNS names: which text is one, and whether a name that a certificate presents covers the one that was asked for
 * (RFC 9525 §6). A wildcard is the whole left-most label, stands for exactly one label, and needs two labels after it.
 * Comparison is of ASCII without case; international names are compared as A-labels. The subject's common name is never
 * read.
 *
 * @module
 */

import { asciiLowerCase } from '../text.ts';

/** A name to look for: lower case, without its trailing dot. `undefined` for what is no host name. */
export function normaliseDnsName(text: string): string | undefined {
  const name = asciiLowerCase(text.endsWith('.') ? text.slice(0, -1) : text);
  return isDnsName(name) ? name : undefined;
}

/**
 * Whether text is a host name as names in certificates are: labels of letters, digits, hyphens and (found in practice)
 * underscores. One whose last label is a number is an IPv4 address to half of the world's parsers, so it is none.
 */
export function isDnsName(text: string): boolean {
  if (text.length === 0 || text.length > 253) return false;
  let start = 0;
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : dotCode;
    if (code === dotCode) {
      if (!isLabel(text, start, at)) return false;
      start = at + 1;
    } else if (!isLabelCode(code)) {
      return false;
    }
  }
  const last = text.lastIndexOf('.') + 1;
  return !isDigitCode(text.charCodeAt(last)) || !/^(\d+|0x[0-9a-fA-F]*)$/.test(text.slice(last));
}

const dotCode = 0x2e;
const hyphenCode = 0x2d;

/** From `start` to `end`: 1 to 63 characters, of which the first and the last are no hyphens. */
function isLabel(text: string, start: number, end: number): boolean {
  return (
    end > start && end - start <= 63 && text.charCodeAt(start) !== hyphenCode && text.charCodeAt(end - 1) !== hyphenCode
  );
}

function isDigitCode(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** ASCII letters, digits, hyphen and underscore. */
function isLabelCode(code: number): boolean {
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || isDigitCode(code) || code === hyphenCode || code === 0x5f;
}

/** A presented name: a host name, or one under a wildcard as its whole left-most label. */
export function isPresentedDnsName(text: string): boolean {
  return isDnsName(text.startsWith('*.') ? text.slice(2) : text);
}

/** Whether `presented` (from a subjectAltName) covers `reference` (normalised). */
export function dnsNameMatches(
  presented: string,
  reference: string,
  isPublicSuffix?: ((name: string) => boolean) | undefined,
): boolean {
  const name = asciiLowerCase(presented);
  if (!name.startsWith('*.')) return name === reference;
  const base = name.slice(2);
  const dot = reference.indexOf('.');
  if (dot <= 0 || reference.slice(dot + 1) !== base) return false;
  // `*.com` would cover what nobody can own; so would `*.co.uk`, but only a list knows that.
  return base.includes('.') && isPublicSuffix?.(base) !== true;
}
