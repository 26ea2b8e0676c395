/**
 * Trusted certificates as the text of a module: `@handfast/roots` is one, and `trust export --format module` writes others.
 *
 * Each certificate is a constant of its own and all of them are a list, so that a bundler keeps only those that are imported. They
 * are PEM (RFC 7468) with the base64 in one line, which compresses best of the forms that are text and need no code to be read;
 * a constant that is a call would stay in a bundle unless every bundler knew the call to be pure.
 *
 * @module
 */

import { nodeProvider } from '@handfast/crypto/node';
import { type Certificate, escapeText, fingerprintOf } from '@handfast/x509';

/** Where certificates come from, and when. */
export interface Edition {
  /** `2026-11-22` */
  readonly date: string;
  /** `Node.js 24.21.0` */
  readonly source: string;
}

export interface ModuleOptions {
  readonly edition: Edition;
  /** Lines of the head comment. */
  readonly heading: readonly string[];
  /** With types; else JavaScript. */
  readonly types: boolean;
}

/** The module, in the order of the constants' names. */
export function trustModule(certificates: readonly Certificate[], { edition, heading, types }: ModuleOptions): string {
  const roots = named(certificates);
  const annotated = (name: string, type: string): string => (types ? `${name}: ${type}` : name);
  return [
    '/**',
    ...heading.map((line) => (line === '' ? ' *' : ` * ${inComment(line)}`)),
    ' */',
    '',
    '/** When these certificates were taken, and from where. */',
    `export const ${annotated('edition', '{ readonly date: string; readonly source: string }')} = {`,
    `  date: ${literal(edition.date)},`,
    `  source: ${literal(edition.source)},`,
    '};',
    '',
    ...roots.flatMap(({ name, certificate }) => [
      `/** ${inComment(summaryOf(certificate))} */`,
      `export const ${annotated(name, 'string')} =`,
      `  ${literal(onePem(certificate))};`,
      '',
    ]),
    '/** All of them. */',
    `export const ${annotated('roots', 'readonly string[]')} = [`,
    ...roots.map(({ name }) => `  ${name},`),
    '];',
    '',
  ].join('\n');
}

/** PEM in three lines. */
export function onePem({ raw }: Certificate): string {
  return `-----BEGIN CERTIFICATE-----\n${Buffer.from(raw).toString('base64')}\n-----END CERTIFICATE-----\n`;
}

/** `CN=ISRG Root X1,O=…; until 2035-06-04; SHA-256 96:BC:…` */
export function summaryOf(certificate: Certificate): string {
  const until = certificate.notAfter.toISOString().slice(0, 10);
  const subject = escapeText(certificate.subject.toString());
  return `${subject}; until ${until}; SHA-256 ${fingerprintOf(nodeProvider, certificate)}`;
}

interface Named {
  readonly name: string;
  readonly certificate: Certificate;
}

/** By name; where several have the same one, the later to begin is the second. */
function named(certificates: readonly Certificate[]): readonly Named[] {
  const byName = Map.groupBy(certificates, constantOf);
  return [...byName]
    .flatMap(([name, group]) =>
      group
        .toSorted((a, b) => a.notBefore.getTime() - b.notBefore.getTime() || Buffer.compare(a.raw, b.raw))
        .map((certificate, index) => ({ name: index === 0 ? name : `${name}No${index + 1}`, certificate })),
    )
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** `isrgRootX1`. Two words at least, as what the language reserves has one, and `roots` and `edition` have one, too. */
export function constantOf(certificate: Certificate): string {
  const words = nameOf(certificate)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '');
  const [first = '', ...rest] = words.map((word) => (isCapital(word) ? word.toLowerCase() : word));
  const name = rest.reduce(joined, uncapitalized(first));
  if (name === '' || /^\d/.test(name)) return `root${capitalized(name)}`;
  return rest.length === 0 ? `${name}Root` : name;
}

/** The common name, unless it says no more than whose it is: then what stands beside it. */
function nameOf({ subject }: Certificate): string {
  const attribute = (type: string): string | undefined =>
    subject.rdns.flat().findLast((one) => one.type === type)?.text;
  const [organization, unit] = [attribute('2.5.4.10'), attribute('2.5.4.11')];
  const { commonName } = subject;
  return (commonName === organization ? unit : undefined) ?? commonName ?? unit ?? organization ?? '';
}

/** As acronyms are written, with or without digits: `ISRG`, `X1`. */
function isCapital(word: string): boolean {
  return !/[a-z]/.test(word);
}

/** `Root CA 1 2020` must not become `rootCa12020`. */
function joined(name: string, word: string): string {
  return /\d$/.test(name) && /^\d/.test(word) ? `${name}_${word}` : name + capitalized(word);
}

function capitalized(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

/** `DigiCert` begins with one capital letter, `USERTrust` with four. */
function uncapitalized(word: string): string {
  return word.replace(/^[A-Z]+(?=[A-Z][a-z])|^[A-Z]/, (capitals) => capitals.toLowerCase());
}

/** A string of JavaScript; of what is escaped, `JSON` and JavaScript agree on everything but the quotes. */
function literal(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

/** What certificates say must not end the comment that it stands in. */
function inComment(text: string): string {
  return text.replaceAll('*/', '*\\/').replaceAll(/[\r\n\u2028\u2029]/g, ' ');
}
