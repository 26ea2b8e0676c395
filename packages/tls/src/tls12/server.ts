/**
 * The server's handshake before TLS 1.3 (RFC 5246 §7.3), top to bottom as the RFC's figure has it; `client.ts` shows the
 * figure. The ClientHello has been read, the config chosen by it, and the version.
 *
 * @module
 */

import { type Bytes, concat, copyBytes, equalConstantTime, wipe } from '@handfast/crypto';
import { certificateCacheOf } from '../certificate-cache.ts';
import { agreeSizeLimits } from '../checks.ts';
import type { HelloInfo, ServerConfig } from '../config.ts';
import { type Chosen, type Credential, isFor, optionalBytes } from '../credentials.ts';
import { serverRandom } from '../downgrade.ts';
import { TlsError } from '../errors.ts';
import { expect, type Flow, type FlowHost, type HandshakeFlow, timed } from '../flow.ts';
import { writeCertificateStatus } from '../messages/certificate-status.ts';
import type { ClientHello } from '../messages/client-hello.ts';
import type { ServerHello12Extensions } from '../messages/extensions.ts';
import { writeFinished } from '../messages/finished.ts';
import { writeServerKeyExchange } from '../messages/key-exchange.ts';
import {
  type Certificate12,
  writeCertificate12,
  writeCertificateRequest12,
  writeHelloRequest,
  writeServerHelloDone,
} from '../messages/messages12.ts';
import { Reader } from '../messages/reader.ts';
import { writeServerHello12 } from '../messages/server-hello.ts';
import { type PeerIdentity, parseChain, verifyPeerChain } from '../peer.ts';
import { maxPlaintext } from '../record/deframer.ts';
import { type HandshakeScheme, ids, scsv } from '../registry.ts';
import { chooseAlpn, chooseServerCredential, peerPolicy } from '../selection.ts';
import { sealSession } from '../session/tickets.ts';
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
import type { Family } from './family.ts';
import type { ServerExchange } from './key-exchange.ts';
import {
  checkClientHello12,
  clientCertificateTypes,
  commonSuites,
  curvesOf,
  curveTaken,
  uncompressed,
} from './negotiate.ts';
import { type Found12, findSession12, resumeServer, storeSession, ticketMessage } from './resumption.ts';
import type { Tls12CipherSuite } from './suites.ts';
import { Transcript12 } from './transcript.ts';

const nothing: Bytes = new Uint8Array(0);

export function* server12(family: Family, host: FlowHost, config: ServerConfig, info: HelloInfo): HandshakeFlow {
  host.dialect = family.dialect;
  host.changeCipherSpecAllowed = false;
  host.records.setVersion(family.id);
  const connection = new Connected12(
    host,
    yield* handshake(family, host, config, info, undefined),
    config.renegotiation,
  );
  const { sessionId } = connection.standing;
  const store = config.tickets?.store;
  if (sessionId && store) connection.forget = () => store.delete(sessionId);
  host.established(connection);
  return config.renegotiation === undefined
    ? refusing(connection)
    : renegotiating(family, host, config, info, connection);
}

function* refusing(connection: Connected12): Flow<never> {
  for (;;) {
    const { type } = yield* expect('CONNECTED_12', 'client_hello', 'renegotiate');
    if (type === 'client_hello') connection.refuseRenegotiation();
  }
}

function* renegotiating(
  family: Family,
  host: FlowHost,
  config: ServerConfig,
  info: HelloInfo,
  connection: Connected12,
): Flow<never> {
  for (;;) {
    const message = yield* expect('CONNECTED_12', 'client_hello', 'renegotiate');
    const may = connection.mayRenegotiate();
    if (message.type === 'renegotiate') {
      if (may) host.send(writeHelloRequest());
    } else if (may) {
      connection.renewed(
        yield* renegotiate(family, host, config, { ...info, clientHello: message }, connection.standing),
      );
    } else {
      connection.refuseRenegotiation();
    }
  }
}

/** Another handshake under the keys of this one (RFC 5746 §3.7), beside which data may pass until the keys change. */
function* renegotiate(
  family: Family,
  host: FlowHost,
  config: ServerConfig,
  info: HelloInfo,
  previous: Standing,
): Flow<Standing> {
  host.renegotiating = true;
  try {
    checkRenegotiation(info.clientHello, family, previous);
    return yield* handshake(family, host, config, info, previous);
  } finally {
    host.renegotiating = false;
  }
}

