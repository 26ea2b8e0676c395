/**
 * The client's handshake (RFC 9846 §2, appendix A.1), top to bottom as the RFC's figure has it:
 *
 * ```
 * ClientHello            -------->
 *                        <--------   HelloRetryRequest
 * ClientHello            -------->
 *                                          ServerHello
 *                                  {EncryptedExtensions}
 *                                  {CertificateRequest*}
 *                                         {Certificate}
 *                                   {CertificateVerify}
 *                        <--------           {Finished}
 * {Certificate*}
 * {CertificateVerify*}
 * {Finished}             -------->
 * [Application Data]     <------->   [Application Data]
 * ```
 *
 * @module
 */

import { type Bytes, equalBytes, fromHex, settle, wipe } from '@handfast/crypto';
import { certificateCacheOf } from '../certificate-cache.ts';
import type { ClientConfig } from '../config.ts';
import { type Chosen, chooseCredential, isCredential, schemeFor } from '../credentials.ts';
import { TlsError } from '../errors.ts';
import { callUser, expect, type Flow, type FlowHost } from '../flow.ts';
import { writeCertificate } from '../messages/certificate.ts';
import type { CertificateRequest } from '../messages/certificate-request.ts';
import { readHandshake } from '../messages/handshake.ts';
import type { HelloRetryRequest, LegacyServerHello, ServerHello } from '../messages/server-hello.ts';
import { type PeerPolicy, parseChain, verifyPeerChain } from '../peer.ts';
import {
  type CipherSuite,
  cipherSuiteById,
  groupById,
  hexId,
  type NamedGroup,
  nameIn,
  TLS12,
  TLS13,
  versionName,
} from '../registry.ts';
import type { ClientParameters } from '../version.ts';
import {
  receiveCertificateVerify,
  receiveFinished,
  sendAndAdd,
  sendCertificate,
  sendFinished,
} from './authentication.ts';
import { setReadSecret, setWriteSecret } from './carrier.ts';
import { badShare, checkRecordSizeLimit } from './checks.ts';
import { generateShares, type HelloConstants, helloConstants, offeredBy, type Shares, writeHello } from './hello.ts';
import { EarlySecret, type HandshakeSecret, Kdf, type MainSecret, type TrafficSecrets } from './key-schedule.ts';
import { afterHandshake, Connected } from './post-handshake.ts';
import { Transcript } from './transcript.ts';

