/**
 * What orders are for: DNS names (RFC 8555 §9.7.7) and IP addresses (RFC 8738), each in one spelling: lower case without a
 * trailing dot, RFC 5952 for IPv6.
 *
 * @module
 */

import { formatIp, parseIp } from '@handfast/x509';
import { malformed, Problem, type ProblemDocument, problemDocument } from './problems.ts';

export interface Identifier {
  readonly type: 'dns' | 'ip';
  readonly value: string;
}

/** An identifier of an order, as authorizations see it: a wildcard is its base, marked (RFC 8555 §7.1.4). */
export interface Subject {
  /** Without `*.`. */
  readonly identifier: Identifier;
  readonly wildcard: boolean;
}

export function orderIdentifier({ identifier, wildcard }: Subject): Identifier {
  return wildcard ? { type: identifier.type, value: `*.${identifier.value}` } : identifier;
}

/** A name in the one spelling, wildcards too; `undefined` for what is no name. */
export function normaliseDns(text: string): string | undefined {
  // Asked before anything is folded: some letters beyond ASCII have one of it as their lower case.
  if (/[^\x21-\x7e]/.test(text)) return undefined;
  const name = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
  const base = name.startsWith('*.') ? name.slice(2) : name;
  if (name.length > 253 || base.length === 0) return undefined;
  const labels = base.split('.');
  if (!labels.every((label) => label.length <= 63 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(label))) return undefined;
  // A last label of digits would be an address to many.
  return /^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '') ? undefined : name;
}

export function normaliseIp(text: string): string | undefined {
  const bytes = parseIp(text);
  return bytes && formatIp(bytes);
}

/**
 * The identifiers of a new order, each once. All that are wrong are said at once, as subproblems.
 *
 * @throws Problem `malformed`, `unsupportedIdentifier`, `rejectedIdentifier`, or `compound` of those
 */
export function parseIdentifiers(value: unknown, limit: number, allows: (name: string) => boolean): readonly Subject[] {
  if (!Array.isArray(value) || value.length === 0) throw malformed('an order names its identifiers');
  if (value.length > limit) throw malformed(`an order has at most ${limit} identifiers`);
  const subjects = new Map<string, Subject>();
  const refused: [type: RefusalType, document: ProblemDocument][] = [];
  for (const entry of value as readonly unknown[]) {
    const outcome = parseIdentifier(entry, allows);
    if (Array.isArray(outcome)) refused.push(outcome);
    else if ('identifier' in outcome) subjects.set(orderIdentifier(outcome).value, outcome);
  }
  const [first, second] = refused;
  if (first === undefined) return [...subjects.values()];
  const alike = refused.every(([type]) => type === first[0]);
  const subproblems = refused.map(([, document]) => document);
  if (second === undefined) throw new Problem(first[0], { detail: first[1].detail, subproblems });
  throw new Problem(alike ? first[0] : 'compound', { subproblems });
}

type RefusalType = 'malformed' | 'unsupportedIdentifier' | 'rejectedIdentifier';
type Refusal = [type: RefusalType, document: ProblemDocument];

function parseIdentifier(entry: unknown, allows: (name: string) => boolean): Subject | Refusal {
  const { type, value } = fieldsOf(entry);
  if (typeof type !== 'string' || typeof value !== 'string')
    return refusal('malformed', 'an identifier has a type and a value');
  if (type !== 'dns' && type !== 'ip') return refusal('unsupportedIdentifier');
  const normal = type === 'dns' ? normaliseDns(value) : normaliseIp(value);
  if (normal === undefined) {
    // What is repeated to the client is cut.
    return refusal('malformed', `this is no ${type === 'dns' ? 'DNS name' : 'IP address'}`, {
      type,
      value: value.slice(0, 256),
    });
  }
  if (!allows(normal)) return refusal('rejectedIdentifier', undefined, { type, value: normal });
  const wildcard = normal.startsWith('*.');
  return { identifier: { type, value: wildcard ? normal.slice(2) : normal }, wildcard };
}

function fieldsOf(entry: unknown): { readonly type?: unknown; readonly value?: unknown } {
  return typeof entry === 'object' && entry !== null ? entry : {};
}

function refusal(type: RefusalType, detail?: string, identifier?: Identifier): Refusal {
  return [type, problemDocument(type, detail, identifier)];
}
