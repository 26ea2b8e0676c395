/**
 * Causes that show once the connection stands.
 *
 * @module
 */

import { attemptOf } from '../evidence.ts';
import type { Cause } from './cause.ts';

export const afterCauses: readonly Cause[] = [
  {
    id: 'broken_after',
    title: 'The connection breaks once it stands',
    side: 'server',
    told: 'likely: the server’s alert or bytes that are against the RFC, after the handshake; a corrupted record is the network’s',
    codes: ['peer_alert', 'bad_record_mac', 'unexpected_message', 'too_many_key_updates', 'transport_failed'],
    remedy: 'look into the server’s log at this time; where records are corrupted, try from another network',
    find: ({ main }) => {
      if (main.negotiated === undefined || main.failure === undefined) return undefined;
      const corrupted = main.failure.code === 'bad_record_mac';
      return {
        certainty: 'likely',
        says: `The handshake was done, and then the connection failed: ${main.failure.message}.`,
        ...(corrupted && { side: 'network' }),
      };
    },
  },
  {
    id: 'truncated',
    title: 'The connection ends without close_notify',
    side: 'server',
    told: 'likely the server’s habit; somebody who cuts connections to hide their end looks the same, which is why it matters',
    codes: ['truncated'],
    remedy:
      'have the server end TLS by close_notify before it closes the socket (in most servers: shut down, do not destroy)',
    // Whoever does not speak HTTP may well hang up on its question.
    find: ({ main }) =>
      main.answer?.end === 'truncated' && main.answer.status !== undefined
        ? {
            certainty: 'likely',
            says: 'The server answers, and then closes the connection without close_notify: a client cannot tell a whole answer from one that was cut.',
          }
        : undefined,
  },
  {
    id: 'resumption_broken',
    title: 'Coming back by a session fails',
    side: 'server',
    told: 'likely: the first connection stood, and the second, by its session, failed',
    codes: ['peer_alert', 'decrypt_error', 'illegal_parameter', 'truncated'],
    remedy:
      'give all servers behind the address the same ticket keys, or switch tickets off; every second visit of a browser fails so',
    find: (evidence) => {
      const resumed = attemptOf(evidence, 'resume');
      if (resumed === undefined || resumed.negotiated !== undefined || resumed.failure === undefined) return undefined;
      return {
        certainty: 'likely',
        says: `The first connection stood, and another that came back by its session failed: ${resumed.failure.message}.`,
        probes: ['main', 'resume'],
      };
    },
  },
];
