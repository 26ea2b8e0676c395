/**
 * One chain of the audit log, entry by entry: whether each follows from the one before, and is what checkpoints say.
 *
 * @module
 */

import type { AuditHead } from './checkpoint.ts';
import { type AuditRecord, type ChainEnd, hashOf } from './entry.ts';
import type { AuditFault } from './verify.ts';

/** What is known of a chain otherwise. */
export interface Expected {
  /** In order, one after another: what must be there. */
  readonly covered: readonly (AuditHead & { readonly number: number })[];
  /** Up to there it may be gone for its age. */
  readonly gone: ChainEnd | undefined;
}

/** Entries behind the newest checkpoint. */
export interface Behind {
  readonly writer: string;
  readonly first: number;
  readonly last: number;
}

export class ChainVerifier {
  readonly writer: string;
  readonly #expected: Expected;
  /** Where it ends, by the note of who appends to it. */
  readonly #noted: ChainEnd | undefined;
  /** Whether entries may be gone for their age, of chains that no checkpoint which is there tells of, too. */
  readonly #pruned: boolean;
  #last: ChainEnd | undefined;
  #first = 0;
  /** Of what is expected, how many parts were found. */
  #found = 0;
  #fault: AuditFault | undefined;

  constructor(writer: string, expected: Expected, noted: ChainEnd | undefined, pruned: boolean) {
    this.writer = writer;
    this.#expected = expected;
    this.#noted = noted;
    this.#pruned = pruned;
  }

  take(record: AuditRecord): void {
    if (this.#fault !== undefined) return;
    const { seq, hash } = record;
    const why = this.#breach(record);
    if (why !== undefined) {
      const next = (this.#last?.seq ?? this.#latestStart() - 1) + 1;
      const from = seq > next ? next : seq;
      const checkpoint = this.#checkpointOf(from);
      this.#fault = { writer: this.writer, seq: from, ...checkpoint, why, ...(seq > next && { missingTo: seq - 1 }) };
      return;
    }
    if (this.#last === undefined) this.#first = seq;
    this.#last = { seq, hash };
    if (this.#expected.covered[this.#found]?.last === seq) this.#found++;
  }

  end(): { readonly fault: AuditFault | undefined; readonly behind: Behind | undefined } {
    const fault = this.#fault ?? this.#wrongEnd();
    const last = this.#last?.seq ?? 0;
    const covered = this.#expected.covered.at(-1)?.last ?? this.#expected.gone?.seq ?? 0;
    const first = Math.max(covered + 1, this.#first);
    return { fault, behind: last < first ? undefined : { writer: this.writer, first, last } };
  }

  /** The number that it must begin with, or one below that. */
  #latestStart(): number {
    const { covered, gone } = this.#expected;
    return covered[0]?.first ?? (gone === undefined ? 1 : gone.seq + 1);
  }

  #breach(record: AuditRecord): string | undefined {
    const { seq, previous, hash } = record;
    const { gone, covered } = this.#expected;
    if (this.#last === undefined) {
      // One that had grown old and went on may have no checkpoint from before.
      const anyStart = this.#pruned && covered.length === 0 && gone === undefined;
      const latest = this.#latestStart();
      const allowed = seq === 1 || anyStart || (this.#pruned && seq <= latest) || seq === latest;
      if (!allowed) return missing(this.#pruned ? latest : 1, seq - 1);
      if (seq === 1 && previous !== '') return 'it is the first, and follows from another';
      if (gone?.seq === seq - 1 && previous !== gone.hash) return 'it does not follow from the entry before it';
    } else {
      if (seq !== this.#last.seq + 1) return missing(this.#last.seq + 1, seq - 1);
      if (previous !== this.#last.hash) return 'it does not follow from the entry before it';
    }
    if (hash !== hashOf(record)) return 'it was changed';
    const part = covered[this.#found];
    if (part?.last === seq && part.hash !== hash) return `it is not the entry that checkpoint ${part.number} has`;
    return undefined;
  }

  #wrongEnd(): AuditFault | undefined {
    const { writer } = this;
    const { covered, gone } = this.#expected;
    const last = this.#last?.seq ?? this.#latestStart() - 1;
    const part = covered[this.#found];
    const end = covered.at(-1)?.last;
    if (part !== undefined && end !== undefined) {
      const why = missing(last + 1, end);
      return { writer, seq: last + 1, checkpoint: part.number, why, missingTo: end };
    }
    const noted = this.#noted;
    // It may have grown since that was read.
    if (noted === undefined || noted.seq < last) return undefined;
    if (this.#last === undefined && this.#pruned && (gone === undefined || gone.seq >= noted.seq)) return undefined;
    if (noted.seq > last) return { writer, seq: last + 1, why: missing(last + 1, noted.seq), missingTo: noted.seq };
    if (this.#last === undefined || noted.hash === this.#last.hash) return undefined;
    return { writer, seq: last, why: `the chain is noted to end with another entry ${noted.seq}` };
  }

  #checkpointOf(seq: number): { readonly checkpoint?: number } {
    const part = this.#expected.covered.find(({ last }) => last >= seq);
    return part === undefined ? {} : { checkpoint: part.number };
  }
}

function missing(first: number, last: number): string {
  return first >= last ? `entry ${first} is missing` : `entries ${first} to ${last} are missing`;
}
