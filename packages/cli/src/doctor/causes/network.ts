/**
 * Causes before any TLS: the name, the network, the proxy, the STARTTLS dialogue.
 *
 * @module
 */

import { quote } from '@handfast/tls';
import { formatHostPort } from '../../options.ts';
import { type Evidence, type Failure, firstLine } from '../evidence.ts';
import type { Cause, Found } from './cause.ts';

/** The failure of a connection that never came to TLS. */
function before(evidence: Evidence): Failure | undefined {
  return evidence.main.helloBytes === 0 ? evidence.main.failure : undefined;
}

function byCode(codes: readonly string[], says: (evidence: Evidence, failure: Failure) => Found): Cause['find'] {
  return (evidence) => {
    const failure = before(evidence);
    return failure !== undefined && failure.step === 'tcp' && codes.includes(failure.code)
      ? says(evidence, failure)
      : undefined;
  };
}

function where({ target }: Evidence): string {
  return formatHostPort(target);
}

export const networkCauses: readonly Cause[] = [
  {
    id: 'dns_not_found',
    title: 'The name does not exist',
    side: 'client',
    told: 'certain: the resolver says that there is no such name (ENOTFOUND)',
    remedy:
      'look at the spelling, and whether the name is one of a network (a VPN, /etc/hosts) that this machine is not on',
    find: byCode(['ENOTFOUND'], ({ target }) => ({
      certainty: 'certain',
      says: `The name ${quote(target.host)} does not resolve: the resolver knows no address for it, so nothing was connected to.`,
    })),
  },
  {
    id: 'dns_no_answer',
    title: 'The resolver does not answer',
    side: 'network',
    told: 'certain: the system’s resolver gave up (EAI_AGAIN)',
    remedy: 'see whether this machine is on the network, and whether the resolver in /etc/resolv.conf is alive',
    find: byCode(['EAI_AGAIN', 'ESERVFAIL', 'ETIMEOUT'], ({ target }) => ({
      certainty: 'certain',
      says: `The resolver did not answer when it was asked for ${quote(target.host)}, so nothing was connected to.`,
    })),
  },
  {
    id: 'refused',
    title: 'Nothing listens on the port',
    side: 'server',
    told: 'certain: the machine answered the TCP connection with a reset (ECONNREFUSED)',
    remedy: 'start the service, or use the port on which it listens; a firewall may also answer so in its place',
    find: byCode(['ECONNREFUSED'], (evidence) => ({
      certainty: 'certain',
      says: `${where(evidence)} refused the TCP connection: the machine is there, and nothing listens on port ${evidence.target.port}, or a firewall says so.`,
    })),
  },
  {
    id: 'unreachable',
    title: 'There is no route',
    side: 'network',
    told: 'certain: the system has no route, or a router says that there is none',
    remedy:
      'look at the routes and the VPN of this machine; where the name has an IPv6 address and the network has no IPv6, try -4',
    find: byCode(['EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ENETDOWN', 'EHOSTDOWN'], (evidence, { code }) => ({
      certainty: 'certain',
      says: `There is no way from here to ${where(evidence)}: the system answers ${code}.`,
    })),
  },
  {
    id: 'tcp_timeout',
    title: 'Nobody answers the TCP connection',
    side: 'network',
    told: 'likely a firewall: a machine that is up refuses, one behind a firewall is silent; an address that nobody has is silent as well',
    remedy: 'ask who runs the firewall in between; see whether the address is still the server’s, and the machine on',
    find: byCode(['timeout', 'ETIMEDOUT'], (evidence) => ({
      certainty: 'likely',
      says: `Nobody answered the TCP connection to ${where(evidence)} in time: packets are dropped by a firewall, or the machine is off. TLS was never begun.`,
    })),
  },
  {
    id: 'proxy_failed',
    title: 'The proxy does not connect',
    side: 'network',
    told: 'certain: the proxy refused, or could not be reached',
    remedy: 'look at the proxy’s address, user and password, and at what it allows',
    find: (evidence) => {
      const failure = before(evidence);
      if (failure?.step !== 'proxy') return undefined;
      return { certainty: 'certain', says: `The proxy made no connection to ${where(evidence)}: ${failure.message}.` };
    },
  },
  {
    id: 'starttls_injection',
    title: 'Plaintext follows the STARTTLS go-ahead',
    side: 'network',
    told: 'likely: no honest server sends any; bytes were seen',
    remedy: 'do not send anything through this network until it is known who injects bytes',
    find: (evidence) => {
      const failure = before(evidence);
      if (failure?.step !== 'starttls' || !/of plaintext after its go-ahead/.test(failure.message)) return undefined;
      return {
        certainty: 'likely',
        says: `${failure.message}. Somebody in between may be injecting commands, to be read later as if they had come through TLS.`,
      };
    },
  },
  {
    id: 'starttls_wrong_protocol',
    title: 'The port speaks another protocol than the one for STARTTLS',
    side: 'client',
    told: 'certain: it greeted as another protocol',
    remedy: 'name the protocol that the port speaks in --starttls, or the port that speaks this one',
    find: (evidence) => {
      const failure = before(evidence);
      const { plain, target } = evidence;
      if (failure?.step !== 'starttls' || plain?.protocol === undefined || plain.protocol === target.startTls) {
        return undefined;
      }
      return {
        certainty: 'certain',
        says: `${where(evidence)} does not speak ${target.startTls}, but ${plain.protocol}: it begins with ${quote(firstLine(plain.banner))}.`,
      };
    },
  },
  {
    id: 'starttls_refused',
    title: 'The server does not begin TLS by STARTTLS',
    side: 'server',
    told: 'certain: it refused, or did not offer it',
    remedy: 'set TLS up in the server; where it is, somebody in between may remove the offer: try from another network',
    find: (evidence) => {
      const failure = before(evidence);
      if (failure?.step !== 'starttls') return undefined;
      return failure.code === 'timeout'
        ? {
            certainty: 'likely',
            says: `${where(evidence)} accepted the connection, and then fell silent in the STARTTLS dialogue: it may speak another protocol, or TLS from the first byte.`,
            remedy: 'try without --starttls, or with another protocol',
          }
        : {
            certainty: 'certain',
            says: `The ${evidence.target.startTls} dialogue did not come to TLS: ${failure.message}.`,
          };
    },
  },
  {
    id: 'tcp_failed',
    title: 'The connection broke before TLS',
    side: 'network',
    told: 'possible: the system’s own words are all there is',
    remedy: 'try again, and from another network',
    find: (evidence) => {
      const failure = before(evidence);
      return (
        failure && {
          certainty: 'possible',
          says: `No connection to ${where(evidence)} came about: ${failure.message}.`,
        }
      );
    },
  },
];
