/**
 * Extensions (RFC 9846 §4.3 and those it names), as each message has them: what they are for, and their bytes as fields.
 *
 * @module
 */

import { isGrease } from '@handfast/tls';
import type { About, Walker } from './field.ts';
import { rareExtensions } from './rare-extensions.ts';
import { group, hex, inHex, oneOf, scheme, seconds, text, version } from './words.ts';
import { dissectName, dissectOcsp } from './x509.ts';

/** The message that an extension stands in. */
export type Place =
  | 'ClientHello'
  | 'ServerHello'
  | 'HelloRetryRequest'
  | 'EncryptedExtensions'
  | 'Certificate'
  | 'CertificateRequest'
  | 'NewSessionTicket';

interface Row {
  readonly name: string;
  readonly section: string;
  readonly meaning: string;
  /** Its bytes. Without one they are shown as they are. */
  readonly walk?: (walker: Walker, place: Place) => void;
}

/** A list of numbers of two bytes, with a length before it. */
const list16 =
  (name: string, item: string, about: (id: number) => About) =>
  (walker: Walker): void =>
    walker.vector(name, 2, (inner) => inner.each(() => inner.number(item, 2, about)));

const protocols = (walker: Walker): void =>
  walker.vector('protocol_name_list', 2, (names) =>
    names.each(() =>
      names.vector(
        'ProtocolName',
        1,
        (name) => name.rest('name', textOf),
        (name) => ({ value: text(name) }),
      ),
    ),
  );

const textOf = (bytes: Uint8Array): About => ({ value: text(bytes) });

const keyShare = (walker: Walker): void => {
  walker.number('group', 2, group);
  walker.vector('key_exchange', 2, (share) => share.rest('share', inHex), {
    meaning: 'The public half of a key that was made for this connection alone.',
  });
};

const serverName = (walker: Walker): void =>
  walker.vector('server_name_list', 2, (names) =>
    names.each(() => {
      names.number('name_type', 1, oneOf({ 0: 'host_name' }));
      names.vector('HostName', 2, (name) => name.rest('host_name', textOf));
    }),
  );

const statusRequest = (walker: Walker, place: Place): void => {
  if (place === 'Certificate') {
    walker.number('status_type', 1, statusType);
    walker.vector('OCSPResponse', 3, (response) => dissectOcsp(response));
  } else if (walker.left > 0) {
    walker.number('status_type', 1, statusType);
    walker.vector('responder_id_list', 2, (ids) => ids.rest('ids', inHex));
    walker.vector('request_extensions', 2, (extensions) => extensions.rest('extensions', inHex));
  }
};

const statusType = oneOf({ 1: 'ocsp', 2: 'ocsp_multi' });

/** SignedCertificateTimestampList (RFC 6962 §3.3). */
export const timestamps = (walker: Walker): void => {
  if (walker.left === 0) return;
  walker.vector('sct_list', 2, (list) =>
    list.each(() =>
      list.vector('SerializedSCT', 2, (sct) => {
        sct.number('sct_version', 1, oneOf({ 0: 'v1' }));
        sct.take('log_id', 32, (id) => ({
          value: hex(id),
          meaning: 'The log that promises to publish the certificate: the hash of its key.',
        }));
        sct.take('timestamp', 8, (bytes) => ({ value: dateOf(bytes) }));
        sct.vector('extensions', 2, (extensions) => extensions.rest('extensions', inHex));
        sct.number('hash', 1, oneOf({ 4: 'sha256' }));
        sct.number('signature', 1, oneOf({ 1: 'rsa', 3: 'ecdsa' }));
        sct.vector('signature', 2, (signature) => signature.rest('signature', inHex));
      }),
    ),
  );
};

function dateOf(bytes: Uint8Array): string {
  const ms = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? hex(bytes) : date.toISOString();
}

