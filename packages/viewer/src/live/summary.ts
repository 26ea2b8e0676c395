/**
 * A connection in a line: who with whom, what came of it, and when.
 *
 * @module
 */

import type { RecordedNegotiated } from '@handfast/tls/recording';
import { type Failure, failureOf } from '../ladder/outcome.ts';
import type { LiveConnection, LiveSide } from './side.ts';

/** `going`: it is not connected yet; `gone`: nor will it be, as its program went away and said nothing more. */
export type Outcome = 'going' | 'good' | 'failed' | 'gone';

export interface LiveSummary {
  /** Of whoever began: ISO 8601. */
  readonly started: string;
  readonly outcome: Outcome;
  readonly failure: Failure | undefined;
  /** As the client sees it, where it tells. */
  readonly negotiated: RecordedNegotiated | undefined;
  /** Whom the client wanted. */
  readonly target: string | undefined;
  /** Milliseconds: until it was connected; of one that never was, until its end or until now. */
  readonly took: number;
}

export function liveSummary({ client, server }: LiveConnection): LiveSummary {
  const sides = [client, server].filter((side) => side !== undefined);
  const [first] = sides;
  if (first === undefined) throw new RangeError('a connection has one side at least');
  const negotiated = client?.negotiated ?? server?.negotiated;
  const failure = failureOf(client, server);
  return {
    started: first.started,
    outcome: outcomeOf(sides, failure),
    failure,
    negotiated,
    target: client?.target ?? server?.target ?? negotiated?.serverName,
    took: first.readyAt ?? first.lastAt,
  };
}

function outcomeOf(sides: readonly LiveSide[], failure: Failure | undefined): Outcome {
  if (failure !== undefined) return 'failed';
  if (sides.some(({ readyAt }) => readyAt !== undefined)) return 'good';
  return sides.some(({ ended, program }) => !ended && !program.gone) ? 'going' : 'gone';
}
