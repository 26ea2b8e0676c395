/**
 * Where `@handfast/tls/node` behaves otherwise than `node:tls`, on purpose: what the tests of behaviour expect of each, and why.
 *
 * @module
 */

interface Difference {
  readonly node: unknown;
  readonly ours: unknown;
  readonly why: string;
}

const nodeBefore24 = Number.parseInt(process.versions.node, 10) < 24;
const hybrid = { type: 'TLSGroup', name: 'X25519MLKEM768' };

export const differences = {
  'the other side of destroy()': {
    node: ['end', 'finish', 'close(false)'],
    ours: ['error(ECONNRESET)', 'close(true)'],
    why: 'destroy() says no goodbye (close_notify), and data without it may have been cut off by anybody: RFC 9846 §6.1',
  },
  'a connection that is cut': {
    node: ['end', 'finish', 'close(false)'],
    ours: ['error(ECONNRESET)', 'close(true)'],
    why: 'the same: what ends without close_notify may lack its end',
  },
  'a connection that is cut in its handshake': {
    node: ['end', 'error(ECONNRESET)', 'close(true)'],
    ours: ['error(ECONNRESET)', 'close(true)'],
    why: 'what never began has no `end`',
  },
  'a stream below that is destroyed': {
    node: ['close(false)'],
    ours: ['error(ECONNRESET)', 'close(true)'],
    why: 'the connection is cut, whoever did it',
  },
  'a record of an unknown type': {
    node: 'ERR_SSL_UNEXPECTED_MESSAGE',
    ours: 'ERR_SSL_WRONG_VERSION_NUMBER',
    why: 'the first bytes are none of TLS, and the code for that is this one',
  },
  'an alert in place of a hello': {
    node: 'ERR_SSL_UNEXPECTED_MESSAGE',
    ours: 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
    why: 'what the client said',
  },
  'a hello that is too short': {
    node: 'ERR_SSL_LENGTH_TOO_SHORT',
    ours: 'ERR_SSL_LENGTH_MISMATCH',
    why: 'OpenSSL has several codes for what cannot be decoded, and we have one',
  },
  'a ticket key that is too short': {
    node: 'ERR_INTERNAL_ASSERTION',
    ours: 'ERR_INVALID_ARG_VALUE',
    why: 'as the option ticketKeys has it',
  },
  'resetAndDestroy()': {
    node: ['ERR_INVALID_HANDLE_TYPE'],
    ours: ['error(ECONNRESET)', 'close(true)'],
    why: "net.Socket's does it for TLS too",
  },
  'what a server hears of a refusal, TLSv1.2': {
    node: /^secureConnection$/,
    ours: /^tlsClientError\(ERR_SSL_/,
    why: 'a client says by an alert why it refuses a certificate; Node says nothing, and the server believes the connection to stand',
  },
  'what a server hears of a refusal, TLSv1.3': {
    node: /^tlsClientError\(ECONNRESET\)$/,
    ours: /^tlsClientError\(ERR_SSL_/,
    why: 'the same',
  },
  'the message of a wrong name': {
    node: /^Hostname\/IP does not match certificate's altnames: /,
    ours: /^/,
    why: 'messages are ours; `reason` has the words of Node',
  },
  'the message of a connection that ended in its handshake': {
    node: /^Client network socket disconnected before secure TLS connection was established$/,
    ours: /^/,
    why: 'messages are ours',
  },
  'the message of handshakeTimeout': { node: /^TLS handshake timeout$/, ours: /^/, why: 'messages are ours' },
  'a record that does not open': {
    node: ['error(ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC)'],
    ours: ['error(ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC)', 'close(true)'],
    why: 'what failed is over: Node leaves the socket open after its error',
  },
  'destroyed after handshakeTimeout': {
    node: false,
    ours: true,
    why: 'Node leaves the connection open, against its documentation, unless the listener of tlsClientError destroys it',
  },
  'a Duplex below that fails': {
    node: ['error(below)', 'close(false)'],
    ours: ['error(below)', 'close(true)'],
    why: 'as above',
  },
  'the end over a Duplex': {
    node: ['secureConnect', 'end'],
    ours: ['secureConnect', 'end', 'finish', 'close(false)'],
    why: "Node's client over a Duplex never finishes when the server has ended first",
  },
  'the close of a socket whose transport did not connect': {
    node: ['error(ECONNREFUSED)', 'close(false)'],
    ours: ['error(ECONNREFUSED)', 'close(true)'],
    why: 'there was an error, and `close` says so everywhere else',
  },
  'SNICallback that answers what is no context': {
    node: 'tlsClientError(Invalid SNI context)',
    ours: 'tlsClientError(ERR_TLS_INVALID_CONTEXT)',
    why: 'an error has a code',
  },
  'a session that began under another certificate': {
    node: true,
    ours: false,
    why: 'who takes a certificate away wants no sessions of it',
  },
  'settings that setSecureContext() does not name': {
    node: ['TLS_AES_256_GCM_SHA384', 'TLSv1.2'],
    ours: ['TLS_AES_128_GCM_SHA256', null],
    why: 'they stay: a new certificate should not bring an old version back, or a suite',
  },
  'checkServerIdentity that throws': {
    node: { heard: ['uncaught(MINE)'], answered: true },
    ours: { heard: ['error(MINE)'], answered: false },
    why: 'who cannot say whether a certificate is right has not said that it is: with Node what was written goes to whom nobody has verified',
  },
  'resumeSession that answers an error': {
    node: { heard: ['tlsClientError(MINE)'], answered: false },
    ours: { heard: [], answered: true },
    why: 'where sessions cannot be had there is a full handshake',
  },
  'a listener of resumeSession that throws': {
    node: { heard: [`${nodeBefore24 ? 'uncaught' : 'tlsClientError'}(MINE)`], answered: false },
    ours: { heard: ['server error(MINE)'], answered: true },
    why: 'the same; and it is told as what a listener of newSession throws',
  },
  'setKeyCert() beside a context by name': {
    node: 'star',
    ours: 'deep',
    why: 'what is chosen for one connection counts, as it does in Node before TLS 1.3',
  },
  'close after an alert that comes late': {
    node: 'close(false)',
    ours: 'close(true)',
    why: 'there was an error, and `close` says so everywhere else',
  },
  "a client's certificate that is refused, TLSv1.2": {
    node: [['tlsClientError(ECONNRESET)'], ['error(ECONNRESET)', 'close(true)']],
    ours: [['tlsClientError(DEPTH_ZERO_SELF_SIGNED_CERT)'], ['error(ERR_SSL_TLSV1_ALERT_UNKNOWN_CA)', 'close(true)']],
    why: 'a server says by an alert why it refuses a certificate, and to its program by the code; Node cuts the connection',
  },
  "a client's certificate that is refused, TLSv1.3": {
    node: [['tlsClientError(ECONNRESET)'], ['close(false)']],
    ours: [['tlsClientError(DEPTH_ZERO_SELF_SIGNED_CERT)'], ['error(ERR_SSL_TLSV1_ALERT_UNKNOWN_CA)', 'close(true)']],
    why: 'the same',
  },
  'servername of a client that names a host alone': {
    node: [false, false],
    ours: ['localhost', 'localhost'],
    why: 'servers with several certificates need it; Node sends it only where servername is given, as https does',
  },
  'what goes out after the other side’s end, TLSv1.2': {
    node: true,
    ours: false,
    why: 'before TLS 1.3 a close_notify ends both directions: RFC 5246 §7.2.1 wants what waits to be discarded',
  },
  'getSession() without a listener for session': {
    node: true,
    ours: false,
    why: 'keeping a session costs: it is done where somebody listens, or gave one',
  },
  'getEphemeralKeyInfo() of a hybrid group': {
    node: nodeBefore24 ? {} : { ...hybrid, size: undefined },
    ours: hybrid,
    why: 'Node 22 has no words for it, and later ones say that it has a size which they do not know',
  },
  'getProtocol() before the handshake': {
    node: 'TLSv1.3',
    ours: null,
    why: 'nothing has been agreed on: Node tells the highest of its own',
  },
  'getCipher() before the handshake': {
    node: undefined,
    ours: {},
    why: 'an object by its type; its name is undefined',
  },
  'what methods tell after destroy()': {
    node: 'nothing',
    ours: 'what it was',
    why: 'logs are written when all is over',
  },
} as const satisfies Readonly<Record<string, Difference>>;
