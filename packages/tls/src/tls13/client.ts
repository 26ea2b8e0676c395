/**
 * The client's handshake (RFC 9846 §2, appendix A.1), top to bottom as the RFC's figure has it:
 *
 * ```
 * ClientHello
 * (Application Data*)    -------->
 *                        <--------   HelloRetryRequest
 * ClientHello            -------->
 *                                          ServerHello
 *                                  {EncryptedExtensions}
 *                                  {CertificateRequest*}
 *                                         {Certificate}
 *                                   {CertificateVerify}
 *                        <--------           {Finished}
 * (EndOfEarlyData)
 * {Certificate*}
 * {CertificateVerify*}
 * {Finished}             -------->
 * [Application Data]     <------->   [Application Data]
 * ```
 *
 * @module
 */

import { copyBytes, equalBytes, settle, wipe } from '@handfast/crypto';
import { certificateCacheOf } from '../certificate-cache.ts';
import { applySizeLimits, badShare, checkAlpn } from '../checks.ts';
import type { ClientConfig } from '../config.ts';
import type { Chosen } from '../credentials.ts';
import { refuseVersion } from '../downgrade.ts';
import { TlsError } from '../errors.ts';
import { expect, type Flow, type FlowHost, type HandshakeFlow, timed } from '../flow.ts';
import type { SentHello } from '../hello.ts';
import { writeCertificate } from '../messages/certificate.ts';
import type { CertificateRequest } from '../messages/certificate-request.ts';
import { writeEndOfEarlyData } from '../messages/end-of-early-data.ts';
import type { NewSessionTicket } from '../messages/new-session-ticket.ts';
import type { HelloRetryRequest, ServerHello } from '../messages/server-hello.ts';
import { type PeerIdentity, parseChain, timeOf, verifyPeerChain } from '../peer.ts';
import { maxInnerPlaintext } from '../record/protection13.ts';
import {
  cipherSuiteById,
  groupById,
  hexId,
  ids,
  type NamedGroup,
  nameIn,
  type SignatureScheme,
  TLS12,
  TLS13,
  type Tls13CipherSuite,
  versionName,
} from '../registry.ts';
import { chooseClientCredential, peerPolicy } from '../selection.ts';
import type { Resumable } from '../session/resume.ts';
import { longestLifeMs } from '../session/session.ts';
import type { ClientOffer, ClientParameters, FirstAnswer } from '../version.ts';
import {
  receiveCertificateVerify,
  receiveFinished,
  sendAndAdd,
  sendCertificate,
  sendFinished,
} from './authentication.ts';
import { setReadSecret, setWriteSecret } from './carrier.ts';
import type { ClientKeys } from './client-keys.ts';
import type { EarlyOffer } from './early-data.ts';
import { EarlySecret, type HandshakeSecret, Kdf, type MainSecret, type TrafficSecrets } from './key-schedule.ts';
import { dialect13 } from './messages.ts';
import { rule13, suites13 } from './negotiate.ts';
import { Connected } from './post-handshake.ts';
import { disposePsks, type OfferedPsk } from './psk.ts';
import type { SessionContent } from './resumption.ts';
import { disposeShares, generateShares, type Shares, shareEntries } from './shares.ts';
import { Transcript } from './transcript.ts';

/**
 * TLS 1.3's part in a hello: key shares, pre-shared keys, and the handshake from the server's answer on.
 * @param keys what is done with pre-shared keys; undefined: none are offered.
 */
export function* offer(
  { config, resumable }: ClientParameters,
  host: FlowHost,
  keys: ClientKeys | undefined = config.sessions?.resumption.keys,
): Flow<ClientOffer> {
  const psks = keys ? yield* keys.pskOffers(config, resumable) : [];
  const shares = yield* timed(host, 'key exchange', () => generateShares(config.provider, config.keyShares));
  const early = keys?.earlyOffer(config, psks);
  return {
    extensions: {
      key_share: shareEntries(shares),
      ...((config.sessions || psks.length > 0) && { psk_key_exchange_modes: ids(config.pskModes) }),
      ...(config.sessions && config.ticketRequest && { ticket_request: config.ticketRequest }),
      ...(early && { early_data: true }),
      pre_shared_key: keys?.pskExtension(psks),
    },
    bind: (hello) => keys?.bindHello(hello, psks, config),
    earlyData: keys &&
      early && { begin: (host, sent) => keys.beginEarlyData(host, sent, early), refuseOlder: keys.refuseOlder },
    proceed: (host, sent, answer) => client(host, sent, { keys, shares, psks, early }, answer),
    dispose() {
      disposeShares(shares);
      disposePsks(psks);
    },
  };
}

