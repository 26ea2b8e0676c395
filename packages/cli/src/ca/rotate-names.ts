/**
 * The names that a CA is confined to after a rotation: those that it had unless told otherwise, more, others, or any at all. No
 * intermediate goes beyond its root, and nothing that config.json allows is lost.
 *
 * @module
 */

import { quote } from '@handfast/tls';
import type { Certificate } from '@handfast/x509';
import type { Field } from '../cert/layout.ts';
import { usageError } from '../exit.ts';
import type { Report } from '../report.ts';
import type { CaConfig } from './config.ts';
import { areList, beyond, namesOf } from './constraints.ts';
import { type Limits, limitsLike, limitsOf } from './hierarchy.ts';
import {
  commonNames,
  contains,
  joinNames,
  keepNames,
  listOf,
  type NameSpace,
  namesText,
  parseNameSpace,
  publicSuffixes,
  unconstrainedText,
} from './names.ts';

/** Of `ca rotate intermediate` and `ca rotate root`. */
export interface NameOptions {
  /** Beside those that there are. */
  readonly name?: readonly string[];
  /** In place of those that there are. */
  readonly confineTo?: readonly string[];
  readonly unconstrained?: boolean;
}

/** What a certificate is confined to. */
export interface Confinement {
  readonly limits: Limits;
  /** `same`: to what the one before was; `undefined`: to nothing. */
  readonly names: NameSpace | 'same' | undefined;
}

/** Of the CA that takes the place of another. @throws CliError for names that will not do */
export function confinementAfter(before: Certificate, options: NameOptions, config: CaConfig): Confinement {
  const { name, confineTo, unconstrained = false } = options;
  const given = [name && '--name', confineTo && '--confine-to', unconstrained && '--unconstrained'].filter(Boolean);
  if (given.length > 1) {
    throw usageError(
      `${given.slice(0, 2).join(' and ')} contradict each other`,
      '--name adds to the names that it is confined to, --confine-to replaces them, --unconstrained gives them up',
    );
  }
  if (unconstrained) return { limits: {}, names: undefined };
  if (confineTo !== undefined) return confined(onlyNames(confineTo), config);
  if (name === undefined) return { limits: limitsLike(before), names: 'same' };
  const further = parseNameSpace('--name', name);
  const own = namesOf(before);
  if (own === undefined) {
    throw usageError(
      `--name adds nothing: ${quote(before.subject.toString())} is confined to no names`,
      '--confine-to NAMES confines the next one to these',
    );
  }
  return confined(joinNames(own, further), config);
}

function onlyNames(texts: readonly string[]): NameSpace {
  const names = parseNameSpace('--confine-to', texts);
  // No domain would be any domain.
  if (names.domains.length > 0) return names;
  throw usageError('--confine-to has networks and no domain', 'name one that is yours: --confine-to corp.example');
}

/** What would be issued and never be valid is a mistake. */
function confined(names: NameSpace, { allow }: CaConfig): Confinement {
  const [lost] = listOf(keepNames(allow, (one) => !contains(names, one)));
  if (lost === undefined) return { limits: limitsOf(names), names };
  throw usageError(
    `${quote(lost)} is not among these names, and "allow" in config.json has it`,
    'name it, too, or take it out of "allow" first: no verifier would accept a certificate for it',
  );
}

/** @param remedy what to do about a root that is confined to less. @throws CliError */
export function refuseBeyond(root: Certificate, { names }: Confinement, remedy: (more: string) => string): void {
  if (names === 'same') return;
  const who = `the root ${quote(root.subject.toString())}`;
  if (names === undefined) {
    if (root.nameConstraints === undefined) return;
    throw usageError(`${who} is confined to names, and so is all below it`, remedy('--unconstrained'));
  }
  const outside = listOf(beyond(root, names));
  if (outside.length === 0) return;
  throw usageError(`${who} may not certify ${outside.map(quote).join(', ')}`, remedy(`--name ${outside.join(' ')}`));
}

/** A new root's certificate by the old one: who trusts the old one alone trusts no name for that. @throws CliError */
export function crossLimits(old: Certificate, root: Confinement): Limits {
  const { names, limits } = root;
  const { nameConstraints } = old;
  // What another tool has written is repeated as it is: new root and intermediate confine what is below besides.
  if (names === undefined || (nameConstraints && !areList(nameConstraints))) return limitsLike(old);
  if (names === 'same' || listOf(beyond(old, names)).length === 0) return limits;
  const common = commonNames(namesOf(old) ?? names, names);
  if (common.domains.length > 0) return limitsOf(common);
  throw usageError(
    'the new root would have no domain in common with the old one',
    'that is another CA: handfast ca init makes it, in a folder of its own (--dir)',
  );
}

/** What is dangerous is said, whether it is new or not. */
export function warnOfNames(certificate: Certificate, { names }: Confinement, report: Report): void {
  if (certificate.nameConstraints === undefined) report.warning(unconstrainedText);
  if (names === 'same' || names === undefined) return;
  for (const suffix of publicSuffixes(names)) {
    report.warning(`strangers have names under ${quote(suffix)}: the CA may issue for them, too`);
  }
}

/** For programs; nothing where the names are what they were. @param old a root that some machines trust alone */
export function namesJson({ names }: Confinement, old: Certificate | undefined): object {
  if (names === 'same') return {};
  return {
    constrainedTo: names === undefined ? null : listOf(names),
    ...(old !== undefined && names !== undefined && { oldRootRefuses: listOf(beyond(old, names)) }),
  };
}

/** For people: the names, and who will not believe in them. */
export function namesFields({ names }: Confinement, old: Certificate | undefined, config: CaConfig): readonly Field[] {
  if (names === 'same') return [];
  const idle = names === undefined ? undefined : keepNames(names, (name) => !contains(config.allow, name));
  return [
    ['Confined to', names === undefined ? 'nothing: any name at all' : namesText(names)],
    ...oldRootFields(names, old),
    ...(idle === undefined || listOf(idle).length === 0
      ? []
      : [
          [
            'Not issued',
            [namesText(idle), 'until "allow" in config.json has them, and handfast ca serve is started anew'],
          ] as const,
        ]),
  ];
}

function oldRootFields(names: NameSpace | undefined, old: Certificate | undefined): readonly Field[] {
  if (old?.nameConstraints === undefined) return [];
  const what = names === undefined ? undefined : beyond(old, names);
  if (what !== undefined && listOf(what).length === 0) return [];
  const refused = what === undefined ? 'names that the old root is not confined to' : namesText(what);
  return [['New names', [refused, 'valid for machines that trust the new root, and for no others']]];
}

/** What to do about an intermediate that is to go beyond its root. */
export function rotateRootFirst(more: string): string {
  return `handfast ca rotate root ${more} … makes a root that may, and gives the intermediate these names as well`;
}

/** The same, where the root is somebody else’s. */
export function otherRootFirst(): string {
  return 'whoever runs the root would have to make another: handfast ca init --root-csr, in a folder of its own, begins with that';
}
