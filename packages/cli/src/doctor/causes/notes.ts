/**
 * Notes: what is harmless, or only so for some clients. They are no problems, and change no exit code.
 *
 * @module
 */

import { quote } from '@handfast/tls';
import { authorityInfoAccessOf, type Certificate, CertificateError, distributionPointsOf } from '@handfast/x509';
import { nameOf } from '../../transcript.ts';
import { topOf } from '../chain.ts';
import { attemptOf, type ChainEvidence, type Evidence } from '../evidence.ts';
import type { Cause } from './cause.ts';

const dayMs = 24 * 3_600_000;
const soonMs = 14 * dayMs;

function order({ sent }: ChainEvidence): boolean {
  return sent.some((certificate, index) => {
    const next = sent[index + 1];
    return next !== undefined && !sameBytes(next.subject.raw, certificate.issuer.raw);
  });
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(b);
}

function duplicates({ sent }: ChainEvidence): readonly Certificate[] {
  return sent.filter((certificate, index) => sent.findIndex((other) => sameBytes(other.raw, certificate.raw)) < index);
}

/** Certificates that no path of the server's needs. */
function unrelated({ sent }: ChainEvidence): readonly Certificate[] {
  const [leaf, ...rest] = sent;
  if (leaf === undefined) return [];
  const issuing = new Set<Certificate>([leaf]);
  for (let grown = true; grown; ) {
    const more = rest.filter(
      (one) => !issuing.has(one) && [...issuing].some((child) => sameBytes(child.issuer.raw, one.subject.raw)),
    );
    for (const one of more) issuing.add(one);
    grown = more.length > 0;
  }
  return rest.filter((one) => !issuing.has(one));
}

function names(certificates: readonly Certificate[]): string {
  return [...new Set(certificates.map((certificate) => `"${nameOf(certificate)}"`))].join(', ');
}

/** Whether a certificate points to a list or a responder. */
function saysWhere(certificate: Certificate): boolean {
  try {
    const lists = distributionPointsOf(certificate);
    return lists.length + authorityInfoAccessOf(certificate).ocspUrls.length > 0;
  } catch (error) {
    if (error instanceof CertificateError) return false;
    throw error;
  }
}

function aboutChain(says: (chain: ChainEvidence, evidence: Evidence) => string | undefined): Cause['find'] {
  return (evidence) => {
    const text = evidence.chain && says(evidence.chain, evidence);
    return text === undefined ? undefined : { certainty: 'certain', says: text };
  };
}

