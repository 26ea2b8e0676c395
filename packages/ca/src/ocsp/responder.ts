/**
 * Who signs OCSP answers: a responder that the CA has certified for it (RFC 6960 §4.2.2.2), over a key that never leaves memory.
 * Its certificate ends soon and says that nobody need ask after it, and another takes its place in good time. So the CA's own key
 * signs no answers, and may be where signing is slow.
 *
 * @module
 */

import { type Signer, wipe } from '@handfast/crypto';
import type { Certificate } from '@handfast/x509';
import type { CaContext, SigningIssuer } from '../context.ts';
import { issue } from '../issuing/issue.ts';
import { type Profile, responderProfileName } from '../issuing/profiles.ts';

interface Responder {
  readonly certificate: Certificate;
  readonly signer: Signer;
  /** When another is to take its place. */
  readonly renewAt: number;
}

const day = 86_400_000;

const responderProfile: Profile = {
  name: responderProfileName,
  extendedKeyUsage: ['ocspSigning'],
  lifetimeMs: 7 * day,
  maxLifetimeMs: 7 * day,
  keyTypes: ['secp256r1'],
  minRsaBits: 2048,
  commonName: 'identity',
  emails: false,
};

/** After an attempt that failed: whoever asks meanwhile has the old one, or the reason. Each attempt leaves records, and anybody may ask. */
const retryMs = { withOld: 10 * 60_000, without: 60_000 } as const;

interface Failure {
  readonly at: number;
  readonly reason: unknown;
}

export class ResponderKeeper {
  readonly #context: CaContext;
  #current: Responder | undefined;
  #renewing: Promise<Responder> | undefined;
  #failure: Failure | undefined;

  /** Of one issuer, which may be retired: whoever asks about its certificates is answered as long as there are any. */
  constructor(context: CaContext, { id }: SigningIssuer) {
    this.#context = { ...context, profiles: [{ ...responderProfile, issuer: id }] };
  }

  /**
   * One that is good now.
   *
   * @throws CaError where none can be made: `cannot_sign`, or `not_allowed` where the CA itself is not for OCSP signing
   */
  async current(): Promise<Responder> {
    const now = this.#context.clock().getTime();
    const old =
      this.#current !== undefined && this.#current.certificate.notAfter.getTime() > now ? this.#current : undefined;
    if (old !== undefined && now < old.renewAt) return old;
    const recent = this.#recentFailure(now, old === undefined ? retryMs.without : retryMs.withOld);
    try {
      if (recent !== undefined) throw recent.reason;
      return await this.#renewed(now);
    } catch (error) {
      if (old !== undefined) return old;
      throw error;
    }
  }

  /** A clock that was set back makes none last for ever. */
  #recentFailure(now: number, forMs: number): Failure | undefined {
    const failure = this.#failure;
    return failure !== undefined && failure.at <= now && now < failure.at + forMs ? failure : undefined;
  }

  /** Once for all who ask meanwhile. */
  #renewed(now: number): Promise<Responder> {
    this.#renewing ??= this.#make()
      .catch((reason: unknown) => {
        this.#failure = { at: now, reason };
        throw reason;
      })
      .finally(() => {
        this.#renewing = undefined;
      });
    return this.#renewing;
  }

  async #make(): Promise<Responder> {
    const { signer, pkcs8 } = await this.#context.provider.generateKeyPair('secp256r1');
    wipe(pkcs8);
    const { certificate } = await issue(this.#context, {
      publicKey: signer.publicKey,
      names: [],
      commonName: 'OCSP responder',
      by: 'authority',
    });
    this.#current = { certificate, signer, renewAt: renewalOf(certificate, this.#context.clock().getTime()) };
    return this.#current;
  }
}

/**
 * In the middle of what it lasts, and what is signed before ends long before it does. Near its issuer's end it lasts as long as that: then
 * there are a few more, and not one for each who asks.
 */
function renewalOf(certificate: Certificate, madeAt: number): number {
  return madeAt + Math.max((certificate.notAfter.getTime() - madeAt) / 2, retryMs.withOld);
}
