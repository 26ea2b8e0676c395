/**
 * The client's handshake before TLS 1.3 (RFC 5246 §7.3), top to bottom as the RFC's figure has it:
 *
 * ```
 * ClientHello            -------->
 *                                          ServerHello
 *                                         Certificate*
 *                                   CertificateStatus*
 *                                   ServerKeyExchange*
 *                                  CertificateRequest*
 *                        <--------     ServerHelloDone
 * Certificate*
 * ClientKeyExchange
 * CertificateVerify*
 * [ChangeCipherSpec]
 * Finished               -------->
 *                                   [ChangeCipherSpec]
 *                        <--------            Finished
 * Application Data       <------->    Application Data
 * ```
 *
 * What differs from SSL 3.0 to TLS 1.2 is the `Family`'s.
 *
 * @module
 */

import {
  type Bytes,
  concat,
  copyBytes,
  equalBytes,
  equalConstantTime,
  isThenable,
  type MaybePromise,
  wipe,
} from '@handfast/crypto';
import type { Certificate } from '@handfast/x509';
import { certificateCacheOf } from '../certificate-cache.ts';
import { applySizeLimits, checkAlpn } from '../checks.ts';
import type { ClientConfig } from '../config.ts';
import type { Chosen } from '../credentials.ts';
import { checkDowngrade } from '../downgrade.ts';
import { TlsError } from '../errors.ts';
import { expect, type Flow, type FlowHost, type HandshakeFlow, timed } from '../flow.ts';
import { bestVersion, type SentHello } from '../hello.ts';
import { writeFinished } from '../messages/finished.ts';
import type { MessageOf } from '../messages/handshake.ts';
import { writeClientKeyExchange } from '../messages/key-exchange.ts';
import {
  type CertificateRequest12,
  readDigitallySigned,
  writeCertificate12,
  writeCertificateVerify12,
} from '../messages/messages12.ts';
import { Reader } from '../messages/reader.ts';
import type { LegacyServerHello } from '../messages/server-hello.ts';
import { type PeerIdentity, parseChain, verifyPeerChain } from '../peer.ts';
import { maxPlaintext } from '../record/deframer.ts';
import { cipherSuiteById, type HandshakeScheme, ids, nameIn } from '../registry.ts';
import { chooseClientCredential, peerPolicy } from '../selection.ts';
import { keepSession, type Resumable } from '../session/resume.ts';
import type { Session } from '../session/session.ts';
import type { ClientOffer, ClientParameters, FirstAnswer } from '../version.ts';
import {
  changeReadKeys,
  changeWriteKeys,
  checkFinished,
  checkSigned,
  type PendingKeys,
  pendingKeys,
  sendAndAdd,
  signed,
} from './authentication.ts';
import { Connected12, type Standing } from './connected.ts';
import { expectServer } from './expect.ts';
import type { Family } from './family.ts';
import { curvesIn, type ReadParams } from './key-exchange.ts';
import { clientCertificateTypes, curveTaken, noExtendedMasterSecret, suites12, uncompressed } from './negotiate.ts';
import { checkResumed, receiveTicket, resumeClient, sessionOf } from './resumption.ts';
import type { Tls12CipherSuite } from './suites.ts';
import { Transcript12 } from './transcript.ts';

/** This version's part in a hello, and the handshake from the server's answer on. */
export function* offer12(family: Family, { config, resumable }: ClientParameters): Flow<ClientOffer> {
  const suites = suites12(config.cipherSuites, family.id);
  return {
    extensions: {
      ...(suites.some(({ keyExchange }) => keyExchange.usesCurves) && { ec_point_formats: [uncompressed] }),
      ...(suites.some(({ cipher }) => cipher.encryptsThenMacs) && { encrypt_then_mac: true }),
      extended_master_secret: true,
      renegotiation_info: nothing,
      ...(config.sessions && { session_ticket: ofFamily(family, resumable)?.session.ticket ?? nothing }),
    },
    proceed: (host, sent, answer) => client(family, host, sent, answer),
    dispose: () => undefined,
  };
}

const nothing: Bytes = new Uint8Array(0);

/** A session, if it is of this version. */
function ofFamily({ id }: Family, resumable: Resumable | undefined): Resumable | undefined {
  return resumable?.session.version === id ? resumable : undefined;
}