/** @param previous what it renegotiates; undefined in a first handshake. */
function* handshake(
  family: Family,
  host: FlowHost,
  config: ServerConfig,
  info: HelloInfo,
  previous: Standing | undefined,
): Flow<Standing> {
  const { provider } = config;
  const { clientHello: hello, serverName } = info;
  let exchange: ServerExchange | undefined;
  let premaster: Bytes | undefined;
  let master: Bytes | undefined;
  let keys: PendingKeys | undefined;
  let standing: Standing | undefined;
  let found: Bytes | undefined;
  let sessionId: Bytes | undefined;
  try {
    // ClientHello: what is chosen from it
    checkClientHello12(hello, family, config, previous !== undefined);
    const { suite: best, chosen } = previous
      ? sameCertificate(family, config, hello, previous)
      : yield* chooseSuite(family, config, info);
    const session = previous || !chosen ? undefined : yield* findSession(host, family, config, info, chosen.credential);
    found = session?.state.secret;
    const alpnProtocol = previous ? undefined : yield* chooseAlpn(config, info);
    const suite = session?.suite ?? best;
    const sizes = agreeSizeLimits(hello.extensions, config, maxPlaintext);
    const extendedMasterSecret = family.knowsExtensions && hello.extensions.extended_master_secret === true;
    const encryptThenMac =
      family.knowsExtensions && hello.extensions.encrypt_then_mac === true && suite.cipher.encryptsThenMacs;
    // What goes beside a certificate, where one is shown.
    const shown = session ? undefined : chosen;
    const staple = yield* askStatus(hello, shown);
    const timestamps = hello.extensions.signed_certificate_timestamp
      ? yield* optionalBytes('signedCertificateTimestamps', shown?.credential)
      : undefined;
    const keeps = previous || !chosen || !family.knowsExtensions ? undefined : config.tickets;
    const gives =
      keeps && keeps.count > 0 && hello.extensions.session_ticket !== undefined && (!session || session.renews);
    // By its identifier: of a client that knows no tickets, or where there are none to be had.
    const ticketless = hello.extensions.session_ticket === undefined || keeps?.count === 0;
    const stored = keeps?.store && !session && ticketless ? keeps.store : undefined;
    const newId = stored ? provider.random(32) : nothing;
    const randoms = { clientRandom: hello.random, serverRandom: serverRandom(config, family.id) };
    const transcript = new Transcript12().add(hello.raw);
    transcript.hashBy(family.hashes(provider, suite));
    const schedule = family.schedule(provider, suite);

    // ServerHello
    sendAndAdd(
      host,
      transcript,
      writeServerHello12({
        version: family.id,
        random: randoms.serverRandom,
        // The client's own: its session goes on. Empty: what begins here has no identifier.
        legacySessionIdEcho: session ? hello.legacySessionId : newId,
        cipherSuite: suite.id,
        extensions: answersTo(family, {
          ...(knowsRenegotiationInfo(hello) && { renegotiation_info: bothFinished(previous) }),
          ...(serverName !== undefined && shown && isFor(shown.credential, serverName) ? { server_name: true } : {}),
          ...(extendedMasterSecret && { extended_master_secret: true }),
          ...(encryptThenMac && { encrypt_then_mac: true }),
          ...(!session &&
            suite.keyExchange.usesCurves &&
            hello.extensions.ec_point_formats && { ec_point_formats: [uncompressed] }),
          ...(alpnProtocol !== undefined && { application_layer_protocol_negotiation: alpnProtocol }),
          ...(gives && { session_ticket: true }),
          ...(staple && { status_request: true }),
          ...(timestamps && { signed_certificate_timestamp: timestamps }),
          ...sizes.answer,
        }),
      }),
    );
    sizes.apply(host.records);
    const base = {
      ...{ version: family.name, cipherSuite: suite, extendedMasterSecret, serverName, helloRetryRequest: false },
      earlyData: undefined,
      alpnProtocol: previous?.negotiated.alpnProtocol ?? alpnProtocol,
    };
    const secureRenegotiation = knowsRenegotiationInfo(hello) && family.knowsExtensions;

    if (session !== undefined && chosen !== undefined) {
      const { state, peer } = session;
      master = copyBytes(state.secret);
      const secrets = { schedule, master, ...randoms };
      const negotiated = {
        ...base,
        ...{ resumed: true, peer, pskIdentity: undefined, group: undefined },
        ...{ signatureScheme: undefined, peerSignatureScheme: undefined },
      };
      const { authenticated, askedForCertificate } = state;
      const sealed = gives
        ? yield* sealSession(config, {
            ...{ version: family.id, negotiated, secret: master, ageAdd: 0, credential: chosen.credential },
            ...{ authenticated, askedForCertificate },
          })
        : undefined;
      const ticket = gives ? ticketMessage(sealed) : undefined;
      const verifyData = yield* resumeServer(
        ...([host, config, { family, suite, secrets, encryptThenMac, transcript }, ticket] as const),
      );
      standing = {
        negotiated,
        secrets,
        verifyData,
        secureRenegotiation,
        // By its identifier, it ends where the connection ends badly; a ticket is out of our hands.
        sessionId: hello.extensions.session_ticket?.length ? undefined : hello.legacySessionId,
        serverLeaf: undefined,
        serverCredential: chosen,
      };
      return standing;
    }

    // Certificate*, CertificateStatus*
    if (chosen !== undefined) {
      sendAndAdd(host, transcript, writeCertificate12(chosen.credential.chain.map(({ raw }) => raw)));
      if (staple !== undefined) sendAndAdd(host, transcript, writeCertificateStatus(staple));
    }

    // ServerKeyExchange*
    const context = { config, hello, credential: chosen?.credential, version: family.id };
    exchange = yield* timed(host, 'key exchange', () => suite.keyExchange.serverParams(context));
    const { params, premaster: premasterOf } = exchange;
    if (params !== undefined) {
      const content = concat(randoms.clientRandom, randoms.serverRandom, params);
      const bare = chosen === undefined || suite.keyExchange.unsigned;
      const signature = bare ? nothing : yield* signed(family, host, provider, chosen, content);
      sendAndAdd(host, transcript, writeServerKeyExchange(params, signature));
    }

    // CertificateRequest*, ServerHelloDone
    const asks = asksForCertificate(family, config, chosen);
    if (asks) requestCertificate(family, host, transcript, config);
    else transcript.forgetMessages();
    sendAndAdd(host, transcript, writeServerHelloDone());

    // Certificate*
    const client = asks ? yield* receiveCertificate(config, transcript) : undefined;
    if (asks && client === undefined) transcript.forgetMessages();

    // ClientKeyExchange, and the secrets that it makes
    const clientParams = yield* expect('WAIT_CKE_12', 'client_key_exchange');
    transcript.add(clientParams.raw);
    premaster = yield* timed(host, 'key exchange', () =>
      premasterOf(new Reader(clientParams.raw, 'ClientKeyExchange', 4)),
    );
    master = extendedMasterSecret
      ? schedule.extendedMasterSecret(premaster, transcript.hash())
      : schedule.masterSecret(premaster, randoms.clientRandom, randoms.serverRandom);
    host.keyLog?.('CLIENT_RANDOM', hello.random, master);
    keys = pendingKeys(provider, family, suite, { schedule, master, ...randoms }, encryptThenMac);

    // CertificateVerify*
    let peer: PeerIdentity | undefined;
    let peerSignatureScheme: HandshakeScheme | undefined;
    if (client !== undefined) {
      const content = transcript.bytes();
      const verify = yield* expect('WAIT_CV_12', 'certificate_verify_12');
      transcript.forgetMessages();
      peerSignatureScheme = yield* checkSigned(
        ...([family, host, provider] as const),
        ...(['CertificateVerify', client[0], content, verify, config.signatureSchemes] as const),
      );
      transcript.add(verify.raw);
      peer = yield* timed(host, 'path', () =>
        verifyPeerChain(client, undefined, 'client', undefined, peerPolicy(config), () => host.signal),
      );
      host.trace?.({ type: 'certificate', peer });
    }

    // [ChangeCipherSpec], Finished, both ways
    yield* expect('WAIT_CCS_12', 'change_cipher_spec');
    changeReadKeys(host, keys, suite.name);
    const theirs = schedule.finished(master, 'client', transcript);
    const finished = yield* expect('WAIT_FINISHED_12', 'finished');
    checkFinished(finished, theirs, 'client');
    transcript.add(finished.raw);
    const negotiated = {
      ...base,
      resumed: false,
      pskIdentity: exchange.pskIdentity,
      group: exchange.group,
      signatureScheme: params && !suite.keyExchange.unsigned ? chosen?.scheme : undefined,
      peer,
      peerSignatureScheme,
    };
    const secrets = { schedule, master, ...randoms };
    if (chosen !== undefined && (gives || stored)) {
      const kept = yield* sealSession(config, {
        ...{ version: family.id, negotiated, secret: master, ageAdd: 0, credential: chosen.credential },
        ...{ authenticated: undefined, askedForCertificate: asks },
      });
      if (gives) sendAndAdd(host, transcript, ticketMessage(kept));
      else if (kept && stored) sessionId = (yield* storeSession(stored, newId, kept)) ? newId : undefined;
    }
    changeWriteKeys(host, keys, suite.name);
    const ours = schedule.finished(master, 'server', transcript);
    sendAndAdd(host, transcript, writeFinished(ours));

    standing = {
      ...{ negotiated, secrets, verifyData: { client: theirs, server: ours }, secureRenegotiation, sessionId },
      ...{ serverLeaf: undefined, serverCredential: chosen },
    };
    return standing;
  } finally {
    exchange?.dispose();
    wipe(premaster, found);
    keys?.dispose();
    if (standing === undefined) wipe(master);
  }
}

