/**
 * What renewals need to know of an enrolment: a small file beside the certificate, which people may change with an editor.
 *
 * @module
 */

import { dirname, isAbsolute, join } from 'node:path';
import { quote } from '@handfast/tls';
import { usageError } from '../exit.ts';
import { parsingFile, readFileFor } from '../options.ts';

export interface RenewalState {
  /** `https://ca.corp.example:8555` */
  readonly url: string;
  /** Files; in the file itself their names are relative to its folder. */
  readonly root: string;
  readonly certificate: string;
  /** The certificate's own file where both are in one. */
  readonly key: string;
  /** A command for a shell, after each renewal. */
  readonly hook: string | undefined;
}

const version = 1;
const texts = ['url', 'root', 'certificate', 'key'] as const;

/** As it is written, with names of files in its own folder. */
export function stateText({ url, root, certificate, key, hook }: RenewalState): string {
  const value = { version, url, root, certificate, key, ...(hook !== undefined && { hook }) };
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** @throws CliError that says which field is wrong */
export function readState(file: string): RenewalState {
  const what = 'the state of an enrolment';
  const text = readFileFor(what, file).toString('utf8');
  const value: unknown = parsingFile(what, file, () => JSON.parse(text));
  const fields = new Map<string, unknown>(Object.entries(typeof value === 'object' && value !== null ? value : {}));
  if (fields.get('version') !== version) {
    throw usageError(`${what} ${quote(file)}: version is not ${version}`, 'handfast enroll writes it: NAME.renew.json');
  }
  const [url = '', root = '', certificate = '', key = ''] = texts.map((field) => {
    const given = fields.get(field);
    if (typeof given === 'string' && given !== '') return given;
    throw usageError(`${what} ${quote(file)}: ${field} is no text`);
  });
  const hook = fields.get('hook');
  if (hook !== undefined && typeof hook !== 'string') throw usageError(`${what} ${quote(file)}: hook is no text`);
  const beside = (name: string): string => (isAbsolute(name) ? name : join(dirname(file), name));
  return { url, root: beside(root), certificate: beside(certificate), key: beside(key), hook };
}
