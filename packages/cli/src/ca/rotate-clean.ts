/**
 * `handfast ca rotate clean`: keys of issuers that have nothing to sign any more go, and an old root that no certificate needs.
 *
 * @module
 */

import { nodeProvider as provider } from '@handfast/crypto/node';
import { type Certificate, fingerprintOf, toPem } from '@handfast/x509';
import { type ExitCode, exitCodes } from '../exit.ts';
import type { Io } from '../io.ts';
import { chainTo } from './chains.ts';
import { configText } from './config.ts';
import { type CaFolder, caDirectory, type FolderOptions, readFolder } from './folder.ts';
import { dropped } from './former-roots.ts';
import type { Change } from './issuing-key.ts';
import { withCa } from './open.ts';
import { type OutputChoice, print } from './output.ts';
import { changeFolder } from './pending.ts';
import { rootJson } from './rotate.ts';
import { leftoversOf, noteRotation } from './rotation.ts';

export async function cleanUp(options: FolderOptions & OutputChoice, io: Io): Promise<ExitCode> {
  const directory = caDirectory(options, io);
  await withCa(options, io, async (ca) => {
    // The last list of an issuer tells of what was revoked until its last certificate ended.
    await ca.authority.refreshLists();
    const { retired, previousRoot } = await leftoversOf(ca);
    const gone = retired.filter(({ needed }) => !needed);
    const root = previousRoot?.needed === false ? previousRoot.certificate : undefined;
    if (gone.length > 0 || root !== undefined) {
      const folder = await readFolder(directory);
      const { files, removed } = root === undefined ? { files: [], removed: [] } : await dropRoot(root, folder);
      changeFolder(directory, files, [...removed, ...gone.map(({ id }) => `issuers/${id}`)], folder.version);
      for (const { id, certificate } of gone)
        await noteRotation(ca, 'remove issuer', id, certificate.subject.toString());
      if (root !== undefined)
        await noteRotation(ca, 'remove root', fingerprintOf(provider, root), root.subject.toString());
    }
    tell(gone, root, options, io);
  });
  return exitCodes.ok;
}

/** What stands between the issuer and the root that is left stays. */
async function dropRoot(old: Certificate, { config, paths, issuers }: CaFolder): Promise<Change> {
  const { root, current, between } = issuers;
  const left = (await chainTo(root, current.certificate, between)).slice(1, -1);
  const { chain: _, ...rest } = config;
  const pem = left.map(({ raw }) => toPem('CERTIFICATE', raw)).join('');
  return {
    files: [
      dropped(old, paths),
      ...(left.length === 0 ? [] : [{ path: 'between.pem', content: pem, mode: 0o644 } as const]),
      ...(config.chain === undefined ? [] : [{ path: 'config.json', content: configText(rest), mode: 0o644 } as const]),
    ],
    removed: ['previous-root.pem', ...(left.length === 0 ? ['between.pem'] : [])],
  };
}

function tell(
  gone: readonly { readonly id: string; readonly certificate: Certificate }[],
  root: Certificate | undefined,
  options: OutputChoice,
  io: Io,
): void {
  const names = gone.map(({ certificate }) => certificate.subject.toString());
  print(
    { removed: gone.map(({ id }) => id), root: root === undefined ? null : rootJson(root) },
    {
      heading: names.length === 0 && root === undefined ? 'Everything is needed still' : 'What nothing needs is gone',
      fields: [
        ...(names.length === 0 ? [] : [['Issuers', names] as const]),
        ...(root === undefined
          ? []
          : [
              ['Old root', [root.subject.toString(), fingerprintOf(provider, root)]] as const,
              [
                'Machines',
                ['may trust it still', 'handfast ca trust uninstall --former has this one forget it'],
              ] as const,
            ]),
      ],
    },
    options,
    io,
  );
}