/** RFC 5746 §3.7, and what may not change: nothing that was proved once is proved anew. */
function checkRenegotiation(
  { cipherSuites, extensions, legacyVersion }: ClientHello,
  family: Family,
  previous: Standing,
): void {
  const refuse = (what: string): TlsError =>
    new TlsError('handshake_failure', `ClientHello: ${what} in a renegotiation`);
  if (cipherSuites.includes(scsv.emptyRenegotiationInfo)) throw refuse('TLS_EMPTY_RENEGOTIATION_INFO_SCSV');
  const info = extensions.renegotiation_info;
  if (info === undefined || !equalConstantTime(info, previous.verifyData.client)) {
    throw refuse('renegotiation_info is not of the handshake before this one');
  }
  if (legacyVersion < family.id)
    throw new TlsError('protocol_version', `ClientHello: less than ${family.name} in a renegotiation`);
  if ((extensions.extended_master_secret === true) !== previous.negotiated.extendedMasterSecret) {
    throw refuse('extended_master_secret changed');
  }
}

/** The session that a hello names, if it goes on here. */
function* findSession(
  host: FlowHost,
  family: Family,
  config: ServerConfig,
  { clientHello, serverName }: HelloInfo,
  credential: Credential,
): Flow<Found12 | undefined> {
  const suites = commonSuites(config, family, clientHello);
  return yield* findSession12(host, config, family, clientHello, { serverName, credential, suites });
}

