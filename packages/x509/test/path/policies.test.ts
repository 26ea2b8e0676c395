/**
 * Certificate policies along a path: the inputs and outputs of RFC 5280 §6.1, and the work that RFC 9618 bounds. NIST's
 * PKITS (`pkits.test.ts`) has the rules in all their combinations.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import * as der from '../../src/der/writer.ts';
import { type Certificate, CertificateError, type PolicyInputs, type PolicyMapping } from '../../src/index.ts';
import { Spending } from '../../src/path/budget.ts';
import { policyOutcome, policyRefusal } from '../../src/path/policies.ts';
import {
  anyPolicy,
  encodeCertificatePolicies,
  encodePolicyConstraints,
  encodePolicyMappings,
  type PolicyConstraints,
} from '../../src/policy-extensions.ts';
import { caExtensions, extension, type Identity, issued, newSigner, odd, verified } from '../support/pki.ts';

const root = await issued('Root', undefined, { ca: true });
const signer = await newSigner();

interface PolicyFields {
  readonly policies?: readonly string[];
  readonly mappings?: readonly (readonly [string, string])[];
  readonly constraints?: PolicyConstraints;
  readonly inhibitAny?: number;
}

const oidOf = (name: string): string => (name === 'any' ? anyPolicy : `1.3.6.1.4.1.55738.1.${name}`);

function extensionsOf({ policies, mappings, constraints, inhibitAny }: PolicyFields): Uint8Array[] {
  const pairs = mappings?.map(
    ([issuer, subject]): PolicyMapping => ({ issuerDomainPolicy: oidOf(issuer), subjectDomainPolicy: oidOf(subject) }),
  );
  return [
    ...(policies ? [extension('certificatePolicies', encodeCertificatePolicies(policies.map(oidOf)))] : []),
    ...(pairs ? [extension('policyMappings', encodePolicyMappings(pairs), true)] : []),
    ...(constraints ? [extension('policyConstraints', encodePolicyConstraints(constraints), true)] : []),
    ...(inhibitAny === undefined ? [] : [extension('inhibitAnyPolicy', der.smallInteger(inhibitAny), true)]),
  ];
}

/** A path under the root, from the topmost CA down to the leaf; answered leaf first, with the root. */
async function pathOf(...fields: readonly PolicyFields[]): Promise<Certificate[]> {
  const path: Identity[] = [root];
  for (const [index, item] of fields.entries()) {
    const leaf = index === fields.length - 1;
    const extensions = [...(leaf ? [] : caExtensions), ...extensionsOf(item)];
    path.unshift(await odd(leaf ? 'leaf' : `CA ${index}`, path[0], { signer, extensions }));
  }
  return path.map(({ certificate }) => certificate);
}

async function outcome(inputs: PolicyInputs, ...fields: readonly PolicyFields[]): Promise<readonly string[]> {
  const { authorityConstrained, userConstrained } = policyOutcome(await pathOf(...fields), inputs);
  const text = (set: ReadonlySet<string>): string =>
    [...set]
      .map((oid) => (oid === anyPolicy ? 'any' : (oid.split('.').at(-1) ?? '')))
      .sort()
      .join(' ');
  return [text(authorityConstrained), text(userConstrained)];
}

async function accepts(chain: readonly Certificate[], certificatePolicies: PolicyInputs = {}): Promise<void> {
  await verified(chain.slice(0, -1), [root], { certificatePolicies });
}

async function refuses(
  chain: readonly Certificate[],
  message: RegExp,
  certificatePolicies: PolicyInputs = {},
): Promise<void> {
  await assert.rejects(verified(chain.slice(0, -1), [root], { certificatePolicies }), (error) => {
    assert.ok(error instanceof CertificateError);
    assert.equal(error.code, 'certificate_policies');
    assert.match(error.message, message);
    return true;
  });
}

const explicit: PolicyInputs = { initialExplicitPolicy: true };

