/**
 * What each code of a `TlsError` means: a code without a row does not compile.
 *
 * @module
 */

import type { TlsErrorCode } from '@handfast/tls';
import { certificateRefusals } from './certificates.ts';
import type { Refusal } from './refusal.ts';

const row = (title: string, turn: Refusal['turn'], cause: string, remedy: string): Refusal => ({
  ...{ title, turn, cause, remedy },
});

const updatePeer = 'bring that side’s TLS library up to date';

export const connectionRefusals: Readonly<Record<TlsErrorCode, Refusal>> = {
  unexpected_message: row(
    'A message came whose turn it was not',
    'peer',
    'A handshake has an order, and a message out of it could skip a check. So it ends the connection.',
    updatePeer,
  ),
  bad_record_mac: row(
    'Bytes were changed on their way',
    'network',
    'Each protected record carries a tag that only who has the key can make. With one bit changed, or another key, it does not fit.',
    'try again, and from another network; if it stays, one side’s TLS library is at fault',
  ),
  record_overflow: row(
    'A record was larger than is allowed',
    'peer',
    'Records have a size that both sides know. What is larger could only be there to fill memory.',
    updatePeer,
  ),
  decode_error: row(
    'A message could not be decoded',
    'peer',
    'Its bytes are not built as the RFC has them: too short, too long, or with lengths that do not add up.',
    updatePeer,
  ),
  decrypt_error: row(
    'The two sides have not seen the same messages',
    'peer',
    'A signature or Finished covers every byte of the handshake so far, and does not fit what the side that looks at it has seen: somebody in between changed a message, or the other side’s key is not the certificate’s.',
    'see that the private key goes with the certificate (`handfast cert match`); else find what in between changes bytes',
  ),
  illegal_parameter: row(
    'A value is not allowed in its place',
    'peer',
    'A message has the right form, and says what cannot be: a choice that was not offered, say.',
    `${updatePeer}; with “made to choose” in the message somebody in between lowers versions`,
  ),
  missing_extension: row(
    'An extension is missing that the others need',
    'peer',
    'What one part of a hello asks for cannot be answered without another part, and that is not there.',
    updatePeer,
  ),
  unsupported_extension: row(
    'An extension came that nobody had offered',
    'peer',
    'An answer may hold only what was asked about. Anything else may mean that somebody has changed the question.',
    updatePeer,
  ),
  protocol_version: row(
    'No version in common',
    'either',
    'The client lists the versions of TLS that it speaks, and the server speaks none of them.',
    'bring the side that lacks TLS 1.3 or 1.2 up to date; older versions are broken, and nobody should turn them on',
  ),
  handshake_failure: row(
    'Nothing in common',
    'either',
    'Both sides have to agree on a suite, a group and a kind of signature, and for one of these there is nothing that both have.',
    'let each side have at least one that the other has; the message says what was looked for',
  ),
  insufficient_security: row(
    'What is offered is too weak',
    'peer',
    'There would be something in common, and it is too weak to be worth anything.',
    'allow stronger suites, groups or parameters on that side',
  ),
  inappropriate_fallback: row(
    'The client came back with an older version than it needs',
    'network',
    'Its first attempt failed, so it tried an older version; but the server has the newer one as well. Somebody may have broken the first on purpose (RFC 7507).',
    'find out why the first attempt failed: something in between may break it',
  ),
  no_renegotiation: row(
    'Another handshake was asked for, and is not done',
    'peer',
    'Before TLS 1.3 a side may ask for a second handshake inside a connection. It has been a way in for attackers, and is off.',
    'ask for certificates in the first handshake, or use TLS 1.3',
  ),
  no_application_protocol: row(
    'No application protocol in common',
    'either',
    'With ALPN the client says what it wants to speak inside, and the server speaks none of it. Most often the client has reached the wrong port or service.',
    'look whether it is the right port; else offer a protocol that the other side speaks',
  ),
  unrecognized_name: row(
    'The server does not serve this name',
    'either',
    'The client says which name it wants (SNI), and the server has nothing under that name.',
    'set the name up in the server, or look whether the DNS leads to the right one',
  ),
  certificate_required: row(
    'The server wants to know who the client is',
    'peer',
    'It asked for the client’s certificate, and none came.',
    'give the client a certificate and its key, of a CA that this server trusts',
  ),
  not_tls: row(
    'The other side speaks no TLS here',
    'either',
    'Its first bytes are another protocol’s: plain HTTP, SSH, a mail server’s greeting.',
    'use the port of the TLS service, or begin TLS inside the protocol (STARTTLS)',
  ),
  message_too_large: row(
    'A message is larger than we take',
    'peer',
    'What is announced so large would fill memory before anybody is known to be honest.',
    'send fewer certificates: the own one and its intermediates; or raise the limits (`limits`)',
  ),
  too_many_records: row(
    'Too many records came that carry nothing on',
    'peer',
    'Empty records cost the one who reads them, and nothing to the one who sends them.',
    updatePeer,
  ),
  too_many_alerts: row(
    'Too many warnings came',
    'peer',
    'Warnings cost the one who reads them, and nothing to the one who sends them.',
    updatePeer,
  ),
  too_many_key_updates: row(
    'Too many key updates came without any data',
    'peer',
    'Each makes this side compute new keys, and none was used for anything.',
    updatePeer,
  ),
  certificate_malformed: certificateRefusals.malformed,
  certificate_bad_signature: certificateRefusals.bad_signature,
  certificate_unsupported: row(
    'A certificate cannot be judged',
    'peer',
    'It uses an algorithm, a key or an extension that is not known, so nobody can tell what it is worth.',
    'have it issued with ECDSA on P-256 or RSA, without unusual critical extensions',
  ),
  certificate_expired: row(
    'The certificate has expired, or is not yet valid',
    'peer',
    'A certificate is good for a time that is written in it, and the clock of the side that looks at it says another time.',
    'renew it; where it is valid, set the clock of the side that refuses it',
  ),
  certificate_unknown_issuer: certificateRefusals.unknown_issuer,
  certificate_name_mismatch: certificateRefusals.name_mismatch,
  certificate_revoked: certificateRefusals.revoked,
  certificate_status_unknown: certificateRefusals.revocation_unknown,
  bad_certificate_status_response: certificateRefusals.bad_status_response,
  certificate_refused: row(
    'A rule refuses the certificate',
    'peer',
    'It is genuine, and something about it is not as it must be: its strength, its purpose, the names that its CA may vouch for, or what the program’s own `verifyPeer` wants.',
    'read the rule in the message; `handfast cert verify` shows every path',
  ),
  callback_failed: row(
    'The program’s own function failed',
    'this side',
    'The program was asked something in the middle of the handshake, and threw, or answered what makes no sense. No answer is no yes.',
    'read the cause of the error',
  ),
  signing_failed: row(
    'Our key could not sign',
    'this side',
    'Who shows a certificate signs the handshake with its key. The key, or the device that holds it, did not.',
    'look at the key, or at the device or service that holds it',
  ),
  crypto_failed: row(
    'A cryptographic operation failed',
    'this side',
    'The library that computes said that it cannot, and nothing goes on without it.',
    'report it, with the message',
  ),
  no_certificate: row(
    'The server has no certificate that fits',
    'this side',
    'It has none for the name that was asked for, or none with a signature that the client understands.',
    'configure one for the name and for the client’s signature schemes',
  ),
  record_limit: row(
    'A key was used as often as is safe',
    'this side',
    'A key that protects too much begins to tell about itself. It should have been changed, and could not be.',
    'let the connection update its keys, or begin another one',
  ),
  internal: row(
    'Something failed that should not',
    'this side',
    'This is a fault of the library itself. It ends the connection, as going on would be a guess.',
    'report it, with the message and a trace',
  ),
  peer_alert: row(
    'An alert ended the connection',
    'either',
    'One side sent it to the other, and its name is all that it tells.',
    'read what the alert says; the log of the side that sent it says more',
  ),
  truncated: row(
    'The connection was cut off',
    'peer',
    'The bytes ended without close_notify. That may be a broken wire, a side that does not care, or somebody who wants the end to go unread.',
    'take nothing that depends on its length; connect again, and look into the other side’s log',
  ),
  transport_failed: row(
    'The transport broke',
    'network',
    'What carries the bytes (a socket, mostly) failed. TLS has no say in that.',
    'read the cause of the error, and try again',
  ),
  handshake_timeout: row(
    'The handshake was not done in time',
    'network',
    'Nothing more came, and nobody should wait for ever: a firewall, a small MTU or a hanging server are usual.',
    '`handfast doctor` says at which step it hangs',
  ),
  aborted: row(
    'This side gave up',
    'this side',
    'The program ended the connection before it was done.',
    'nothing, where it was meant',
  ),
  closed: row(
    'The connection is over already',
    'this side',
    'Something was asked of it that only a connection which stands can do.',
    'do not write after the end',
  ),
  not_supported: row(
    'The agreed version does not have that',
    'this side',
    'Something was asked for that came with another version of TLS.',
    'look at `negotiated.version` first',
  ),
};
