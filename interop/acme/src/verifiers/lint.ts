/**
 * pkilint over what the CA signs: certificates of every kind, lists and OCSP answers. By RFC 5280 and RFC 6960; and by the CA/Browser
 * Forum's rules, where those have a word for what it is. A finding that is not among the known ones (`findings.ts`) fails the row, as
 * does a known one that is found no more.
 *
 * @module
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Report } from '../report.ts';
import { runHere } from '../world/processes.ts';
import type { CommandCa } from './ca.ts';
import { known } from './findings.ts';

export const linterColumns = ['by RFC 5280 or RFC 6960', 'by the rules of the web'] as const;

/** How one thing is linted: pkilint's command with its arguments. */
type How = readonly [command: string, ...args: readonly string[]];

interface Subject {
  readonly name: string;
  /** PEM. */
  readonly file: string;
  readonly rfc: How;
  /** The rules of the CA/Browser Forum. */
  readonly web?: How;
}

interface Finding {
  readonly code: string;
  readonly severity: string;
  readonly path: string;
  readonly message: string;
}

const programs = fileURLToPath(new URL('../../../.cache/acme/pkilint/bin/', import.meta.url));

export async function lintAll(ca: CommandCa, report: Report): Promise<void> {
  const unused = new Set(known);
  let failed = false;
  for (const { name, file, rfc, web } of await subjectsOf(ca)) {
    const rows = [
      [linterColumns[0], rfc],
      [linterColumns[1], web],
    ] as const;
    for (const [column, how] of rows) {
      if (how === undefined) continue;
      const since = performance.now();
      const unknown: string[] = [];
      const seen = new Set<string>();
      for (const { code, severity, path, message } of await lint(how, file)) {
        const where = `at ${path}: ${message}`;
        const found = known.find((one) => one.code === code && where.includes(one.within ?? ''));
        if (found === undefined) {
          unknown.push(`${severity} ${code} ${where}`);
          continue;
        }
        seen.add(code);
        unused.delete(found);
      }
      if (unknown.length > 0) {
        failed = true;
        report.failed({ who: `pkilint, ${name}`, error: unknown.join('\n'), events: [] });
        continue;
      }
      const words =
        seen.size === 0 ? 'nothing found' : `${seen.size} found that ${seen.size === 1 ? 'does' : 'do'} not apply`;
      report.done({ table: 'linters', who: name, column, how: words, ms: performance.now() - since });
    }
  }
  if (failed || unused.size === 0) return;
  const error = `found no more: ${[...unused].map(({ code }) => code).join(', ')}`;
  report.failed({ who: 'pkilint', error, events: [] });
}

async function lint([command, ...args]: How, file: string): Promise<readonly Finding[]> {
  // What was found is told by how many there are, in the exit code.
  const printed = await runHere('/bin/sh', [
    '-c',
    '"$0" lint -f JSON -s NOTICE "$@" || true',
    join(programs, command),
    ...args,
    file,
  ]);
  const { results } = JSON.parse(printed) as PrintedFindings;
  return results.flatMap(({ node_path: path, finding_descriptions }) =>
    finding_descriptions.map(({ code, severity, message }) => ({ code, severity, path, message: message ?? '' })),
  );
}

interface PrintedFindings {
  readonly results: readonly {
    readonly node_path: string;
    readonly finding_descriptions: readonly {
      readonly severity: string;
      readonly code: string;
      readonly message: string | null;
    }[];
  }[];
}

const certificate: How = ['lint_pkix_cert'];
const webCertificate = (type: string): How => ['lint_cabf_serverauth_cert', '-t', type];
const list = (profile: 'PKIX' | 'BR', type: 'CRL' | 'ARL'): How => ['lint_crl', '-p', profile, '-t', type];

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
  const shardUrl = await listUrlOf(ca.server.good.chain);
  const fetched = async (name: string, url: string): Promise<string> => {
    const file = join(folder, name);
    await ca.site.run('curl', ['-sS', '--fail', '-o', file, url]);
    return await write(name, await runHere('openssl', ['crl', '-inform', 'DER', '-in', file]));
  };
  const answers = ca.ocspAnswer;
  const responder = await runHere('openssl', ['ocsp', '-respin', answers.good, '-noverify', '-resp_text']);

  const server = webCertificate('DV-FINAL-CERTIFICATE');
  return [
    { name: 'root', file: ca.root, rfc: certificate, web: webCertificate('ROOT-CA') },
    {
      name: 'intermediate',
      file: ca.intermediate,
      rfc: certificate,
      web: webCertificate('INTERNAL-CONSTRAINED-TLS-CA'),
    },
    { name: 'server, P-256', file: await leafOf(ca.server.good.chain), rfc: certificate, web: server },
    { name: 'server, RSA', file: await leafOf(join(folder, 'rsa.test.pem')), rfc: certificate, web: server },
    { name: 'client', file: await leafOf(ca.client.good.chain), rfc: certificate },
    { name: 'client with a mailbox', file: await leafOf(join(folder, 'mail.pem')), rfc: certificate },
    {
      name: 'OCSP responder',
      file: await write('responder.pem', certificateIn(responder)),
      rfc: certificate,
      web: webCertificate('OCSP-RESPONDER'),
    },
    { name: 'CRL of the root', file: await write('top.crl', top), rfc: list('PKIX', 'ARL'), web: list('BR', 'ARL') },
    { name: 'CRL, complete', file: await write('sub.crl', sub), rfc: list('PKIX', 'CRL'), web: list('BR', 'CRL') },
    {
      name: 'CRL, a shard',
      file: await fetched('shard.crl', shardUrl),
      rfc: list('PKIX', 'CRL'),
      web: list('BR', 'CRL'),
    },
    {
      name: 'CRL, delta',
      file: await fetched('delta.crl', shardUrl.replace(/\/\d+\.crl$/, '-delta.crl')),
      rfc: list('PKIX', 'CRL'),
    },
    { name: 'OCSP answer, good', file: answers.good, rfc: ['lint_ocsp_response'] },
    { name: 'OCSP answer, revoked', file: answers.revoked, rfc: ['lint_ocsp_response'] },
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
