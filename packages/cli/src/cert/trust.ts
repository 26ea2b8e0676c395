/**
 * Certificates for `--ca` and `--intermediates`, from files of any format.
 *
 * @module
 */

import { quote } from '@handfast/tls';
import { type Certificate, type TrustStore, trustStore } from '@handfast/x509';
import { usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { openContainers } from './contents.ts';
import { type KeyAccess, loadFiles, readableEntries } from './load.ts';

/** The certificates of these files as anchors. */
export async function anchorsOf(option: string, paths: readonly string[], io: Io): Promise<TrustStore> {
  return trustStore(await certificatesOf(option, paths, {}, io));
}

/** The certificates of these files, those in containers included. */
export async function certificatesOf(
  option: string,
  paths: readonly string[],
  access: KeyAccess,
  io: Io,
): Promise<readonly Certificate[]> {
  const entries = await openContainers(readableEntries(await loadFiles(option, paths, io)), access);
  const certificates = entries.flatMap((entry) => (entry.kind === 'certificate' ? [entry.certificate] : []));
  if (certificates.length === 0) throw usageError(`${option} ${paths.map(quote).join(', ')}: no certificate in it`);
  return certificates;
}
