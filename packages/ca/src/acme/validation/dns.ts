/**
 * The domain name system as validation asks it: by recursive resolvers of the operator's choosing, or the system's. Queries go by
 * UDP, and by TCP where an answer does not fit; CNAMEs are followed by the resolver, which checks DNSSEC too where anybody does.
 *
 * "There is no such record" is an empty list. A query that failed (SERVFAIL, REFUSED, no answer in time) is an error: nothing is
 * concluded from it.
 *
 * @module
 */

import { Resolver } from 'node:dns/promises';

/** A CAA record (RFC 8659 §4.1). */
export interface CaaRecord {
  /** The issuer critical flag. */
  readonly critical: boolean;
  /** In lower case; empty where it could not be read. */
  readonly tag: string;
  readonly value: string;
}

export interface Dns {
  /** IPv4 and IPv6. */
  addresses(name: string, signal: AbortSignal): Promise<readonly string[]>;
  /** The strings of each TXT record, put together. */
  txt(name: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Of this name alone: nothing climbs here. */
  caa(name: string, signal: AbortSignal): Promise<readonly CaaRecord[]>;
}

export interface DnsOptions {
  /** `10.0.0.53:53`, `[2001:db8::53]:53`, or without a port: recursive resolvers, asked in turn. The system's unless set. */
  readonly resolvers?: readonly string[];
  /** How long a resolver has for its first answer: 2 seconds unless set. */
  readonly timeoutMs?: number;
  /** How often each is asked: 2 unless set. */
  readonly tries?: number;
}

/** @throws TypeError for a resolver that is no address */
export function dnsBy(options: DnsOptions = {}): Dns {
  const { resolvers, timeoutMs = 2000, tries = 2 } = options;
  const open = (): Resolver => {
    const resolver = new Resolver({ timeout: timeoutMs, tries });
    if (resolvers !== undefined) resolver.setServers(resolvers);
    return resolver;
  };
  if (resolvers !== undefined) open();
  // A resolver for each query, since what cancels one cancels all of its resolver.
  const ask = async <T>(query: (resolver: Resolver) => Promise<readonly T[]>, signal: AbortSignal) => {
    signal.throwIfAborted();
    const resolver = open();
    const cancel = (): void => resolver.cancel();
    signal.addEventListener('abort', cancel);
    try {
      return await query(resolver);
    } catch (error) {
      if (isAbsence(error)) return [];
      throw error;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  };
  return {
    async addresses(name, signal) {
      const answers = await Promise.allSettled([
        ask((resolver) => resolver.resolve4(name), signal),
        ask((resolver) => resolver.resolve6(name), signal),
      ]);
      const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
      const failed = answers.find((answer) => answer.status === 'rejected');
      // One family is enough, where the other cannot be had.
      if (found.length === 0 && failed !== undefined) throw failed.reason;
      return found;
    },
    txt: async (name, signal) =>
      await ask(async (resolver) => (await resolver.resolveTxt(name)).map((parts) => parts.join('')), signal),
    caa: async (name, signal) =>
      await ask(async (resolver) => (await resolver.resolveCaa(name)).map(caaRecordOf), signal),
  };
}

/** NXDOMAIN and NODATA. */
function isAbsence(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOTFOUND' || error.code === 'ENODATA');
}

/** Node names a member after the tag. A record that it could not show so is not one that may be overlooked. */
function caaRecordOf(answer: object): CaaRecord {
  const { critical, ...others } = answer as { readonly critical?: unknown; readonly [tag: string]: unknown };
  const [[tag, value] = [], ...more] = Object.entries(others).filter(([name]) => name !== 'type');
  if (typeof critical !== 'number' || tag === undefined || typeof value !== 'string' || more.length > 0) {
    return { critical: true, tag: '', value: '' };
  }
  // RFC 8659 §4.1.1: bit 0, the first, is the flag.
  return { critical: (critical & 0x80) !== 0, tag: tag.toLowerCase(), value };
}
