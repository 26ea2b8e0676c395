/**
 * Handshake messages (RFC 9846 §4, RFC 5246 §7.4) as fields.
 *
 * @module
 */

import { lifetime, walkExtensions } from './extensions.ts';
import { type About, type Field, Walker } from './field.ts';
import { group, hex, inHex, oneOf, scheme, suite, version } from './words.ts';
import { dissectCertificate, dissectName, dissectOcsp } from './x509.ts';

/** The version that messages are read by, once it is known: some are other structures before TLS 1.3. */
export type MessageVersion = 'TLS 1.3' | 'before TLS 1.3';

interface Row {
  readonly title: string;
  readonly section: string;
  readonly meaning: string;
  readonly walk: (walker: Walker) => void;
}

const uncut = (name: string, about?: About) => (walker: Walker) =>
  walker.rest(name, (bytes) => ({ ...inHex(bytes), ...about }));
const nothing = (): void => {};

const session = (walker: Walker): void =>
  walker.vector('legacy_session_id', 1, (id) => id.rest('id', inHex), {
    meaning:
      'Before TLS 1.3 the number of a session; in it, bytes that let the handshake look like an old one to boxes in between.',
  });

function clientHello(walker: Walker): void {
  walker.number('legacy_version', 2, (id) => ({
    ...version(id),
    meaning:
      'Always TLS 1.2 where 1.3 is offered, for servers that refuse what they do not know; supported_versions has the truth.',
  }));
  walker.take('random', 32, (bytes) => ({
    value: hex(bytes),
    meaning: "The client's part of what makes this connection unlike any other.",
  }));
  session(walker);
  walker.vector('cipher_suites', 2, (suites) => suites.each(() => suites.number('CipherSuite', 2, suite)), {
    meaning: 'What may protect the data, the best liked first. The server chooses one.',
  });
  walker.vector(
    'legacy_compression_methods',
    1,
    (all) => all.each(() => all.number('CompressionMethod', 1, oneOf({ 0: 'null', 1: 'DEFLATE' }))),
    {
      meaning: 'None: compression would tell what is inside by its length.',
    },
  );
  if (walker.left > 0) walkExtensions(walker, 'ClientHello');
}

/** SHA-256 of "HelloRetryRequest" (RFC 9846 §4.2.3). */
const retryRandom = 'cf 21 ad 74 e5 9a 61 11 be 1d 8c 02 1e 65 b8 91 c2 a2 11 16 7a bb 8c 5e 07 9e 09 e2 c8 a8 33 9c';

/** A server that knows better says so in its last eight bytes, for a client to see that somebody talked it down. */
const sentinels: Readonly<Record<string, string>> = {
  '44 4f 57 4e 47 52 44 01': 'it knows TLS 1.3 and was asked for 1.2',
  '44 4f 57 4e 47 52 44 00': 'it knows a later version than 1.1',
};

function isRetry(body: Uint8Array): boolean {
  return body.length >= 34 && hex(body.subarray(2, 34)) === retryRandom;
}

function serverHello(walker: Walker): void {
  const retry = isRetry(walker.peek(34));
  walker.number('legacy_version', 2, version);
  walker.take('random', 32, (bytes) => {
    const sentinel = sentinels[hex(bytes.subarray(24))];
    return {
      value: hex(bytes),
      meaning: retry
        ? 'The bytes that say: this is a HelloRetryRequest, no ServerHello.'
        : `The server's part of what makes this connection unlike any other.${sentinel === undefined ? '' : ` Its end says: ${sentinel}.`}`,
    };
  });
  session(walker);
  walker.number('cipher_suite', 2, (id) => ({ ...suite(id), meaning: 'The one that the server chose.' }));
  walker.number('legacy_compression_method', 1, oneOf({ 0: 'null', 1: 'DEFLATE' }));
  if (walker.left > 0) walkExtensions(walker, retry ? 'HelloRetryRequest' : 'ServerHello');
}

const certificateMeaning =
  'Who its sender says it is, and who vouches for that. Proof that it holds the key comes with the signature after it.';

function certificate13(walker: Walker): void {
  walker.vector('certificate_request_context', 1, (context) => context.rest('context', inHex));
  walker.vector('certificate_list', 3, (entries) =>
    entries.each(() => {
      entries.vector('cert_data', 3, (certificate) => dissectCertificate(certificate));
      walkExtensions(entries, 'Certificate');
    }),
  );
}

function certificate12(walker: Walker): void {
  walker.vector('certificate_list', 3, (all) =>
    all.each(() => all.vector('ASN.1Cert', 3, (certificate) => dissectCertificate(certificate))),
  );
}

function certificateRequest13(walker: Walker): void {
  walker.vector('certificate_request_context', 1, (context) => context.rest('context', inHex));
  walkExtensions(walker, 'CertificateRequest');
}

