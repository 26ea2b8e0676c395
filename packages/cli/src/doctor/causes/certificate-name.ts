/**
 * Causes in whom the certificate is for (RFC 9525).
 *
 * @module
 */

import { quote } from '@handfast/tls';
import { type Certificate, CertificateError, formatIp } from '@handfast/x509';
import type { Evidence } from '../evidence.ts';
import type { Cause, Found } from './cause.ts';
import { isInternalName } from './hints.ts';
import { called } from './path-rules.ts';
import { wordsOf } from './words.ts';

function namesIn(leaf: Certificate): readonly string[] {
  try {
    const { dnsNames = [], ipAddresses = [] } = leaf.subjectAltName ?? {};
    return [
      ...dnsNames,
      ...ipAddresses.filter(({ length }) => length === 4 || length === 16).map((bytes) => formatIp(bytes)),
    ];
  } catch (error) {
    if (error instanceof CertificateError) return [];
    throw error;
  }
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 6).map(quote).join(', ');
  return names.length > 6 ? `${shown} and ${names.length - 6} more` : shown;
}

function aboutName(
  find: (evidence: Evidence, names: readonly string[], leaf: Certificate) => Found | undefined,
): Pick<Cause, 'rules' | 'find'> {
  return {
    rules: ['name_mismatch'],
    find: (evidence) => {
      const { chain } = evidence;
      const [leaf] = chain?.sent ?? [];
      if (chain === undefined || leaf === undefined || chain.nameFits) return undefined;
      return find(evidence, namesIn(leaf), leaf);
    },
  };
}

const mismatch = { side: 'server', codes: ['certificate_name_mismatch'] } as const;

export const nameCauses: readonly Cause[] = [
  {
    ...mismatch,
    id: 'no_alternative_names',
    title: 'The certificate has a common name alone',
    told: 'certain: it has no subjectAltName with a name or address in it',
    remedy: 'have it issued again with a subjectAltName: common names have not been looked at since 2017',
    ...aboutName((_, names, leaf) =>
      names.length === 0
        ? {
            certainty: 'certain',
            says: `The certificate ${called(leaf)} names nobody in its subjectAltName; its common name is not looked at (RFC 9525 §6.3).`,
          }
        : undefined,
    ),
  },
  {
    ...mismatch,
    id: 'address_not_named',
    title: 'The certificate is for names, not for this address',
    side: 'client',
    told: 'certain: we connect to an address, and the certificate has none such',
    remedy: 'connect by the name, or say it with --servername; or have the address put into the certificate',
    ...aboutName(({ target }, names) =>
      target.isAddress
        ? {
            certainty: 'certain',
            says: `The certificate is for ${list(names)}, and not for the address ${target.name}: an address fits only where it stands in the certificate itself.`,
          }
        : undefined,
    ),
  },
  {
    ...mismatch,
    id: 'wildcard_depth',
    title: 'A wildcard does not reach this name',
    told: 'certain: a * stands for one label, no more and no less',
    remedy: 'have the name itself, or a wildcard one label above it, put into the certificate',
    ...aboutName(({ target }, names) => {
      const near = names.find((name) => {
        const base = name.startsWith('*.') ? name.slice(2).toLowerCase() : undefined;
        return (
          base !== undefined && (target.name.toLowerCase() === base || target.name.toLowerCase().endsWith(`.${base}`))
        );
      });
      return near === undefined
        ? undefined
        : {
            certainty: 'certain',
            says: `The certificate is for ${quote(near)}, and a * stands for exactly one label: it does not cover "${target.name}" (RFC 9525 §6.3).`,
          };
    }),
  },
  {
    ...mismatch,
    id: 'dot_in_certificate',
    title: 'The certificate’s name ends in a dot',
    side: 'ca',
    told: 'certain: without the dot it would be the name',
    remedy: 'have the certificate issued again, with the name as it is written elsewhere, without a dot at its end',
    ...aboutName(({ target }, names) =>
      names.some((name) => name.toLowerCase() === `${target.name.toLowerCase()}.`)
        ? {
            certainty: 'certain',
            says: `The certificate is for "${target.name}." with a dot at its end, which no name in a certificate may have: no client takes it for "${target.name}".`,
          }
        : undefined,
    ),
  },
  {
    ...mismatch,
    id: 'default_certificate',
    title: 'The server shows a certificate for internal names',
    told: 'likely: all names in it are of no use outside (localhost, one label, .local, .internal): a default one that came with the device or the distribution',
    remedy: 'have a certificate issued for the name, and the server use it',
    ...aboutName(({ target }, names) =>
      names.length > 0 && names.every(isInternalName) && !isInternalName(target.name)
        ? {
            certainty: 'likely',
            says: `The certificate is for ${list(names)} alone, not for "${target.name}": a default certificate, in place of one of the server’s own.`,
          }
        : undefined,
    ),
  },
  {
    ...mismatch,
    id: 'wrong_name',
    ...wordsOf('name_mismatch'),
    told: 'certain: none of its names is the one that was asked for',
    remedy:
      'connect by a name that it is for (or say it with --servername), have the name put into the certificate, or look whether the DNS leads to the right server',
    ...aboutName(({ target }, names) => ({
      certainty: 'certain',
      says: `The certificate is for ${list(names)}, not for "${target.name}".`,
    })),
  },
];
