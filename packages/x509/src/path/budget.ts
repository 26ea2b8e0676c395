/**
 * What one verification may cost. Chains come from strangers, and path building, signatures and name constraints each
 * blow up when someone wants them to (CVE-2018-16875, CVE-2022-3602's neighbours, the limbo suite's `pathological`).
 *
 * @module
 */

import { CertificateError } from '../errors.ts';

export interface Budget {
  /**
   * Signatures verified. 100: rustls-webpki's `Budget` (`signatures`), which took it from mozilla::pkix; a path of three
   * certificates needs two.
   */
  readonly signatures: number;
  /**
   * Issuers considered. mozilla::pkix allows 200,000; one costs us some 10 µs, and a bundle of cross-signed public roots
   * needs below 50, so 10,000.
   */
  readonly candidates: number;
  /**
   * Intermediates between leaf and anchor, self-issued ones not counted (RFC 5280 §6.1.4 (l)). 8: mozilla::pkix's
   * `MAX_SUBCA_COUNT` is 6 and real paths have up to 4.
   */
  readonly intermediates: number;
  /** Comparisons of a name with a constraint. 250,000: rustls-webpki's `Budget` (`name_constraint_comparisons`). */
  readonly nameComparisons: number;
  /**
   * Nodes and edges of the graph of certificate policies, over all paths. 100,000: a path of eight certificates with a
   * hundred policies each, all mapped, takes some 2,000; the work is linear in them (RFC 9618).
   */
  readonly policies: number;
}

export const defaultBudget: Budget = {
  signatures: 100,
  candidates: 10_000,
  intermediates: 8,
  nameComparisons: 250_000,
  policies: 100_000,
};

const units: Readonly<Record<Exclude<keyof Budget, 'intermediates'>, string>> = {
  signatures: 'signatures to verify',
  candidates: 'possible issuers to consider',
  nameComparisons: 'comparisons of names with constraints',
  policies: 'certificate policies and mappings to follow',
};

/** Counts what a verification spends. */
export class Spending {
  readonly limits: Budget;
  readonly #spent = { signatures: 0, candidates: 0, nameComparisons: 0, policies: 0 };

  constructor(budget?: Partial<Budget> | undefined) {
    this.limits = budget === undefined ? defaultBudget : { ...defaultBudget, ...budget };
  }

  /** Throws `CertificateError` `budget` where one more is one too many. */
  spend(what: keyof typeof units): void {
    this.#spent[what]++;
    if (this.#spent[what] > this.limits[what]) {
      throw new CertificateError(
        'budget',
        `the certificates want more than ${this.limits[what]} ${units[what]}; gave up`,
        {
          hint: 'no honest chain comes near this limit; a larger one can be set as budget',
        },
      );
    }
  }
}
