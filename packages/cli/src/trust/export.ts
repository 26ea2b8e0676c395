/**
 * `handfast trust export`: certificates that are trusted, as a file for another machine or a module for a bundle.
 *
 * @module
 */

import { extname } from 'node:path';
import { type Certificate, toPem, writePkcs7 } from '@handfast/x509';
import { digestHex } from '../cert/json.ts';
import { countText, timeText } from '../cert/layout.ts';
import { type Result, writeResult } from '../cert/output.ts';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { formatsByEnding, type TrustFormat } from './choices.ts';
import { type Edition, summaryOf, trustModule } from './module.ts';
import { type SelectOptions, select } from './select.ts';

export interface ExportOptions extends SelectOptions {
  readonly format?: TrustFormat;
  readonly out?: string;
}

interface Job {
  readonly certificates: readonly Certificate[];
  readonly edition: Edition;
  /** Lines that the file begins with, where it can. */
  readonly heading: readonly string[];
  /** For a module: TypeScript. */
  readonly types: boolean;
}

export async function exportTrust(sources: readonly string[], options: ExportOptions, io: Io): Promise<ExitCode> {
  const { out } = options;
  const ending = out === undefined ? '' : extname(out).toLowerCase();
  const format = options.format ?? formatsByEnding.get(ending) ?? 'pem';
  const { certificates, source } = await select(sources, options, io);
  const edition = { date: new Date().toISOString().slice(0, 10), source };
  const types = ending === '.ts' || ending === '.mts';
  const heading = headingOf(certificates.length, edition, options.mozilla === true);
  const result = writers[format]({ certificates, edition, heading, types });
  writeResult(result, out === undefined ? {} : { out }, io);
  if (out !== undefined && out !== '-')
    io.stderr.write(`${countText(certificates.length, 'certificate')}: ${source}\n`);
  return exitCodes.ok;
}

const writers: Readonly<Record<TrustFormat, (job: Job) => Result>> = {
  module: ({ certificates, ...options }) => textResult(trustModule(certificates, options)),
  pem: ({ certificates, heading }) =>
    textResult(
      [
        ...heading.map((line) => `# ${line}\n`),
        ...certificates.map((certificate) => `\n# ${summaryOf(certificate)}\n${toPem('CERTIFICATE', certificate.raw)}`),
      ].join(''),
    ),
  json: ({ certificates, edition }) =>
    textResult(`${JSON.stringify({ edition, roots: certificates.map(rootJson) }, null, 2)}\n`),
  p7b: ({ certificates }) => ({ bytes: writePkcs7(certificates, []), secret: false, binary: true }),
  der: toDer,
};

function toDer({ certificates }: Job): Result {
  const [certificate, second] = certificates;
  if (certificate === undefined || second !== undefined) {
    throw usageError(
      `DER holds one certificate, and here are ${certificates.length}`,
      'p7b and pem hold several; or choose one by --fingerprint',
    );
  }
  return { bytes: certificate.raw, secret: false, binary: true };
}

function headingOf(count: number, { date, source }: Edition, mozilla: boolean): readonly string[] {
  return [
    `${countText(count, 'trusted certificate')} of ${date}, by handfast trust export: ${source}`,
    ...(mozilla
      ? ['Of Mozilla’s, whose list is under the Mozilla Public License, v. 2.0: https://mozilla.org/MPL/2.0/']
      : []),
  ];
}

function rootJson(certificate: Certificate): object {
  return {
    subject: certificate.subject.toString(),
    notBefore: timeText(certificate.notBefore),
    notAfter: timeText(certificate.notAfter),
    sha256: digestHex(certificate.raw),
    pem: toPem('CERTIFICATE', certificate.raw),
  };
}

function textResult(text: string): Result {
  return { bytes: new TextEncoder().encode(text), secret: false, binary: false };
}