describe('certificate policies', () => {
  it('are what every certificate has', async () => {
    assert.deepEqual(await outcome({}, { policies: ['1', '2', '3'] }, { policies: ['2', '3'] }), ['2 3', '2 3']);
  });
  it('are none where one certificate has none', async () => {
    assert.deepEqual(await outcome({}, { policies: ['1'] }, {}), ['', '']);
  });
  it('are what the user accepts of them', async () => {
    const wanted = { userInitialPolicySet: [oidOf('2'), oidOf('9')] };
    assert.deepEqual(await outcome(wanted, { policies: ['1', '2'] }, { policies: ['1', '2'] }), ['1 2', '2']);
    assert.deepEqual(await outcome(wanted, { policies: ['any'] }, { policies: ['any'] }), ['any', '2 9']);
  });
  it('of "any" stand for those below', async () => {
    assert.deepEqual(await outcome({}, { policies: ['any'] }, { policies: ['1'] }), ['1', '1']);
    assert.deepEqual(await outcome({}, { policies: ['1'] }, { policies: ['any'] }), ['1', '1']);
    assert.deepEqual(await outcome({}, { policies: ['any'] }, { policies: ['any'] }), ['any', 'any']);
  });
  it('of "any" count for nothing where that is inhibited', async () => {
    const path = [{ policies: ['1'] }, { policies: ['any'] }];
    assert.deepEqual(await outcome({ initialAnyPolicyInhibit: true }, ...path), ['', '']);
    assert.deepEqual(await outcome({}, { policies: ['1'], inhibitAny: 0 }, { policies: ['any'] }), ['', '']);
    assert.deepEqual(await outcome({}, { policies: ['1'], inhibitAny: 1 }, { policies: ['any'] }), ['1', '1']);
  });
  it('are mapped into the words of the anchor', async () => {
    const mapping = { policies: ['1', '2'], mappings: [['1', '5']] } as const;
    assert.deepEqual(await outcome({}, mapping, { policies: ['5'] }), ['1', '1']);
    assert.deepEqual(await outcome({}, mapping, { policies: ['1'] }), ['', '']);
    assert.deepEqual(await outcome({ initialPolicyMappingInhibit: true }, mapping, { policies: ['5'] }), ['', '']);
    assert.deepEqual(await outcome({}, { policies: ['any'], mappings: [['1', '5']] }, { policies: ['5'] }), ['1', '1']);
  });
  it('of two parents are both', async () => {
    const mapping = {
      policies: ['1', '2'],
      mappings: [
        ['1', '5'],
        ['2', '5'],
      ],
    } as const;
    assert.deepEqual(await outcome({}, mapping, { policies: ['5'] }), ['1 2', '1 2']);
  });
  it('are told with the verified path, which needs none', async () => {
    const path = await pathOf({ policies: ['1'] }, { policies: ['1'] });
    const { policies } = await verified(path.slice(0, -1), [root]);
    assert.deepEqual([...policies.userConstrained], [oidOf('1')]);
    assert.deepEqual([...(await verified((await pathOf({}, {})).slice(0, -1), [root])).policies.userConstrained], []);
  });
});

describe('an explicit policy', () => {
  it('that the caller demands is missed, and named', async () => {
    const path = await pathOf({ policies: ['1'] }, { policies: ['2'] });
    await accepts(path);
    await refuses(
      path,
      /^certificate for "leaf" is not valid under a policy all the way from the anchor, which we demand$/,
      explicit,
    );
    const same = await pathOf({ policies: ['1'] }, { policies: ['1'] });
    await accepts(same, explicit);
    await refuses(same, /one of the policies 1\.3\.6\.1\.4\.1\.55738\.1\.9 all the way/, {
      ...explicit,
      userInitialPolicySet: [oidOf('9')],
    });
  });
  it('that a CA demands is missed', async () => {
    const constraints = { requireExplicitPolicy: 0 };
    await refuses(await pathOf({ policies: ['1'], constraints }, {}), /which a CA above it demands/);
    await accepts(await pathOf({ policies: ['1'], constraints }, { policies: ['1'] }));
    await accepts(await pathOf({ policies: ['1'], constraints: { requireExplicitPolicy: 3 } }, {}));
  });
  it('that a leaf demands of itself is missed', async () => {
    await refuses(await pathOf({}, { constraints: { requireExplicitPolicy: 0 } }), /certificate for "leaf"/);
  });
  it('is demanded of a leaf that is an anchor itself', async () => {
    const pinned = await odd('pinned', undefined, { extensions: extensionsOf({ policies: ['1'] }) });
    await verified([pinned], [pinned], { certificatePolicies: explicit });
    const bare = await odd('pinned', undefined);
    await assert.rejects(verified([bare], [bare], { certificatePolicies: explicit }), { code: 'certificate_policies' });
  });
});

describe('a path that breaks the rules of policies', () => {
  it('maps "any policy"', async () => {
    for (const pair of [
      ['any', '1'],
      ['1', 'any'],
    ] as const) {
      const path = await pathOf({ policies: ['1'], mappings: [pair] }, { policies: ['1'] });
      await refuses(path, /^certificate for "CA 0" maps "any policy" \(2\.5\.29\.32\.0\), which no CA may do$/);
    }
  });
  it('is passed over for another', async () => {
    const ca = await newSigner();
    const bad = await odd('CA', root, {
      signer: ca,
      extensions: [...caExtensions, ...extensionsOf({ policies: ['2'] })],
    });
    const good = await odd('CA', root, {
      signer: ca,
      extensions: [...caExtensions, ...extensionsOf({ policies: ['1'] })],
    });
    const leaf = await odd('leaf', good, { extensions: extensionsOf({ policies: ['1'] }) });
    const { path } = await verified([leaf, bad, good], [root], { certificatePolicies: explicit });
    assert.equal(path[1], good.certificate);
  });
});

