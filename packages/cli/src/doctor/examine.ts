/**
 * Which probes run, and in which order: the one that does as the options say, and then those that tell why it failed, or
 * what else is amiss where it did not. One connection at a time, as small devices have one; where the server is silent, all
 * at once, as each costs its whole time-out.
 *
 * @module
 */

import type { TrustStore } from '@handfast/x509';
import { attempt, type Route } from './attempt.ts';
import { examineChain } from './chain.ts';
import type { Attempt, ChainEvidence, Evidence, ProbeId, Target } from './evidence.ts';
import type { Offers } from './offers.ts';
import { plainProbe } from './plain.ts';
import type { DoctorWorld } from './world.ts';

export interface Examination {
  readonly target: Target;
  readonly route: Route;
  readonly offers: Offers;
  readonly trust: TrustStore;
}

/** Everything that is to be known for a diagnosis. Rejects where it is interrupted. */
export async function examine(examination: Examination, world: DoctorWorld): Promise<Evidence> {
  const { target } = examination;
  const now = world.now();
  const main = await connect('main', examination, world);
  if (main === undefined) throw new TypeError('there is always a first probe');
  const evidence = { target, now, main };
  if (main.helloBytes === 0) {
    const plain = main.failure?.step === 'starttls' ? await plainProbe(examination.route, world) : undefined;
    return { ...evidence, attempts: [main], plain, chain: undefined };
  }
  const more =
    main.negotiated === undefined ? await whyNot(main, examination, world) : await whatElse(main, examination, world);
  const attempts = [main, ...more];
  const speaksTls = attempts.some(({ start }) => looksLikeTls(start));
  return {
    ...evidence,
    attempts,
    plain: speaksTls ? undefined : await plainProbe(examination.route, world, main.start),
    chain: await chainOf(attempts, examination, world),
  };
}

async function connect(probe: ProbeId, examination: Examination, world: DoctorWorld): Promise<Attempt | undefined> {
  const offer = await examination.offers.offer(probe);
  return offer && attempt(offer, examination.route, world);
}

/** The connection stands: does it also for others, and a second time? */
async function whatElse(main: Attempt, examination: Examination, world: DoctorWorld): Promise<readonly Attempt[]> {
  const found: Attempt[] = [];
  for (const probe of ['noSni', ...(main.sessionKept ? (['resume'] as const) : [])] as const) {
    const made = await connect(probe, examination, world);
    if (made !== undefined) found.push(made);
  }
  return found;
}

/** What is tried when there is no connection, by what went wrong. */
function remedies({ failure, version }: Attempt): readonly ProbeId[] {
  if (failure?.code === 'not_tls') return [];
  // The server's messages broke rules: another version has others.
  if (version !== undefined) return ['again', 'tls12', 'legacy'];
  if (failure?.alert === 'unrecognized_name') return ['noSni'];
  if (failure?.alert === 'no_application_protocol') return ['noAlpn'];
  return ['again', 'classical', 'tls12', 'broad', 'noSni', 'noAlpn', 'legacy'];
}

async function whyNot(main: Attempt, examination: Examination, world: DoctorWorld): Promise<readonly Attempt[]> {
  const probes = remedies(main);
  if (main.failure?.code === 'timeout') {
    const made = await Promise.all(probes.map((probe) => connect(probe, examination, world)));
    return made.filter((one) => one !== undefined);
  }
  const found: Attempt[] = [];
  for (const probe of probes) {
    const made = await connect(probe, examination, world);
    if (made === undefined) continue;
    found.push(made);
    // The first change that helps is the reason.
    if (made.negotiated !== undefined) break;
  }
  return found;
}

/** A record of TLS: an alert or a handshake message, and the version 3.x. */
function looksLikeTls(start: string): boolean {
  const type = start.charCodeAt(0);
  return (type === 21 || type === 22) && start.charCodeAt(1) === 3;
}

/** Of the first attempt that saw any. */
async function chainOf(
  attempts: readonly Attempt[],
  { target, trust, route }: Examination,
  world: DoctorWorld,
): Promise<ChainEvidence | undefined> {
  const seen = attempts.find(({ certificates }) => certificates.length > 0);
  if (seen === undefined) return undefined;
  const { certificates, staple } = seen;
  const { interrupted: signal } = route;
  const chain = await examineChain({ certificates, staple, name: target.name, trust, now: world.now(), signal }, world);
  signal.throwIfAborted();
  return chain;
}
