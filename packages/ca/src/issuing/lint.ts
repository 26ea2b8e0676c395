/**
 * Rules of form for what is about to be signed, after RFC 5280 and the CA/Browser Forum's Baseline Requirements (BR, version 2.1).
 * Each is a row: where it stands, and why a certificate breaks it. What is looked at are the very bytes, parsed, so that neither
 * template nor encoder is taken at its word.
 *
 * A certificate that breaks one is not signed, and the fault is the CA's: what a requester may not have was refused before.
 *
 * @module
 */

import { equalBytes, type PublicKeyInfo } from '@handfast/crypto';
import {
  authorityInfoAccessOf,
  type Certificate,
  CertificateError,
  distributionPointsOf,
  extensionLabel,
  formatIp,
  keyPurposeLabel,
} from '@handfast/x509';
import { hostFault, quoted, type RequestedName } from './policy.ts';
import type { Profile } from './profiles.ts';

export interface LintContext {
  readonly issuer: Certificate;
  readonly profile: Profile;
  readonly publicKey: PublicKeyInfo;
  readonly names: readonly RequestedName[];
  readonly commonName: string | undefined;
  readonly crlUrl: string | undefined;
  readonly ocspUrl: string | undefined;
  readonly now: Date;
  readonly backdateMs: number;
}

export interface LintRule {
  readonly id: string;
  readonly section: string;
  /** Why `certificate` breaks it, in words; `undefined` where it does not. */
  readonly breach: (certificate: Certificate, context: LintContext) => string | undefined;
}

/** The rules that a certificate breaks: `id: why (section)`. */
export function lint(certificate: Certificate, context: LintContext): readonly string[] {
  return lintRules.flatMap(({ id, section, breach }) => {
    const why = breach(certificate, context);
    return why === undefined ? [] : [`${id}: ${why} (${section})`];
  });
}

const hour = 3_600_000;

/** `because` where `broken`. */
function when(broken: boolean, because: string): string | undefined {
  return broken ? because : undefined;
}