interface OfferedKeys {
  readonly keys: ClientKeys | undefined;
  readonly shares: Shares;
  readonly psks: readonly OfferedPsk[];
  readonly early: EarlyOffer | undefined;
}

function* client(host: FlowHost, sent: SentHello, offered: OfferedKeys, answer: FirstAnswer): HandshakeFlow {
  const { config, serverName } = sent.parameters;
  const { provider } = config;
  host.dialect = dialect13;
  // `early`: while early data may still be accepted.
  const { keys } = offered;
  let { shares, psks, early } = offered;
  // Secrets in the order in which they come to be; whatever exists at the end, whichever end, is wiped.
  let handshakeSecret: HandshakeSecret | undefined;
  let traffic: TrafficSecrets | undefined;
  let main: MainSecret | undefined;
  let connection: Connected | undefined;
  let content: SessionContent | undefined;
  const refuseEarlyData = (): undefined => host.endEarlyData(false) as undefined;
  try {
    // ServerHello, perhaps after a HelloRetryRequest
    if (answer.type === 'legacy_server_hello') throw refuseVersion(answer, config);
    const suite = checkHello(answer, sent, config);
    const transcript = new Transcript(provider, suite.hash).add(sent.raw);
    let retry: HelloRetryRequest | undefined;
    let serverHello: ServerHello;
    if (answer.type === 'hello_retry_request') {
      retry = answer;
      const group = checkRetry(retry, config, shares);
      if (group !== undefined) {
        disposeShares(shares);
        shares = yield* timed(host, 'key exchange', () => generateShares(provider, [group]));
      }
      transcript.replaceByMessageHash().add(retry.raw);
      if (early) {
        early = refuseEarlyData();
        // The second hello is in the clear again.
        host.records.endWriteProtection();
      } else if (sent.legacySessionId.length > 0) host.records.changeCipherSpec();
      const { cookie } = retry.extensions;
      // RFC 9846 §4.2.2: a key of another hash than the suite's has become useless.
      psks = psks.filter(({ hash }) => hash === suite.hash);
      transcript.add(
        sent.again(
          {
            key_share: shareEntries(shares),
            ...(cookie === undefined ? {} : { cookie }),
            pre_shared_key: keys?.pskExtension(psks),
            early_data: undefined,
          },
          (hello) => keys?.bindHello(hello, psks, config, transcript),
        ),
      );
      const second = yield* expect('WAIT_SH_AFTER_RETRY', 'server_hello', 'legacy_server_hello');
      if (second.type === 'legacy_server_hello') throw refuseVersion(second, config);
      checkHelloAfterRetry(second, suite, sent, config);
      serverHello = second;
    } else {
      serverHello = answer;
    }
    const psk = keys?.selectedPsk(serverHello, psks, suite, config);
    if (early && early.psk !== psk) early = refuseEarlyData();
    const kdf = new Kdf(provider, suite);
    const [group, sharedSecret] =
      psk && serverHello.extensions.key_share === undefined && retry?.extensions.key_share === undefined
        ? [undefined, kdf.zeros()]
        : yield* timed(host, 'key exchange', () => agree(serverHello, shares, retry?.extensions.key_share));
    disposeShares(shares);
    transcript.add(serverHello.raw);

    // Handshake keys
    handshakeSecret = (psk?.early ?? new EarlySecret(kdf)).handshakeSecret(sharedSecret);
    disposePsks(offered.psks);
    traffic = handshakeSecret.trafficSecrets(transcript.hash());
    host.keyLog?.('CLIENT_HANDSHAKE_TRAFFIC_SECRET', sent.random, traffic.client);
    host.keyLog?.('SERVER_HANDSHAKE_TRAFFIC_SECRET', sent.random, traffic.server);
    setReadSecret(host, kdf, 'handshake', traffic.server);
    // Our own records stay in the clear until now only for an alert; from here a failure is told in secret.
    if (sent.legacySessionId.length > 0 && retry === undefined && !offered.early) host.records.changeCipherSpec();
    if (early === undefined) setWriteSecret(host, kdf, 'handshake', traffic.client);

    // EncryptedExtensions
    const encrypted = yield* expect('WAIT_EE', 'encrypted_extensions');
    transcript.add(encrypted.raw);
    const alpnProtocol = checkAlpn('EncryptedExtensions', encrypted.extensions, config);
    applySizeLimits(host, 'EncryptedExtensions', maxInnerPlaintext, encrypted.extensions, config);
    if (encrypted.extensions.early_data) keys?.checkAccepted(early, suite, alpnProtocol);
    else if (early) {
      early = refuseEarlyData();
      setWriteSecret(host, kdf, 'handshake', traffic.client);
    }

    // CertificateRequest*, Certificate, CertificateVerify: unless a key that both have proves enough
    const { peer, request, peerSignatureScheme } = psk
      ? { peer: psk.resumable?.peer, request: undefined, peerSignatureScheme: undefined }
      : yield* receiveServer(host, sent.parameters, transcript);

    // Finished
    transcript.add(yield* receiveFinished(kdf, transcript, traffic.server, 'server'));
    host.changeCipherSpecAllowed = false;

    // Application keys of the server; ours follow our own flight.
    main = handshakeSecret.mainSecret();
    const finishedHash = transcript.hash();
    const application = main.trafficSecrets(finishedHash);
    const exporterSecret = main.exporterSecret(finishedHash);
    host.keyLog?.('CLIENT_TRAFFIC_SECRET_0', sent.random, application.client);
    host.keyLog?.('SERVER_TRAFFIC_SECRET_0', sent.random, application.server);
    host.keyLog?.('EXPORTER_SECRET', sent.random, exporterSecret);
    const earlyData = early ? 'accepted' : offered.early && 'rejected';
    const helloRetryRequest = retry !== undefined;
    const agreed = { cipherSuite: suite, group, alpnProtocol, serverName, earlyData, helloRetryRequest } as const;
    let chosen: Chosen | undefined;
    try {
      setReadSecret(host, kdf, 'application', application.server);

      // EndOfEarlyData, Certificate*, CertificateVerify*, Finished
      if (early) {
        host.endEarlyData(true);
        sendAndAdd(host, transcript, writeEndOfEarlyData());
        setWriteSecret(host, kdf, 'handshake', traffic.client);
      }
      if (request !== undefined) {
        const { signature_algorithms: handshake = [], signature_algorithms_cert: certificates = handshake } =
          request.extensions;
        const authorities = request.extensions.certificate_authorities ?? [];
        chosen = yield* chooseClientCredential(host, config, authorities, { handshake, certificates }, rule13);
        if (chosen === undefined) sendAndAdd(host, transcript, writeCertificate(request.requestContext, []));
        else yield* sendCertificate(host, transcript, chosen, request.requestContext, request.extensions);
      }
      sendFinished(host, kdf, transcript, traffic.client);
      setWriteSecret(host, kdf, 'application', application.client);
      const authenticated = psk?.resumable?.session.authenticated ?? (yield* timeOf(config)).getTime();
      const resumptionSecret = config.sessions && main.resumptionSecret(transcript.hash());
      content = { ...sessionContent(psk?.resumable, request, chosen), authenticated, resumptionSecret };
      connection = new Connected(
        host,
        kdf,
        {
          version: 'TLS 1.3',
          extendedMasterSecret: true,
          ...agreed,
          resumed: psk?.resumable !== undefined,
          pskIdentity: psk && !psk.resumable ? copyBytes(psk.identity) : undefined,
          peer,
          peerSignatureScheme,
          signatureScheme: chosen?.scheme,
        },
        { ...application, exporter: exporterSecret },
      );
    } finally {
      if (connection === undefined) {
        wipe(application.client, application.server, exporterSecret, content?.resumptionSecret);
      }
    }
  } finally {
    disposeShares(shares);
    disposePsks(offered.psks);
    handshakeSecret?.dispose();
    if (traffic) wipe(traffic.client, traffic.server);
    main?.dispose();
  }
  host.established(connection);
  return connected(host, sent.parameters, connection, content);
}

