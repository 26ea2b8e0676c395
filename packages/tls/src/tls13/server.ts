/**
 * The server's handshake (RFC 9846 §2, appendix A.2), top to bottom as the RFC's figure has it; `client.ts` shows the
 * figure. The first ClientHello has been read, and the config chosen by it.
 *
 * @module
 */

import { type Bytes, equalBytes, settle, wipe } from '@handfast/crypto';
import { certificateCacheOf } from '../certificate-cache.ts';
import { agreeSizeLimits, badShare } from '../checks.ts';
import type { HelloInfo, ServerConfig } from '../config.ts';
import { type Chosen, isFor } from '../credentials.ts';
import { TlsError } from '../errors.ts';
import { exchangeOf, expect, type Flow, type FlowHost, type HandshakeFlow, type Negotiated, timed } from '../flow.ts';
import { writeCertificateRequest } from '../messages/certificate-request.ts';
import type { ClientHello } from '../messages/client-hello.ts';
import { writeEncryptedExtensions } from '../messages/encrypted-extensions.ts';
import type { KeyShareEntry } from '../messages/extensions.ts';
import { writeHelloRetryRequest, writeServerHello } from '../messages/server-hello.ts';
import { parseChain, verifyPeerChain } from '../peer.ts';
import { type PskMode, pskDheKe, pskKe } from '../psk-modes.ts';
import { maxInnerPlaintext } from '../record/protection13.ts';
import { extensionType, ids, type NamedGroup, TLS13, type Tls13CipherSuite } from '../registry.ts';
import { chooseAlpn, chooseServerCredential, peerPolicy } from '../selection.ts';
import {
  receiveCertificateVerify,
  receiveFinished,
  sendAndAdd,
  sendCertificate,
  sendFinished,
} from './authentication.ts';
import { setReadSecret, setWriteSecret } from './carrier.ts';
import { EarlySecret, type HandshakeSecret, Kdf, type MainSecret, type TrafficSecrets } from './key-schedule.ts';
import { dialect13 } from './messages.ts';
import {
  type CheckedHello,
  checkClientHello,
  checkSecondHello,
  chooseGroup,
  commonSuites,
  rule13,
} from './negotiate.ts';
import { Connected } from './post-handshake.ts';
import { checkBinder } from './psk.ts';
import { commonMode, type FoundPsk, type TicketContent } from './resumption.ts';
import type { ServerKeys } from './server-keys.ts';
import { Transcript } from './transcript.ts';

const noContext = new Uint8Array(0);

/** What a client may send beside its certificate, where it was asked for. */
const offeredForCertificate = [extensionType.status_request, extensionType.signed_certificate_timestamp];

