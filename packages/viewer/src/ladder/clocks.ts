/**
 * How far apart two recordings of one connection began. Their clocks say so, and are not quite right: no message arrives before it
 * was sent, and what the messages say holds.
 *
 * @module
 */

import type { Recording } from '@handfast/tls/recording';

/** What of a recording tells the time. */
export type Timed = Pick<Recording, 'started' | 'events'>;

/** Milliseconds from the client's first event to the server's; negative where the server's was first. */
export function offsetBetween(client: Timed, server: Timed): number {
  // Whoever wrote them may have written no time.
  const said = millisecondsOf(server.started) - millisecondsOf(client.started) || 0;
  let least = Number.NEGATIVE_INFINITY;
  let most = Number.POSITIVE_INFINITY;
  for (const { sent, came } of carried(client, server)) least = Math.max(least, sent - came);
  for (const { sent, came } of carried(server, client)) most = Math.min(most, came - sent);
  return Math.min(Math.max(said, least), most);
}

/** Milliseconds since 1970, to a thousandth, which `Date` does not keep. */
function millisecondsOf(started: string): number {
  return Date.parse(`${started.slice(0, 19)}Z`) + Number(`0.${started.slice(20, -1) || 0}`) * 1000;
}

/** When each message and alert was sent and when it came, each by its own side's time: as long as both tell of the same ones. */
function* carried(from: Timed, to: Timed): Generator<{ readonly sent: number; readonly came: number }> {
  const coming = told(to, 'in');
  for (const { at: sent, what } of told(from, 'out')) {
    const { value: other } = coming.next();
    if (other?.what !== what) return;
    yield { sent, came: other.at };
  }
}

function* told(
  { events }: Timed,
  direction: 'in' | 'out',
): Generator<{ readonly at: number; readonly what: string }, undefined> {
  for (const event of events) {
    if (event.type === 'message' && event.direction === direction) yield { at: event.at, what: event.name };
    else if (event.type === 'alert' && event.direction === direction) yield { at: event.at, what: event.alert };
  }
}