function bothFinished(previous: Standing | undefined): Bytes {
  return previous === undefined ? nothing : concat(previous.verifyData.client, previous.verifyData.server);
}

/** SSL 3.0 answers no extensions but one, which RFC 5746 brought to it as well. */
function answersTo({ knowsExtensions }: Family, extensions: ServerHello12Extensions): ServerHello12Extensions {
  if (knowsExtensions) return extensions;
  const { renegotiation_info: info } = extensions;
  return info === undefined ? {} : { renegotiation_info: info };
}

/** Whether the certificate's key signs in a suite: in RSA key transport it decrypts. */
function signs({ keyExchange }: Tls12CipherSuite): boolean {
  return keyExchange.certificateFits === undefined;
}

interface SuiteAndCertificate {
  readonly suite: Tls12CipherSuite;
  readonly chosen: Chosen | undefined;
}

/** The suites in common that show a certificate, and which certificates a hello takes for each. */
interface Certified {
  readonly suites: readonly Tls12CipherSuite[];
  /** The schemes by which the server may sign. */
  readonly schemes: readonly number[];
  readonly fits: (suite: Tls12CipherSuite, scheme: HandshakeScheme, credential: Credential) => boolean;
}

function certifiedBy(
  { signing }: Family,
  hello: ClientHello,
  own: readonly number[],
  common: readonly Tls12CipherSuite[],
): Certified {
  const named = signing.namesScheme ? hello.extensions.signature_algorithms : own;
  const suites = common.filter((suite) => suite.authentication && (named !== undefined || !signs(suite)));
  if (suites.length === 0 && named === undefined) throw noSchemesNamed();
  const schemes = named ?? own;
  const curves = curvesOf(hello);
  return {
    suites,
    schemes,
    fits(suite, scheme, credential) {
      const { type } = credential.signer.publicKey;
      if (!suite.authentication?.keyTypes.includes(type)) return false;
      if (curves !== undefined && !curveTaken(type, curves)) return false;
      if (credential.chain[0]?.keyUsage?.has(suite.keyExchange.certificateUsage) === false) return false;
      // Any scheme stands for a key that decrypts.
      return signs(suite)
        ? schemes.includes(scheme.id) && signing.rule(scheme, credential)
        : suite.keyExchange.certificateFits?.(credential) === true;
    },
  };
}