function* client(family: Family, host: FlowHost, sent: SentHello, answer: FirstAnswer): HandshakeFlow {
  const { config } = sent.parameters;
  host.dialect = family.dialect;
  forbidChangeCipherSpec(host);
  host.records.setVersion(family.id);
  const first = yield* handshake(family, host, sent, answer, undefined);
  const connection = new Connected12(host, first, config.renegotiation);
  host.established(connection);
  if (first.session) yield* keep(host, sent.parameters, connection, first.session);
  return connected(family, host, sent.parameters, connection);
}

function* connected(
  family: Family,
  host: FlowHost,
  parameters: ClientParameters,
  connection: Connected12,
): Flow<never> {
  for (;;) {
    const message = yield* expect('CONNECTED_12', 'hello_request', 'renegotiate');
    const policy = connection.mayRenegotiate() ? parameters.config.renegotiation : undefined;
    if (policy) {
      const again = yield* policy.client(family, host, parameters, connection.standing);
      if (again !== undefined) connection.renewed(again);
    } else if (message.type === 'hello_request') connection.refuseRenegotiation();
  }
}

/** Keeps a session, and forgets it where its connection fails, also while it is being put away. */
function* keep(
  host: FlowHost,
  { config: { sessions }, sessionKey }: ClientParameters,
  connection: Connected12,
  session: Session,
): Flow<void> {
  if (sessions === undefined) return;
  let putting: MaybePromise<void>;
  connection.forget = () => {
    const remove = () => sessions.remove(sessionKey, session);
    return isThenable(putting) ? Promise.resolve(putting).then(remove) : remove();
  };
  const put = (peer: string, one: Session): MaybePromise<void> => {
    putting = sessions.put(peer, one);
    return putting;
  };
  yield* keepSession(host, { put }, sessionKey, session);
}

