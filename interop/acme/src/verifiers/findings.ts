/**
 * What linters find of our CA's certificates and does not apply to a private one, each with the reason.
 *
 * @module
 */

export interface KnownFinding {
  /** The linter's name of its rule. */
  readonly code: string;
  /** Text of where it is found, or of what is said of it, if it is known there alone. */
  readonly within?: string;
  readonly why: string;
}

const constraints = 'nameConstraints';
const asWhole = 'a base of name constraints need not be a whole name (RFC 5280 §4.2.1.10), and is read here as one';

export const pkilintKnows: readonly KnownFinding[] = [
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

const noPolicies = 'the policies of the Forum say that the CA was audited by its rules';
const noLegalPerson = 'a team is no legal person';
const internal = 'internal names are what a private CA is for';
const ocspSigning =
  'verifiers that hold a certificate to the purposes of its issuer would take no answer of the responder';
const noResponder = 'zlint takes a CA that is for OCSP signing, too, for a responder';

export const zlintKnows: readonly KnownFinding[] = [
  {
    code: 'e_name_constraint_not_fqdn',
    within: 'test; test',
    why: 'a private CA may be for a whole top-level name: the base is that host itself (RFC 5280 §4.2.1.10)',
  },
  { code: 'e_ca_country_name_missing', why: noLegalPerson },
  { code: 'e_ca_organization_name_missing', why: noLegalPerson },
  {
    code: 'n_ca_digital_signature_not_set',
    why: 'a CA signs certificates and lists; OCSP answers are signed by a responder of its own',
  },
  {
    code: 'w_root_ca_basic_constraints_path_len_constraint_field_present',
    why: 'a root of ours has one intermediate below it, and verifiers hold it to that',
  },
  { code: 'e_ca_invalid_eku', within: 'ocspSigning', why: ocspSigning },
  { code: 'e_ocsp_cert_cdp_forbidden', why: noResponder },
  { code: 'e_ocsp_cert_invalid_ku', why: noResponder },
  { code: 'e_ocsp_id_pkix_ocsp_nocheck_ext_not_included_server_auth', why: noResponder },
  { code: 'e_invalid_ca_certificate_policies', why: noPolicies },
  { code: 'e_sub_ca_certificate_policies_missing', why: noPolicies },
  { code: 'e_sub_cert_certificate_policies_missing', why: noPolicies },
  { code: 'e_sub_cert_cert_policy_empty', why: noPolicies },
  { code: 'w_sub_ca_aia_missing', why: 'whoever trusts the root has it' },
  { code: 'e_dnsname_not_valid_tld', why: internal },
  { code: 'w_sub_cert_aia_contains_internal_names', why: internal },
  {
    code: 'w_sub_cert_aia_does_not_contain_issuing_ca_url',
    why: 'servers send the intermediate: nothing is fetched to build a path',
  },
  {
    code: 'w_ext_subject_key_identifier_not_recommended_subscriber',
    why: 'RFC 5280 §4.2.1.2 says that it should be there',
  },
  { code: 'n_ct_sct_policy_count_unsatisfied', why: 'what a private CA issues is in no public log' },
  {
    code: 'e_crl_revocation_time_after_this_update',
    why: 'a list begins some minutes before it is made, for clocks that are behind; what was revoked within them has its own time',
  },
  {
    code: 'e_crl_extensions_validity',
    within: '2.5.29.46',
    why: 'a complete list says where its delta is (RFC 5280 §5.2.6)',
  },
  {
    code: 'e_crl_next_update_invalid',
    within: 'Subscriber Certificates',
    why: 'zlint takes the list of a root, which has CAs alone and a year (TLS Baseline Requirements §4.9.7), for one of subscribers',
  },
];