export function* client(host: FlowHost, parameters: ClientParameters): Flow<never> {
  const { config, serverName, verifyName } = parameters;
  const { provider } = config;
  const constants = helloConstants(parameters);
  let shares: Shares = yield* generateShares(provider, config.keyShares);
  // Secrets in the order in which they come to be; whatever exists at the end, whichever end, is wiped.
  let handshakeSecret: HandshakeSecret | undefined;
  let traffic: TrafficSecrets | undefined;
  let main: MainSecret | undefined;
  let connection: Connected | undefined;
  try {
    // ClientHello
    const hello = sendHello(host, writeHello(parameters, constants, shares));

    // ServerHello, perhaps after a HelloRetryRequest
    const answer = yield* expect('WAIT_SH', 'server_hello', 'hello_retry_request', 'legacy_server_hello');
    if (answer.type === 'legacy_server_hello') throw refuseLegacy(answer);
    const suite = checkHello(answer, constants, config);
    const transcript = new Transcript(provider, suite.hash).add(hello);
    let retry: HelloRetryRequest | undefined;
    let serverHello: ServerHello;
    if (answer.type === 'hello_retry_request') {
      retry = answer;
      const group = checkRetry(retry, config, shares);
      if (group !== undefined) {
        disposeShares(shares);
        shares = yield* generateShares(provider, [group]);
      }
      transcript.replaceByMessageHash().add(retry.raw);
      if (constants.legacySessionId.length > 0) host.records.changeCipherSpec();
      const { cookie } = retry.extensions;
      transcript.add(sendHello(host, writeHello(parameters, constants, shares, { cookie })));
      const second = yield* expect('WAIT_SH_AFTER_RETRY', 'server_hello', 'legacy_server_hello');
      if (second.type === 'legacy_server_hello') throw refuseLegacy(second);
      checkHelloAfterRetry(second, suite, constants, config);
      serverHello = second;
    } else {
      serverHello = answer;
    }
    const [group, sharedSecret] = yield* agree(serverHello, shares, retry?.extensions.key_share);
    disposeShares(shares);
    transcript.add(serverHello.raw);

    // Handshake keys
    const kdf = new Kdf(provider, suite);
    handshakeSecret = new EarlySecret(kdf).handshakeSecret(sharedSecret);
    traffic = handshakeSecret.trafficSecrets(transcript.hash());
    host.keyLog?.('CLIENT_HANDSHAKE_TRAFFIC_SECRET', constants.random, traffic.client);
    host.keyLog?.('SERVER_HANDSHAKE_TRAFFIC_SECRET', constants.random, traffic.server);
    setReadSecret(host, kdf, 'handshake', traffic.server);
    // Our own records stay in the clear until now only for an alert; from here a failure is told in secret.
    if (constants.legacySessionId.length > 0 && retry === undefined) host.records.changeCipherSpec();
    setWriteSecret(host, kdf, 'handshake', traffic.client);

    // EncryptedExtensions
    const encrypted = yield* expect('WAIT_EE', 'encrypted_extensions');
    transcript.add(encrypted.raw);
    const alpnProtocol = checkAlpn(encrypted.extensions.application_layer_protocol_negotiation, config);
    applyRecordSizeLimit(host, encrypted.extensions.record_size_limit, config);

    // CertificateRequest*, Certificate
    let message = yield* expect('WAIT_CERT_CR', 'certificate_request', 'certificate');
    let request: CertificateRequest | undefined;
    if (message.type === 'certificate_request') {
      request = checkRequest(message);
      transcript.add(request.raw);
      message = yield* expect('WAIT_CERT', 'certificate');
    }
    if (message.requestContext.length > 0) {
      throw new TlsError('illegal_parameter', 'Certificate: a request context in a server’s Certificate');
    }
    const chain = parseChain(message.chain, config.limits.certificates, certificateCacheOf(config.trust));
    transcript.add(message.raw);

    // CertificateVerify: the server holds the key. Only then is it asked whether we trust the certificate.
    const peerSignatureScheme = yield* receiveCertificateVerify(
      transcript,
      'server',
      chain[0],
      provider,
      config.signatureSchemes,
    );
    const peer = yield* verifyPeerChain(
      chain,
      message.extensions[0],
      'server',
      verifyName,
      peerPolicy(config),
      () => host.signal,
    );
    host.trace?.({ type: 'certificate', peer });

    // Finished
    transcript.add(yield* receiveFinished(kdf, transcript, traffic.server, 'server'));
    host.changeCipherSpecAllowed = false;

    // Application keys of the server; ours follow our own flight.
    main = handshakeSecret.mainSecret();
    const finishedHash = transcript.hash();
    const application = main.trafficSecrets(finishedHash);
    const exporterSecret = main.exporterSecret(finishedHash);
    main.dispose();
    host.keyLog?.('CLIENT_TRAFFIC_SECRET_0', constants.random, application.client);
    host.keyLog?.('SERVER_TRAFFIC_SECRET_0', constants.random, application.server);
    host.keyLog?.('EXPORTER_SECRET', constants.random, exporterSecret);
    const offered = { cipherSuite: suite, group, alpnProtocol, serverName, helloRetryRequest: retry !== undefined };
    let chosen: Chosen | undefined;
    try {
      setReadSecret(host, kdf, 'application', application.server);

      // Certificate*, CertificateVerify*, Finished
      if (request !== undefined) {
        chosen = yield* chooseOwn(host, config, request);
        if (chosen === undefined) sendAndAdd(host, transcript, writeCertificate(request.requestContext, []));
        else yield* sendCertificate(host, transcript, chosen, request.requestContext, request.extensions);
      }
      sendFinished(host, kdf, transcript, traffic.client);
      setWriteSecret(host, kdf, 'application', application.client);
      connection = new Connected(
        host,
        kdf,
        { version: 'TLS 1.3', ...offered, peer, peerSignatureScheme, signatureScheme: chosen?.scheme },
        application,
        exporterSecret,
      );
    } finally {
      if (connection === undefined) wipe(application.client, application.server, exporterSecret);
    }
  } finally {
    disposeShares(shares);
    handshakeSecret?.dispose();
    if (traffic) wipe(traffic.client, traffic.server);
    main?.dispose();
  }
  return yield* afterHandshake(host, connection);
}

