/**
 * Linters over what the CA signs: certificates of every kind, lists and OCSP answers. By the RFCs; and by the rules of the web, where
 * those have a word for what it is. A finding that is not among the known ones (`findings.ts`) fails the row, as does a known one that is
 * found no more.
 *
 * @module
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report } from '../report.ts';
import { runHere } from '../world/processes.ts';
import type { CommandCa } from './ca.ts';
import { type Finding, type Linter, pkilint, type Rules, type Subject, zlint } from './linters.ts';

const linters: readonly Linter[] = [pkilint, zlint];
const allRules: readonly Rules[] = ['the RFCs', 'the web'];

const columnOf = (linter: Linter, rules: Rules): string => `${linter.name}, by the rules of ${rules}`;

export const linterColumns: readonly string[] = linters.flatMap((one) => allRules.map((rules) => columnOf(one, rules)));

export async function lintAll(ca: CommandCa, report: Report): Promise<void> {
  const subjects = await subjectsOf(ca);
  for (const linter of linters) await lintBy(linter, subjects, report);
}

async function lintBy(linter: Linter, subjects: readonly Subject[], report: Report): Promise<void> {
  const unused = new Set(linter.known);
  let failed = false;
  for (const subject of subjects) {
    for (const rules of allRules) {
      const since = performance.now();
      const findings = await linter.lint(subject, rules);
      if (findings === undefined) continue;
      const unknown: Finding[] = [];
      const seen = new Set<string>();
      for (const finding of findings) {
        const { code, details } = finding;
        const found = linter.known.find((one) => one.code === code && details.includes(one.within ?? ''));
        if (found === undefined) {
          unknown.push(finding);
          continue;
        }
        seen.add(code);
        unused.delete(found);
      }
      if (unknown.length > 0) {
        failed = true;
        const error = unknown.map(({ severity, code, details }) => `${severity} ${code} ${details}`).join('\n');
        report.failed({ who: `${linter.name}, ${subject.name}, ${rules}`, error, events: [] });
        continue;
      }
      const words =
        seen.size === 0 ? 'nothing found' : `${seen.size} found that ${seen.size === 1 ? 'does' : 'do'} not apply`;
      const column = columnOf(linter, rules);
      report.done({ table: 'linters', who: subject.name, column, how: words, ms: performance.now() - since });
    }
  }
  if (failed || unused.size === 0) return;
  const error = `found no more: ${[...unused].map(({ code }) => code).join(', ')}`;
  report.failed({ who: linter.name, error, events: [] });
}

async function subjectsOf(ca: CommandCa): Promise<readonly Subject[]> {
  const { folder } = ca;
  await ca.handfast('issue', 'rsa.test', '*.rsa.test', '--key-type', 'rsa2048');
  await ca.handfast('issue', 'mail', '--client', '--email', 'mail@app.test');
  const write = async (name: string, content: string | Uint8Array): Promise<string> => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };
  const leafOf = async (chain: string): Promise<string> =>
    await write(`lint-${chain.split('/').at(-1)}`, await runHere('openssl', ['x509', '-in', chain]));

  const [sub = '', top = ''] = (await runHere('cat', [ca.crls])).split(/(?=^-----BEGIN)/m);
  // One that has an entry.
  const shardUrl = await listUrlOf(ca.server.revoked.chain);
  const fetched = async (name: string, url: string): Promise<string> => {
    const file = join(folder, name);
    await ca.site.run('curl', ['-sS', '--fail', '-o', file, url]);
    return await write(name, await runHere('openssl', ['crl', '-inform', 'DER', '-in', file]));
  };
  const answers = ca.ocspAnswer;
  const responder = await runHere('openssl', ['ocsp', '-respin', answers.good, '-noverify', '-resp_text']);

  const server = 'DV-FINAL-CERTIFICATE';
  const certificate = (name: string, file: string, web?: string): Subject => ({
    ...{ name, file, kind: 'certificate' },
    ...(web !== undefined && { web }),
  });
  const web = 'BR';
  return [
    certificate('root', ca.root, 'ROOT-CA'),
    certificate('intermediate', ca.intermediate, 'INTERNAL-CONSTRAINED-TLS-CA'),
    certificate('server, P-256', await leafOf(ca.server.good.chain), server),
    certificate('server, RSA', await leafOf(join(folder, 'rsa.test.pem')), server),
    certificate('client', await leafOf(ca.client.good.chain)),
    certificate('client with a mailbox', await leafOf(join(folder, 'mail.pem'))),
    certificate('OCSP responder', await write('responder.pem', certificateIn(responder)), 'OCSP-RESPONDER'),
    { name: 'CRL of the root', file: await write('top.crl', top), kind: 'list of CAs', web },
    { name: 'CRL, complete', file: await write('sub.crl', sub), kind: 'list', web },
    { name: 'CRL, a shard', file: await fetched('shard.crl', shardUrl), kind: 'list', web },
    {
      name: 'CRL, delta',
      file: await fetched('delta.crl', shardUrl.replace(/\/\d+\.crl$/, '-delta.crl')),
      kind: 'list',
    },
    { name: 'OCSP answer, good', file: answers.good, kind: 'answer' },
    { name: 'OCSP answer, revoked', file: answers.revoked, kind: 'answer' },
  ];
}

function certificateIn(text: string): string {
  const pem = /-----BEGIN CERTIFICATE-----[\w+/=\n]+-----END CERTIFICATE-----\n/.exec(text)?.[0];
  if (pem === undefined) throw new Error(`no certificate in what was printed:\n${text}`);
  return pem;
}

async function listUrlOf(chain: string): Promise<string> {
  const printed = await runHere('openssl', ['x509', '-in', chain, '-noout', '-ext', 'crlDistributionPoints']);
  const url = /URI:(\S+)/.exec(printed)?.[1];
  if (url === undefined) throw new Error(`a certificate without the URL of a list:\n${printed}`);
  return url;
}
