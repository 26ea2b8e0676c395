/**
 * A key and a request in a CA's folder that wait for somebody who has the root's key: what the request asks for, and where it lies.
 *
 * @module
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Signer } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { type CertificateRequest, issueRequest, parseRequests, toPem } from '@handfast/x509';
import { usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { parsingFile, readFileFor } from '../options.ts';
import type { CaConfig } from './config.ts';
import { type CaFolder, type CaPaths, type FolderOptions, waitingFiles } from './folder.ts';
import { intermediateTemplate, type Limits, newName } from './hierarchy.ts';
import { keyPassphrase } from './issuer-key.ts';
import { type KeptKey, keyIn, nextIssuingKey, type SignerOptions } from './issuing-key.ts';
import { type OutputChoice, print } from './output.ts';
import { changeFolder, type FileChange } from './pending.ts';
import { confinementAfter, type NameOptions, otherRootFirst, refuseBeyond } from './rotate-names.ts';
import { signerConfigOf } from './signer-module.ts';
import { certificatesOf, filesText } from './stored-issuers.ts';

/** With all that the certificate is to say, for whoever signs it to see. */
export async function requestFor(
  config: CaConfig,
  limits: Limits,
  signer: Signer,
  commonName: string,
): Promise<CertificateRequest> {
  return await issueRequest({
    provider,
    ...limits,
    ...intermediateTemplate(config),
    keyUsage: ['keyCertSign', 'cRLSign'],
    signer,
    subject: { commonName },
  });
}

export function waitingChange(request: CertificateRequest, kept: KeptKey): readonly FileChange[] {
  const pem = toPem('CERTIFICATE REQUEST', request.raw);
  return [{ path: `waiting/${waitingFiles.request}`, content: pem, mode: 0o644 }, keyIn('waiting', kept)];
}

/** `ca rotate intermediate --csr` */
export async function askForCertificate(
  folder: CaFolder,
  options: FolderOptions & OutputChoice & SignerOptions & NameOptions,
  io: Io,
): Promise<void> {
  const { paths, config, issuers, version } = folder;
  refuseWaitingAlready(paths);
  const confinement = confinementAfter(issuers.current.certificate, options, config);
  refuseBeyond(issuers.root, confinement, otherRootFirst);
  const key = await nextIssuingKey(folder, options, keyPassphrase(options, io));
  const name = newName('issuing CA', { config, limits: {}, now: new Date(), others: certificatesOf(issuers) });
  const request = await requestFor(config, confinement.limits, key.signer, name).finally(() => key.close());
  changeFolder(paths.folder, waitingChange(request, key.kept), [], version);
  tellWaiting(
    'A new intermediate waits for its certificate; the old one issues until then',
    paths,
    request,
    options,
    io,
  );
}

export function tellWaiting(
  heading: string,
  paths: CaPaths,
  request: CertificateRequest,
  options: OutputChoice & FolderOptions,
  io: Io,
): void {
  const file = join(paths.waiting, waitingFiles.request);
  const dir = options.dir === undefined ? '' : ` --dir ${options.dir}`;
  print(
    { folder: paths.folder, request: file, subject: request.subject.toString() },
    {
      heading,
      fields: [
        ['Request', [file, request.subject.toString()]],
        [
          'Next',
          [
            'have it signed by the root, or a CA below it, with the extensions that it asks for',
            `handfast ca import CHAIN.pem${dir}`,
          ],
        ],
      ],
    },
    options,
    io,
  );
}

function refuseWaitingAlready({ waiting }: CaPaths): void {
  const file = join(waiting, waitingFiles.request);
  if (!existsSync(file)) return;
  throw usageError(
    `a request waits already: ${quote(file)}`,
    `handfast ca import CHAIN.pem takes what comes of it; who wants another removes ${quote(waiting)}`,
  );
}

/** What waits, if anything does. */
export function waitingIn({
  waiting,
}: CaPaths): { readonly request: CertificateRequest; readonly kept: KeptKey } | undefined {
  const file = join(waiting, waitingFiles.request);
  if (!existsSync(file)) return undefined;
  const bytes = readFileFor(filesText, file);
  const [request] = parsingFile(filesText, file, () => parseRequests(bytes));
  if (request === undefined) throw usageError(`${filesText} ${quote(file)} holds no request`);
  const signer = join(waiting, waitingFiles.signer);
  if (!existsSync(signer)) return { request, kept: { pem: readFileSync(join(waiting, waitingFiles.key), 'utf8') } };
  const text = readFileSync(signer, 'utf8');
  return {
    request,
    kept: {
      signer: signerConfigOf(
        signer,
        parsingFile(filesText, signer, () => JSON.parse(text)),
      ),
    },
  };
}
