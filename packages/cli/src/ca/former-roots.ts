/**
 * Roots that `handfast ca rotate clean` has dropped: nothing here needs them, and machines may trust them still. Their certificates stay
 * in the folder, so that such machines can be told.
 *
 * @module
 */

import { existsSync } from 'node:fs';
import { type Certificate, parseCertificates, toPem } from '@handfast/x509';
import { parsingFile, readFileFor } from '../options.ts';
import type { CaPaths } from './folder.ts';
import type { FileChange } from './pending.ts';
import { filesText } from './stored-issuers.ts';

/** The first dropped first. */
export function formerRootsIn({ formerRoots: file }: CaPaths): readonly Certificate[] {
  if (!existsSync(file)) return [];
  const bytes = readFileFor(filesText, file);
  return parsingFile(filesText, file, () => parseCertificates(bytes));
}

/** That another one is dropped. */
export function dropped(root: Certificate, paths: CaPaths): FileChange {
  const all = [...formerRootsIn(paths), root];
  return {
    path: 'former-roots.pem',
    content: all.map(({ raw }) => toPem('CERTIFICATE', raw)).join(''),
    mode: 0o644,
  };
}
