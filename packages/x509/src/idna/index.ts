/**
 * Host names in any script to A-labels, by `tr46` (UTS #46, not transitional, as browsers do). Apart from the rest,
 * because of its tables: some 200 kB that a program whose names are all ASCII does without.
 *
 * @module
 */

import { toASCII } from 'tr46';

/**
 * The A-labels of a host name, lower case, or `undefined` for what has none: unassigned and disallowed characters, labels
 * that mix directions, begin with a mark or are too long. For `toAscii` of a policy.
 *
 * @example
 * ```ts
 * verifyCertificate({ …, name: 'bücher.example', policy: { toAscii } });
 * ```
 */
export function toAscii(name: string): string | undefined {
  const ascii = toASCII(name, {
    checkBidi: true,
    checkHyphens: true,
    checkJoiners: true,
    useSTD3ASCIIRules: true,
    verifyDNSLength: true,
    transitionalProcessing: false,
  });
  return ascii ?? undefined;
}