/** @param previous what it renegotiates; undefined in a first handshake. */
export function* handshake(
  family: Family,
  host: FlowHost,
  sent: SentHello,
  answer: FirstAnswer,
  previous: Standing | undefined,
): Flow<Standing> {
  if (answer.type !== 'legacy_server_hello' || answer.legacyVersion !== family.id) {
    // A first answer was looked at when the version was chosen.
    throw new TlsError('protocol_version', `ServerHello: another version than ${family.name} in a renegotiation`);
  }
  const { config, serverName, verifyName } = sent.parameters;
  const { provider } = config;
  let premaster: Bytes | undefined;
  let master: Bytes | undefined;
  let keys: PendingKeys | undefined;
  let standing: Standing | undefined;
  try {
    // ServerHello
    const { suite, extendedMasterSecret, encryptThenMac, secureRenegotiation, resumed } = checkServerHello(
      ...([family, answer, sent, previous] as const),
    );
    const { extensions, random: serverRandom } = answer;
    const { signed_certificate_timestamp: timestamps } = extensions;
    const alpnProtocol = checkAlpn('ServerHello', extensions, config);
    applySizeLimits(host, 'ServerHello', maxPlaintext, extensions, config);
    const transcript = new Transcript12().add(sent.raw).add(answer.raw);
    transcript.hashBy(family.hashes(provider, suite));
    const schedule = family.schedule(provider, suite);
    const randoms = { clientRandom: sent.random, serverRandom };
    const base = {
      version: family.name,
      cipherSuite: suite,
      extendedMasterSecret,
      // Chosen once: RFC 7301 is not asked again.
      alpnProtocol: previous?.negotiated.alpnProtocol ?? alpnProtocol,
      serverName,
      earlyData: undefined,
      helloRetryRequest: false,
    };
    // SSL 3.0 has no extension to tie the next handshake by.
    const tied = secureRenegotiation && family.knowsExtensions;
    const given = { version: family.id, sessionId: answer.legacySessionIdEcho, resumed };

    if (resumed !== undefined) {
      master = copyBytes(resumed.session.secret);
      const secrets = { schedule, master, ...randoms };
      const { verifyData, ticket } = yield* resumeClient(
        host,
        config,
        { family, suite, secrets, encryptThenMac, transcript },
        extensions.session_ticket === true,
      );
      const { peer } = resumed;
      const [leaf] = peer.chain;
      const negotiated = {
        ...base,
        resumed: true,
        pskIdentity: undefined,
        ...{ group: undefined, signatureScheme: undefined, peer, peerSignatureScheme: undefined },
      };
      const { ownLeaf, askedForCertificate } = resumed.session;
      const session = yield* sessionOf(
        sent.parameters,
        { negotiated, secrets },
        { ...given, ticket, ownLeaf, askedForCertificate },
      );
      standing = {
        ...{ negotiated, secrets, verifyData, secureRenegotiation: tied, session },
        ...{ serverLeaf: leaf, serverCredential: undefined },
      };
      return standing;
    }

    // Certificate*, CertificateStatus*
    let chain: readonly [Certificate, ...Certificate[]] | undefined;
    let ocspResponse: Uint8Array | undefined;
    let message: MessageOf<'server_key_exchange' | 'certificate_request_12' | 'server_hello_done'> | undefined;
    if (suite.authentication !== undefined) {
      const certificate = yield* expectServer('WAIT_CERT_12', 'certificate_12');
      transcript.add(certificate.raw);
      chain = parseChain(certificate.chain, config.limits.certificates, certificateCacheOf(config.trust));
      checkKeyType(suite, chain[0], config);
      if (extensions.status_request) {
        const next = yield* expectServer('WAIT_STATUS_12', 'certificate_status', ...afterCertificate);
        if (next.type === 'certificate_status') {
          ocspResponse = next.ocspResponse;
          transcript.add(next.raw);
        } else message = next;
      }
    }

    // ServerKeyExchange*
    message ??= yield* expectServer('WAIT_SKE_12', ...afterCertificate);
    let params: ReadParams;
    let peerSignatureScheme: HandshakeScheme | undefined;
    const context = {
      config,
      offeredVersion: bestVersion(config),
      version: family.id,
      serverKey: chain?.[0].publicKey,
    };
    if (message.type === 'server_key_exchange') {
      if (suite.keyExchange.serverMessage === 'never') throw unwelcome(suite, 'came');
      const reader = new Reader(message.raw, 'ServerKeyExchange', 4);
      params = suite.keyExchange.clientParams(context, reader);
      if (suite.authentication === undefined || suite.keyExchange.unsigned) reader.end();
      else if (chain !== undefined) {
        const given = message.raw.subarray(4, reader.offset);
        peerSignatureScheme = yield* checkSigned(
          family,
          host,
          provider,
          'ServerKeyExchange',
          chain[0],
          concat(randoms.clientRandom, randoms.serverRandom, given),
          readDigitallySigned(reader, family.signing.namesScheme),
          config.signatureSchemes,
        );
      }
      transcript.add(message.raw);
      message = yield* expectServer('WAIT_CR_12', 'certificate_request_12', 'server_hello_done');
    } else {
      if (suite.keyExchange.serverMessage === 'always') throw unwelcome(suite, 'is missing');
      params = suite.keyExchange.clientParams(context, undefined);
    }

    // CertificateRequest*, ServerHelloDone
    let request: CertificateRequest12 | undefined;
    if (message.type === 'certificate_request_12') {
      if (suite.authentication === undefined) {
        throw new TlsError('handshake_failure', 'CertificateRequest: a server without a certificate asks for ours');
      }
      request = message;
      transcript.add(request.raw);
      message = yield* expectServer('WAIT_SHD_12', 'server_hello_done');
    }
    transcript.add(message.raw);

    checkSameServer(chain?.[0], previous);

    // Is it whom we wanted? Asked before anything is encrypted to its key.
    let peer: PeerIdentity | undefined;
    if (chain !== undefined) {
      const shown = chain;
      const beside = {
        ...(ocspResponse && { status_request: ocspResponse }),
        ...(timestamps && { signed_certificate_timestamp: timestamps }),
      };
      const policy = { ...peerPolicy(config), keyUsage: [suite.keyExchange.certificateUsage] };
      peer = yield* timed(host, 'path', () =>
        verifyPeerChain(shown, beside, 'server', verifyName, policy, () => host.signal),
      );
      host.trace?.({ type: 'certificate', peer });
    }

    // Certificate*
    let chosen: Chosen | undefined;
    if (request !== undefined && !family.knowsExtensions) {
      // SSL 3.0 says so by an alert, and has its own signatures, which are not made here.
      host.warn('no_certificate');
    } else if (request !== undefined) {
      chosen = yield* chooseOwn(family, host, config, request);
      sendAndAdd(host, transcript, writeCertificate12(chosen?.credential.chain.map(({ raw }) => raw) ?? []));
    }

    // ClientKeyExchange, and the secrets that it makes
    const exchange = yield* timed(host, 'key exchange', params.exchange);
    premaster = exchange.premaster;
    sendAndAdd(host, transcript, writeClientKeyExchange(exchange.params));
    master = extendedMasterSecret
      ? schedule.extendedMasterSecret(premaster, transcript.hash())
      : schedule.masterSecret(premaster, randoms.clientRandom, randoms.serverRandom);
    host.keyLog?.('CLIENT_RANDOM', sent.random, master);
    keys = pendingKeys(provider, family, suite, { schedule, master, ...randoms }, encryptThenMac);

    // CertificateVerify*
    if (chosen !== undefined) {
      const content = transcript.bytes();
      sendAndAdd(host, transcript, writeCertificateVerify12(yield* signed(family, host, provider, chosen, content)));
    }
    transcript.forgetMessages();

    // ChangeCipherSpec, Finished
    changeWriteKeys(host, keys, suite.name);
    const ours = schedule.finished(master, 'client', transcript);
    sendAndAdd(host, transcript, writeFinished(ours));
    const ticket = extensions.session_ticket ? yield* receiveTicket(transcript) : undefined;
    yield* expectServer('WAIT_CCS_12', 'change_cipher_spec');
    changeReadKeys(host, keys, suite.name);
    const theirs = schedule.finished(master, 'server', transcript);
    checkFinished(yield* expect('WAIT_FINISHED_12', 'finished'), theirs, 'server');

    const negotiated = {
      ...base,
      resumed: false,
      pskIdentity: exchange.pskIdentity,
      group: params.group,
      peerSignatureScheme,
      signatureScheme: chosen?.scheme,
      peer,
    };
    const secrets = { schedule, master, ...randoms };
    const session = yield* sessionOf(
      sent.parameters,
      { negotiated, secrets },
      {
        ...{ ...given, ticket, ownLeaf: chosen?.credential.chain[0]?.raw },
        askedForCertificate: request !== undefined,
      },
    );
    standing = {
      ...{ negotiated, secrets, verifyData: { client: ours, server: theirs }, secureRenegotiation: tied, session },
      ...{ serverLeaf: chain?.[0], serverCredential: undefined },
    };
    return standing;
  } finally {
    wipe(premaster);
    keys?.dispose();
    if (standing === undefined) wipe(master);
  }
}