/** @param keys what is done with pre-shared keys; undefined: none are taken. */
export function* server(
  host: FlowHost,
  config: ServerConfig,
  info: HelloInfo,
  keys: ServerKeys | undefined = config.tickets?.keys.resumption.keys,
): HandshakeFlow {
  const { provider } = config;
  const { clientHello: firstHello, serverName } = info;
  host.dialect = dialect13;
  let early: EarlySecret | undefined;
  let handshakeSecret: HandshakeSecret | undefined;
  let traffic: TrafficSecrets | undefined;
  let main: MainSecret | undefined;
  let application: TrafficSecrets | undefined;
  let exporterSecret: Bytes | undefined;
  let psk: FoundPsk | undefined;
  let connection: Connected | undefined;
  let content: TicketContent;
  try {
    // ClientHello: what is chosen from it
    let checked = checkClientHello(firstHello);
    const suites = commonSuites(config, firstHello);
    const chosen = yield* chooseCertificate(config, info, checked);
    const credential = chosen?.credential;
    const modes = modesFor(config, firstHello);
    psk = keys && (yield* keys.findPsk(host, config, firstHello, { serverName, credential, suites, modes }));
    const suite = psk?.suite ?? suites[0];
    if (psk === undefined && chosen === undefined) psk = unknownPsk(firstHello, config, suite);
    const exchange = psk?.mode === pskKe ? undefined : chooseGroup(config, checked);
    const kdf = new Kdf(provider, suite);
    const transcript = new Transcript(provider, suite.hash);
    const middlebox = firstHello.legacySessionId.length > 0;

    // HelloRetryRequest, and the second ClientHello
    let share = exchange?.share;
    const retried = exchange !== undefined && share === undefined;
    if (retried) {
      // A retry names the suite of a key: who does not have that key is not told.
      if (psk !== undefined && psk.session === undefined) {
        early = new EarlySecret(kdf, psk.secret);
        checkBinder(firstHello, psk.index, early, psk.kind, transcript);
        early.dispose();
      }
      transcript.add(firstHello.raw);
      const second = yield* retryHello(host, config, transcript, checked, psk, suite, exchange.group);
      checked = second.checked;
      share = second.share;
      wipe(psk?.secret);
      const modes = config.pskModes.filter((mode) => mode === pskDheKe);
      psk =
        keys && (yield* keys.findPsk(host, config, checked.hello, { serverName, credential, suites: [suite], modes }));
    }
    const { hello } = checked;
    if (psk === undefined && chosen === undefined) psk = unknownPsk(hello, config, suite);
    early = new EarlySecret(kdf, psk?.secret);
    if (psk) checkBinder(hello, psk.index, early, psk.kind, transcript);
    transcript.add(hello.raw);
    const sizes = agreeSizeLimits(hello.extensions, config, maxInnerPlaintext);
    const alpnProtocol = yield* chooseAlpn(config, info);
    const tickets = keys?.ticketsFor(config, hello, psk) ?? 0;
    const { early_data: offersEarlyData } = firstHello.extensions;
    let earlyLimit: number | undefined;
    if (offersEarlyData && !retried) {
      if (!keys || !config.earlyData) tellRefused(host, 'this server takes none');
      else earlyLimit = yield* keys.takenEarlyData(host, config, config.earlyData, hello, psk, alpnProtocol);
    }
    if (earlyLimit !== undefined) keys?.readEarlyData(host, kdf, early, hello, transcript);
    else if (offersEarlyData && !retried) host.records.skipEarlyData(skippable(config, psk));

    // ServerHello
    const { entry, secret } =
      exchange === undefined
        ? { secret: kdf.zeros() }
        : yield* timed(host, 'key exchange', () => encapsulate(host, exchange.group, share as KeyShareEntry));
    sendAndAdd(
      host,
      transcript,
      writeServerHello({
        random: provider.random(32),
        legacySessionIdEcho: firstHello.legacySessionId,
        cipherSuite: suite.id,
        extensions: {
          ...(entry && { key_share: entry }),
          supported_versions: TLS13,
          ...(psk && { pre_shared_key: psk.index }),
        },
      }),
    );
    if (middlebox && !retried) host.records.changeCipherSpec();

    // Handshake keys
    handshakeSecret = early.handshakeSecret(secret);
    traffic = handshakeSecret.trafficSecrets(transcript.hash());
    host.keyLog?.('CLIENT_HANDSHAKE_TRAFFIC_SECRET', firstHello.random, traffic.client);
    host.keyLog?.('SERVER_HANDSHAKE_TRAFFIC_SECRET', firstHello.random, traffic.server);
    setWriteSecret(host, kdf, 'handshake', traffic.server);
    if (earlyLimit === undefined) setReadSecret(host, kdf, 'handshake', traffic.client);
    // A client that refuses our hello has no keys to say so with.
    host.records.allowPlaintextAlerts();

    // EncryptedExtensions, CertificateRequest*, Certificate, CertificateVerify, Finished
    sendAndAdd(
      host,
      transcript,
      writeEncryptedExtensions({
        ...(serverName !== undefined && credential && isFor(credential, serverName) ? { server_name: true } : {}),
        ...(alpnProtocol === undefined ? {} : { application_layer_protocol_negotiation: alpnProtocol }),
        ...(hello.extensions.ticket_request && { ticket_request: tickets }),
        ...(earlyLimit !== undefined && { early_data: true }),
        ...sizes.answer,
      }),
    );
    sizes.apply(host.records);
    const asks = config.clientCertificate !== 'none';
    if (psk === undefined && chosen !== undefined) {
      if (asks) requestCertificate(host, transcript, config);
      yield* sendCertificate(host, transcript, chosen, noContext, {
        ...(firstHello.extensions.status_request === 'ocsp' && { status_request: true }),
        ...(firstHello.extensions.signed_certificate_timestamp && { signed_certificate_timestamp: true }),
      });
    }
    sendFinished(host, kdf, transcript, traffic.server);

    // Application keys: ours at once, the client's after its Finished
    main = handshakeSecret.mainSecret();
    const finishedHash = transcript.hash();
    application = main.trafficSecrets(finishedHash);
    exporterSecret = main.exporterSecret(finishedHash);
    host.keyLog?.('CLIENT_TRAFFIC_SECRET_0', firstHello.random, application.client);
    host.keyLog?.('SERVER_TRAFFIC_SECRET_0', firstHello.random, application.server);
    host.keyLog?.('EXPORTER_SECRET', firstHello.random, exporterSecret);
    setWriteSecret(host, kdf, 'application', application.server);

    const agreed = {
      version: 'TLS 1.3',
      extendedMasterSecret: true,
      cipherSuite: suite,
      group: exchange?.group,
      alpnProtocol,
      serverName,
      earlyData: earlyLimit !== undefined ? 'accepted' : offersEarlyData && 'rejected',
      helloRetryRequest: retried,
      resumed: psk?.session !== undefined,
      pskIdentity: psk?.identity,
      signatureScheme: psk ? undefined : chosen?.scheme,
      peer: psk?.session?.peer,
      peerSignatureScheme: undefined,
    } as const;
    const secrets = { ...application, exporter: exporterSecret };

    // EndOfEarlyData*: until then early data passes, which may be answered
    if (earlyLimit !== undefined) {
      connection = new Connected(host, kdf, agreed, secrets);
      host.beginEarlyData(earlyLimit, connection);
      transcript.add((yield* expect('WAIT_EOED', 'end_of_early_data')).raw);
      setReadSecret(host, kdf, 'handshake', traffic.client);
    }

    // Certificate*, CertificateVerify*, Finished
    const client = asks && psk === undefined ? yield* receiveClient(host, config, transcript) : undefined;
    transcript.add(yield* receiveFinished(kdf, transcript, traffic.client, 'client'));
    const resumptionSecret = tickets > 0 ? main.resumptionSecret(transcript.hash()) : undefined;
    const authenticated = psk?.session?.state.authenticated;
    content = { count: tickets, resumptionSecret, credential, authenticated, askedForCertificate: asks };
    main.dispose();
    host.changeCipherSpecAllowed = false;
    setReadSecret(host, kdf, 'application', application.client);
    connection ??= new Connected(host, kdf, { ...agreed, ...client }, secrets);
  } finally {
    early?.dispose();
    handshakeSecret?.dispose();
    if (traffic) wipe(traffic.client, traffic.server);
    main?.dispose();
    wipe(psk?.secret);
    if (connection === undefined) wipe(application?.client, application?.server, exporterSecret);
  }
  // Before the application hears of it, who may close at once: tickets go out first, also where their keys take a moment.
  let announced = false;
  try {
    if (keys) yield* keys.sendTickets(host, config, connection, content);
    host.established(connection);
    announced = true;
  } finally {
    wipe(content.resumptionSecret);
    // Until then nobody else wipes its secrets.
    if (!announced) connection.dispose();
  }
  return connected(connection);
}