export const lintRules: readonly LintRule[] = [
  {
    id: 'version',
    section: 'RFC 5280 §4.1.2.1',
    breach: ({ version }) => when(version !== 3, `version ${version}, not 3`),
  },
  {
    id: 'serial_number',
    section: 'RFC 5280 §4.1.2.2, BR §7.1.2.7',
    breach: ({ serialNumber }) => {
      if ((serialNumber[0] ?? 0) >= 0x80) return 'the serial number is negative';
      if (serialNumber.length > 20) return `a serial number of ${serialNumber.length} octets; 20 is the most`;
      return when(serialNumber.length < 9, 'a serial number of less than 64 bits cannot be random enough');
    },
  },
  {
    id: 'issuer_name',
    section: 'RFC 5280 §4.1.2.4, BR §7.1.4.1',
    breach: (certificate, { issuer }) =>
      when(
        !equalBytes(certificate.issuer.raw, issuer.subject.raw),
        "the issuer is not the CA's subject, byte for byte",
      ),
  },
  {
    id: 'signature_algorithm',
    section: 'RFC 5280 §4.1.1.2, BR §7.1.3.2',
    breach: ({ signatureAlgorithm, signatureAlgorithmOid }) =>
      when(signatureAlgorithm === undefined, `the signature algorithm ${signatureAlgorithmOid}`),
  },
  {
    id: 'validity',
    section: 'RFC 5280 §4.1.2.5',
    breach: ({ notBefore, notAfter }) => when(notAfter <= notBefore, 'notAfter is not after notBefore'),
  },
  {
    id: 'not_before',
    section: 'BR §7.1.2.7',
    breach: ({ notBefore }, { now }) => {
      if (notBefore > now) return 'notBefore is in the future';
      return when(now.getTime() - notBefore.getTime() > 48 * hour, 'notBefore is more than 48 hours ago');
    },
  },
  {
    id: 'lifetime',
    section: 'BR §6.3.2',
    breach: ({ notBefore, notAfter }, { profile, backdateMs }) =>
      when(
        notAfter.getTime() - notBefore.getTime() > profile.maxLifetimeMs + backdateMs + 1000,
        `it is valid for longer than the profile "${profile.name}" has it`,
      ),
  },
  {
    id: 'outlives_issuer',
    section: 'RFC 5280 §6.1.3',
    breach: ({ notAfter }, { issuer }) => when(notAfter > issuer.notAfter, 'it ends after its issuer'),
  },
  {
    id: 'public_key',
    section: 'RFC 5280 §4.1.2.7',
    breach: ({ spki }, { publicKey }) =>
      when(!equalBytes(spki, publicKey.spki), 'the key is not the one that was asked for'),
  },
  {
    id: 'subject',
    section: 'BR §7.1.2.7.2',
    breach: ({ subject }, { commonName }) => {
      const attributes = subject.rdns.flat();
      if (commonName === undefined) return when(attributes.length > 0, 'a subject that nobody asked for');
      return when(
        attributes.length !== 1 || subject.commonName !== commonName,
        'the subject is not the common name alone',
      );
    },
  },
  {
    id: 'common_name',
    section: 'RFC 5280 §A.1, BR §7.1.4.3',
    breach: ({ subject: { commonName } }, { profile, names }) => {
      if (commonName === undefined) return undefined;
      if ([...commonName].length > 64) return 'a common name of more than 64 characters';
      if (profile.commonName !== 'names') return undefined;
      return when(
        !names.some(({ name }) => name === commonName),
        `the common name ${quoted(commonName)} is none of the names`,
      );
    },
  },
  {
    id: 'subject_alt_name',
    section: 'RFC 5280 §4.2.1.6, BR §7.1.2.7.12',
    breach: ({ subjectAltName }, { names }) => {
      const found = (subjectAltName?.names ?? []).map((name) => {
        if (name.kind === 'ip') return `ip ${formatIp(name.bytes)}`;
        return 'text' in name ? `${name.kind} ${name.text}` : name.kind;
      });
      const asked = names.map(({ kind, name }) => `${kind} ${name}`);
      return when(found.join('\n') !== asked.join('\n'), 'the names are not those that were asked for');
    },
  },
  {
    id: 'subject_alt_name_critical',
    section: 'RFC 5280 §4.2.1.6',
    breach: (certificate) => {
      const extension = certificate.extension('subjectAltName');
      if (extension === undefined) return undefined;
      const empty = certificate.subject.rdns.length === 0;
      return when(
        extension.critical !== empty,
        'subjectAltName is critical where the subject is empty, and only there',
      );
    },
  },
  {
    id: 'server_names',
    section: 'BR §7.1.2.7.12',
    breach: (_, { profile, names }) =>
      when(profile.extendedKeyUsage.includes('serverAuth') && names.length === 0, 'a server without a name'),
  },
  {
    id: 'dns_names',
    section: 'RFC 5280 §4.2.1.6, BR §7.1.2.7.12',
    breach: ({ subjectAltName }) => {
      for (const name of subjectAltName?.dnsNames ?? []) {
        const fault = hostFault(name.startsWith('*.') ? name.slice(2) : name);
        if (fault !== undefined) return `${quoted(name)}: ${fault}`;
      }
      return undefined;
    },
  },
  {
    id: 'duplicate_names',
    section: 'our own',
    breach: (_, { names }) => {
      const seen = new Set(names.map(({ kind, name }) => `${kind} ${name}`));
      return when(seen.size !== names.length, 'a name stands twice');
    },
  },
  {
    id: 'basic_constraints',
    section: 'RFC 5280 §4.2.1.9, BR §7.1.2.7.8',
    breach: (certificate) => {
      if (certificate.basicConstraints?.ca === true) return 'it is a CA';
      return when(certificate.extension('basicConstraints')?.critical === false, 'basicConstraints is not critical');
    },
  },
  {
    id: 'key_usage',
    section: 'RFC 5280 §4.2.1.3, BR §7.1.2.7.11',
    breach: (certificate, { publicKey }) => {
      const { keyUsage } = certificate;
      if (keyUsage === undefined) return 'no keyUsage';
      if (certificate.extension('keyUsage')?.critical !== true) return 'keyUsage is not critical';
      if (keyUsage.has('keyCertSign') || keyUsage.has('cRLSign')) return 'the key usage of a CA';
      if (!keyUsage.has('digitalSignature')) return 'the key may not sign, as TLS needs it to';
      return when(
        publicKey.type !== 'rsa' && (keyUsage.has('keyEncipherment') || keyUsage.has('dataEncipherment')),
        'encipherment by a key that cannot encipher',
      );
    },
  },
  {
    id: 'extended_key_usage',
    section: 'RFC 5280 §4.2.1.12, BR §7.1.2.7.10',
    breach: (certificate, { profile }) => {
      const found = certificate.extendedKeyUsage?.map(keyPurposeLabel) ?? [];
      if (found.length === 0) return 'no extended key usage';
      const wanted = profile.extendedKeyUsage.map(keyPurposeLabel);
      return when(found.join() !== wanted.join(), `for ${found.join(', ')}, not ${wanted.join(', ')}`);
    },
  },
  {
    id: 'authority_key_identifier',
    section: 'RFC 5280 §4.2.1.1, BR §7.1.2.11.1',
    breach: (certificate, { issuer }) => {
      const { authorityKeyIdentifier: found } = certificate;
      if (found?.keyIdentifier === undefined) return 'no authority key identifier';
      if (certificate.extension('authorityKeyIdentifier')?.critical === true) return 'the identifier is critical';
      if (found.namesIssuer) return "the identifier names the issuer's certificate";
      const { subjectKeyIdentifier: wanted } = issuer;
      return when(
        wanted !== undefined && !equalBytes(found.keyIdentifier, wanted),
        "the identifier is not the issuer's subject key identifier",
      );
    },
  },
  {
    id: 'subject_key_identifier',
    section: 'RFC 5280 §4.2.1.2',
    breach: (certificate) => {
      if (certificate.subjectKeyIdentifier === undefined) return 'no subject key identifier';
      return when(certificate.extension('subjectKeyIdentifier')?.critical === true, 'the identifier is critical');
    },
  },
  {
    id: 'crl_distribution_points',
    section: 'RFC 5280 §4.2.1.13, BR §7.1.2.11.2',
    breach: (certificate, { crlUrl }) => {
      const points = distributionPointsOf(certificate);
      const names = points.flatMap(({ name }) => (name !== undefined && 'fullName' in name ? name.fullName : []));
      const urls = names.map((name) => (name.kind === 'uri' ? name.text : name.kind));
      if (urls.join() !== (crlUrl ?? '')) return 'not the one URL of the CRL';
      if (urls.some((url) => !url.startsWith('http://'))) return 'a CRL that is not fetched by plain http';
      return when(certificate.extension('cRLDistributionPoints')?.critical === true, 'the extension is critical');
    },
  },
  {
    id: 'authority_info_access',
    section: 'RFC 5280 §4.2.2.1, BR §7.1.2.7.7',
    breach: (certificate, { profile, ocspUrl }) => {
      const extension = certificate.extension('authorityInfoAccess');
      const access = extension === undefined ? { ocspUrls: [], issuerUrls: [] } : readAccess(certificate);
      if (access === undefined) return 'the extension cannot be read';
      const { ocspUrls, issuerUrls } = access;
      const wanted = profile.ocsp === true ? (ocspUrl ?? '') : '';
      if (ocspUrls.join() !== wanted || issuerUrls.length > 0) return 'not the one URL of the OCSP responder';
      if (ocspUrls.some((url) => !url.startsWith('http://'))) return 'a responder that is not asked by plain http';
      return when(extension?.critical === true, 'the extension is critical');
    },
  },
  {
    id: 'ocsp_no_check',
    section: 'RFC 6960 §4.2.2.2.1, BR §7.1.2.8.3',
    breach: (certificate, { profile }) => {
      const responder = profile.extendedKeyUsage.includes('ocspSigning');
      const found = certificate.extension('ocspNoCheck') !== undefined;
      if (found === responder) return undefined;
      return found ? 'its status is not asked for, and it is no responder' : 'a responder without id-pkix-ocsp-nocheck';
    },
  },
  {
    id: 'extensions',
    section: 'BR §7.1.2.11.5',
    breach: ({ extensions }) => {
      const stranger = extensions.find(({ oid }) => !leafExtensions.has(extensionLabel(oid)));
      return stranger && `the extension ${extensionLabel(stranger.oid)} in a leaf`;
    },
  },
];

function readAccess(certificate: Certificate): ReturnType<typeof authorityInfoAccessOf> | undefined {
  try {
    return authorityInfoAccessOf(certificate);
  } catch (error) {
    if (error instanceof CertificateError) return undefined;
    throw error;
  }
}

const leafExtensions: ReadonlySet<string> = new Set([
  'basicConstraints',
  'keyUsage',
  'extKeyUsage',
  'subjectAltName',
  'subjectKeyIdentifier',
  'authorityKeyIdentifier',
  'cRLDistributionPoints',
  'authorityInfoAccess',
  'ocspNoCheck',
]);