/** The least budget with which a path is accepted: how many nodes and edges it takes. */
function costOf(path: readonly Certificate[]): number {
  let low = 0;
  let high = 1_000_000;
  while (low < high) {
    const middle = (low + high) >> 1;
    try {
      assert.equal(policyRefusal(path, explicit, new Spending({ policies: middle })), undefined);
      high = middle;
    } catch (error) {
      assert.ok(error instanceof CertificateError && error.code === 'budget', String(error));
      low = middle + 1;
    }
  }
  return low;
}

/** `levels` CAs, each with `width` policies that it maps crosswise onto `width` others, and a leaf with one of the last. */
async function crosswise(levels: number, width: number): Promise<Certificate[]> {
  const names = (level: number): string[] => Array.from({ length: width }, (_, i) => `${level}.${i}`);
  const cas = Array.from({ length: levels }, (_, level) => ({
    policies: names(level),
    mappings: names(level).flatMap((from) => names(level + 1).map((to) => [from, to] as const)),
  }));
  return pathOf(...cas, { policies: [`${levels}.0`] });
}

describe('the work that policies take', () => {
  it('is linear in policies and mappings, where the tree of RFC 5280 has width to the power of levels (RFC 9618)', async () => {
    const width = 20;
    const costs: number[] = [];
    for (const levels of [2, 4, 8]) {
      const path = await crosswise(levels, width);
      const cost = costOf(path);
      // Nodes once; mappings as they are read, as the next level looks them up, and as what lives is marked.
      assert.ok(cost <= 3 * levels * (width + width ** 2), `${levels} levels: ${cost}`);
      costs.push(cost);
      await accepts(path, explicit);
    }
    const [two = 0, four = 0, eight = 0] = costs;
    assert.equal(eight - four, 2 * (four - two));
  });
  it('ends at the budget', async () => {
    const path = await crosswise(2, 20);
    await assert.rejects(
      verified(path.slice(0, -1), [root], { certificatePolicies: explicit, budget: { policies: 500 } }),
      {
        code: 'budget',
        message: 'the certificates want more than 500 certificate policies and mappings to follow; gave up',
      },
    );
  });
});

/** RFC 5280's own tree, for paths small enough: what the graph must agree with. */
function treeOutcome(path: readonly PolicyFields[]): readonly string[] {
  interface TreeNode {
    readonly policy: string;
    expected: readonly string[];
    readonly parent: TreeNode | undefined;
  }
  let level: TreeNode[] = [{ policy: 'any', expected: ['any'], parent: undefined }];
  for (const [index, { policies = [], mappings = [] }] of path.entries()) {
    const next: TreeNode[] = [];
    for (const policy of policies.filter((name) => name !== 'any')) {
      const parents = level.filter(({ expected }) => expected.includes(policy));
      const any = level.filter((node) => node.policy === 'any');
      for (const parent of parents.length > 0 ? parents : any) next.push({ policy, expected: [policy], parent });
    }
    if (policies.includes('any')) {
      for (const parent of level) {
        for (const policy of parent.expected) {
          if (!next.some((node) => node.parent === parent && node.policy === policy))
            next.push({ policy, expected: [policy], parent });
        }
      }
    }
    if (index < path.length - 1) {
      for (const from of new Set(mappings.map(([issuer]) => issuer))) {
        const targets = mappings.filter(([issuer]) => issuer === from).map(([, subject]) => subject);
        const nodes = next.filter(({ policy }) => policy === from);
        for (const node of nodes) node.expected = targets;
        const any = next.find(({ policy }) => policy === 'any');
        if (nodes.length === 0 && any !== undefined) next.push({ policy: from, expected: targets, parent: any.parent });
      }
    }
    level = next;
  }
  const found = new Set<string>();
  for (const leaf of level) {
    if (leaf.policy === 'any') found.add('any');
    for (let node: TreeNode | undefined = leaf; node !== undefined; node = node.parent) {
      if (node.policy !== 'any' && node.parent?.policy === 'any') found.add(node.policy);
    }
  }
  return [...found].sort();
}

describe('the graph of RFC 9618', () => {
  it("says what RFC 5280's tree says", async () => {
    const name = fc.constantFrom('1', '2', '3', '4');
    const fields = fc.record({
      policies: fc.uniqueArray(fc.constantFrom('1', '2', '3', '4', 'any'), { minLength: 1, maxLength: 4 }),
      mappings: fc.uniqueArray(fc.tuple(name, name), { maxLength: 4, selector: ([a, b]) => `${a}${b}` }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fields, { minLength: 1, maxLength: 4 }), async (path) => {
        const given = path.map(({ policies, mappings }) =>
          mappings.length === 0 ? { policies } : { policies, mappings },
        );
        const [found = ''] = await outcome({}, ...given);
        assert.equal(found, treeOutcome(given).join(' '));
      }),
      { numRuns: 200 },
    );
  });
});
