/**
 * Causes in who issued the certificate: itself, somebody who was not sent, a private CA, a public one that is missing here,
 * something in between.
 *
 * @module
 */

import { quote } from '@handfast/tls';
import type { Certificate, CertificateErrorCode } from '@handfast/x509';
import { topOf } from '../chain.ts';
import type { ChainEvidence, Evidence } from '../evidence.ts';
import type { Cause, Found } from './cause.ts';
import { inspectorIn, isFresh } from './hints.ts';
import { called, refusalBy } from './path-rules.ts';
import { wordsOf } from './words.ts';

/** The missing issuer, by whoever names it. */
function issuerOf(certificate: Certificate | undefined): string {
  return certificate === undefined ? 'nobody' : quote(certificate.issuer.toString());
}

const unknownRules: readonly CertificateErrorCode[] = ['unknown_issuer', 'self_signed', 'empty_trust'];

function aboutIssuer(
  find: (evidence: Evidence, chain: ChainEvidence, top: Certificate) => Found | undefined,
): Pick<Cause, 'rules' | 'find'> {
  return {
    rules: unknownRules,
    find: (evidence) => {
      const { chain } = evidence;
      const top = chain && topOf(chain.sent);
      if (chain === undefined || top === undefined || refusalBy(evidence, unknownRules) === undefined) return undefined;
      return find(evidence, chain, top);
    },
  };
}

/** What devices that inspect TLS have in common with CAs that issue for short: no proof, but worth a word. */
function fresh([leaf]: readonly Certificate[], now: Date): string {
  if (leaf === undefined || !isFresh(leaf, now)) return '';
  return ` It was made less than two days ago (${leaf.notBefore.toISOString()}), as CAs do that issue for short, and devices that inspect TLS.`;
}

export const issuerCauses: readonly Cause[] = [
  {
    id: 'self_signed',
    ...wordsOf('self_signed'),
    told: 'certain: its issuer is itself',
    codes: ['certificate_unknown_issuer'],
    remedy:
      'have one issued by a CA that the clients trust; where it is meant to be so, give it to --ca, over a way that nobody can tamper with',
    ...aboutIssuer((_, { sent, refusal }, top) =>
      top.selfIssued && top === sent[0] && refusal?.code !== 'bad_signature'
        ? {
            certainty: 'certain',
            says: `The server’s certificate ${called(top)} is signed by itself, and not in our trust store: nobody else says that it is the server’s.`,
          }
        : undefined,
    ),
  },
  {
    id: 'incomplete_chain',
    title: 'The server does not send an intermediate certificate',
    side: 'server',
    told: 'certain: with the certificate that its own caIssuers points to, the path is complete; browsers fetch or remember it, others fail',
    codes: ['certificate_unknown_issuer'],
    remedy:
      'have the server send the intermediate after its own certificate (“fullchain”): `handfast cert chain` puts it together',
    ...aboutIssuer((_, { completedBy, path, publicRoot }, top) => {
      const names = completedBy.map(called).join(' and ');
      if (completedBy.length === 0 || (path.length === 0 && publicRoot === undefined)) return undefined;
      const more =
        path.length === 0 ? `, and the root above, ${quote(publicRoot ?? '')}, is not in our trust store` : '';
      return {
        certainty: 'certain',
        says: `The server does not send the certificate of ${names}, which ${called(top)} was issued by; fetched from where that certificate says, it completes the path${more}. Browsers do as much by themselves, and hide the fault.`,
      };
    }),
  },
  {
    id: 'public_root_missing',
    title: 'A public root is not in our trust store',
    side: 'client',
    told: 'certain: with the roots that browsers have, the path is good',
    codes: ['certificate_unknown_issuer'],
    remedy:
      'bring the trust store of this machine up to date (Debian: apt install --only-upgrade ca-certificates), or leave out --ca, which trusts its file alone',
    ...aboutIssuer(({ target }, { publicRoot, path }) =>
      publicRoot !== undefined && path.length === 0
        ? {
            certainty: 'certain',
            says: `The path leads to the root ${quote(publicRoot)}, which browsers trust, and ${target.ownTrust ? 'the file of --ca does not have' : 'this machine’s trust store lacks'}.`,
          }
        : undefined,
    ),
  },
  {
    id: 'inspected',
    title: 'Something in between shows its own certificate',
    side: 'network',
    told: 'likely: an issuer in the chain carries the name of a product that inspects TLS',
    codes: ['certificate_unknown_issuer'],
    remedy:
      'where it is your organisation’s inspection, have this machine trust its CA (--ca, or the system’s store); where it is not, somebody reads along: use another network',
    ...aboutIssuer((_, { sent }, top) => {
      const product = inspectorIn([...sent, top]);
      if (product === undefined) return undefined;
      return {
        certainty: 'likely',
        says: `The certificate for ${called(sent[0])} was issued by ${issuerOf(top)}: that is the name of ${product}, which sits between clients and servers and shows certificates of its own. The server itself was not seen.`,
      };
    }),
  },
  {
    id: 'ca_made_anew',
    title: 'A CA of ours has the issuer’s name, and another key',
    side: 'client',
    told: 'certain: the key identifiers differ',
    codes: ['certificate_unknown_issuer'],
    remedy: 'get the CA’s certificate of today, over a way that nobody can tamper with, and trust it (--ca)',
    ...aboutIssuer((_, { rekeyed }, top) =>
      rekeyed
        ? {
            certainty: 'certain',
            says: `We do trust a CA called ${issuerOf(top)}, but it has another key than the one that signed ${called(top)}: it was made anew, or is somebody else’s.`,
          }
        : undefined,
    ),
  },
  {
    id: 'private_ca',
    title: 'The certificate is by a private CA',
    side: 'client',
    told: 'certain that the root was sent and is not trusted here; that it is meant to be trusted, nobody but its owner knows',
    codes: ['certificate_unknown_issuer'],
    remedy:
      'get the CA’s certificate from its owner, over a way that nobody can tamper with, and trust it (--ca, or the system’s store)',
    ...aboutIssuer(({ now }, { sent }, top) =>
      top.selfIssued && top !== sent[0]
        ? {
            certainty: 'certain',
            says: `The chain ends in the root ${quote(top.subject.toString())}, which the server sends, and which neither we trust nor browsers do: a private CA.${fresh(sent, now)}`,
          }
        : undefined,
    ),
  },
  {
    id: 'unknown_issuer',
    title: 'The issuer is not known',
    side: 'server',
    told: 'possible: either an intermediate is not sent, or a private CA signed; the certificate says where its issuer is, or does not, and nothing came of it',
    codes: ['certificate_unknown_issuer'],
    remedy: 'ask who runs the server: either it must send its intermediate, or you need its CA’s certificate for --ca',
    ...aboutIssuer(({ now }, { sent, fetchFailures }, top) => ({
      certainty: sent.length > 1 || top.selfIssued ? 'possible' : 'likely',
      says: `The certificate for ${called(top)} was issued by ${issuerOf(top)}, which the server does not send and we do not trust${fetchFailures.length > 0 ? ` (fetching it, as evidence, gave: ${fetchFailures[0]})` : ''}: an intermediate that the server leaves out, or a CA of their own.${fresh(sent, now)}`,
    })),
  },
];