/** Fresh keys of the server's, and its tickets. */
function* connected(
  host: FlowHost,
  parameters: ClientParameters,
  connection: Connected,
  content: SessionContent,
): Flow<never> {
  try {
    for (let tickets = 0; ; ) {
      const message = yield* expect('CONNECTED', 'key_update', 'new_session_ticket');
      if (message.type === 'key_update') connection.receivedUpdate(message);
      else if (++tickets <= mostTickets) {
        checkLifetime(message);
        const { sessions } = parameters.config;
        if (sessions) yield* sessions.resumption.keys.keepTicket(host, parameters, connection, content, message);
      }
    }
  } finally {
    wipe(content.resumptionSecret);
  }
}

/** How many tickets of a connection a client keeps; it passes by the rest. */
const mostTickets = 8;

function checkLifetime({ ticketLifetime }: NewSessionTicket): void {
  if (ticketLifetime * 1000 <= longestLifeMs) return;
  throw new TlsError(
    'illegal_parameter',
    `NewSessionTicket: a lifetime of ${ticketLifetime} s, where 604,800 is the most`,
  );
}

/** What sessions of this connection will stand for: what was proved is not proved anew. */
function sessionContent(
  resumable: Resumable | undefined,
  request: CertificateRequest | undefined,
  chosen: Chosen | undefined,
): Pick<SessionContent, 'ownLeaf' | 'askedForCertificate'> {
  if (resumable !== undefined) {
    const { ownLeaf, askedForCertificate } = resumable.session;
    return { ownLeaf, askedForCertificate };
  }
  return { ownLeaf: chosen?.credential.chain[0]?.raw, askedForCertificate: request !== undefined };
}

