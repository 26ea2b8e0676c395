/**
 * What of the audit log is proven. A chain holds together by its hashes; that nobody made it anew, or cut off its end, shows by
 * checkpoints: those in the database say so against who has not the audit key, those that were kept elsewhere against anybody.
 *
 * @module
 */

import type { CryptoProvider, PublicKeyInfo } from '@handfast/crypto';
import type { Sql } from '../store/database.ts';
import { integer, text } from '../store/rows.ts';
import { ChainVerifier, type Expected } from './chain.ts';
import { type AuditCheckpoint, type AuditHead, checkpointFlaw } from './checkpoint.ts';
import { readCheckpoints } from './checkpoints.ts';
import { type ChainEnd, recordOf } from './entry.ts';

export interface VerifyAuditOptions {
  readonly database: Sql;
  readonly provider: Pick<CryptoProvider, 'digest' | 'signatures'>;
  /** The audit key; further ones where it was another once. */
  readonly keys: readonly PublicKeyInfo[];
  /** Checkpoints that were kept elsewhere. */
  readonly known?: readonly AuditCheckpoint[];
}

/** Something that does not hold. */
export interface AuditFault {
  /** The chain, and the entry in it, where it is about one. */
  readonly writer?: string;
  readonly seq?: number;
  /** The checkpoint that it is about, or that shows it. */
  readonly checkpoint?: number;
  readonly why: string;
  /** Entries that are known to have been there, and are not: from `seq` to this. */
  readonly missingTo?: number;
}

export interface CheckpointVerdict {
  readonly number: number;
  readonly at: Date;
  readonly heads: readonly AuditHead[];
  /** Whether it, all before it, and all entries that they cover are as they were. */
  readonly holds: boolean;
}

/** A checkpoint that was kept elsewhere. `contained`: it is the database's own. */
export interface KnownCheckpoint {
  readonly number: number;
  readonly at: Date;
  readonly state: 'contained' | 'pruned' | 'other' | 'missing' | 'forged';
}

/** What `verifyAudit` found. */
export interface AuditVerdict {
  /** None: the log is whole, as far as can be seen. At most a hundred are told. */
  readonly faults: readonly AuditFault[];
  readonly chains: number;
  readonly entries: number;
  /** Entries that this checkpoint and those before it cover may be gone, for their age. */
  readonly prunedTo: { readonly number: number; readonly at: Date | undefined } | undefined;
  /** From the oldest that is there. */
  readonly checkpoints: readonly CheckpointVerdict[];
  /** The newest that holds. */
  readonly provenTo: CheckpointVerdict | undefined;
  /** The newest that holds and was kept elsewhere: up to it, not even who has the audit key can have changed anything. */
  readonly keptTo: CheckpointVerdict | undefined;
  /** Entries behind the newest checkpoint: they could be cut off, and nobody would see it. */
  readonly uncovered: readonly { readonly writer: string; readonly first: number; readonly last: number }[];
  readonly known: readonly KnownCheckpoint[];
}

/** Faults that are told of: who looks at so many knows enough. */
const maxFaults = 100;
/** Entries that are read at once. */
const batch = 1000;

export async function verifyAudit(options: VerifyAuditOptions): Promise<AuditVerdict> {
  const faults: AuditFault[] = [];
  const checkpoints = await soundCheckpoints(options, faults);
  const known = await compareKnown(options, checkpoints, faults);
  const pruned = checkpoints.at(-1)?.pruned ?? 0;
  refuseMissingStart(checkpoints, pruned, faults);
  const lost = known.filter(({ state }) => state === 'missing').map(({ checkpoint }) => checkpoint);
  const expected = expectedOf([...checkpoints, ...lost], pruned, faults);
  const walked = await walkChains(options.database, expected, pruned > 0, faults);
  // A checkpoint without a fault of its own holds nothing where the one before it does not.
  const firstBad = Math.min(...faults.map(({ checkpoint }) => checkpoint ?? Number.POSITIVE_INFINITY));
  const verdicts = checkpoints.map(({ number, at, heads }) => ({ number, at, heads, holds: number < firstBad }));
  const holding = verdicts.filter(({ holds }) => holds);
  const kept = new Set(known.filter(({ state }) => state === 'contained').map(({ checkpoint }) => checkpoint.number));
  return {
    ...walked,
    faults: faults.slice(0, maxFaults),
    prunedTo:
      pruned === 0 ? undefined : { number: pruned, at: checkpoints.find(({ number }) => number === pruned)?.at },
    checkpoints: verdicts,
    provenTo: holding.at(-1),
    keptTo: holding.findLast(({ number }) => kept.has(number)),
    known: known.map(({ checkpoint: { number, at }, state }) => ({ number, at, state })),
  };
}

/** Those before the first that does not hold; no other is believed in anything. */
async function soundCheckpoints(
  { database, provider, keys }: VerifyAuditOptions,
  faults: AuditFault[],
): Promise<readonly AuditCheckpoint[]> {
  const sound: AuditCheckpoint[] = [];
  for await (const checkpoint of readCheckpoints(database)) {
    const before = sound.at(-1);
    const next = (before?.number ?? checkpoint.number - 1) + 1;
    const why =
      checkpoint.number !== next
        ? `checkpoint ${next} is missing`
        : before !== undefined && checkpoint.previous !== before.hash
          ? 'it does not follow from the checkpoint before it'
          : await checkpointFlaw(checkpoint, provider, keys);
    if (why !== undefined) {
      faults.push({ checkpoint: next, why: checkpoint.number === next ? `checkpoint ${next}: ${why}` : why });
      return sound;
    }
    sound.push(checkpoint);
  }
  return sound;
}

