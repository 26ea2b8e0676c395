/**
 * What pkilint finds of our CA's certificates and does not apply to a private one, each with the reason.
 *
 * @module
 */

export interface KnownFinding {
  /** Pkilint's. */
  readonly code: string;
  /** Text of where it is found, or of what is said of it, if it is known there alone. */
  readonly within?: string;
  readonly why: string;
}

const constraints = 'nameConstraints';
const asWhole = 'a base of name constraints need not be a whole name (RFC 5280 §4.2.1.10), and is read here as one';

export const known: readonly KnownFinding[] = [
  { code: 'pkix.invalid_domain_name_syntax', within: constraints, why: asWhole },
  {
    code: 'pkix.invalid_domain_name_syntax',
    within: '"*.rsa.test"',
    why: 'RFC 5280 leaves wildcards to others (§4.2.1.6): RFC 9525 §6.3 has them',
  },
  { code: 'pkix.invalid_email_address_syntax', within: constraints, why: asWhole },
  { code: 'pkix.invalid_uri_syntax', within: constraints, why: asWhole },
  { code: 'cabf.internal_domain_name', why: 'internal names are what a private CA is for' },
  {
    code: 'cabf.serverauth.name_constraints_discouraged_name_type',
    why: 'mailboxes and URIs are constrained too: what is not constrained is allowed',
  },
  {
    code: 'cabf.serverauth.ca.incomplete_name_constraints',
    why: 'no verifier takes a name of a directory for whom it talks to',
  },
  {
    code: 'cabf.serverauth.root.unknown_extension_present',
    why: 'the root itself is constrained, so that who trusts it trusts it for these names alone',
  },
  {
    code: 'cabf.serverauth.root_basic_constraints_pathlenconstraint_present',
    why: 'a root of ours has one intermediate below it, and verifiers hold it to that',
  },
  {
    code: 'cabf.serverauth.subscriber.certificate_policies_extension_absent',
    why: 'the policies of the Forum say that the CA was audited by its rules',
  },
  { code: 'cabf.serverauth.ca.certificate_policies_extension_absent', why: 'as for its certificates' },
  { code: 'cabf.serverauth.ca.country_attribute_absent', why: 'a team is no legal person' },
  { code: 'cabf.serverauth.ca.organization_name_attribute_absent', why: 'as for the country' },
  {
    code: 'cabf.serverauth.ca.ocspsigning_eku_present',
    why: 'verifiers that hold a certificate to the purposes of its issuer would take no answer of the responder',
  },
  {
    code: 'cabf.ca_certificate_no_digital_signature_bit',
    why: 'a CA signs certificates and lists; OCSP answers are signed by a responder of its own',
  },
  {
    code: 'cabf.serverauth.subscriber.ca_issuers_aia_access_method_absent',
    why: 'servers send the intermediate: nothing is fetched to build a path',
  },
  { code: 'cabf.serverauth.ca.authority_info_access_extension_absent', why: 'whoever trusts the root has it' },
  {
    code: 'cabf.serverauth.subscriber.subject_key_identifier_extension_present',
    why: 'RFC 5280 §4.2.1.2 says that it should be there',
  },
];
