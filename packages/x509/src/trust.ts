/**
 * Trust anchors. A store is readonly and looked up by subject; an empty one trusts nobody. Every certificate in it is an
 * anchor, self-signed or not: an intermediate ends paths there, and a server's own certificate is trusted as itself;
 * `roots-only.ts` has it otherwise.
 *
 * Loading parses nothing: what is given is indexed by a key of its subject (`trust-index.ts`), and an anchor is parsed
 * when a path first asks for its name. One that cannot be parsed is left out and reported, and takes nobody else's trust
 * away.
 *
 * @module
 */

import { type Bytes, copyBytes, type Settling } from '@handfast/crypto';
import { type Certificate, parseCertificate, parseCertificates, sameCertificate } from './certificate.ts';
import { looksLikePem } from './der/pem.ts';
import { CertificateError, malformed } from './errors.ts';
import { type DirectoryName, sameName } from './names/directory.ts';
import { type VerifiedPath, type VerifyOptions, verify } from './path/build.ts';
import { quote } from './text.ts';
import {
  nameKey,
  type PemSource,
  type PemSpan,
  partOf,
  pemSpans,
  subjectKeyOfDer,
  subjectKeyOfPem,
} from './trust-index.ts';
import type { AnchorLimits, TrustAnchor } from './trust-limits.ts';

export interface TrustStore {
  /**
   * How many different anchors were given. Parses nothing, so it counts also those that turn out not to parse.
   */
  readonly size: number;
  /** All anchors, in the order given; parsed when this is first asked for. */
  readonly anchors: readonly Certificate[];
  /** What was given and is no anchor, and why. Parses every anchor when it is first asked for. */
  readonly skipped: readonly SkippedAnchor[];
  /** The anchors whose subject is `name`. Parses those, and keeps them. */
  bySubject(name: DirectoryName): readonly Certificate[];
  /** Whether exactly this certificate is an anchor. */
  has(certificate: Certificate): boolean;
  /** Certificates with this subject that are no anchors, and may stand in the middle of a path. Absent: there are none. */
  helpersBySubject?(name: DirectoryName): readonly Certificate[];
  /** What an anchor's trust is limited to; empty for one without limits. All of them apply. */
  limitsOf(anchor: Certificate): readonly AnchorLimits[];
  /**
   * Verifies a certificate by a path to one of the anchors, as `verifyCertificate` does. Verification comes with the store: what
   * is given none has none of its code in a bundle.
   */
  verify(options: Omit<VerifyOptions, 'trust'>): Settling<VerifiedPath>;
}

/** An anchor that could not be read. */
export interface SkippedAnchor {
  /** Which of the inputs it was in, from 0. */
  readonly input: number;
  /** What that input is called, where `sources` says so: a file's path. */
  readonly source: string | undefined;
  /** Which certificate of that input, from 0. */
  readonly index: number;
  readonly error: CertificateError;
}

/**
 * A certificate, one with limits (`anchor()`), the DER of one, or PEM with any number of them; or why there is none, which
 * goes to `skipped`.
 */
export type TrustInput = Certificate | TrustAnchor | string | Uint8Array | CertificateError;

export interface TrustOptions {
  /** What the inputs are called, in their order: the paths of files. */
  readonly sources?: readonly string[];
}

/**
 * A store of these anchors; the same certificate twice is one. Bytes that are no certificate are never fatal: they are in
 * `skipped`.
 *
 * @throws RangeError for an input that is no certificate, text or bytes at all
 *
 * @example
 * ```ts
 * const trust = trustStore(await readFile('roots.pem', 'utf8'));
 * for (const { index, error } of trust.skipped) console.warn(`root ${index}: ${error.message}`);
 * ```
 */
export function trustStore(input: TrustInput | Iterable<TrustInput>, options: TrustOptions = {}): TrustStore {
  const inputs: Iterable<TrustInput> = isInput(input) ? [input] : input;
  const index = new Index();
  let position = 0;
  for (const item of inputs) {
    addTo(index, item, position);
    position++;
  }
  return Object.freeze(new IndexedStore(index, options.sources ?? []));
}

