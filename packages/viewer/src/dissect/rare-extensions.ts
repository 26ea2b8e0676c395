/**
 * Extensions that are seldom met, and that this stack does not speak: their names, and what they are for. Their bytes are shown as
 * they are.
 *
 * @module
 */

/** Name, section, meaning. */
type Row = readonly [name: string, section: string, meaning: string];

// biome-ignore format: a table
export const rareExtensions: Readonly<Record<number, Row>> = {
  2: ['client_certificate_url', 'RFC 6066 §5', 'The client may send the address of its certificate in place of it.'],
  3: ['trusted_ca_keys', 'RFC 6066 §6', 'The authorities that the client trusts.'],
  4: ['truncated_hmac', 'RFC 6066 §7', 'Shorter MACs for narrow lines: too short, and not in use any more.'],
  6: ['user_mapping', 'RFC 4681 §2', 'Who the user is, by another name than that in the certificate.'],
  7: ['client_authz', 'RFC 5878 §2', 'What the client may do, said by somebody whom the server believes.'],
  8: ['server_authz', 'RFC 5878 §2', 'What the server may do, said by somebody whom the client believes.'],
  9: ['cert_type', 'RFC 6091 §3', 'Whether OpenPGP keys may stand where certificates do.'],
  12: ['srp', 'RFC 5054 §2.8.1', 'Who logs in by a password that is never sent.'],
  17: ['status_request_v2', 'RFC 6961 §2', 'Asks for OCSP responses of the whole chain.'],
  24: ['token_binding', 'RFC 8472 §2', 'Ties cookies and tokens to a key of the client.'],
  25: ['cached_info', 'RFC 7924 §3', 'What the client has of an earlier handshake, so that it need not come again.'],
  26: ['tls_lts', 'draft-gutmann-tls-lts', 'TLS 1.2 without its weak parts, for machines that live long.'],
  29: ['pwd_protect', 'RFC 8492 §3.3', 'Who logs in by a password, encrypted.'],
  30: ['pwd_clear', 'RFC 8492 §3.3', 'Who logs in by a password, in the clear.'],
  31: ['password_salt', 'RFC 8492 §4.2.2', 'What the password is mixed with.'],
  32: ['ticket_pinning', 'RFC 8672 §3', 'Holds a server to the key that it showed before.'],
  33: ['tls_cert_with_extern_psk', 'RFC 8773 §5', 'A certificate and a key that both have already, both.'],
  36: ['TLMSP', 'ETSI TS 103 523-2', 'Boxes in between that both sides have let in.'],
  37: ['TLMSP_proxying', 'ETSI TS 103 523-2', 'A box in between that speaks for another.'],
  38: ['TLMSP_delegate', 'ETSI TS 103 523-2', 'A box in between that acts for a side.'],
  39: ['supported_ekt_ciphers', 'RFC 8870 §5.2', 'How keys of real-time media are wrapped.'],
  52: ['transparency_info', 'RFC 9162 §6.5', 'Proof that the certificate was shown to public logs, of their second version.'],
  53: ['connection_id (deprecated)', 'RFC 9146 §8', 'An earlier form of connection_id.'],
  54: ['connection_id', 'RFC 9146 §3', 'A number to know a connection by when its address changes.'],
  55: ['external_id_hash', 'RFC 8844 §3.2', 'Ties the connection to who was announced for it.'],
  56: ['external_session_id', 'RFC 8844 §4.3', 'Ties the connection to the call that it belongs to.'],
  57: ['quic_transport_parameters', 'RFC 9001 §8.2', 'What QUIC agrees on, for whom TLS makes the keys.'],
  59: ['dnssec_chain', 'RFC 9102 §2', 'What DNS says of the certificate, with all of its signatures.'],
  60: ['sequence_number_encryption_algorithms', 'draft-pismenny-tls-dtls-plaintext-sequence-number', 'How numbers of records are hidden.'],
  61: ['rrc', 'RFC 9853 §3', 'Asks a new address whether it is really there.'],
  62: ['tls_flags', 'draft-ietf-tls-tlsflags', 'Answers of one bit each, to save room.'],
  13172: ['next_protocol_negotiation', 'draft-agl-tls-nextprotoneg', 'What came before application_layer_protocol_negotiation.'],
  17513: ['application_settings', 'draft-vvv-tls-alps', 'An earlier form of application_settings.'],
  17613: ['application_settings', 'draft-vvv-tls-alps', 'What HTTP would say first, said in the handshake.'],
  51764: ['trust_anchors', 'draft-ietf-tls-trust-anchor-ids', 'The authorities that its sender trusts, by short names.'],
  64768: ['ech_outer_extensions', 'RFC 9849 §5.1', 'Extensions that the encrypted hello has in common with the outer one.'],
};