const certificateTypes = {
  ...{ 1: 'rsa_sign', 2: 'dss_sign', 3: 'rsa_fixed_dh', 4: 'dss_fixed_dh' },
  ...{ 5: 'rsa_ephemeral_dh', 6: 'dss_ephemeral_dh', 20: 'fortezza_dms', 64: 'ecdsa_sign' },
  ...{ 65: 'rsa_fixed_ecdh', 66: 'ecdsa_fixed_ecdh', 67: 'gost_sign256', 68: 'gost_sign512' },
};

function certificateRequest12(walker: Walker): void {
  walker.vector('certificate_types', 1, (types) =>
    types.each(() => types.number('ClientCertificateType', 1, oneOf(certificateTypes))),
  );
  // Before TLS 1.2 the authorities follow at once, and are all that is left.
  if (lengthIn(walker) !== walker.left - 2) {
    walker.vector('supported_signature_algorithms', 2, (all) =>
      all.each(() => all.number('SignatureAndHashAlgorithm', 2, scheme)),
    );
  }
  walker.vector('certificate_authorities', 2, (all) =>
    all.each(() => all.vector('DistinguishedName', 2, (name) => dissectName(name))),
  );
}

/** The length that comes next, of two bytes. */
function lengthIn(walker: Walker): number {
  const [high = 0, low = 0] = walker.peek(2);
  return (high << 8) | low;
}

function signed(walker: Walker): void {
  // Before TLS 1.2 nobody says by what, and the signature is all there is: MD5 and SHA-1 together for RSA, SHA-1 for others.
  if (lengthIn(walker) !== walker.left - 2) walker.number('algorithm', 2, scheme);
  walker.vector('signature', 2, (signature) => signature.rest('signature', inHex), {
    meaning: 'Made with the private key that belongs to the certificate.',
  });
}

function serverKeyExchange(walker: Walker): void {
  // Its form is the suite's, which stands elsewhere. A pre-shared key's hint is all there is or is short, ECDHE begins with
  // named_curve (3), and what is left are the long numbers of finite fields.
  const hint = lengthIn(walker);
  const isCurve = (): boolean => walker.peek(1)[0] === 3;
  if (hint === walker.left - 2 || (!isCurve() && hint < 64)) pskHint(walker);
  if (walker.left === 0) return;
  if (isCurve()) ecdheParams(walker);
  else dheParams(walker);
  if (walker.left > 0) signed(walker);
}

function ecdheParams(walker: Walker): void {
  walker.number('curve_type', 1, oneOf({ 3: 'named_curve' }));
  walker.number('namedcurve', 2, group);
  walker.vector('public', 1, (point) => point.rest('point', inHex), { meaning: publicMeaning });
}

/** RFC 5246 §7.4.3 */
function dheParams(walker: Walker): void {
  walker.vector('dh_p', 2, (prime) => prime.rest('prime', inHex), { meaning: 'The prime that both count by.' });
  walker.vector('dh_g', 2, (generator) => generator.rest('generator', inHex));
  walker.vector('dh_Ys', 2, (share) => share.rest('share', inHex), { meaning: publicMeaning });
}

/** RFC 4279 §2 */
function pskHint(walker: Walker): void {
  walker.vector('psk_identity_hint', 2, (hint) => hint.rest('hint', inHex), {
    meaning: 'Which of its keys the client should take.',
  });
}

const publicMeaning = "The server's public key of this connection.";

function ticket13(walker: Walker): void {
  walker.number('ticket_lifetime', 4, lifetime);
  walker.number('ticket_age_add', 4, (add) => ({
    value: String(add),
    meaning: 'Is added to the age that the client tells, so that nobody can link connections by it.',
  }));
  walker.vector('ticket_nonce', 1, (nonce) => nonce.rest('nonce', inHex), {
    meaning: 'Makes the key of this ticket unlike that of the next.',
  });
  walker.vector('ticket', 2, (ticket) => ticket.rest('ticket', inHex), {
    meaning: 'Sealed by the server for itself: it need remember nothing.',
  });
  walkExtensions(walker, 'NewSessionTicket');
}

function ticket12(walker: Walker): void {
  walker.number('ticket_lifetime_hint', 4, lifetime);
  walker.vector('ticket', 2, (ticket) => ticket.rest('ticket', inHex));
}

const finishedMeaning = 'An HMAC over all messages before it: whoever changed one on its way is found out here.';

// biome-ignore format: a table
const common: Readonly<Record<number, Row>> = {
  1: { title: 'ClientHello', section: 'RFC 9846 §4.2.2', meaning: 'The client says what it can, and sends its half of the key exchange.', walk: clientHello },
  2: { title: 'ServerHello', section: 'RFC 9846 §4.2.3', meaning: 'The server chooses, and sends its half: from here on both have the secret.', walk: serverHello },
};

