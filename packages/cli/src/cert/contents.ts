/**
 * What is in containers: the certificates and CRLs of PKCS#7, and of PKCS#12 once it is opened. Nothing of a container
 * that is under a password is known without the password, its certificates included.
 *
 * @module
 */

import { type Bytes, copyBytes } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import {
  type Certificate,
  CertificateError,
  type Pkcs12,
  type Pkcs12Options,
  parseCrl,
  readPkcs12,
  type SkippedBag,
} from '@handfast/x509';
import { legacyPbe } from '@handfast/x509/legacy';
import {
  advisingLegacy,
  type Content,
  type Entry,
  type KeyAccess,
  needsPassword,
  type PrivateKeyContent,
} from './load.ts';

/** What a PKCS#12 file says of a piece. */
export interface Named {
  /** Java's alias. */
  readonly friendlyName: string | undefined;
  readonly content: Content;
}

export interface Opened {
  readonly pieces: readonly Named[];
  readonly skipped: readonly SkippedBag[];
}

/** The pieces of a list, those within containers in place of the containers. */
export async function openContainers(entries: readonly Entry[], access: KeyAccess): Promise<readonly Entry[]> {
  const all: Entry[] = [];
  for (const entry of entries) {
    const { file } = entry;
    if (entry.kind === 'pkcs7') {
      all.push(...piecesOf(file, bundlePieces(entry)));
    } else if (entry.kind === 'pkcs12') {
      const { pieces } = await openPkcs12(entry.bytes, access);
      all.push(
        ...piecesOf(
          file,
          pieces.map(({ content }) => content),
        ),
      );
    } else {
      all.push(entry);
    }
  }
  return all;
}

/** Contents as entries of the file that contains them. */
export function piecesOf(file: string, contents: readonly Content[]): readonly Entry[] {
  return contents.map((content, index) => ({ file, index, count: contents.length, ...content }));
}

/** What a PKCS#7 bundle holds. */
export function bundlePieces(bundle: {
  readonly certificates: readonly Certificate[];
  readonly crls: readonly Bytes[];
}): readonly Content[] {
  return [
    ...bundle.certificates.map((certificate) => ({ kind: 'certificate', certificate }) as const),
    ...bundle.crls.map((crl) => ({ kind: 'crl', crl: parseCrl(crl) }) as const),
  ];
}

/**
 * What a PKCS#12 file holds, keys first. Without a password the empty one is tried, which many files have.
 *
 * @throws CertificateError `encrypted_key` without a password where one is needed, `wrong_password`, …
 */
export async function openPkcs12(bytes: Bytes, { password, legacy }: KeyAccess): Promise<Opened> {
  const options = legacy === true ? { legacy: legacyPbe } : {};
  const { keys, certificates, crls, skipped } = await opened(bytes, password, options);
  return {
    pieces: [
      ...keys.map(({ pkcs8, friendlyName }) => ({ friendlyName, content: heldKey(pkcs8) })),
      ...certificates.map(({ certificate, friendlyName }) => ({
        friendlyName,
        content: { kind: 'certificate', certificate } as const,
      })),
      ...crls.map((crl) => ({ friendlyName: undefined, content: { kind: 'crl', crl: parseCrl(crl) } as const })),
    ],
    skipped,
  };
}

async function opened(bytes: Bytes, password: string | undefined, options: Pkcs12Options): Promise<Pkcs12> {
  try {
    return await advisingLegacy(() => readPkcs12(nodeProvider, bytes, password ?? '', options));
  } catch (error) {
    const wanted = password === undefined && error instanceof CertificateError && error.code === 'wrong_password';
    throw wanted ? needsPassword('the PKCS #12 file') : error;
  }
}

/** A key that was under the file's password, and is open now. */
function heldKey(pkcs8: Bytes): PrivateKeyContent {
  return {
    kind: 'privateKey',
    form: 'PKCS #8',
    encryption: undefined,
    contained: true,
    open: async () => copyBytes(pkcs8),
  };
}
