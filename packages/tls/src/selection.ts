/**
 * What each side chooses of its own, by its config and its user's callbacks: the application protocol, the certificate.
 * Which signature schemes count is the version's to say (`SchemeRule`).
 *
 * @module
 */

import type { ClientConfig, HelloInfo, ServerConfig } from './config.ts';
import {
  type Chosen,
  type Credential,
  chooseCredential,
  isCredential,
  isFor,
  type PeerSchemes,
  type SchemeRule,
  schemeFor,
} from './credentials.ts';
import { quote, TlsError } from './errors.ts';
import { callUser, type Flow, type FlowHost } from './flow.ts';
import type { PeerPolicy } from './peer.ts';
import { groupById, type HandshakeScheme, nameIn, schemeById } from './registry.ts';

/** RFC 7301 §3.2: a client that asks for protocols of which we have none is refused. */
export function* chooseAlpn({ alpnProtocols, selectAlpn }: ServerConfig, info: HelloInfo): Flow<string | undefined> {
  const theirs = info.alpnProtocols;
  if (theirs.length === 0) return undefined;
  if (selectAlpn !== undefined) {
    const chosen: unknown = yield* callUser('selectAlpn', () => selectAlpn(info));
    if (chosen === undefined) return undefined;
    if (typeof chosen !== 'string' || !theirs.includes(chosen)) {
      throw new TlsError('callback_failed', 'the selectAlpn callback chose a protocol that the client does not offer');
    }
    return chosen;
  }
  if (alpnProtocols.length === 0) return undefined;
  const chosen = alpnProtocols.find((name) => theirs.includes(name));
  if (chosen === undefined) {
    const names = theirs.slice(0, 8).map(quote).join(', ');
    throw new TlsError('no_application_protocol', `no application protocol in common: the client offers ${names}`);
  }
  return chosen;
}

/** The server's certificate for a hello. */
export function* chooseServerCredential(
  config: ServerConfig,
  info: HelloInfo,
  peer: PeerSchemes,
  rule: SchemeRule,
  schemes: readonly HandshakeScheme[] = config.signatureSchemes,
): Flow<Chosen> {
  const { credentials, selectCredential, strictServerName } = config;
  if (selectCredential !== undefined) {
    const credential: unknown = yield* callUser('selectCredential', () => selectCredential(info));
    if (!isCredential(credential)) {
      throw new TlsError('callback_failed', 'the selectCredential callback answered no credential');
    }
    const scheme = schemeFor(credential, schemes, peer.handshake, rule);
    if (scheme !== undefined) return { credential, scheme };
    throw noScheme([credential], peer);
  }
  if (strictServerName && info.serverName !== undefined && !credentials.some((own) => isFor(own, info.serverName))) {
    throw new TlsError('unrecognized_name', `no certificate of ours is for ${quote(info.serverName)}`);
  }
  const chosen = chooseCredential(credentials, info.serverName, schemes, peer, rule);
  if (chosen === undefined) throw noScheme(credentials, peer);
  return chosen;
}

function noScheme(credentials: readonly Credential[], { handshake: schemes, curves }: PeerSchemes): TlsError {
  const keys = [...new Set(credentials.map(({ signer }) => signer.publicKey.type))].join(', ') || 'none';
  const theirs = schemes
    .slice(0, 12)
    .map((id) => nameIn(schemeById, id))
    .join(', ');
  return new TlsError(
    'handshake_failure',
    `no signature scheme in common: our keys are ${keys}; the client takes ${theirs}${onCurves(curves)}`,
  );
}

/** Before TLS 1.3 a certificate's key must be on one of the curves that the client lists (RFC 8422 §5.1.1). */
function onCurves(curves: readonly number[] | undefined): string {
  return curves === undefined ? '' : `, on the curves ${curves.map((id) => nameIn(groupById, id)).join(', ')}`;
}

/** The client's certificate for a server's request; undefined: none. */
export function* chooseClientCredential(
  host: FlowHost,
  config: ClientConfig,
  certificateAuthorities: readonly Uint8Array[],
  { handshake, certificates }: PeerSchemes,
  rule: SchemeRule,
  signatureSchemes: readonly HandshakeScheme[] = config.signatureSchemes,
): Flow<Chosen | undefined> {
  const { credentials, selectCredential } = config;
  if (selectCredential === undefined) {
    return chooseCredential(credentials, undefined, signatureSchemes, { handshake, certificates }, rule);
  }
  const credential: unknown = yield* callUser('selectCredential', () =>
    selectCredential({
      certificateAuthorities,
      signatureSchemes: handshake,
      certificateSignatureSchemes: certificates,
      signal: host.signal,
    }),
  );
  if (credential === null) return undefined;
  if (!isCredential(credential)) {
    throw new TlsError('callback_failed', 'the selectCredential callback answered neither a credential nor null');
  }
  const scheme = schemeFor(credential, signatureSchemes, handshake, rule);
  return scheme && { credential, scheme };
}

/** What decides about the peer's certificate. */
export function peerPolicy(config: ClientConfig | ServerConfig): PeerPolicy {
  const { provider, trust, time, pathPolicy, verifyPeer, revocation, transparency, limits } = config;
  const maxCertificates = limits.certificates;
  return { provider, trust, time, pathPolicy, verifyPeer, revocation, transparency, maxCertificates };
}