/** What may come after the server's certificate. */
const afterCertificate = ['server_key_exchange', 'certificate_request_12', 'server_hello_done'] as const;

/** One that came before the server's hello was let pass, as TLS 1.3 wants it: here it was too early. */
function forbidChangeCipherSpec(host: FlowHost): void {
  host.changeCipherSpecAllowed = false;
  if (host.droppedChangeCipherSpec) {
    throw new TlsError('unexpected_message', 'a ChangeCipherSpec came before ServerHello');
  }
}

interface Agreed {
  readonly suite: Tls12CipherSuite;
  readonly extendedMasterSecret: boolean;
  readonly encryptThenMac: boolean;
  readonly secureRenegotiation: boolean;
  /** The session of ours that the server goes on with. */
  readonly resumed: Resumable | undefined;
}

function checkServerHello(
  family: Family,
  hello: LegacyServerHello,
  sent: SentHello,
  previous: Standing | undefined,
): Agreed {
  const { config } = sent.parameters;
  const { extensions } = hello;
  if (previous === undefined) checkDowngrade(hello, config);
  if (hello.legacyCompressionMethod !== 0) {
    throw new TlsError(
      'illegal_parameter',
      `ServerHello: compression method ${hello.legacyCompressionMethod}, not null`,
    );
  }
  const echoed = sent.legacySessionId.length > 0 && equalBytes(hello.legacySessionIdEcho, sent.legacySessionId);
  const resumed = echoed ? ofFamily(family, sent.parameters.resumable) : undefined;
  // RFC 9846 §4.2.3: no server of this version can know what we made up for TLS 1.3.
  if (echoed && resumed === undefined) {
    throw new TlsError(
      'illegal_parameter',
      `ServerHello: it echoes our session id, and resumes nothing in ${family.name}`,
    );
  }
  const suite = suites12(config.cipherSuites, family.id).find(({ id }) => id === hello.cipherSuite);
  if (suite === undefined) {
    const offered = config.cipherSuites.find(({ id }) => id === hello.cipherSuite);
    const why = offered === undefined ? 'which we did not offer' : `which is not of ${family.name}`;
    const name = offered?.name ?? nameIn(cipherSuiteById, hello.cipherSuite);
    throw new TlsError('illegal_parameter', `ServerHello: the server chose ${name}, ${why}`);
  }
  const formats = extensions.ec_point_formats;
  if (formats !== undefined && !formats.includes(uncompressed)) {
    throw new TlsError('illegal_parameter', 'ServerHello: ec_point_formats without uncompressed points');
  }
  const encryptThenMac = extensions.encrypt_then_mac === true;
  if (encryptThenMac && !suite.cipher.encryptsThenMacs) {
    throw new TlsError('illegal_parameter', `ServerHello: encrypt_then_mac, where ${suite.name} has no use for it`);
  }
  const secureRenegotiation = checkRenegotiationInfo(extensions.renegotiation_info, config, previous);
  const extendedMasterSecret = extensions.extended_master_secret === true;
  if (!extendedMasterSecret && config.requireExtendedMasterSecret) throw noExtendedMasterSecret('server');
  if (previous !== undefined && extendedMasterSecret !== previous.negotiated.extendedMasterSecret) {
    throw new TlsError('handshake_failure', 'ServerHello: extended_master_secret changed in a renegotiation');
  }
  if (resumed !== undefined) checkResumed(hello, resumed);
  return { suite, extendedMasterSecret, encryptThenMac, secureRenegotiation, resumed };
}