function sendHello(host: FlowHost, raw: Bytes): Bytes {
  host.send(raw);
  const hello = readHandshake(raw, new Set());
  if (hello.type === 'client_hello') host.offered = offeredBy(hello);
  return raw;
}

/** What ServerHello and HelloRetryRequest have in common (RFC 9846 §4.2.3). Answers the suite. */
function checkHello(
  hello: ServerHello | HelloRetryRequest,
  { legacySessionId }: HelloConstants,
  { cipherSuites }: ClientConfig,
): CipherSuite {
  const title = hello.type === 'server_hello' ? 'ServerHello' : 'HelloRetryRequest';
  const version = hello.extensions.supported_versions;
  if (hello.legacyVersion !== TLS12) {
    throw new TlsError('protocol_version', `${title}: legacy_version is ${hexId(hello.legacyVersion)}, not 0x0303`);
  }
  if (version === undefined) throw new TlsError('missing_extension', `${title}: supported_versions is missing`);
  if (version !== TLS13) {
    throw new TlsError(
      'illegal_parameter',
      `${title}: the server chose ${versionName(version)}, which we did not offer`,
    );
  }
  if (!equalBytes(hello.legacySessionIdEcho, legacySessionId)) {
    throw new TlsError('illegal_parameter', `${title}: legacy_session_id_echo is not the session id that we sent`);
  }
  if (hello.legacyCompressionMethod !== 0) {
    throw new TlsError('illegal_parameter', `${title}: compression method ${hello.legacyCompressionMethod}, not null`);
  }
  const suite = cipherSuites.find(({ id }) => id === hello.cipherSuite);
  if (suite === undefined) {
    const name = nameIn(cipherSuiteById, hello.cipherSuite);
    throw new TlsError('illegal_parameter', `${title}: the server chose ${name}, which we did not offer`);
  }
  return suite;
}

/** RFC 9846 §4.2.4. Answers the group that a share is wanted for. */
function checkRetry(retry: HelloRetryRequest, { groups }: ClientConfig, shares: Shares): NamedGroup | undefined {
  const { key_share: wanted, cookie } = retry.extensions;
  if (wanted === undefined) {
    if (cookie === undefined) {
      throw new TlsError('illegal_parameter', 'HelloRetryRequest: it would change nothing in our hello');
    }
    return undefined;
  }
  const group = groups.find(({ id }) => id === wanted);
  if (group === undefined) {
    const name = nameIn(groupById, wanted);
    throw new TlsError('illegal_parameter', `HelloRetryRequest: it names the group ${name}, which we did not offer`);
  }
  if (shares.has(group)) {
    throw new TlsError('illegal_parameter', `HelloRetryRequest: it names the group ${group.name}, whose share it has`);
  }
  return group;
}

function checkHelloAfterRetry(
  hello: ServerHello,
  suite: CipherSuite,
  constants: HelloConstants,
  config: ClientConfig,
): void {
  const now = checkHello(hello, constants, config);
  if (now !== suite) {
    throw new TlsError('illegal_parameter', `ServerHello: ${now.name}, where HelloRetryRequest chose ${suite.name}`);
  }
}

const sentinels: readonly Bytes[] = [fromHex('444F574E47524401'), fromHex('444F574E47524400')];

/** A server that chose TLS 1.2 or earlier: somebody in between may have made it (RFC 9846 §4.2.3). */
function refuseLegacy(hello: LegacyServerHello): TlsError {
  const end = hello.random.subarray(24);
  const version = versionName(hello.legacyVersion);
  if (sentinels.some((sentinel) => equalBytes(end, sentinel))) {
    return new TlsError('illegal_parameter', `ServerHello: a server that knows TLS 1.3 was made to choose ${version}`, {
      hint: 'the hello was changed on its way: somebody in between downgrades connections',
    });
  }
  return new TlsError('protocol_version', `the server chose ${version}, and we offer TLS 1.3 alone`, {
    hint: 'the server must be brought to TLS 1.3',
  });
}

