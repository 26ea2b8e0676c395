/**
 * Ways up from an issuer to a root.
 *
 * @module
 */

import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { type Certificate, CertificateError, trustStore, verifyCertificate } from '@handfast/x509';
import { usageError } from '../exit.ts';

/** What stands above an issuer. */
export interface Above {
  /** What is to be trusted from now on. */
  readonly root: Certificate;
  /** The root before, as long as there are machines that trust it alone. */
  readonly previousRoot: Certificate | undefined;
  /** Between it and a root, where there is any. */
  readonly between: readonly Certificate[];
}

/**
 * The issuer first, the root last: verified, at a time when all of them were good.
 *
 * @throws CliError where there is none, with the reason
 */
export async function chainTo(
  root: Certificate,
  issuer: Certificate,
  between: readonly Certificate[] = [],
): Promise<readonly Certificate[]> {
  const begun = [root, issuer, ...between].map(({ notBefore }) => notBefore.getTime());
  try {
    const { path } = await verifyCertificate({
      provider,
      leaf: issuer,
      intermediates: between,
      trust: trustStore([root]),
      time: new Date(Math.max(...begun)),
      usage: 'any',
    });
    return path;
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    const [from, to] = [issuer, root].map(({ subject }) => quote(subject.toString()));
    throw usageError(`${from} does not lead up to the root ${to}: ${error.message}`);
  }
}

/** To every root that there is. @throws CliError */
export async function checkChains(certificate: Certificate, { root, previousRoot, between }: Above): Promise<void> {
  await chainTo(root, certificate, between);
  if (previousRoot !== undefined) await chainTo(previousRoot, certificate, between);
}
