/**
 * `handfast trust list`: who is trusted, a line each, so that `grep` finds them.
 *
 * @module
 */

import { type Certificate, escapeText } from '@handfast/x509';
import { certificateJson, digestHex } from '../cert/json.ts';
import { countText } from '../cert/layout.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { colorsFor, type Io } from '../io.ts';
import { type SelectOptions, select } from './select.ts';

export interface ListOptions extends SelectOptions {
  readonly json?: boolean;
  readonly color?: boolean;
}

export async function listTrust(sources: readonly string[], options: ListOptions, io: Io): Promise<ExitCode> {
  const { certificates, source } = await select(sources, options, io);
  if (options.json === true) {
    for (const certificate of certificates) io.stdout.write(`${JSON.stringify(certificateJson(certificate))}\n`);
    return exitCodes.ok;
  }
  const colors = colorsFor(io.stdout, io.env, options.color ?? true);
  const now = new Date();
  for (const certificate of certificates.toSorted(bySubject)) {
    const until = certificate.notAfter.toISOString().slice(0, 10);
    const ends = certificate.notAfter < now ? colors.red(`${until} expired`) : until;
    const digest = colors.dim(digestHex(certificate.raw));
    io.stdout.write(`${digest}  ${ends}  ${escapeText(certificate.subject.toString())}\n`);
  }
  io.stderr.write(`${countText(certificates.length, 'certificate')}: ${source}\n`);
  return exitCodes.ok;
}

function bySubject(a: Certificate, b: Certificate): number {
  const [one, other] = [a.subject.toString(), b.subject.toString()];
  return one < other ? -1 : one > other ? 1 : 0;
}