// biome-ignore format: a table
const rows13: Readonly<Record<number, Row>> = {
  ...common,
  4:  { title: 'NewSessionTicket', section: 'RFC 9846 §4.7.1', meaning: 'What the client can come back with, for a shorter handshake.', walk: ticket13 },
  5:  { title: 'EndOfEarlyData', section: 'RFC 9846 §4.6', meaning: 'The early data ends; the next bytes are under the handshake keys.', walk: nothing },
  8:  { title: 'EncryptedExtensions', section: 'RFC 9846 §4.4.1', meaning: 'What the server answers beside its choice of keys: nobody else can read it.', walk: (walker) => walkExtensions(walker, 'EncryptedExtensions') },
  11: { title: 'Certificate', section: 'RFC 9846 §4.5.1', meaning: certificateMeaning, walk: certificate13 },
  13: { title: 'CertificateRequest', section: 'RFC 9846 §4.4.2', meaning: 'The server wants to know who the client is.', walk: certificateRequest13 },
  15: { title: 'CertificateVerify', section: 'RFC 9846 §4.5.2', meaning: 'A signature over the handshake so far, by the key in the certificate: proof that its sender holds it.', walk: signed },
  20: { title: 'Finished', section: 'RFC 9846 §4.5.3', meaning: finishedMeaning, walk: uncut('verify_data') },
  24: { title: 'KeyUpdate', section: 'RFC 9846 §4.7.3', meaning: 'From the next record on its sender uses a new key.', walk: (walker) => { walker.number('request_update', 1, oneOf({ 0: 'update_not_requested', 1: 'update_requested' })); } },
};

// biome-ignore format: a table
const rows12: Readonly<Record<number, Row>> = {
  ...common,
  0:  { title: 'HelloRequest', section: 'RFC 5246 §7.4.1.1', meaning: 'The server would like another handshake.', walk: nothing },
  4:  { title: 'NewSessionTicket', section: 'RFC 5077 §3.3', meaning: 'What the client can come back with, for a shorter handshake.', walk: ticket12 },
  11: { title: 'Certificate', section: 'RFC 5246 §7.4.2', meaning: certificateMeaning, walk: certificate12 },
  12: { title: 'ServerKeyExchange', section: 'RFC 8422 §5.4', meaning: "The server's half of the key exchange, signed with the key of its certificate.", walk: serverKeyExchange },
  13: { title: 'CertificateRequest', section: 'RFC 5246 §7.4.4', meaning: 'The server wants to know who the client is.', walk: certificateRequest12 },
  14: { title: 'ServerHelloDone', section: 'RFC 5246 §7.4.5', meaning: "The server's flight ends here.", walk: nothing },
  15: { title: 'CertificateVerify', section: 'RFC 5246 §7.4.8', meaning: 'A signature over the handshake so far, by the key in the certificate: proof that the client holds it.', walk: signed },
  16: { title: 'ClientKeyExchange', section: 'RFC 5246 §7.4.7', meaning: "The client's half of the key exchange.", walk: uncut('exchange_keys') },
  20: { title: 'Finished', section: 'RFC 5246 §7.4.9', meaning: finishedMeaning, walk: uncut('verify_data') },
  22: { title: 'CertificateStatus', section: 'RFC 6066 §8', meaning: 'Fresh proof by its issuer that the certificate was not revoked.', walk: (walker) => {
    walker.number('status_type', 1, oneOf({ 1: 'ocsp', 2: 'ocsp_multi' }));
    walker.vector('OCSPResponse', 3, (response) => dissectOcsp(response));
  } },
};

/** A whole handshake message, its header included. */
export function dissectMessage(bytes: Uint8Array, by: MessageVersion = 'TLS 1.3'): Field {
  const row = (by === 'TLS 1.3' ? rows13 : rows12)[bytes[0] ?? -1];
  const retry = bytes[0] === 2 && isRetry(bytes.subarray(4));
  const title = retry ? 'HelloRetryRequest' : (row?.title ?? `message of type ${bytes[0] ?? '?'}`);
  return Walker.walk(
    bytes,
    title,
    (walker) => {
      walker.number('msg_type', 1, (id) => ({ value: `${title} (${id})` }));
      const [a = 0, b = 0, c = 0] = walker.peek(3);
      walker.number('length', 3, (length) => ({ value: `${length} bytes` }));
      walker.group('body', (a << 16) | (b << 8) | c, row?.walk ?? uncut('bytes'));
    },
    retry
      ? {
          section: 'RFC 9846 §4.2.4',
          meaning: 'The server asks for the hello again, with a key share of another group or a cookie.',
        }
      : row && { section: row.section, meaning: row.meaning },
  );
}