export const notes: readonly Cause[] = [
  {
    id: 'sni_dependent',
    title: 'Without SNI the server fails, or shows another certificate',
    side: 'client',
    told: 'certain: a connection without server_name was made',
    remedy: 'nothing, unless clients without SNI are to be served: scripts that connect by address, very old devices',
    find: (evidence) => {
      const { main } = evidence;
      const without = attemptOf(evidence, 'noSni');
      if (main.negotiated === undefined || without === undefined) return undefined;
      const probes = ['main', 'noSni'] as const;
      if (without.negotiated === undefined) {
        return {
          certainty: 'certain',
          says: 'Without being named (SNI), the server refuses: clients that send no name do not reach it.',
          probes,
        };
      }
      const [ours] = main.certificates;
      const [other] = without.certificates;
      if (ours === undefined || other === undefined || sameBytes(ours, other)) return undefined;
      return { certainty: 'certain', says: 'Without being named (SNI), the server shows another certificate.', probes };
    },
  },
  {
    id: 'alpn_none',
    title: 'The server chose no application protocol',
    side: 'server',
    told: 'certain: protocols were offered, and none is in its answer',
    remedy: 'nothing, where the protocol is clear from the port; HTTP/2 needs ALPN',
    find: ({ main, target }) =>
      main.negotiated !== undefined && target.alpn.length > 0 && main.negotiated.alpnProtocol === undefined
        ? {
            certainty: 'certain',
            says: `Of ${target.alpn.map(quote).join(', ')} (ALPN) the server chose none: it does not know ALPN, or none of these.`,
          }
        : undefined,
  },
  {
    id: 'client_certificate_optional',
    title: 'The server asks for a client certificate, and does without',
    side: 'client',
    told: 'certain: it asked, and the connection stands',
    remedy: 'nothing, unless what you want to reach needs one: --cert FILE --key FILE',
    find: ({ main }) =>
      main.negotiated !== undefined && main.failure === undefined && main.asksForCertificate && !main.sentCertificate
        ? { certainty: 'certain', says: 'The server asks for a client certificate, and goes on without one.' }
        : undefined,
  },
  {
    id: 'wrong_order',
    title: 'The certificates are not in order',
    side: 'server',
    told: 'certain: one is not followed by its issuer; RFC 9846 lets clients bear it, and old ones do not',
    remedy: 'order them, the server’s own first, each followed by its issuer: `handfast cert chain`',
    find: aboutChain((chain) =>
      order(chain) && unrelated(chain).length === 0 && duplicates(chain).length === 0
        ? 'The certificates are not in order, each followed by its issuer: harmless for clients of today.'
        : undefined,
    ),
  },
  {
    id: 'duplicates',
    title: 'A certificate is sent twice',
    side: 'server',
    told: 'certain: the same bytes came twice',
    remedy: 'take it out of the server’s file',
    find: aboutChain((chain) => {
      const twice = duplicates(chain);
      return twice.length === 0
        ? undefined
        : `The server sends ${names(twice)} more than once: harmless, and bytes for nothing.`;
    }),
  },
  {
    id: 'unrelated_certificates',
    title: 'Certificates are sent that no path needs',
    side: 'server',
    told: 'certain: nothing in the path was issued by them',
    remedy: 'take them out of the server’s file',
    find: aboutChain((chain) => {
      const others = unrelated(chain).filter((certificate) => !duplicates(chain).includes(certificate));
      return others.length === 0
        ? undefined
        : `The server sends ${names(others)}, which no path of its certificate needs.`;
    }),
  },
  {
    id: 'root_sent',
    title: 'The root is sent along',
    side: 'server',
    told: 'certain: the last certificate is self-signed; clients have their own, or do not trust it',
    remedy: 'take the root out of the server’s file: it is bytes for nothing',
    find: aboutChain((chain) => {
      const top = topOf(chain.sent);
      return top?.selfIssued && top !== chain.sent[0] && chain.refusal === undefined
        ? `The server sends its root ${names([top])} along: harmless, and bytes for nothing.`
        : undefined;
    }),
  },
  {
    id: 'trailing_dot',
    title: 'The name was given with a dot at its end',
    side: 'client',
    told: 'certain: it is in what was typed',
    remedy:
      'write it without: TLS names have no dot at the end (RFC 6066 §3), and some clients send or compare it all the same',
    find: ({ target }) =>
      target.trailingDot
        ? {
            certainty: 'certain',
            says: 'The name was given with a dot at its end, which was left out for TLS, as RFC 6066 §3 demands.',
          }
        : undefined,
  },
  {
    id: 'expires_soon',
    title: 'The certificate expires soon',
    side: 'server',
    told: 'certain: in less than two weeks, where more than a third of its life is over',
    remedy: 'renew it, and look why it is not done by itself',
    find: aboutChain(({ sent, refusal }, { now }) => {
      const [leaf] = sent;
      if (leaf === undefined || refusal?.code === 'expired') return undefined;
      const left = leaf.notAfter.getTime() - now.getTime();
      const life = leaf.notAfter.getTime() - leaf.notBefore.getTime();
      if (left < 0 || left > soonMs || left > life / 3) return undefined;
      return `The certificate expires in ${Math.floor(left / dayMs)} days, at ${leaf.notAfter.toISOString()}.`;
    }),
  },
  {
    id: 'revocation_unknown',
    title: 'Nobody says whether the certificate was revoked',
    side: 'ca',
    told: 'certain: it was asked for where the certificate says, without an answer that is good',
    remedy: 'nothing for most clients, which do not ask; see whether the CA’s responder and lists can be reached',
    find: aboutChain(({ revocation }) => {
      for (const { certificate, answer } of revocation) {
        if (answer.status !== 'unknown' || !saysWhere(certificate)) continue;
        return `Whether ${names([certificate])} was revoked could not be found out: ${answer.why}.`;
      }
      return undefined;
    }),
  },
  {
    id: 'not_resumed',
    title: 'The server does not take its own session back',
    side: 'server',
    told: 'certain: it gave a session, and made a full handshake when it was offered',
    remedy: 'behind a load balancer, give all servers the same ticket keys: it saves a round of signatures a visit',
    find: (evidence) => {
      const resumed = attemptOf(evidence, 'resume');
      return resumed?.negotiated !== undefined && !resumed.negotiated.resumed
        ? {
            certainty: 'certain',
            says: 'The server gave a session to come back by, and then did not take it: every connection costs a full handshake.',
            probes: ['main', 'resume'],
          }
        : undefined;
    },
  },
  {
    id: 'no_tls13',
    title: 'TLS 1.3 is not spoken',
    side: 'server',
    told: 'certain: TLS 1.3 was offered, and TLS 1.2 chosen',
    remedy: 'bring the server to TLS 1.3: one round trip less, and no weak choices left',
    find: (evidence) =>
      evidence.main.negotiated?.version === 'TLS 1.2' && !evidence.target.limited
        ? { certainty: 'certain', says: 'The server speaks TLS 1.2, and not TLS 1.3.' }
        : undefined,
  },
  {
    id: 'no_post_quantum',
    title: 'The key exchange is not post-quantum',
    side: 'server',
    told: 'certain: X25519MLKEM768 was offered, and another group chosen',
    remedy:
      'bring the server’s TLS library to one with X25519MLKEM768: what is recorded today may be read by a quantum computer later',
    find: ({ main, target }) =>
      main.negotiated?.version === 'TLS 1.3' && main.negotiated.group?.postQuantum === false && !target.limited
        ? {
            certainty: 'certain',
            says: `The key exchange is ${main.negotiated.group.name}, though post-quantum groups were offered.`,
          }
        : undefined,
  },
];