function refuseMissingStart(checkpoints: readonly AuditCheckpoint[], pruned: number, faults: AuditFault[]): void {
  const [first] = checkpoints;
  if (first === undefined) return;
  if (first.number > Math.max(pruned, 1)) {
    const checkpoint = Math.max(pruned, 1);
    faults.push({ checkpoint, why: `checkpoint ${checkpoint} is missing` });
  } else if (first.number === 1 && first.previous !== '') {
    faults.push({ checkpoint: 1, why: 'checkpoint 1: it follows from another, and is the first' });
  }
}

interface Compared {
  readonly checkpoint: AuditCheckpoint;
  readonly state: KnownCheckpoint['state'];
}

const words: Readonly<Record<'other' | 'missing' | 'forged', (number: number, newest: number) => string>> = {
  other: (number) => `checkpoint ${number} is not the one that was kept: the log was made anew from there, or put back`,
  missing: (number, newest) =>
    `checkpoint ${number} was kept, and the log has ${newest === 0 ? 'none' : `none after ${newest}`}: its end was cut off, or an older database put back`,
  forged: (number) => `checkpoint ${number} that was kept was never signed by the audit key`,
};

async function compareKnown(
  { provider, keys, known = [] }: VerifyAuditOptions,
  checkpoints: readonly AuditCheckpoint[],
  faults: AuditFault[],
): Promise<readonly Compared[]> {
  const own = new Map(checkpoints.map(({ number, hash }) => [number, hash]));
  const oldest = checkpoints[0]?.number ?? 0;
  const newest = checkpoints.at(-1)?.number ?? 0;
  const compared: Compared[] = [];
  const seen = new Set<string>();
  for (const checkpoint of known.toSorted((a, b) => a.number - b.number)) {
    const { number, hash } = checkpoint;
    if (seen.has(hash)) continue; // a stream may have told it twice
    seen.add(hash);
    const there = own.get(number);
    const state =
      (await checkpointFlaw(checkpoint, provider, keys)) !== undefined
        ? 'forged'
        : there !== undefined
          ? there === hash
            ? 'contained'
            : 'other'
          : number < oldest
            ? 'pruned'
            : 'missing';
    compared.push({ checkpoint, state });
    if (state === 'forged') faults.push({ why: words.forged(number, newest) });
    else if (state === 'other' || state === 'missing') {
      faults.push({ checkpoint: number, why: words[state](number, newest) });
    }
  }
  return compared;
}

/** By chain, what checkpoints say of it, in order. */
function expectedOf(
  checkpoints: readonly AuditCheckpoint[],
  pruned: number,
  faults: AuditFault[],
): ReadonlyMap<string, Expected> {
  const all = new Map<string, { covered: (AuditHead & { readonly number: number })[]; gone: ChainEnd | undefined }>();
  for (const { number, heads } of checkpoints) {
    for (const head of heads) {
      const one = all.get(head.writer) ?? { covered: [], gone: undefined };
      all.set(head.writer, one);
      const before = one.covered.at(-1)?.last ?? one.gone?.seq ?? (pruned === 0 ? 0 : undefined);
      if (head.first > head.last || (before !== undefined && head.first !== before + 1)) {
        const why = `checkpoint ${number} begins with entry ${head.first}, and the one before it ends with ${before ?? 0}`;
        faults.push({ writer: head.writer, checkpoint: number, why });
      }
      if (number <= pruned) one.gone = { seq: head.last, hash: head.hash };
      else one.covered.push({ ...head, number });
    }
  }
  return all;
}

async function walkChains(
  database: Sql,
  expected: ReadonlyMap<string, Expected>,
  pruned: boolean,
  faults: AuditFault[],
): Promise<Pick<AuditVerdict, 'chains' | 'entries' | 'uncovered'>> {
  const ends = new Map<string, ChainEnd>();
  for (const row of await database.all('SELECT writer, seq, hash FROM audit_chains')) {
    ends.set(text(row, 'writer'), { seq: integer(row, 'seq'), hash: text(row, 'hash') });
  }
  const missing = new Set([...expected.keys(), ...ends.keys()]);
  const uncovered: { writer: string; first: number; last: number }[] = [];
  let chains = 0;
  let entries = 0;
  let chain: ChainVerifier | undefined;
  const verifierOf = (writer: string): ChainVerifier =>
    new ChainVerifier(writer, expected.get(writer) ?? { covered: [], gone: undefined }, ends.get(writer), pruned);
  const finish = (done: ChainVerifier): void => {
    const { fault, behind } = done.end();
    if (fault !== undefined) faults.push(fault);
    if (behind !== undefined) uncovered.push(behind);
  };
  for (let after: readonly [string, number] = ['', 0]; ; ) {
    const rows = await database.all(
      'SELECT * FROM audit WHERE (writer, seq) > ($1, $2) ORDER BY writer, seq LIMIT $3',
      [...after, batch],
    );
    for (const row of rows) {
      const record = recordOf(row);
      if (chain?.writer !== record.writer) {
        if (chain !== undefined) finish(chain);
        chain = verifierOf(record.writer);
        missing.delete(record.writer);
        chains++;
      }
      chain.take(record);
      entries++;
      after = [record.writer, record.seq];
    }
    if (rows.length < batch) break;
  }
  if (chain !== undefined) finish(chain);
  for (const writer of missing) finish(verifierOf(writer));
  return { chains, entries, uncovered };
}
