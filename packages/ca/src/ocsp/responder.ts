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

/** A new one is made when so much is left: what is signed before ends long before then. */
const renewBeforeMs = responderProfile.lifetimeMs / 2;
/** After an attempt that failed, as long as the old one is good. */
const retryMs = 10 * 60_000;

export class ResponderKeeper {
  readonly #context: CaContext;
  #current: Responder | undefined;
  #renewing: Promise<Responder> | undefined;
  #notBefore = 0;

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
    const current = this.#current;
    const now = this.#context.clock().getTime();
    const left = (current?.certificate.notAfter.getTime() ?? 0) - now;
    if (current !== undefined && (left > renewBeforeMs || now < this.#notBefore) && left > 0) return current;
    this.#renewing ??= this.#make().finally(() => {
      this.#renewing = undefined;
    });
    if (current === undefined || left <= 0) return await this.#renewing;
    return await this.#renewing.catch(() => {
      this.#notBefore = now + retryMs;
      return current;
    });
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
    this.#current = { certificate, signer };
    return this.#current;
  }
}
