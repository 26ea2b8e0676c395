/**
 * Causes of a handshake that ends without a word: silence, a reset, a close.
 *
 * @module
 */

import { formatHostPort } from '../../options.ts';
import type { Evidence, Failure } from '../evidence.ts';
import type { Cause } from './cause.ts';
import { handshakeFailure } from './handshake.ts';

export const silenceCauses: readonly Cause[] = [
  {
    id: 'hello_timeout',
    title: 'Silence after the ClientHello',
    side: 'server',
    told: 'likely: TCP was answered, and no way of saying hello was; where a listener is overloaded, or waits for another protocol, it is so',
    codes: ['handshake_timeout'],
    remedy:
      'look whether the service hangs or is overloaded, and whether it waits for another protocol on this port (STARTTLS, PROXY protocol)',
    find: silent(
      ['hello'],
      ({ target }) =>
        `${formatHostPort(target)} accepts TCP connections, and then does not answer the ClientHello, however it is written.`,
    ),
  },
  {
    id: 'handshake_timeout',
    title: 'Silence in the middle of the handshake',
    side: 'network',
    told: 'possible: the server’s larger messages do not arrive; a path whose MTU is smaller than the machines believe does so, and so does a server that hangs',
    codes: ['handshake_timeout'],
    remedy: 'look at the MTU of tunnels and VPNs in between (with 1280 it should work), then at the server’s log',
    find: silent(
      ['handshake'],
      ({ main }) =>
        `The handshake began, and stopped after ${main.bytesIn} bytes of the server’s${main.version === undefined ? '' : ` (${main.version} was chosen)`}: the rest does not arrive, or is never sent.`,
    ),
  },
  {
    id: 'finished_timeout',
    title: 'Silence after our Finished',
    side: 'server',
    told: 'likely: all of ours was sent, and TCP took it',
    codes: ['handshake_timeout'],
    remedy:
      'look into the server’s log: it waits for something, or what it asks in the meantime (a directory, an OCSP responder) does not answer',
    find: silent(['finished'], () => 'The server fell silent after our Finished message: its own never came.'),
  },
  {
    id: 'hello_reset',
    title: 'A reset after the ClientHello',
    side: 'network',
    told: 'possible: firewalls that look into hellos cut so, and so do servers that crash or do not speak TLS',
    codes: ['transport_failed'],
    remedy:
      'try from another network: where it works there, a firewall here refuses the name or the protocol; else look into the server’s log',
    find: (evidence) => {
      const failure = handshakeFailure(evidence);
      if (failure === undefined || failure.step !== 'hello' || !/^E[A-Z]+$/.test(failure.code)) return undefined;
      return {
        certainty: 'possible',
        says: `The connection was reset (${failure.code}) as soon as the ClientHello was there, however it was written: a firewall that looks for names or protocols, or a server that does not speak TLS, does so.`,
      };
    },
  },
  {
    id: 'hello_closed',
    title: 'Closed after the ClientHello, without an alert',
    side: 'server',
    told: 'likely: TLS servers say why by an alert; what closes without one is mostly no TLS server, or a proxy that knows no way to one',
    codes: ['truncated'],
    remedy:
      'look which service listens there, and what its log says; a load balancer without a healthy server behind it closes so as well',
    find: (evidence) => {
      const failure = handshakeFailure(evidence);
      if (failure?.code !== 'truncated' || failure.step !== 'hello') return undefined;
      return {
        certainty: 'likely',
        says: 'The connection was closed as soon as the ClientHello was there, without an alert and without a byte: what listens there is no TLS server, or cannot reach one.',
      };
    },
  },
  {
    id: 'handshake_closed',
    title: 'Cut in the middle of the handshake',
    side: 'server',
    told: 'likely: the server ended without saying why',
    codes: ['truncated', 'transport_failed'],
    remedy: 'look into the server’s log at this time: it crashed, or its configuration failed late',
    find: (evidence) => {
      const failure = handshakeFailure(evidence);
      if (failure === undefined || (failure.code !== 'truncated' && !/^E[A-Z]+$/.test(failure.code))) return undefined;
      return {
        certainty: 'likely',
        says: `The handshake began, and was cut ${failure.step === 'finished' ? 'after our Finished' : 'in the middle'} without an alert (${failure.code === 'truncated' ? 'closed' : failure.code}).`,
      };
    },
  },
];

function silent(steps: readonly Failure['step'][], says: (evidence: Evidence) => string): Cause['find'] {
  return (evidence) => {
    const failure = handshakeFailure(evidence);
    if (failure?.code !== 'timeout' || !steps.includes(failure.step)) return undefined;
    return { certainty: steps.includes('handshake') ? 'possible' : 'likely', says: says(evidence) };
  };
}
