/**
 * The rows of certificates: parse one, check a signature, verify a chain of three, load the roots of the web. And what of
 * verifying is our own doing: the same with a provider that says yes to every signature at once.
 *
 * @module
 */

import { nodeProvider } from '@handfast/crypto/node';
import { type Certificate, parseCertificate, trustStore, type VerifyOptions, verifyCertificate } from '@handfast/x509';
import { type Chain, chainOf, roots, someRoot } from './certificates.ts';
import { type Library, libraries } from './libraries.ts';
import { type Contestant, calls, type Row } from './rounds.ts';

export async function x509Rows(): Promise<readonly Row[]> {
  const chains = [await chainOf('ECDSA P-256', 'secp256r1'), await chainOf('RSA 2048', 'rsa')];
  return [
    ...chains.map((chain) =>
      row(
        `parse a certificate: subject, names, key (${chain.name})`,
        contestants(
          chain,
          ({ parse }) =>
            () =>
              parse(chain.leaf),
        ),
      ),
    ),
    ...chains.map((chain) =>
      row(
        `check one signature (${chain.name})`,
        contestants(chain, ({ signature }) => signature(chain)),
      ),
    ),
    ...chains.map((chain) =>
      row(`parse and verify a chain of three, with name and constraints (${chain.name})`, [
        ...contestants(chain, ({ verify }) => verify(chain), true),
      ]),
    ),
    ...chains.map(beyondSignatures),
    storeRow(),
  ];
}

function row(name: string, list: readonly Contestant[]): Row {
  return { name, unit: 'µs', better: 'less', contestants: list };
}

/** Those that know this chain's keys. */
function contestants(chain: Chain, work: (library: Library) => () => unknown, notes = false): readonly Contestant[] {
  return libraries
    .filter(({ rsaOnly }) => rsaOnly !== true || chain.name.startsWith('RSA'))
    .map((library) =>
      calls(
        library.name,
        work(library),
        notes && library.missing !== undefined ? `without ${library.missing}` : undefined,
      ),
    );
}

/** Says yes at once, and imports no key. */
const agreeable: VerifyOptions['provider'] = {
  ...nodeProvider,
  name: 'yes',
  signatures: Object.fromEntries(Object.keys(nodeProvider.signatures).map((name) => [name, { verify: () => true }])),
};

/**
 * Verification without its signature checks. First with certificates that nothing was asked of yet, made before the clock
 * runs; then with parsing them in it; then with certificates that were verified before.
 */
function beyondSignatures(chain: Chain): Row {
  const trust = trustStore(parseCertificate(chain.root));
  const verify = (leaf: Certificate, intermediate: Certificate): unknown =>
    verifyCertificate({
      provider: agreeable,
      leaf,
      intermediates: [intermediate],
      trust,
      time: new Date(),
      usage: 'serverAuth',
      name: chain.host,
    });
  const [leaf, intermediate] = [parseCertificate(chain.leaf), parseCertificate(chain.intermediate)];
  return {
    name: `verify the same without its signature checks (${chain.name})`,
    unit: 'µs',
    better: 'less',
    aim: 40,
    contestants: [
      { name: 'parsed before', round: (milliseconds) => prepared(milliseconds, chain, verify) },
      calls('parsing and verifying', () => verify(parseCertificate(chain.leaf), parseCertificate(chain.intermediate))),
      calls('verified before', () => verify(leaf, intermediate)),
    ],
  };
}

/** Microseconds a call, over pairs that are parsed while no clock runs. */
function prepared(
  milliseconds: number,
  chain: Chain,
  verify: (leaf: Certificate, intermediate: Certificate) => unknown,
): number {
  const batch = 64;
  let elapsed = 0;
  let count = 0;
  while (elapsed < milliseconds) {
    const pairs = Array.from(
      { length: batch },
      () => [parseCertificate(chain.leaf), parseCertificate(chain.intermediate)] as const,
    );
    const start = performance.now();
    for (const [leaf, intermediate] of pairs) verify(leaf, intermediate);
    elapsed += performance.now() - start;
    count += batch;
  }
  return (elapsed * 1000) / count;
}

/** Ready for a first verification: indexed, and the anchor that it needs found and parsed. */
function storeRow(): Row {
  const text = roots.join('\n');
  const { subject } = someRoot;
  return row(`load the system store: ${roots.length} roots of PEM, up to a first anchor found`, [
    calls('handfast: trustStore, bySubject', () => {
      if (trustStore(text).bySubject(subject).length !== 1) throw new Error('the root was not found');
    }),
    ...libraries.map(({ name, parseAll, rsaOnly }) =>
      calls(
        `${name}: parse each`,
        () => parseAll(roots),
        rsaOnly === true ? 'without those whose keys are not RSA’s' : undefined,
      ),
    ),
  ]);
}