/** The suite and the certificate that go together. */
function* chooseSuite(family: Family, config: ServerConfig, info: HelloInfo): Flow<SuiteAndCertificate> {
  const { clientHello: hello } = info;
  const common = commonSuites(config, family, hello);
  // A suite without certificates stands first only where the user put it there.
  const [first] = common;
  if (first !== undefined && first.authentication === undefined) return { suite: first, chosen: undefined };

  const ours = family.signing.schemes ?? config.signatureSchemes;
  const { suites, schemes, fits } = certifiedBy(family, hello, ids(ours), common);
  // A key that signs for this client is chosen with the scheme that it signs by.
  const canSign = (credential: Credential): boolean =>
    ours.some((scheme) => suites.some((suite) => signs(suite) && fits(suite, scheme, credential)));
  const { signature_algorithms_cert: certificates = schemes, supported_groups: curves } = hello.extensions;
  const chosen = yield* chooseServerCredential(
    config,
    info,
    { handshake: schemes, certificates, curves },
    (scheme, credential) =>
      suites.some((suite) => fits(suite, scheme, credential) && (signs(suite) || !canSign(credential))),
    ours,
  );
  const suite = suites.find((candidate) => fits(candidate, chosen.scheme, chosen.credential));
  if (suite === undefined) throw new TlsError('internal', 'a certificate was chosen that fits no suite');
  return { suite, chosen };
}

/** In a renegotiation: a suite for the certificate that the client has already seen. */
function sameCertificate(
  family: Family,
  config: ServerConfig,
  hello: ClientHello,
  { serverCredential: chosen }: Standing,
): SuiteAndCertificate {
  const common = commonSuites(config, family, hello);
  let suite: Tls12CipherSuite | undefined;
  if (chosen === undefined) suite = common.find(({ authentication }) => authentication === undefined);
  else {
    const { suites, fits } = certifiedBy(family, hello, ids(family.signing.schemes ?? config.signatureSchemes), common);
    suite = suites.find((candidate) => fits(candidate, chosen.scheme, chosen.credential));
  }
  if (suite !== undefined) return { suite, chosen };
  throw new TlsError('handshake_failure', 'no cipher suite in common for the same certificate, in a renegotiation');
}

/** RFC 9155 §2: who says nothing of signatures once meant SHA-1, and is refused. */
function noSchemesNamed(): TlsError {
  return new TlsError('handshake_failure', 'ClientHello: signature_algorithms is missing, which once meant SHA-1', {
    hint: 'the client must say which signatures it takes (RFC 9155)',
  });
}

/** An anonymous server may not ask (RFC 5246 §7.4.4). */
function asksForCertificate(family: Family, { clientCertificate }: ServerConfig, chosen: Chosen | undefined): boolean {
  if (clientCertificate === 'none') return false;
  if (chosen !== undefined && family.knowsExtensions) return true;
  if (clientCertificate === 'request') return false;
  const what = chosen === undefined ? 'without a certificate of our own' : `in ${family.name}`;
  throw new TlsError('handshake_failure', `a client certificate is required, and cannot be asked for ${what}`);
}

/** RFC 5746 §3.6: either form is answered. */
function knowsRenegotiationInfo({ cipherSuites, extensions }: ClientHello): boolean {
  return extensions.renegotiation_info !== undefined || cipherSuites.includes(scsv.emptyRenegotiationInfo);
}

function* askStatus({ extensions }: ClientHello, chosen: Chosen | undefined): Flow<Uint8Array | undefined> {
  return extensions.status_request === 'ocsp' ? yield* optionalBytes('ocspResponse', chosen?.credential) : undefined;
}

function requestCertificate({ signing }: Family, host: FlowHost, transcript: Transcript12, config: ServerConfig): void {
  const ours = signing.schemes ?? config.signatureSchemes;
  const schemes = ours.filter(({ keyTypes12 }) => keyTypes12.length > 0);
  const types = schemes.flatMap(({ keyTypes12 }) => keyTypes12.flatMap((type) => clientCertificateTypes[type] ?? []));
  const request = writeCertificateRequest12({
    certificateTypes: [...new Set(types)],
    signatureAlgorithms: signing.namesScheme ? ids(schemes) : undefined,
    certificateAuthorities: config.certificateAuthorities ?? config.trust.anchors.map(({ subject }) => subject.raw),
  });
  sendAndAdd(host, transcript, request);
}

/** The client's certificates; undefined where it sent none and need not. */
function* receiveCertificate(
  config: ServerConfig,
  transcript: Transcript12,
): Flow<ReturnType<typeof parseChain> | undefined> {
  const message: Certificate12 = yield* expect('WAIT_CERT_12', 'certificate_12');
  transcript.add(message.raw);
  if (message.chain.length > 0) {
    return parseChain(message.chain, config.limits.certificates, certificateCacheOf(config.trust));
  }
  if (config.clientCertificate === 'request') return undefined;
  throw new TlsError('certificate_required', 'the client sent no certificate, and one is required');
}
