/**
 * The certificate that the CA's own servers show: issued by itself, over a key that never leaves memory, and replaced while
 * they run.
 *
 * @module
 */

import { isIP } from 'node:net';
import type { Authority } from '@handfast/ca';
import { wipe } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import type { Credential } from '@handfast/tls';
import { dayMs } from '../authority.ts';
import { usageError } from '../exit.ts';
import type { OpenCa } from './open.ts';

const lifetimeMs = 7 * dayMs;
/** A new one is issued when so much of its lifetime is left. */
const renewAtFraction = 1 / 3;
/** From one attempt to the next, as long as the old one is good: whether it failed, or its issuer ends too soon for a long one. */
const retryMs = 10 * 60_000;

/** Names of this machine for itself. */
export const namesOfThisMachine: readonly string[] = ['localhost', '127.0.0.1', '::1'];

/**
 * The names that the servers are reached by, the one for URLs first: those of them that the CA certifies.
 * @throws CliError where there is none
 */
export function endpointNames({ config, authority }: OpenCa, host: string): readonly string[] {
  const wildcard = host === '0.0.0.0' || host === '::';
  const named = config.baseUrl === undefined ? [] : [new URL(config.baseUrl).hostname.replace(/^\[|\]$/g, '')];
  const listening = wildcard ? [] : isIP(host) !== 0 && !namesOfThisMachine.includes(host) ? [host] : [];
  const wanted = [...new Set([...named, ...listening, ...namesOfThisMachine])];
  const names = wanted.filter((name) => authority.nameRefusal(name) === undefined);
  const [first] = names;
  if (first === undefined) {
    throw usageError(
      `the CA needs a certificate itself, and may issue for none of its names: ${wanted.join(', ')}`,
      'add "baseUrl": "http://…" to its config.json, with a host that is allowed; or allow localhost',
    );
  }
  if (wildcard && named.length === 0) {
    throw usageError(
      `at ${host}, by which name do clients reach the CA?`,
      'say so in its config.json: "baseUrl": "http://ca.corp.example"',
    );
  }
  return names;
}

export class EndpointCertificate {
  readonly #authority: Pick<Authority, 'issue'>;
  readonly #names: readonly string[];
  readonly #now: () => number;
  readonly #failed: (error: unknown) => void;
  #current: Credential | undefined;
  #renewing: Promise<Credential> | undefined;
  #notBefore = 0;
  /** That is left of the current one when it is due: the issuer's end may have cut its lifetime. */
  #renewBeforeMs = 0;
  #replaced = false;

  /** @param failed told where a new one could not be had, and the old one stays */
  constructor(
    authority: Pick<Authority, 'issue'>,
    names: readonly string[],
    failed: (error: unknown) => void,
    now: () => number = () => Date.now(),
  ) {
    this.#authority = authority;
    this.#names = names;
    this.#failed = failed;
    this.#now = now;
  }

  /** One that is good now, if there is any way to have it. */
  async current(): Promise<Credential> {
    const current = this.#current;
    const left = (current?.chain[0]?.notAfter.getTime() ?? 0) - this.#now();
    const wanted = left <= this.#renewBeforeMs || this.#replaced;
    const tooSoon = left > 0 && this.#now() < this.#notBefore;
    if (current !== undefined && (!wanted || tooSoon)) return current;
    this.#renewing ??= this.#issue().finally(() => {
      this.#renewing = undefined;
    });
    if (current === undefined || left <= 0) return this.#renewing;
    return this.#renewing.catch((error: unknown) => {
      this.#replaced = true;
      this.#notBefore = this.#now() + retryMs;
      this.#failed(error);
      return current;
    });
  }

  /** The next is another one, as the issuer is another. */
  replace(): void {
    this.#replaced = true;
    this.#notBefore = 0;
  }

  async #issue(): Promise<Credential> {
    this.#replaced = false;
    const { signer, pkcs8 } = await provider.generateKeyPair('secp256r1');
    wipe(pkcs8);
    const { chain } = await this.#authority.issue({
      publicKey: signer.publicKey,
      names: this.#names,
      profile: 'server',
      lifetimeMs,
      by: 'ca serve, for itself',
    });
    const now = this.#now();
    const end = chain[0]?.notAfter.getTime() ?? now;
    this.#renewBeforeMs = Math.min(lifetimeMs, end - now) * renewAtFraction;
    // The issuer may have been replaced meanwhile.
    if (!this.#replaced) this.#notBefore = now + retryMs;
    this.#current = { chain, signer };
    return this.#current;
  }
}