const rows: Readonly<Record<number, Row>> = {
  0: {
    name: 'server_name',
    section: 'RFC 6066 §3',
    meaning:
      'The name that the client wants to reach, in the clear, so that a server of many names can show the right certificate.',
    walk: (walker) => {
      if (walker.left > 0) serverName(walker);
    },
  },
  1: {
    name: 'max_fragment_length',
    section: 'RFC 6066 §4',
    meaning: 'A small machine asks for smaller records.',
    walk: (walker) => {
      walker.number(
        'max_fragment_length',
        1,
        oneOf({ 1: '512 bytes', 2: '1,024 bytes', 3: '2,048 bytes', 4: '4,096 bytes' }),
      );
    },
  },
  5: {
    name: 'status_request',
    section: 'RFC 6066 §8',
    meaning: 'Asks for, or is, an OCSP response: fresh proof by its issuer that the certificate was not revoked.',
    walk: statusRequest,
  },
  10: {
    name: 'supported_groups',
    section: 'RFC 9846 §4.3.7',
    meaning: 'The key exchanges that its sender knows, the one it likes best first.',
    walk: list16('named_group_list', 'NamedGroup', group),
  },
  11: {
    name: 'ec_point_formats',
    section: 'RFC 8422 §5.1.2',
    meaning: 'How points on curves are written, before TLS 1.3: uncompressed is all that is left.',
    walk: (walker) =>
      walker.vector('ec_point_format_list', 1, (formats) =>
        formats.each(() =>
          formats.number(
            'ECPointFormat',
            1,
            oneOf({ 0: 'uncompressed', 1: 'ansiX962_compressed_prime', 2: 'ansiX962_compressed_char2' }),
          ),
        ),
      ),
  },
  13: {
    name: 'signature_algorithms',
    section: 'RFC 9846 §4.3.3',
    meaning: 'The signatures that its sender can check: whoever proves an identity must use one of them.',
    walk: list16('supported_signature_algorithms', 'SignatureScheme', scheme),
  },
  14: { name: 'use_srtp', section: 'RFC 5764 §4.1.1', meaning: 'Keys for real-time media.' },
  15: { name: 'heartbeat', section: 'RFC 6520', meaning: 'Whether heartbeats may be sent; nobody should.' },
  16: {
    name: 'application_layer_protocol_negotiation',
    section: 'RFC 7301 §3.1',
    meaning: 'What will be spoken inside: the client lists, the server chooses.',
    walk: protocols,
  },
  18: {
    name: 'signed_certificate_timestamp',
    section: 'RFC 6962 §3.3.1',
    meaning: 'Asks for, or is, proof that the certificate was shown to public logs.',
    walk: timestamps,
  },
  19: {
    name: 'client_certificate_type',
    section: 'RFC 7250 §3',
    meaning: 'What a client may show in place of a certificate.',
  },
  20: {
    name: 'server_certificate_type',
    section: 'RFC 7250 §3',
    meaning: 'What a server may show in place of a certificate.',
  },
  21: {
    name: 'padding',
    section: 'RFC 7685 §3',
    meaning: 'Zeros that make the hello longer, because some servers stumble over certain lengths.',
  },
  22: {
    name: 'encrypt_then_mac',
    section: 'RFC 7366 §2',
    meaning: 'Before TLS 1.3: the MAC covers the ciphertext, which ends padding oracles. It has no content.',
  },
  23: {
    name: 'extended_master_secret',
    section: 'RFC 7627 §5.1',
    meaning:
      'Before TLS 1.3: the secret depends on the whole handshake, so that no two connections can be made to share it. It has no content.',
  },
  27: {
    name: 'compress_certificate',
    section: 'RFC 8879 §3',
    meaning: 'The compressions that certificates may come in.',
    walk: (walker) =>
      walker.vector('algorithms', 1, (all) =>
        all.each(() => all.number('CertificateCompressionAlgorithm', 2, oneOf({ 1: 'zlib', 2: 'brotli', 3: 'zstd' }))),
      ),
  },
  28: {
    name: 'record_size_limit',
    section: 'RFC 8449 §4',
    meaning: 'The largest record that its sender takes.',
    walk: (walker) => {
      walker.number('RecordSizeLimit', 2, (limit) => ({ value: `${limit} bytes` }));
    },
  },
  34: {
    name: 'delegated_credential',
    section: 'RFC 9345 §4.1',
    meaning: 'Takes keys of short life that a certificate has vouched for.',
  },
  35: {
    name: 'session_ticket',
    section: 'RFC 5077 §3.2',
    meaning:
      'Before TLS 1.3: a session to go on with, sealed by the server for itself; empty: the client would like one.',
  },
  41: {
    name: 'pre_shared_key',
    section: 'RFC 9846 §4.3.11',
    meaning:
      'A key that both have already, most often of an earlier connection. The binder proves that the client has it, and covers the hello before it.',
    walk: preSharedKey,
  },
  42: {
    name: 'early_data',
    section: 'RFC 9846 §4.3.10',
    meaning: 'Data goes out with the first flight. Whoever recorded it can send it again.',
    walk: (walker, place) => {
      if (place === 'NewSessionTicket') walker.number('max_early_data_size', 4, (size) => ({ value: `${size} bytes` }));
    },
  },
  43: {
    name: 'supported_versions',
    section: 'RFC 9846 §4.3.1',
    meaning: 'The versions of TLS that the client speaks; the server answers with the one it chose.',
    walk: (walker, place) => {
      if (place !== 'ClientHello') walker.number('selected_version', 2, version);
      else
        walker.vector('versions', 1, (versions) => versions.each(() => versions.number('ProtocolVersion', 2, version)));
    },
  },
  44: {
    name: 'cookie',
    section: 'RFC 9846 §4.3.2',
    meaning: 'What the server asked the client to say again, so that it need remember nothing.',
    walk: (walker) => walker.vector('cookie', 2, (cookie) => cookie.rest('cookie', inHex)),
  },
  45: {
    name: 'psk_key_exchange_modes',
    section: 'RFC 9846 §4.3.9',
    meaning:
      'Whether a key exchange is made beside a key that both have: with it, an earlier secret that leaks opens nothing.',
    walk: (walker) =>
      walker.vector('ke_modes', 1, (modes) =>
        modes.each(() => modes.number('PskKeyExchangeMode', 1, oneOf({ 0: 'psk_ke', 1: 'psk_dhe_ke' }))),
      ),
  },
  47: {
    name: 'certificate_authorities',
    section: 'RFC 9846 §4.3.4',
    meaning: 'The authorities whose certificates are welcome.',
    walk: (walker) =>
      walker.vector('authorities', 2, (all) =>
        all.each(() => all.vector('DistinguishedName', 2, (name) => dissectName(name))),
      ),
  },
  48: { name: 'oid_filters', section: 'RFC 9846 §4.3.5', meaning: 'What a client certificate must say.' },
  49: {
    name: 'post_handshake_auth',
    section: 'RFC 9846 §4.3.6',
    meaning: 'The client may be asked for its certificate later. It has no content.',
  },
  50: {
    name: 'signature_algorithms_cert',
    section: 'RFC 9846 §4.3.3',
    meaning: 'The signatures that may stand in certificates, where they differ.',
    walk: list16('supported_signature_algorithms', 'SignatureScheme', scheme),
  },
  51: {
    name: 'key_share',
    section: 'RFC 9846 §4.3.8',
    meaning: 'The public keys of the key exchange. From both halves, and only with a private one, comes the secret.',
    walk: (walker, place) => {
      if (place === 'HelloRetryRequest') walker.number('selected_group', 2, group);
      else if (place === 'ServerHello') keyShare(walker);
      else
        walker.vector('client_shares', 2, (shares) =>
          shares.each(() => {
            const [high = 0, low = 0, a = 0, b = 0] = shares.peek(4);
            shares.group('KeyShareEntry', 4 + (a << 8) + b, keyShare, group((high << 8) | low));
          }),
        );
    },
  },
  58: {
    name: 'ticket_request',
    section: 'RFC 9149 §3',
    meaning: 'How many tickets the client would like.',
    walk: (walker, place) => {
      walker.number(place === 'ClientHello' ? 'new_session_count' : 'expected_count', 1);
      if (place === 'ClientHello') walker.number('resumption_count', 1);
    },
  },
  65037: {
    name: 'encrypted_client_hello',
    section: 'RFC 9849 §5',
    meaning: 'The true hello, encrypted to the server: its name is not in the clear.',
  },
  65281: {
    name: 'renegotiation_info',
    section: 'RFC 5746 §3.2',
    meaning: 'Before TLS 1.3: ties another handshake on a connection to the one before it; empty in the first.',
    walk: (walker) => walker.vector('renegotiated_connection', 1, (before) => before.rest('verify_data', inHex)),
  },
};

