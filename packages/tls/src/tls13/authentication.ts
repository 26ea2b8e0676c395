/**
 * What both sides do alike to prove who they are (RFC 9846 §4.5): Certificate and CertificateVerify out, CertificateVerify
 * and Finished in.
 *
 * @module
 */

import { type Bytes, type Cryptography, equalConstantTime, settle } from '@handfast/crypto';
import type { Certificate } from '@handfast/x509';
import { badKey } from '../checks.ts';
import { type Chosen, type Credential, optionalBytes, signBy } from '../credentials.ts';
import { reasonOf, TlsError } from '../errors.ts';
import { expect, type Flow, type FlowHost, timed } from '../flow.ts';
import { writeCertificate } from '../messages/certificate.ts';
import { signedContent, writeCertificateVerify } from '../messages/certificate-verify.ts';
import type { CertificateEntryExtensions, CertificateRequestExtensions } from '../messages/extensions.ts';
import { writeFinished } from '../messages/finished.ts';
import { nameIn, type SignatureScheme, schemeById } from '../registry.ts';
import type { Kdf } from './key-schedule.ts';
import type { Transcript } from './transcript.ts';

type Side = 'client' | 'server';

/** Sends a message and adds it to the transcript. */
export function sendAndAdd(host: FlowHost, transcript: Transcript, message: Bytes): void {
  host.send(message);
  transcript.add(message);
}

/** Certificate and CertificateVerify of our own. */
export function* sendCertificate(
  host: FlowHost,
  transcript: Transcript,
  { credential, scheme }: Chosen,
  requestContext: Uint8Array,
  asked: Pick<CertificateRequestExtensions, 'status_request' | 'signed_certificate_timestamp'>,
): Flow<void> {
  const beside: CertificateEntryExtensions = {
    ...(asked.status_request && (yield* ask('status_request', 'ocspResponse', credential))),
    ...(asked.signed_certificate_timestamp &&
      (yield* ask('signed_certificate_timestamp', 'signedCertificateTimestamps', credential))),
  };
  sendAndAdd(
    host,
    transcript,
    writeCertificate(
      requestContext,
      credential.chain.map(({ raw }) => raw),
      [beside],
    ),
  );
  const content = signedContent(host.role, transcript.hash());
  let signature: unknown;
  try {
    signature = yield* timed(host, 'sign', () => settle(signBy({ credential, scheme }, content)));
  } catch (cause) {
    throw new TlsError('signing_failed', `the signer of our certificate failed: ${reasonOf(cause)}`, { cause });
  }
  if (!(signature instanceof Uint8Array) || signature.length === 0) {
    throw new TlsError('signing_failed', 'the signer of our certificate answered no signature');
  }
  sendAndAdd(host, transcript, writeCertificateVerify(scheme.id, signature));
}

/** What a credential's source has to go beside our certificate. */
function* ask(
  extension: keyof CertificateEntryExtensions,
  source: 'ocspResponse' | 'signedCertificateTimestamps',
  credential: Credential,
): Flow<CertificateEntryExtensions> {
  const answer = yield* optionalBytes(source, credential);
  return answer === undefined ? {} : { [extension]: answer };
}

/** The peer's CertificateVerify: proof that it holds the key of its certificate. Answers the scheme it used. */
export function* receiveCertificateVerify(
  host: FlowHost,
  transcript: Transcript,
  signer: Side,
  leaf: Certificate,
  provider: Cryptography,
  offered: readonly SignatureScheme[],
): Flow<SignatureScheme> {
  const content = signedContent(signer, transcript.hash());
  const message = yield* expect('WAIT_CV', 'certificate_verify');
  const scheme = schemeById.get(message.algorithm);
  const name = nameIn(schemeById, message.algorithm);
  if (scheme === undefined || !offered.includes(scheme)) {
    throw new TlsError('illegal_parameter', `CertificateVerify: signed with ${name}, which we did not offer`);
  }
  if (!scheme.handshake) {
    throw new TlsError('illegal_parameter', `CertificateVerify: ${name} signs certificates alone in TLS 1.3`);
  }
  if (scheme.keyType !== leaf.publicKey.type) {
    throw new TlsError(
      'illegal_parameter',
      `CertificateVerify: ${name} does not fit a key of type ${leaf.publicKey.type}`,
    );
  }
  let good: boolean;
  try {
    const verifier = provider.signatures[scheme.algorithm];
    good = yield* timed(host, 'verify', () =>
      settle(verifier?.verify(leaf.publicKey, content, message.signature) ?? false),
    );
  } catch (error) {
    throw badKey(error, 'CertificateVerify');
  }
  if (good !== true) {
    throw new TlsError(
      'decrypt_error',
      `CertificateVerify: the signature is not by the key of the ${signer}'s certificate: it does not hold that key`,
    );
  }
  transcript.add(message.raw);
  return scheme;
}

/** Our Finished. */
export function sendFinished(host: FlowHost, kdf: Kdf, transcript: Transcript, secret: Uint8Array): void {
  sendAndAdd(host, transcript, writeFinished(kdf.finished(secret, transcript.hash())));
}

/** The peer's Finished: proof that both sides saw the same handshake. Not yet in the transcript after. */
export function* receiveFinished(kdf: Kdf, transcript: Transcript, secret: Uint8Array, from: Side): Flow<Bytes> {
  const expected = kdf.finished(secret, transcript.hash());
  const { verifyData, raw } = yield* expect('WAIT_FINISHED', 'finished');
  if (verifyData.length !== expected.length) {
    throw new TlsError('decode_error', `Finished: ${verifyData.length} bytes, where the hash has ${expected.length}`);
  }
  if (!equalConstantTime(verifyData, expected)) {
    throw new TlsError('decrypt_error', `Finished: the ${from} saw another handshake than we did`);
  }
  return raw;
}