/** The server's share, and the secret that both sides now have. */
function* agree(
  hello: ServerHello,
  shares: Shares,
  retriedGroup: number | undefined,
): Flow<readonly [NamedGroup, Uint8Array]> {
  const answer = hello.extensions.key_share;
  if (hello.extensions.pre_shared_key !== undefined) {
    throw new TlsError('unsupported_extension', 'ServerHello: it selects a pre-shared key, and none was offered');
  }
  if (answer === undefined) throw new TlsError('missing_extension', 'ServerHello: key_share is missing');
  const name = nameIn(groupById, answer.group);
  if (retriedGroup !== undefined && answer.group !== retriedGroup) {
    const wanted = nameIn(groupById, retriedGroup);
    throw new TlsError(
      'illegal_parameter',
      `ServerHello: a share of ${name}, where HelloRetryRequest asked for ${wanted}`,
    );
  }
  for (const [group, key] of shares) {
    if (group.id !== answer.group) continue;
    try {
      return [group, yield* settle(key.agree(answer.keyExchange))];
    } catch (error) {
      throw badShare(error, 'ServerHello', group);
    }
  }
  throw new TlsError('illegal_parameter', `ServerHello: a share of ${name}, which we sent none of`);
}

function checkAlpn(chosen: string | undefined, { alpnProtocols }: ClientConfig): string | undefined {
  if (chosen !== undefined && !alpnProtocols.includes(chosen)) {
    throw new TlsError(
      'illegal_parameter',
      'EncryptedExtensions: the server chose an ALPN protocol that we did not offer',
    );
  }
  return chosen;
}

function applyRecordSizeLimit(host: FlowHost, limit: number | undefined, { recordSizeLimit }: ClientConfig): void {
  if (limit === undefined) return;
  checkRecordSizeLimit(limit, 'EncryptedExtensions');
  if (limit > 16_385) {
    throw new TlsError('illegal_parameter', `EncryptedExtensions: record_size_limit is ${limit}, beyond 16,385`);
  }
  host.records.setRecordSizeLimits({ peer: limit, ...(recordSizeLimit === undefined ? {} : { own: recordSizeLimit }) });
}

function checkRequest(request: CertificateRequest): CertificateRequest {
  if (request.requestContext.length > 0) {
    throw new TlsError('illegal_parameter', 'CertificateRequest: a request context inside the handshake');
  }
  if (request.extensions.signature_algorithms === undefined) {
    throw new TlsError('missing_extension', 'CertificateRequest: signature_algorithms is missing');
  }
  return request;
}

/** Our certificate for the server's request; undefined: none. */
function* chooseOwn(
  host: FlowHost,
  config: ClientConfig,
  { extensions }: CertificateRequest,
): Flow<Chosen | undefined> {
  const handshake = extensions.signature_algorithms ?? [];
  const certificates = extensions.signature_algorithms_cert ?? handshake;
  const { selectCredential } = config;
  if (selectCredential === undefined) {
    return chooseCredential(config.credentials, undefined, config.signatureSchemes, { handshake, certificates });
  }
  const credential: unknown = yield* callUser('selectCredential', () =>
    selectCredential({
      certificateAuthorities: extensions.certificate_authorities ?? [],
      signatureSchemes: handshake,
      certificateSignatureSchemes: certificates,
      signal: host.signal,
    }),
  );
  if (credential === null) return undefined;
  if (!isCredential(credential)) {
    throw new TlsError('callback_failed', 'the selectCredential callback answered neither a credential nor null');
  }
  const scheme = schemeFor(credential, config.signatureSchemes, handshake);
  return scheme && { credential, scheme };
}

function peerPolicy(config: ClientConfig): PeerPolicy {
  const { provider, trust, time, verifyPeer, revocation, transparency, limits } = config;
  return { provider, trust, time, verifyPeer, revocation, transparency, maxCertificates: limits.certificates };
}

function disposeShares(shares: Shares): void {
  for (const key of shares.values()) key.dispose();
}
