/**
 * What each code of a `TlsError` means, and what to do: for docs/errors.md. A code without a row does not compile.
 *
 * @module
 */

import type { TlsErrorCode } from '@handfast/tls';

export interface CodeMeaning {
  /** After “it means that …”. */
  readonly meaning: string;
  /** Who has to act, from the side that got the error: the peer, this program, the network, or whoever. */
  readonly side: 'peer' | 'this side' | 'network' | 'either';
  readonly remedy: string;
}

const row = (meaning: string, side: CodeMeaning['side'], remedy: string): CodeMeaning => ({ meaning, side, remedy });

const updatePeer = 'bring the peer’s TLS library up to date';

export const codeMeanings: Readonly<Record<TlsErrorCode, CodeMeaning>> = {
  unexpected_message: row('a message came whose turn it was not', 'peer', updatePeer),
  bad_record_mac: row(
    'a record did not authenticate: its bytes were changed on the way, or the keys differ',
    'network',
    'try from another network; where it stays, the peer’s TLS library is at fault',
  ),
  record_overflow: row('a record was larger than the protocol allows', 'peer', updatePeer),
  decode_error: row('a message could not be decoded', 'peer', updatePeer),
  decrypt_error: row(
    'a signature or a Finished message did not verify',
    'peer',
    'see that the peer’s private key goes with its certificate (`handfast cert match`); else something in between changes bytes',
  ),
  illegal_parameter: row(
    'a value in a message is not allowed there',
    'peer',
    `${updatePeer}; with “made to choose” in the message somebody in between lowers versions`,
  ),
  missing_extension: row('an extension is missing that the others need', 'peer', updatePeer),
  unsupported_extension: row('an extension came that nobody had offered', 'peer', updatePeer),
  protocol_version: row(
    'the sides have no version in common',
    'either',
    'allow TLS 1.2 or 1.3 on the side that has neither',
  ),
  handshake_failure: row(
    'the sides have no cipher suite, group or signature scheme in common',
    'either',
    'compare what both sides allow; the message says what was looked for',
  ),
  insufficient_security: row(
    'what the peer offers is too weak',
    'peer',
    'allow stronger suites, groups or parameters there',
  ),
  inappropriate_fallback: row(
    'a client came back with a lower version than both know (RFC 7507)',
    'network',
    'find out why its first attempt failed: something in between may break it',
  ),
  no_renegotiation: row(
    'another handshake on the same connection was asked for, and is not done',
    'peer',
    'let the application ask for certificates in the first handshake, or use TLS 1.3',
  ),
  no_application_protocol: row(
    'the sides have no application protocol in common (ALPN)',
    'either',
    'offer one that the other side speaks',
  ),
  unrecognized_name: row(
    'the client asked for a name that the server does not serve',
    'either',
    'set the name up in the server, or look whether the DNS leads to the right one',
  ),
  certificate_required: row(
    'the server wants a client certificate, and got none',
    'this side',
    'give the client a certificate that the server trusts',
  ),
  not_tls: row(
    'the peer speaks another protocol on this port',
    'either',
    'use the port of the TLS service, or STARTTLS',
  ),
  message_too_large: row(
    'a message is larger than we take',
    'peer',
    'send fewer certificates; or raise the limits (`limits`)',
  ),
  too_many_records: row('too many records came that carry nothing on', 'peer', updatePeer),
  too_many_alerts: row('too many warnings came', 'peer', updatePeer),
  too_many_key_updates: row('too many key updates came without any data', 'peer', updatePeer),
  certificate_malformed: row(
    'a certificate of the peer’s does not decode',
    'peer',
    'look at the file it was loaded from (`handfast cert show`), and have it issued again',
  ),
  certificate_bad_signature: row(
    'a certificate’s signature is not by its issuer’s key',
    'peer',
    'send the intermediate that belongs to the certificate (`handfast cert chain`)',
  ),
  certificate_unsupported: row(
    'a certificate uses an algorithm, a key or an extension that we cannot judge',
    'peer',
    'have it issued with ECDSA on P-256 or RSA, without unusual critical extensions',
  ),
  certificate_expired: row(
    'a certificate is expired or not yet valid, by our clock',
    'peer',
    'renew it; where it is valid, set the clock of this machine',
  ),
  certificate_unknown_issuer: row(
    'no path leads to a CA that we trust',
    'either',
    'send the intermediates; or trust the CA',
  ),
  certificate_name_mismatch: row(
    'the certificate is for another name',
    'either',
    'connect by a name that it is for, or have it issued for this one',
  ),
  certificate_revoked: row('the certificate was revoked', 'peer', 'have another one issued, with another key'),
  certificate_status_unknown: row(
    'whether the certificate was revoked could not be found out, and must be known',
    'peer',
    "have a fresh OCSP response stapled; or look without demanding (`mode: 'prefer'`)",
  ),
  bad_certificate_status_response: row(
    'the stapled OCSP response is no good, or one is due and missing',
    'peer',
    'switch stapling on; look at the clock, and whether the responder is reached',
  ),
  certificate_refused: row(
    'a rule refuses the certificate: strength, purpose, name constraints, path length, or `verifyPeer`',
    'peer',
    'read the rule in the message; `handfast cert verify` shows every path',
  ),
  callback_failed: row(
    'a function of the program’s own threw, or answered what makes no sense',
    'this side',
    'read the cause of the error',
  ),
  signing_failed: row(
    'our key could not sign',
    'this side',
    'look at the key, or at the device or service that holds it',
  ),
  crypto_failed: row('a cryptographic operation failed', 'this side', 'report it, with the message'),
  no_certificate: row(
    'a server has no certificate that fits the client',
    'this side',
    'configure one for the name and for the client’s signature schemes',
  ),
  record_limit: row(
    'a key was used as often as is safe, and could not be changed',
    'this side',
    'let the connection update its keys, or begin another one',
  ),
  internal: row('a fault of this library', 'this side', 'report it, with the message and a trace'),
  peer_alert: row(
    'the peer ended the connection by an alert; its name is in `alert`',
    'either',
    'read what the alert says; the peer’s log says more',
  ),
  truncated: row(
    'the transport ended without close_notify: data may be missing',
    'peer',
    'do not trust what depends on its length; look into the peer’s log',
  ),
  transport_failed: row('the transport broke', 'network', 'read the cause of the error; try again'),
  handshake_timeout: row(
    'the handshake was not done in time',
    'network',
    '`handfast doctor` says at which step; a firewall, a small MTU or a hanging server are usual',
  ),
  aborted: row('this side gave up', 'this side', 'nothing, where it was meant'),
  closed: row('something was asked of a connection that is over', 'this side', 'do not write after the end'),
  not_supported: row(
    'the agreed version does not have what was asked for',
    'this side',
    'look at `negotiated.version` first',
  ),
};