function isInput(input: TrustInput | Iterable<TrustInput>): input is TrustInput {
  if (typeof input === 'string' || input instanceof Uint8Array) return true;
  if (typeof input !== 'object' || input === null) throw new RangeError('trust is no certificate, text or bytes');
  return !(Symbol.iterator in input);
}

/** Entries by the key of their subject, each content once. */
class Index {
  readonly entries: Entry[] = [];
  readonly byKey = new Map<number, Entry[]>();
  readonly rejected: Entry[] = [];

  add(entry: Entry): void {
    const { key } = entry;
    if (key === undefined) {
      this.rejected.push(entry);
      return;
    }
    const same = this.byKey.get(key);
    const known = same?.find((other) => sameContent(entry, other));
    if (known !== undefined) {
      known.limits.push(...entry.limits);
      return;
    }
    this.entries.push(entry);
    if (same === undefined) this.byKey.set(key, [entry]);
    else same.push(entry);
  }
}

/** Whether two entries of one key are the same bytes. Blocks in lines of the same length need no decoding for that. */
function sameContent(a: Entry, b: Entry): boolean {
  if ('text' in a.source && 'text' in b.source) {
    if (sameLines(a.source.span, b.source.span)) return bodyOf(a.source) === bodyOf(b.source);
    if (blockOf(a.source) === blockOf(b.source)) return true;
  }
  const [one, other] = [a.certificate, b.certificate];
  return one !== undefined && other !== undefined && sameCertificate(one, other);
}

function sameLines({ lines: a }: PemSpan, { lines: b }: PemSpan): boolean {
  return a !== undefined && a.digits === b?.digits && a.characters === b.characters;
}

class IndexedStore implements TrustStore {
  readonly size: number;
  readonly #index: Index;
  readonly #sources: readonly string[];
  #anchors: readonly Certificate[] | undefined;
  #skipped: readonly SkippedAnchor[] | undefined;

  constructor(index: Index, sources: readonly string[]) {
    this.#sources = sources;
    this.size = index.entries.length;
    this.#index = index;
  }

  get anchors(): readonly Certificate[] {
    this.#anchors ??= Object.freeze(certificatesOf(this.#index.entries));
    return this.#anchors;
  }

  get skipped(): readonly SkippedAnchor[] {
    this.#skipped ??= Object.freeze(
      [...this.#index.rejected, ...this.#index.entries]
        .flatMap(({ input, index, parsed }) =>
          parsed instanceof CertificateError ? [{ input, source: this.#sources[input], index, error: parsed }] : [],
        )
        .toSorted((a, b) => a.input - b.input || a.index - b.index),
    );
    return this.#skipped;
  }

  bySubject(name: DirectoryName): readonly Certificate[] {
    const named: Certificate[] = [];
    for (const { certificate } of this.#candidates(name)) {
      if (certificate !== undefined && sameName(certificate.subject, name)) named.push(certificate);
    }
    return named;
  }

  has(certificate: Certificate): boolean {
    return this.#entryOf(certificate) !== undefined;
  }

  limitsOf(anchor: Certificate): readonly AnchorLimits[] {
    return this.#entryOf(anchor)?.limits ?? [];
  }

  verify(options: Omit<VerifyOptions, 'trust'>): Settling<VerifiedPath> {
    return verify({ ...options, trust: this });
  }

  #entryOf(certificate: Certificate): Entry | undefined {
    return this.#candidates(certificate.subject).find(
      (entry) => entry.certificate !== undefined && sameCertificate(entry.certificate, certificate),
    );
  }

  #candidates(name: DirectoryName): readonly Entry[] {
    const key = nameKey(name.raw);
    return (key === undefined ? undefined : this.#index.byKey.get(key)) ?? [];
  }
}

function certificatesOf(entries: readonly Entry[]): Certificate[] {
  return entries.flatMap(({ certificate }) => certificate ?? []);
}

/** An anchor's bytes, in whichever form they were given. */
type Source =
  | { readonly certificate: Certificate }
  | { readonly der: Bytes }
  | { readonly text: PemSource; readonly span: PemSpan }
  | { readonly error: CertificateError };