/** RFC 5746 §3.4 and §3.5: empty in a first handshake, both Finished in another. Whether the server knows it. */
function checkRenegotiationInfo(
  info: Uint8Array | undefined,
  { renegotiation }: ClientConfig,
  previous: Standing | undefined,
): boolean {
  if (previous !== undefined) {
    const { client: ours, server: theirs } = previous.verifyData;
    if (info !== undefined && equalConstantTime(info, concat(ours, theirs))) return true;
    throw new TlsError('handshake_failure', 'ServerHello: renegotiation_info is not of the handshake before this one');
  }
  if (info === undefined) {
    if (renegotiation?.insecureServers) return false;
    throw new TlsError(
      'handshake_failure',
      'ServerHello: renegotiation_info is missing: the server renegotiates insecurely',
      { hint: 'the server must be brought to RFC 5746 (2010)' },
    );
  }
  if (info.length > 0) {
    throw new TlsError('handshake_failure', 'ServerHello: renegotiation_info of another handshake, in a first one');
  }
  return true;
}

/** Who the server is was found out once: a renegotiation is no way to become somebody else. */
function checkSameServer(leaf: Certificate | undefined, previous: Standing | undefined): void {
  if (previous === undefined || (leaf === undefined && previous.serverLeaf === undefined)) return;
  if (leaf !== undefined && previous.serverLeaf !== undefined && equalBytes(previous.serverLeaf.raw, leaf.raw)) return;
  throw new TlsError('handshake_failure', 'Certificate: the server showed another one in a renegotiation');
}

/** A certificate that the suite can use (RFC 5246 §7.4.2, RFC 8422 §5.3). */
function checkKeyType({ name, authentication }: Tls12CipherSuite, leaf: Certificate, { groups }: ClientConfig): void {
  const { type } = leaf.publicKey;
  if (!authentication?.keyTypes.includes(type)) {
    throw new TlsError('illegal_parameter', `Certificate: a key of type ${type}, which does not fit ${name}`);
  }
  if (!curveTaken(type, curvesIn(groups))) {
    throw new TlsError('illegal_parameter', `Certificate: a key on ${type}, which supported_groups did not list`);
  }
}

function unwelcome({ name }: Tls12CipherSuite, what: string): TlsError {
  return new TlsError(
    'unexpected_message',
    `ServerKeyExchange ${what}, and ${name} ${what === 'came' ? 'has none' : 'needs it'}`,
  );
}

/** Our certificate for the server's request; undefined: none. */
function* chooseOwn(
  { signing }: Family,
  host: FlowHost,
  config: ClientConfig,
  request: CertificateRequest12,
): Flow<Chosen | undefined> {
  const ours = signing.schemes ?? config.signatureSchemes;
  const schemes = request.signatureAlgorithms ?? ids(ours);
  return yield* chooseClientCredential(
    host,
    config,
    request.certificateAuthorities,
    { handshake: schemes, certificates: schemes },
    (scheme, credential) =>
      signing.rule(scheme, credential) &&
      request.certificateTypes.includes(clientCertificateTypes[credential.signer.publicKey.type] ?? -1),
    ours,
  );
}