function* connected(connection: Connected): Flow<never> {
  for (;;) connection.receivedUpdate(yield* expect('CONNECTED', 'key_update'));
}

/** The certificate of a full handshake; undefined: this server has none, or the client says nothing of signatures. */
function* chooseCertificate(config: ServerConfig, info: HelloInfo, checked: CheckedHello): Flow<Chosen | undefined> {
  const { signatureAlgorithms: handshake, signatureAlgorithmsCert: certificates = handshake } = checked;
  if (config.credentials.length === 0 && config.selectCredential === undefined) return undefined;
  if (handshake === undefined || certificates === undefined) return undefined;
  return yield* chooseServerCredential(config, info, { handshake, certificates }, rule13);
}

/**
 * Where nothing but a key can go on, and none was found. An identity that nobody knows ends as one whose binder is wrong:
 * under a key that nobody has.
 */
function unknownPsk(hello: ClientHello, config: ServerConfig, suite: Tls13CipherSuite): FoundPsk {
  const { extensions } = hello;
  const { provider, preSharedKey } = config;
  if (extensions.signature_algorithms === undefined && extensions.pre_shared_key === undefined) {
    throw new TlsError('missing_extension', 'ClientHello: signature_algorithms is missing');
  }
  if (preSharedKey === undefined || extensions.pre_shared_key === undefined) {
    throw new TlsError(
      'handshake_failure',
      'ClientHello: no pre-shared key of ours is in it, and we have no certificate for it',
    );
  }
  const mode = commonMode(modesFor(config, hello), extensions) ?? pskDheKe;
  return { index: 0, secret: provider.random(32), suite, kind: 'ext', mode, session: undefined, identity: undefined };
}

/** Ours that are possible with this hello: without key_share, psk_ke alone. */
function modesFor({ pskModes }: ServerConfig, { extensions }: ClientHello): readonly PskMode[] {
  return extensions.key_share ? pskModes : pskModes.filter((mode) => mode === pskKe);
}

