/**
 * What is shown once, outside the product of the axes.
 *
 * @module
 */

import type { Case, Direction } from '../cases.ts';
import type { Certificates } from '../certificates.ts';
import type { Peer } from '../peers/peer.ts';
import type { Job } from '../run.ts';
import { browserJobs } from './browser.ts';
import { earlyDataJobs } from './early-data.ts';
import { negotiationJobs } from './negotiation.ts';
import { presharedJobs } from './preshared.ts';
import { renegotiationJobs } from './renegotiation.ts';
import { resumptionJobs } from './resumption.ts';
import { staplingJobs } from './stapling.ts';

/** @param plain one plain case of each version that the peer has in this role. */
export function scenarioJobs(
  peer: Peer,
  direction: Direction,
  plain: readonly Case[],
  certificates: Certificates,
): readonly Job[] {
  return [
    negotiationJobs,
    staplingJobs,
    renegotiationJobs,
    resumptionJobs,
    presharedJobs,
    earlyDataJobs,
    browserJobs,
  ].flatMap((jobs) => [...jobs(peer, direction, plain, certificates)]);
}