/** What was given, until it is asked for. */
class Entry {
  readonly input: number;
  readonly index: number;
  readonly source: Source;
  readonly limits: AnchorLimits[] = [];
  #parsed: Certificate | CertificateError | undefined;

  constructor(input: number, index: number, source: Source) {
    this.input = input;
    this.index = index;
    this.source = source;
  }

  /** The certificate, or why it is none. */
  get parsed(): Certificate | CertificateError {
    this.#parsed ??= parsedOrError(this.source);
    return this.#parsed;
  }

  get certificate(): Certificate | undefined {
    return this.parsed instanceof CertificateError ? undefined : this.parsed;
  }

  /** The key of its subject; `undefined` for what is no certificate. */
  get key(): number | undefined {
    const key = keyOfSource(this.source);
    if (key !== undefined) return key;
    // The parser has the last word on what the walk could not find its way through.
    return this.certificate === undefined ? undefined : nameKey(this.certificate.subject.raw);
  }
}

function keyOfSource(source: Source): number | undefined {
  if ('certificate' in source) return nameKey(source.certificate.subject.raw);
  if ('der' in source) return subjectKeyOfDer(source.der);
  if ('error' in source) return undefined;
  return isCertificate(source.span) ? subjectKeyOfPem(source.text, source.span) : undefined;
}

function parsedOrError(source: Source): Certificate | CertificateError {
  try {
    return parsedFrom(source);
  } catch (error) {
    if (error instanceof CertificateError) return error;
    throw error;
  }
}

function parsedFrom(source: Source): Certificate {
  if ('certificate' in source) return source.certificate;
  if ('der' in source) return parseCertificate(source.der);
  if ('error' in source) throw source.error;
  const { span } = source;
  if (!isCertificate(span)) throw malformed('trust anchor', `a PEM block ${quote(span.label)} is no certificate`);
  const [certificate] = parseCertificates(blockOf(source));
  if (certificate === undefined) throw malformed('trust anchor', 'an empty PEM block');
  return certificate;
}

function bodyOf({ text, span }: { readonly text: PemSource; readonly span: PemSpan }): string {
  return partOf(text, span.bodyStart, span.bodyEnd);
}

/** From boundary to boundary: what is the same there parses, or does not, in the same way. */
function blockOf({ text, span }: { readonly text: PemSource; readonly span: PemSpan }): string {
  return partOf(text, span.start, span.end);
}

function isCertificate({ label }: PemSpan): boolean {
  return label === 'CERTIFICATE' || label === 'X509 CERTIFICATE';
}

function addTo(index: Index, item: TrustInput, input: number): void {
  if (item instanceof CertificateError) index.add(new Entry(input, 0, { error: item }));
  else if (typeof item === 'string') addText(index, item, input);
  else if (!(item instanceof Uint8Array)) index.add(entryOfCertificate(item, input));
  else if (looksLikePem(item)) addText(index, copyBytes(item), input);
  else index.add(new Entry(input, 0, { der: copyBytes(item) }));
}

function entryOfCertificate(item: Certificate | TrustAnchor, input: number): Entry {
  if (typeof item !== 'object' || item === null || !('certificate' in item || 'subject' in item)) {
    throw new RangeError(`trust input ${input} is no certificate, text or bytes`);
  }
  if ('certificate' in item) {
    const entry = new Entry(input, 0, { certificate: item.certificate });
    entry.limits.push(item);
    return entry;
  }
  return new Entry(input, 0, { certificate: item });
}

/** Keys and lists in the same file are somebody else's; a text without anything is a mistake that should be seen. */
function addText(index: Index, text: PemSource, input: number): void {
  let count = 0;
  for (const span of pemSpans(text)) {
    if (span.label.endsWith('CERTIFICATE')) index.add(new Entry(input, count++, { text, span }));
  }
  if (count > 0) return;
  const error = malformed('trust anchors', `no PEM block "CERTIFICATE" in ${text.length} characters`);
  index.add(new Entry(input, 0, { error }));
}
