/**
 * Refusals in words for somebody who meets them for the first time: what it means, and who can do what about it. What exactly was
 * found is the error's own to say.
 *
 * @module
 */

import type { Handshake } from '@handfast/viewer';

export interface Explanation {
  readonly title: string;
  readonly cause: string;
  readonly remedy: string;
}

const byCode: Readonly<Record<string, Explanation>> = {
  expired: {
    title: 'The certificate has expired',
    cause:
      'A certificate is good for a time that is written in it. Afterwards nobody answers for it: not for the key, nor for the name.',
    remedy:
      'Whoever runs the server renews the certificate, best by a program that does so every few weeks. Clients should not look away.',
  },
  not_yet_valid: {
    title: 'The certificate is not valid yet',
    cause: 'Its time has not begun, by the clock of whoever checks it.',
    remedy:
      'If the client’s clock is right, the server was given its certificate too early. More often the clock is wrong: set it.',
  },
  name_mismatch: {
    title: 'The certificate is somebody else’s',
    cause:
      'It is genuine, and for other names than the one that was asked for. An attacker with a certificate of his own would look just so.',
    remedy:
      'Whoever runs the server gets a certificate that has this name, or the client asks for a name that is in it.',
  },
  unknown_issuer: {
    title: 'Nobody we trust vouches for the certificate',
    cause:
      'From the certificate upwards, every issuer must be signed by the next, up to a root that the client trusts. Here that way breaks off.',
    remedy:
      'If an intermediate is missing, the server must send it along. If the issuer is your own, give clients its root. Else do not go on.',
  },
  self_signed: {
    title: 'The certificate vouches for itself',
    cause: 'It is signed with its own key, and is no root that the client trusts.',
    remedy: 'Use a certificate of an authority, or give clients this one as a root.',
  },
  revoked: {
    title: 'The certificate has been taken back',
    cause:
      'Its issuer has revoked it: the key may be in other hands. The proof came stapled to the certificate, signed by the issuer.',
    remedy: 'Whoever runs the server makes a new key, gets a new certificate, and finds out how the old key was lost.',
  },
  bad_record_mac: {
    title: 'Bytes were changed on their way',
    cause:
      'Each protected record carries a tag that only who has the key can make. One bit less or more, and the tag does not fit.',
    remedy:
      'Nobody can repair that: the connection ends, as it must. Try again; if it stays, something on the way changes what passes.',
  },
  decrypt_error: {
    title: 'The two sides have not seen the same messages',
    cause:
      'A signature or Finished covers every byte of the handshake so far. Here it does not fit what this side has seen.',
    remedy: 'The connection ends, as it must: something on the way changed a message.',
  },
  truncated: {
    title: 'The connection was cut off',
    cause:
      'The bytes ended without close_notify. That may be a broken wire, or somebody who wants the end to go unread.',
    remedy: 'Take nothing that was incomplete. Connect again.',
  },
  protocol_version: {
    title: 'No version in common',
    cause: 'The client lists the versions it speaks, and the server speaks none of them.',
    remedy:
      'Whoever lacks TLS 1.3 or 1.2 gets newer software. Older versions are broken, and nobody should turn them on.',
  },
  handshake_failure: {
    title: 'Nothing in common',
    cause: 'Of what the client offered, suites, groups or signatures, the server can use nothing.',
    remedy: 'Let each side have at least one that the other has.',
  },
  no_application_protocol: {
    title: 'No application protocol in common',
    cause: 'With ALPN the client says what it wants to speak inside, and this server speaks none of it.',
    remedy: 'Most often the client has reached the wrong port or service.',
  },
  certificate_required: {
    title: 'The server wants to know who the client is',
    cause: 'It asked for the client’s certificate, and none came.',
    remedy: 'Give the client a certificate and its key, of an authority that this server trusts.',
  },
};

const otherwise: Explanation = {
  title: 'The handshake failed',
  cause: 'One side found something that it cannot go on with.',
  remedy: 'The code and the place below say more.',
};

export function explainFailure({ error }: NonNullable<Handshake['failure']>): Explanation {
  const code = error.certificateCode ?? error.code;
  return Object.hasOwn(byCode, code) ? (byCode[code] ?? otherwise) : otherwise;
}

/** Where in the handshake, and what was said about it to the other side. */
export function placeOf({ error }: NonNullable<Handshake['failure']>): string {
  const state = error.state === undefined ? '' : `, in state ${error.state}`;
  const alert = error.alert === undefined ? 'nothing was said' : `the alert ${error.alert} was sent`;
  return `${error.phase === 'handshake' ? 'during the handshake' : 'after the handshake'}${state}; ${alert}`;
}

export function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

export function bytes(count: number): string {
  return count === 1 ? '1 byte' : `${count.toLocaleString('en')} bytes`;
}