function preSharedKey(walker: Walker, place: Place): void {
  if (place === 'ServerHello') {
    walker.number('selected_identity', 2, (index) => ({
      value: `${index}: the ${index === 0 ? 'first' : `${index + 1}th`} that was offered`,
    }));
    return;
  }
  walker.vector('identities', 2, (identities) =>
    identities.each(() => {
      identities.vector('identity', 2, (identity) => identity.rest('identity', inHex), {
        meaning: 'The name of the key: of a session, a ticket that only the server can open.',
      });
      identities.number('obfuscated_ticket_age', 4, (age) => ({
        value: String(age),
        meaning: 'How old the ticket is, in milliseconds, plus a number that only its two owners know.',
        section: 'RFC 9846 §4.3.11.1',
      }));
    }),
  );
  walker.vector('binders', 2, (binders) =>
    binders.each(() =>
      binders.vector('PskBinderEntry', 1, (binder) => binder.rest('binder', inHex), {
        meaning: 'An HMAC under the key over the hello up to here.',
        section: 'RFC 9846 §4.3.11.2',
      }),
    ),
  );
}

const grease: Omit<Row, 'name'> = {
  section: 'RFC 8701',
  meaning: 'An extension that means nothing: it keeps servers used to unknown ones.',
};

/** What is known of an extension. */
function rowOf(id: number): Row | undefined {
  const [name = '', section = '', meaning = ''] = rareExtensions[id] ?? [];
  return rows[id] ?? (name === '' ? undefined : { name, section, meaning });
}

