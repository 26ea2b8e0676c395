/**
 * The lists of an authority's issuers (RFC 5280 §5): for each a complete one, a delta to it, and shards, which leaves name. One is made
 * when it is due, or when something was revoked that it would tell of: then it is made for whoever asks first, or by `refresh`.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import type { CaContext, SigningIssuer } from '../context.ts';
import { CaError } from '../errors.ts';
import { lastEndOf } from '../issuing/issuers.ts';
import { quoted } from '../issuing/policy.ts';
import { underLease } from '../store/leases.ts';
import { integer } from '../store/rows.ts';
import { makeList } from './make.ts';
import { type CrlName, listBytes, type NewestList, newestList } from './stored.ts';

/** A list that is made by itself, and not beside another. */
type Main = Exclude<CrlName, 'delta'>;

interface Cached {
  readonly number: number;
  readonly der: Bytes;
}

/** How long one process makes lists for all. */
const leaseMs = 2 * 60_000;
/** After an attempt that failed, as long as the list that there is does. Each uses up a number, and anybody may ask. */
const retryMs = 60_000;

export class ListKeeper {
  readonly #context: CaContext;
  /** Lists that are being made: whoever asks meanwhile waits. */
  readonly #underway = new Map<string, Promise<Bytes>>();
  /** How many of each. */
  readonly #made = new Map<string, number>();
  /** The newest of each that was asked for. */
  readonly #cache = new Map<string, Cached>();
  /** When it was last tried in vain to make each. */
  readonly #failedAt = new Map<string, number>();

  constructor(context: CaContext) {
    this.#context = context;
  }

  /**
   * The newest list. Where another is due and cannot be made, it does as long as it is good and nothing was revoked since.
   *
   * @throws CaError `not_found` for an issuer that is unknown, or whose key is elsewhere and whose list was not imported; for a shard that it
   * does not have, and as long as there is no list that a delta could add to; `cannot_sign`; what signer and database throw
   */
  async current(issuerId: string, name: CrlName): Promise<Bytes> {
    const main = name === 'delta' ? 'complete' : name;
    await this.#good(issuerId, main);
    const { database } = this.#context;
    const newest = await newestList(database, issuerId, name);
    if (newest?.list === undefined) throw notFound(issuerId, name);
    const key = `${issuerId} ${name}`;
    const cached = this.#cache.get(key);
    if (cached?.number === newest.list.number) return cached.der;
    const der = await listBytes(database, issuerId, name);
    if (der === undefined) throw notFound(issuerId, name);
    this.#cache.set(key, { number: newest.list.number, der });
    return der;
  }

  /**
   * Makes every list that is due, one after the other, unless another process is at it. Answers how many it has made.
   *
   * @throws AggregateError of what went wrong with some, when all have been tried
   */
  async refresh(): Promise<number> {
    const { database, clock } = this.#context;
    const made = await underLease(database, { name: 'lists', clock, forMs: leaseMs }, () => this.#refreshAll());
    return made ?? 0;
  }

  async #refreshAll(): Promise<number> {
    const failures: unknown[] = [];
    let made = 0;
    for (const issuerId of this.#context.issuers.keys()) {
      for (const name of await this.#namesOf(issuerId)) {
        try {
          if (await this.#upToDate(issuerId, name)) made++;
        } catch (error) {
          failures.push(error);
        }
      }
    }
    if (failures.length > 0) {
      const what = failures.length === 1 ? '1 list' : `${failures.length} lists`;
      throw new AggregateError(failures, `${what} of revoked certificates could not be made`);
    }
    return made;
  }

  async #namesOf(issuerId: string): Promise<readonly Main[]> {
    const [row] = await this.#context.database.all('SELECT crl_shards FROM issuers WHERE id = $1', [issuerId]);
    const shards = row === undefined ? 0 : integer(row, 'crl_shards');
    return ['complete', ...Array.from({ length: shards }, (_, shard) => shard)];
  }

  /** Sees that there is one that does. */
  async #good(issuerId: string, name: Main): Promise<void> {
    const key = `${issuerId} ${name}`;
    const now = this.#context.clock().getTime();
    const failedAt = this.#failedAt.get(key);
    const waits = failedAt !== undefined && failedAt <= now && now < failedAt + retryMs;
    if (waits && (await this.#stillDoes(issuerId, name, now))) return;
    try {
      await this.#upToDate(issuerId, name);
      this.#failedAt.delete(key);
    } catch (error) {
      if (!(await this.#stillDoes(issuerId, name, now))) throw error;
      this.#failedAt.set(key, now);
    }
  }

  async #stillDoes(issuerId: string, name: Main, now: number): Promise<boolean> {
    const newest = await newestList(this.#context.database, issuerId, name);
    return newest?.list !== undefined && !newest.stale && newest.list.nextUpdate > now;
  }

  /** Whether one had to be made for it. */
  async #upToDate(issuerId: string, name: Main): Promise<boolean> {
    const { database, issuers } = this.#context;
    const issuer = issuers.get(issuerId);
    if (issuer === undefined) return false;
    const key = `${issuerId} ${name}`;
    for (;;) {
      const made = this.#made.get(key);
      const newest = await newestList(database, issuerId, name);
      if (newest === undefined) throw notFound(issuerId, name);
      if (!(await this.#isDue(issuer, newest))) return false;
      // One was made while the database was asked.
      if (this.#made.get(key) !== made) continue;
      const others = this.#underway.get(key);
      if (others === undefined) {
        const making = makeList(this.#context, issuer, name).finally(() => {
          this.#underway.delete(key);
          this.#made.set(key, (made ?? 0) + 1);
        });
        this.#underway.set(key, making);
        await making;
        return true;
      }
      // It may have been begun before a revocation that the caller knows of: so the newest is looked at again.
      await others;
    }
  }

  async #isDue(issuer: SigningIssuer, { list, stale }: NewestList): Promise<boolean> {
    const { clock, crlIntervalMs, database } = this.#context;
    const now = clock().getTime();
    if (list === undefined || stale) return true;
    if (now - list.issuedAt < crlIntervalMs) return false;
    // Nobody believes what an issuer signs after its end.
    if (issuer.certificate.notAfter.getTime() < now) return false;
    if (!issuer.retired) return true;
    const [row] = await database.all(lastEndOf('$1'), [issuer.id]);
    return row !== undefined && integer(row, 'not_after') >= list.thisUpdate;
  }
}

function notFound(issuerId: string, name: CrlName): CaError {
  const which = name === 'complete' ? 'CRL' : name === 'delta' ? 'delta CRL' : `shard ${name}`;
  return new CaError('not_found', `there is no ${which} of the issuer ${quoted(issuerId)}`);
}