function tellRefused(host: FlowHost, why: string): void {
  host.trace?.({ type: 'early_data', accepted: false, why });
}

/** How many bytes of early data are passed by where none is taken: what we ever allowed. */
function skippable({ limits, earlyData }: ServerConfig, psk: FoundPsk | undefined): number {
  return Math.max(limits.skippedEarlyData, earlyData?.limit ?? 0, psk?.session?.state.maxEarlyData ?? 0);
}

/** Asks for a share of `group` (RFC 9846 §4.2.4), and checks the hello that comes back, which is not in the transcript yet. */
function* retryHello(
  host: FlowHost,
  config: ServerConfig,
  transcript: Transcript,
  first: CheckedHello,
  psk: FoundPsk | undefined,
  suite: Tls13CipherSuite,
  group: NamedGroup,
): Flow<{ readonly checked: CheckedHello; readonly share: KeyShareEntry }> {
  const { provider, retryCookie } = config;
  const { hello } = first;
  const cookie = retryCookie ? provider.random(32) : undefined;
  transcript.replaceByMessageHash();
  sendAndAdd(
    host,
    transcript,
    writeHelloRetryRequest({
      legacySessionIdEcho: hello.legacySessionId,
      cipherSuite: suite.id,
      extensions: {
        supported_versions: TLS13,
        key_share: group.id,
        ...(cookie === undefined ? {} : { cookie }),
      },
    }),
  );
  if (hello.legacySessionId.length > 0) host.records.changeCipherSpec();
  if (hello.extensions.early_data) {
    tellRefused(host, 'a HelloRetryRequest was needed');
    host.records.skipEarlyData(skippable(config, psk));
  }
  const second = yield* expect('START_AFTER_RETRY', 'client_hello');
  host.records.skipEarlyData(undefined);
  const checked = checkClientHello(second);
  return { checked, share: checkSecondHello(hello, checked, { group, cookie }) };
}

function* encapsulate(
  host: FlowHost,
  group: NamedGroup,
  share: KeyShareEntry,
): Flow<{ readonly entry?: KeyShareEntry; readonly secret: Uint8Array }> {
  try {
    const answer = yield* settle(exchangeOf(host.provider, group).encapsulate(share.keyExchange));
    return { entry: { group: group.id, keyExchange: answer.share }, secret: answer.secret };
  } catch (error) {
    throw badShare(error, 'ClientHello', group);
  }
}

function requestCertificate(host: FlowHost, transcript: Transcript, config: ServerConfig): void {
  const authorities = config.certificateAuthorities ?? config.trust.anchors.map(({ subject }) => subject.raw);
  const request = writeCertificateRequest(noContext, {
    signature_algorithms: ids(config.signatureSchemes),
    ...(config.certificateStatus && { status_request: true, signed_certificate_timestamp: true }),
    ...(authorities.length === 0 ? {} : { certificate_authorities: authorities }),
  });
  host.offered = new Set(config.certificateStatus ? offeredForCertificate : []);
  sendAndAdd(host, transcript, request);
}

/** The client's Certificate and CertificateVerify; undefined where it sent none and need not. */
function* receiveClient(
  host: FlowHost,
  config: ServerConfig,
  transcript: Transcript,
): Flow<Pick<Negotiated, 'peer' | 'peerSignatureScheme'> | undefined> {
  const message = yield* expect('WAIT_CERT', 'certificate');
  if (!equalBytes(message.requestContext, noContext)) {
    throw new TlsError('illegal_parameter', 'Certificate: a request context that we did not send');
  }
  transcript.add(message.raw);
  if (message.chain.length === 0) {
    if (config.clientCertificate === 'request') return undefined;
    throw new TlsError('certificate_required', 'the client sent no certificate, and one is required');
  }
  const { provider, trust, limits, signatureSchemes } = config;
  const chain = parseChain(message.chain, limits.certificates, certificateCacheOf(trust));
  const peerSignatureScheme = yield* receiveCertificateVerify(
    host,
    transcript,
    'client',
    chain[0],
    provider,
    signatureSchemes,
  );
  const beside = message.extensions[0];
  const peer = yield* timed(host, 'path', () =>
    verifyPeerChain(chain, beside, 'client', undefined, peerPolicy(config), () => host.signal),
  );
  host.trace?.({ type: 'certificate', peer });
  return { peer, peerSignatureScheme };
}
