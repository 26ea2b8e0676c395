/**
 * Linters of others: how each is asked, and what it finds. pkilint is of PyPI, zlint from Go's proxy (`install.sh`).
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { fileURLToPath } from 'node:url';
import { runHere } from '../world/processes.ts';
import { type KnownFinding, pkilintKnows, zlintKnows } from './findings.ts';

/** By which something is linted: those of RFC 5280 and RFC 6960, and those of the CA/Browser Forum and of browsers. */
export type Rules = 'the RFCs' | 'the web';

/** What a linter is shown. */
export interface Subject {
  readonly name: string;
  /** PEM; an answer: DER. */
  readonly file: string;
  readonly kind: 'certificate' | 'list' | 'list of CAs' | 'answer';
  /** As what it is linted by the rules of the web; absent where those have no word for it. */
  readonly web?: string;
}

export interface Finding {
  readonly code: string;
  readonly severity: string;
  /** Where, or what is wrong with it. */
  readonly details: string;
}

export interface Linter {
  readonly name: string;
  /** What does not apply to us. */
  readonly known: readonly KnownFinding[];
  /** `undefined`: it has no rules for that. */
  lint(subject: Subject, rules: Rules): Promise<readonly Finding[]> | undefined;
}

const folder = new URL('../../../.cache/acme/', import.meta.url);
const program = (path: string): string => fileURLToPath(new URL(path, folder));

export const pkilint: Linter = {
  name: 'pkilint',
  known: pkilintKnows,
  lint(subject, rules) {
    const how = pkilintCommand(subject, rules);
    return how && findPkilint(how, subject.file);
  },
};

function pkilintCommand({ kind, web }: Subject, rules: Rules): readonly [string, ...string[]] | undefined {
  if (rules === 'the web' && web === undefined) return undefined;
  if (kind === 'answer') return ['lint_ocsp_response'];
  if (kind !== 'certificate') {
    return ['lint_crl', '-p', rules === 'the web' ? 'BR' : 'PKIX', '-t', kind === 'list' ? 'CRL' : 'ARL'];
  }
  return rules === 'the web' ? ['lint_cabf_serverauth_cert', '-t', web ?? ''] : ['lint_pkix_cert'];
}

async function findPkilint([command, ...args]: readonly [string, ...string[]], file: string) {
  // What was found is told by how many there are, in the exit code.
  const printed = await runHere('/bin/sh', [
    ...['-c', '"$0" lint -f JSON -s NOTICE "$@" || true'],
    ...[program(`pkilint/bin/${command}`), ...args, file],
  ]);
  const { results } = JSON.parse(printed) as PrintedByPkilint;
  return results.flatMap(({ node_path: path, finding_descriptions }) =>
    finding_descriptions.map(({ code, severity, message }) => ({
      ...{ code, severity },
      details: `at ${path}: ${message ?? ''}`,
    })),
  );
}

interface PrintedByPkilint {
  readonly results: readonly {
    readonly node_path: string;
    readonly finding_descriptions: readonly {
      readonly severity: string;
      readonly code: string;
      readonly message: string | null;
    }[];
  }[];
}

/** Whose rules zlint has. */
const sources: Readonly<Record<Rules, string>> = {
  'the RFCs': 'RFC3279,RFC5280,RFC5480,RFC5891,RFC6962,RFC8813,Community',
  'the web': 'CABF_BR,Mozilla,Chrome,Apple',
};

export const zlint: Linter = {
  name: 'zlint',
  known: zlintKnows,
  lint({ kind, web, file }, rules) {
    return kind === 'answer' || (rules === 'the web' && web === undefined) ? undefined : findZlint(file, rules);
  },
};

/** What is no finding: it is as it should be, the rule is for something else, or came later than the certificate. */
const fine: ReadonlySet<string> = new Set(['pass', 'NA', 'NE']);

async function findZlint(file: string, rules: Rules): Promise<readonly Finding[]> {
  const printed = await runHere(program('zlint'), ['-format', 'pem', '-includeSources', sources[rules], file]);
  const results = Object.entries(JSON.parse(printed) as PrintedByZlint);
  assert.ok(
    results.some(([, { result }]) => result === 'pass'),
    `zlint has looked at nothing of ${file}`,
  );
  return results
    .filter(([, { result }]) => !fine.has(result))
    .map(([code, { result: severity, details = '' }]) => ({ code, severity, details }));
}

type PrintedByZlint = Readonly<Record<string, { readonly result: string; readonly details?: string }>>;
