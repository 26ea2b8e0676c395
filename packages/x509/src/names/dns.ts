/**
 * DNS names: which text is one, and whether a name that a certificate presents covers the one that was asked for
 * (RFC 9525 §6). A wildcard is the whole left-most label, stands for exactly one label, and needs two labels after it.
 * Comparison is of ASCII without case; international names are compared as A-labels. The subject's common name is never
 * read.
 *
 * @module
 */

/** A name to look for: lower case, without its trailing dot. `undefined` for what is no host name. */
export function normaliseDnsName(text: string): string | undefined {
  const name = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
  return isDnsName(name) ? name : undefined;
}

/**
 * Whether text is a host name as names in certificates are: labels of letters, digits, hyphens and (found in practice)
 * underscores. One whose last label is a number is an IPv4 address to half of the world's parsers, so it is none.
 */
export function isDnsName(text: string): boolean {
  if (text.length === 0 || text.length > 253) return false;
  const labels = text.split('.');
  const last = labels.at(-1) ?? '';
  return labels.every(isLabel) && !/^(\d+|0x[0-9a-f]*)$/i.test(last);
}

/** A presented name: a host name, or one under a wildcard as its whole left-most label. */
export function isPresentedDnsName(text: string): boolean {
  return isDnsName(text.startsWith('*.') ? text.slice(2) : text);
}

/** Whether `presented` (from a subjectAltName) covers `reference` (normalised). */
export function dnsNameMatches(presented: string, reference: string): boolean {
  const name = presented.toLowerCase();
  if (!name.startsWith('*.')) return name === reference;
  const base = name.slice(2);
  // `*.com` and `*` would cover what nobody can own.
  if (!base.includes('.') || !isDnsName(base)) return false;
  const dot = reference.indexOf('.');
  return dot > 0 && reference.slice(dot + 1) === base;
}

function isLabel(label: string): boolean {
  return label.length <= 63 && /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/i.test(label);
}
