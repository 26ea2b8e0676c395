/**
 * Certificate policies along a path (RFC 5280 §6.1, with the graph of RFC 9618 in place of its tree): which policies
 * every certificate of the path was issued under, in the words of the anchor, and whether a policy that the path or the
 * caller demands is among them.
 *
 * The tree of RFC 5280 has a node for every way down to a policy, so that mappings of n policies onto n others multiply
 * at each level (CVE-2023-0464). In the graph a policy stands once a level, with edges to all its parents: as much work
 * as there are policies and mappings in the certificates, and no more. Nodes without children are not pruned level by
 * level: what still counts at the end is marked from below, once.
 *
 * @module
 */

import { type Certificate, nameOf } from '../certificate.ts';
import type { Oid } from '../der/oid.ts';
import { anyPolicy } from '../policy-extensions.ts';
import type { Spending } from './budget.ts';
import type { Refusal } from './check.ts';

/** The user's inputs (§6.1.1). */
export interface PolicyInputs {
  /** The policies that are acceptable (c). Absent: any. */
  readonly userInitialPolicySet?: readonly Oid[] | undefined;
  /** Whether the path must be valid under one of them (f). */
  readonly initialExplicitPolicy?: boolean | undefined;
  /** Whether policy mappings are not believed (e). */
  readonly initialPolicyMappingInhibit?: boolean | undefined;
  /** Whether "any policy" is not believed (g). */
  readonly initialAnyPolicyInhibit?: boolean | undefined;
}

/** The outputs (RFC 9618 §5.5). `2.5.29.32.0` in a set stands for any policy. */
export interface PolicyOutcome {
  /** What all the path's CAs assert, in the anchor's words. */
  readonly authorityConstrained: ReadonlySet<Oid>;
  /** What of it the user accepts. */
  readonly userConstrained: ReadonlySet<Oid>;
}

/** A refusal that knows whom it is about. */
export interface BlamedRefusal extends Refusal {
  readonly certificate: Certificate;
}

/** A policy at one level of the graph. */
interface PolicyNode {
  readonly policy: Oid;
  /** The policies that satisfy this one in the next certificate. */
  expected: readonly Oid[];
  /** `anyPolicy` alone, or nodes of other policies. */
  readonly parents: readonly PolicyNode[];
}

type Level = ReadonlyMap<Oid, PolicyNode>;

const nothing: ReadonlySet<Oid> = new Set();

/** Whether a path (leaf … anchor) breaks the rules of policies; `undefined`: it does not. */
export function policyRefusal(
  path: readonly Certificate[],
  inputs: PolicyInputs,
  spending: Spending,
): BlamedRefusal | undefined {
  const below = belowAnchor(path);
  const mapped = below.find(({ policyMappings = [] }) => policyMappings.some(mapsAnyPolicy));
  // §6.1.4 (a).
  if (mapped !== undefined) return refuse(mapped, `maps "any policy" (${anyPolicy}), which no CA may do`);
  // Only a demand for an explicit policy can be disappointed.
  const demanded =
    inputs.initialExplicitPolicy === true ||
    below.some(({ policyConstraints }) => policyConstraints?.requireExplicitPolicy !== undefined);
  return demanded ? new PolicyProcess(inputs, () => spending.spend('policies')).run(path).refusal : undefined;
}

/** The policies under which a verified path is valid. */
export function policyOutcome(path: readonly Certificate[], inputs: PolicyInputs): PolicyOutcome {
  return new PolicyProcess(inputs, () => {}).run(path).outcome;
}

/** From the anchor's child down to the leaf. A leaf that is an anchor itself is all that there is to look at. */
function belowAnchor(path: readonly Certificate[]): readonly Certificate[] {
  return path.length === 1 ? path : path.slice(0, -1).toReversed();
}

function mapsAnyPolicy(mapping: { readonly issuerDomainPolicy: Oid; readonly subjectDomainPolicy: Oid }): boolean {
  return mapping.issuerDomainPolicy === anyPolicy || mapping.subjectDomainPolicy === anyPolicy;
}

function refuse(certificate: Certificate, why: string, hint?: string): BlamedRefusal {
  return {
    rule: 'certificate_policies',
    message: `certificate for ${nameOf(certificate)} ${why}`,
    certificate,
    ...(hint === undefined ? {} : { hint }),
  };
}

