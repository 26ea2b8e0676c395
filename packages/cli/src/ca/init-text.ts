/**
 * What `handfast ca init` says when the CA is there: what it is for, where its root lies, and what to do next.
 *
 * @module
 */

import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { type Certificate, type Crl, fingerprintOf } from '@handfast/x509';
import { digestLines } from '../cert/keys.ts';
import { timeText } from '../cert/layout.ts';
import type { Io } from '../io.ts';
import { pathsIn } from './folder.ts';
import type { InitOptions, Plan } from './init-plan.ts';
import { type NameSpace, namesText } from './names.ts';
import { print } from './output.ts';
import type { NewKey } from './root-key.ts';

/** @param token the first one for the dashboard */
export function tell(
  plan: Plan,
  { root, rootCrl }: { readonly root: Certificate; readonly rootCrl: Crl },
  token: string,
  options: InitOptions,
  io: Io,
): void {
  const { folder, config, constraints, rootKey } = plan;
  const fingerprint = fingerprintOf(provider, root);
  const dev = config.kind === 'development';
  print(
    {
      folder,
      kind: config.kind,
      title: config.title,
      root: { file: pathsIn(folder).root, notAfter: timeText(root.notAfter), sha256: fingerprint },
      rootKey: rootKey?.file ?? null,
      rootCrlUntil: timeText(rootCrl.nextUpdate ?? root.notAfter),
      allow: [...config.allow.domains, ...config.allow.networks],
      constrainedTo: constraints === undefined ? null : [...constraints.domains, ...constraints.networks],
      baseUrl: config.baseUrl ?? null,
      dashboardToken: token,
      ...(config.ocsp === true && { ocsp: true }),
      ...(config.externalAccountRequired === true && { externalAccountRequired: true }),
      ...(config.database !== undefined && { database: config.database }),
    },
    {
      heading: `The CA ${quote(config.title)} is in ${folder}`,
      fields: [
        ['Root', [pathsIn(folder).root, `until ${timeText(root.notAfter)}`]],
        ['SHA-256', digestLines(root.raw)],
        ['Issues for', namesText(config.allow)],
        ['Confined to', constraints === undefined ? 'nothing: any name at all' : constrainedText(plan, constraints)],
        ['Root’s key', rootKeyText(rootKey)],
        ['Dashboard', [token, 'an admin’s token for 30 days, shown this once']],
      ],
    },
    options,
    io,
  );
  if (options.json === true) return;
  const dir = options.dir === undefined ? '' : ` --dir ${options.dir}`;
  const next = [
    [`handfast ca trust install${dir}`, 'this machine and its browsers trust it'],
    [`handfast ca serve${dev ? ' --dev' : ' --host 0.0.0.0'}${dir}`, 'certbot and other ACME clients get certificates'],
    [`handfast ca issue app.${config.allow.domains[0] ?? 'test'}${dir}`, 'a certificate by hand'],
  ];
  const width = Math.max(...next.map(([command = '']) => command.length));
  io.stdout.write(`\nNext:\n${next.map(([command = '', what]) => `  ${command.padEnd(width)}   ${what}\n`).join('')}`);
}

function constrainedText({ config }: Plan, constraints: NameSpace): string {
  const same = namesText(constraints) === namesText(config.allow);
  return `${same ? 'the same' : namesText(constraints)}, by its certificates: no other name of theirs is valid`;
}

function rootKeyText(rootKey: NewKey | undefined): string {
  if (rootKey === undefined) return 'thrown away: nobody can sign with it again';
  return `${rootKey.file}${rootKey.passphrase === undefined ? '' : ', encrypted'}: take it off this machine`;
}
