/**
 * Which certificates the `trust` commands are about: files of any format, folders, the system's store, Mozilla's roots; each once,
 * and of those the ones that are asked for.
 *
 * @module
 */

import { statSync } from 'node:fs';
import { quote } from '@handfast/tls';
import { type Certificate, escapeText, type TrustStore } from '@handfast/x509';
import { directoryTrust, systemTrust } from '@handfast/x509/node';
import { digestHex } from '../cert/json.ts';
import { countText } from '../cert/layout.ts';
import { certificatesOf } from '../cert/trust.ts';
import { type CliError, usageError } from '../exit.ts';
import type { Io } from '../io.ts';

export interface SelectOptions {
  readonly system?: boolean;
  readonly mozilla?: boolean;
  readonly subject?: readonly string[];
  readonly fingerprint?: readonly string[];
}

export interface Selection {
  /** One at least. */
  readonly certificates: readonly Certificate[];
  /** Where they come from, in words; escaped. */
  readonly source: string;
}

/** @throws CliError where there is nothing to choose from, or a filter finds nothing */
export async function select(sources: readonly string[], options: SelectOptions, io: Io): Promise<Selection> {
  const wanted = (options.fingerprint ?? []).map(fingerprintIn);
  const all = new Map<string, Certificate>();
  const names: string[] = [];
  const add = (name: string, certificates: readonly Certificate[]): void => {
    names.push(name);
    for (const certificate of certificates) all.set(digestHex(certificate.raw), certificate);
  };

  if (sources.filter((path) => path === '-').length > 1) throw usageError('stdin (-) is given twice');
  for (const path of sources) {
    if (path !== '-' && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
      add(quote(path), anchorsOf(directoryTrust(path), io));
    } else add(path === '-' ? 'stdin' : quote(path), await certificatesOf('SOURCE', [path], {}, io));
  }
  if (options.system === true) add('the system’s store', anchorsOf(systemTrust(), io));
  if (options.mozilla === true) {
    const { mozillaEdition, mozillaRoots } = await import('@handfast/roots');
    add(`Mozilla’s roots of ${mozillaEdition.date} (${mozillaEdition.source})`, mozillaRoots().anchors);
  }
  if (names.length === 0)
    throw usageError('no certificates to choose from', 'name a file or a folder, or give --system or --mozilla');

  return { certificates: filtered(all, options.subject ?? [], wanted), source: names.join(', ') };
}

/** What cannot be read is nobody's anchor, and is told. */
function anchorsOf(store: TrustStore, io: Io): readonly Certificate[] {
  for (const { source, error } of store.skipped) {
    io.stderr.write(`left out${source === undefined ? '' : `: ${escapeText(source)}`}: ${error.message}\n`);
  }
  return store.anchors;
}

/** Whoever fits one filter of either kind; all, where there is none. Each must find something: a typing error trusts nobody. */
function filtered(
  all: ReadonlyMap<string, Certificate>,
  subjects: readonly string[],
  fingerprints: readonly string[],
): readonly Certificate[] {
  if (subjects.length === 0 && fingerprints.length === 0) return [...all.values()];
  const found = new Map<string, Certificate>();
  for (const text of subjects) {
    const fitting = [...all].filter(([, { subject }]) => subject.toString().toLowerCase().includes(text.toLowerCase()));
    if (fitting.length === 0) throw notFound(`--subject ${quote(text)}`, all);
    for (const [digest, certificate] of fitting) found.set(digest, certificate);
  }
  for (const digest of fingerprints) {
    const certificate = all.get(digest);
    if (certificate === undefined) throw notFound(`--fingerprint ${digest}`, all);
    found.set(digest, certificate);
  }
  return [...found.values()];
}

function notFound(filter: string, all: ReadonlyMap<string, Certificate>): CliError {
  return usageError(
    `${filter} fits none of ${countText(all.size, 'certificate')}`,
    'handfast trust list shows their subjects and fingerprints',
  );
}

/** Whole: what is trusted is not chosen by a part of a hash. */
function fingerprintIn(text: string): string {
  const hex = text.replace(/[:\s]/g, '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(hex)) return hex;
  throw usageError(
    `--fingerprint ${quote(text)} is no SHA-256 fingerprint`,
    /^[0-9a-f]{40}$/.test(hex)
      ? 'this one is as long as SHA-1’s: give the certificate’s SHA-256'
      : 'write 64 hexadecimal digits, with or without colons',
  );
}