/** The state of §6.1.2 (a), (d) to (f), carried from certificate to certificate. */
class PolicyProcess {
  readonly #inputs: PolicyInputs;
  /** Called once a node and once an edge. */
  readonly #count: () => void;
  /** The graph's levels; `undefined`: the graph is NULL. */
  #levels: Level[] | undefined;
  #explicitPolicy = 0;
  #policyMapping = 0;
  #inhibitAnyPolicy = 0;

  constructor(inputs: PolicyInputs, count: () => void) {
    this.#inputs = inputs;
    this.#count = count;
    this.#levels = [new Map([[anyPolicy, this.#node(anyPolicy, [])]])];
  }

  run(path: readonly Certificate[]): { readonly refusal?: BlamedRefusal; readonly outcome: PolicyOutcome } {
    const certificates = belowAnchor(path);
    const { initialExplicitPolicy, initialPolicyMappingInhibit, initialAnyPolicyInhibit } = this.#inputs;
    const unbounded = certificates.length + 1;
    this.#explicitPolicy = initialExplicitPolicy === true ? 0 : unbounded;
    this.#policyMapping = initialPolicyMappingInhibit === true ? 0 : unbounded;
    this.#inhibitAnyPolicy = initialAnyPolicyInhibit === true ? 0 : unbounded;
    const none = { authorityConstrained: nothing, userConstrained: nothing };
    for (const [index, certificate] of certificates.entries()) {
      const last = index === certificates.length - 1;
      this.#addLevel(certificate, last);
      // §6.1.3 (f).
      if (this.#explicitPolicy <= 0 && this.#levels === undefined)
        return { refusal: this.#noPolicy(certificate), outcome: none };
      if (last) this.#wrapUp(certificate);
      else this.#prepareForNext(certificate);
    }
    const outcome = this.#outcome();
    const leaf = certificates.at(-1);
    // §6.1.5: "If either (1) the value of explicit_policy variable is greater than zero or (2) …".
    if (this.#explicitPolicy > 0 || outcome.userConstrained.size > 0 || leaf === undefined) return { outcome };
    return { refusal: this.#noPolicy(leaf), outcome };
  }

  #noPolicy(certificate: Certificate): BlamedRefusal {
    const wanted = this.#inputs.userInitialPolicySet;
    const who = this.#inputs.initialExplicitPolicy === true ? 'we demand' : 'a CA above it demands';
    const which = wanted === undefined ? 'a policy' : `one of the policies ${wanted.slice(0, 8).join(', ')}`;
    return refuse(
      certificate,
      `is not valid under ${which} all the way from the anchor, which ${who}`,
      'have it issued under such a policy, or accept another',
    );
  }

  /** §6.1.3 (d), (e). */
  #addLevel(certificate: Certificate, last: boolean): void {
    const parents = this.#levels?.at(-1);
    const policies = certificate.certificatePolicies;
    if (this.#levels === undefined || parents === undefined || policies === undefined) {
      this.#levels = undefined;
      return;
    }
    const expecting = this.#expecting(parents);
    const above = parents.get(anyPolicy);
    const level = new Map<Oid, PolicyNode>();
    let any = false;
    for (const { policy } of policies) {
      if (policy === anyPolicy) {
        any = true;
        continue;
      }
      // (d)(1)(i), else (ii).
      const found = expecting.get(policy) ?? (above === undefined ? undefined : [above]);
      if (found !== undefined) level.set(policy, this.#node(policy, found));
    }
    // (d)(2).
    if (any && (this.#inhibitAnyPolicy > 0 || (!last && certificate.selfIssued))) {
      for (const [policy, found] of expecting) {
        if (!level.has(policy)) level.set(policy, this.#node(policy, found));
      }
    }
    this.#levels = level.size === 0 ? undefined : [...this.#levels, level];
  }

  /** The nodes of a level by what they expect below: as many entries as there were mappings. */
  #expecting(level: Level): ReadonlyMap<Oid, readonly PolicyNode[]> {
    const expecting = new Map<Oid, PolicyNode[]>();
    for (const node of level.values()) {
      for (const policy of node.expected) {
        this.#count();
        const nodes = expecting.get(policy);
        if (nodes === undefined) expecting.set(policy, [node]);
        else nodes.push(node);
      }
    }
    return expecting;
  }

  /** §6.1.4 (a), (b), (h) to (j). */
  #prepareForNext(certificate: Certificate): void {
    this.#map(certificate);
    if (!certificate.selfIssued) {
      this.#explicitPolicy--;
      this.#policyMapping--;
      this.#inhibitAnyPolicy--;
    }
    const { requireExplicitPolicy, inhibitPolicyMapping } = certificate.policyConstraints ?? {};
    this.#explicitPolicy = Math.min(this.#explicitPolicy, requireExplicitPolicy ?? Number.POSITIVE_INFINITY);
    this.#policyMapping = Math.min(this.#policyMapping, inhibitPolicyMapping ?? Number.POSITIVE_INFINITY);
    this.#inhibitAnyPolicy = Math.min(this.#inhibitAnyPolicy, certificate.inhibitAnyPolicy ?? Number.POSITIVE_INFINITY);
  }

  /** §6.1.4 (b). */
  #map(certificate: Certificate): void {
    const level = this.#levels?.at(-1);
    if (this.#levels === undefined || level === undefined) return;
    const mapped = new Map<Oid, Set<Oid>>();
    for (const { issuerDomainPolicy, subjectDomainPolicy } of certificate.policyMappings ?? []) {
      this.#count();
      const targets = mapped.get(issuerDomainPolicy);
      if (targets === undefined) mapped.set(issuerDomainPolicy, new Set([subjectDomainPolicy]));
      else targets.add(subjectDomainPolicy);
    }
    if (mapped.size === 0) return;
    const next = new Map(level);
    const above = this.#levels.at(-2)?.get(anyPolicy);
    for (const [policy, targets] of mapped) {
      if (this.#policyMapping <= 0) {
        next.delete(policy);
        continue;
      }
      const node = next.get(policy);
      if (node !== undefined) node.expected = [...targets];
      else if (next.has(anyPolicy) && above !== undefined)
        next.set(policy, { ...this.#node(policy, [above]), expected: [...targets] });
    }
    this.#levels = next.size === 0 ? undefined : [...this.#levels.slice(0, -1), next];
  }

  /** §6.1.5 (a), (b). */
  #wrapUp(certificate: Certificate): void {
    if (this.#explicitPolicy > 0) this.#explicitPolicy--;
    if (certificate.policyConstraints?.requireExplicitPolicy === 0) this.#explicitPolicy = 0;
  }

  /** §6.1.5 (g), as RFC 9618 §5.5 has it. */
  #outcome(): PolicyOutcome {
    const authorityConstrained = this.#authorityConstrained();
    const wanted = this.#inputs.userInitialPolicySet;
    if (wanted === undefined || wanted.includes(anyPolicy))
      return { authorityConstrained, userConstrained: authorityConstrained };
    const any = authorityConstrained.has(anyPolicy);
    return {
      authorityConstrained,
      userConstrained: new Set(wanted.filter((policy) => any || authorityConstrained.has(policy))),
    };
  }

  /** The policies that stand right under "any policy" and lead down to the leaf: those are in the anchor's words. */
  #authorityConstrained(): ReadonlySet<Oid> {
    const policies = new Set<Oid>();
    let living: Iterable<PolicyNode> = this.#levels?.at(-1)?.values() ?? [];
    for (let depth = (this.#levels?.length ?? 0) - 1; depth > 0; depth--) {
      const parents = new Set<PolicyNode>();
      for (const node of living) {
        const leadsToAny = node.parents.some(({ policy }) => policy === anyPolicy);
        if (leadsToAny && (node.policy !== anyPolicy || depth === (this.#levels?.length ?? 0) - 1))
          policies.add(node.policy);
        for (const parent of node.parents) {
          this.#count();
          parents.add(parent);
        }
      }
      living = parents;
    }
    return policies;
  }

  #node(policy: Oid, parents: readonly PolicyNode[]): PolicyNode {
    this.#count();
    return { policy, expected: [policy], parents };
  }
}