interface ServerProof {
  readonly peer: PeerIdentity;
  readonly request: CertificateRequest | undefined;
  readonly peerSignatureScheme: SignatureScheme;
}

/** CertificateRequest*, Certificate, CertificateVerify. */
function* receiveServer(
  host: FlowHost,
  { config, verifyName }: ClientParameters,
  transcript: Transcript,
): Flow<ServerProof> {
  const { provider, signatureSchemes } = config;
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
  // The server holds the key: only then is it asked whether we trust the certificate.
  const peerSignatureScheme = yield* receiveCertificateVerify(
    host,
    transcript,
    'server',
    chain[0],
    provider,
    signatureSchemes,
  );
  const beside = message.extensions[0];
  const peer = yield* timed(host, 'path', () =>
    verifyPeerChain(chain, beside, 'server', verifyName, peerPolicy(config), () => host.signal),
  );
  host.trace?.({ type: 'certificate', peer });
  return { peer, request, peerSignatureScheme };
}

/** What ServerHello and HelloRetryRequest have in common (RFC 9846 §4.2.3). Answers the suite. */
function checkHello(
  hello: ServerHello | HelloRetryRequest,
  { legacySessionId }: SentHello,
  { cipherSuites }: ClientConfig,
): Tls13CipherSuite {
  const title = hello.type === 'server_hello' ? 'ServerHello' : 'HelloRetryRequest';
  const version = hello.extensions.supported_versions;
  if (hello.legacyVersion !== TLS12) {
    throw new TlsError('protocol_version', `${title}: legacy_version is ${hexId(hello.legacyVersion)}, not 0x0303`);
  }
  if (version === undefined) throw new TlsError('missing_extension', `${title}: supported_versions is missing`);
  if (version !== TLS13) {
    throw new TlsError(
      'illegal_parameter',
      `${title}: supported_versions names ${versionName(version)}, which we did not offer so`,
    );
  }
  if (!equalBytes(hello.legacySessionIdEcho, legacySessionId)) {
    throw new TlsError('illegal_parameter', `${title}: legacy_session_id_echo is not the session id that we sent`);
  }
  if (hello.legacyCompressionMethod !== 0) {
    throw new TlsError('illegal_parameter', `${title}: compression method ${hello.legacyCompressionMethod}, not null`);
  }
  const suite = suites13(cipherSuites).find(({ id }) => id === hello.cipherSuite);
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
  suite: Tls13CipherSuite,
  sent: SentHello,
  config: ClientConfig,
): void {
  const now = checkHello(hello, sent, config);
  if (now !== suite) {
    throw new TlsError('illegal_parameter', `ServerHello: ${now.name}, where HelloRetryRequest chose ${suite.name}`);
  }
}

/** The server's share, and the secret that both sides now have. */
function* agree(
  hello: ServerHello,
  shares: Shares,
  retriedGroup: number | undefined,
): Flow<readonly [NamedGroup, Uint8Array]> {
  const answer = hello.extensions.key_share;
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

function checkRequest(request: CertificateRequest): CertificateRequest {
  if (request.requestContext.length > 0) {
    throw new TlsError('illegal_parameter', 'CertificateRequest: a request context inside the handshake');
  }
  if (request.extensions.signature_algorithms === undefined) {
    throw new TlsError('missing_extension', 'CertificateRequest: signature_algorithms is missing');
  }
  return request;
}