/** IANA's name of an extension, or its number. */
export function extensionTitle(id: number): string {
  return rowOf(id)?.name ?? (isGrease(id) ? `GREASE (${id})` : `extension ${id}`);
}

/** `Extension extensions<0..2^16-1>` of a message. */
export function walkExtensions(walker: Walker, place: Place): void {
  walker.vector(
    'extensions',
    2,
    (all) =>
      all.each(() => {
        const [high = 0, low = 0, a = 0, b = 0] = all.peek(4);
        const id = (high << 8) | low;
        const title = extensionTitle(id);
        const row = rowOf(id) ?? (title.startsWith('GREASE') ? grease : undefined);
        all.group(
          title,
          4 + (a << 8) + b,
          (one) => {
            one.number('extension_type', 2, () => ({ value: `${title} (${id})` }));
            one.number('length', 2, (length) => ({ value: `${length} byte${length === 1 ? '' : 's'}` }));
            const walk = rows[id]?.walk;
            if (walk) walk(one, place);
            else one.rest('extension_data', inHex);
          },
          row ? { meaning: row.meaning, section: row.section } : {},
        );
      }),
    { section: 'RFC 9846 §4.3' },
  );
}

/** A ticket's life, in words. */
export const lifetime = (given: number): About => ({ value: `${given} s: ${seconds(given)}` });
