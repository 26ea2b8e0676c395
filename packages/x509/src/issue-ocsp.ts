/**
 * Issuing OCSP responses (RFC 6960 §4.2), in the light profile of RFC 5019: the responder named by its key, nextUpdate in
 * every answer that has one. The signer is the issuing CA itself, or a responder to whom it has given a certificate for
 * `ocspSigning`. Which certificates are revoked is the caller's to know.
 *
 * @module
 */

import {
  type Bytes,
  type CryptoProvider,
  equalBytes,
  type MaybePromise,
  runSettling,
  type Settling,
  type SignatureAlgorithm,
  type Signer,
  settle,
} from '@handfast/crypto';
import { encodeSignatureAlgorithm } from './algorithms.ts';
import type { Certificate } from './certificate.ts';
import { keyPurposeOids, ocspOids } from './der/oid.ts';
import { contextConstructed, tag } from './der/reader.ts';
import * as der from './der/writer.ts';
import { encodeExtension } from './extensions.ts';
import { defaultAlgorithm } from './issue.ts';
import { keyFits } from './keys.ts';
import { sameName } from './names/directory.ts';
import { type CertId, certIdOf, digestOf, keyBitsOf } from './ocsp/cert-id.ts';
import { encodeNonce } from './ocsp/extensions.ts';
import { type OcspErrorStatus, ocspResponseStatuses } from './ocsp/response.ts';
import { type RevocationReason, revocationReasons } from './revocation/status.ts';

/** Who signs: the CA's own key, or a delegated responder's with its certificate. */
export interface OcspResponder {
  /** Absent: `signer` holds the issuer's key. */
  readonly certificate?: Certificate | undefined;
  readonly signer: Signer;
}

/** What is to be said of one certificate. */
export type OcspAnswer = {
  /** The certificate, or its CertID as a request had it: clients want that one back. */
  readonly subject: Certificate | CertId;
  /** When this was true. */
  readonly thisUpdate: Date;
  /** When something newer will be there. Absent: at any time, so that hardly anybody will keep the answer. */
  readonly nextUpdate?: Date | undefined;
  /** A SignedCertificateTimestampList for the certificate (RFC 6962 §3.3). */
  readonly signedCertificateTimestamps?: Uint8Array | undefined;
} & (
  | { readonly status: 'good' | 'unknown' }
  | { readonly status: 'revoked'; readonly revokedAt: Date; readonly reason?: RevocationReason | undefined }
);

export interface IssueOcspOptions {
  readonly provider: Pick<CryptoProvider, 'name' | 'digest' | 'legacyDigests'>;
  readonly responder: OcspResponder;
  /** The CA that issued the certificates: its name and key are in their CertIDs. */
  readonly issuer: Certificate;
  readonly answers: readonly OcspAnswer[];
  /** The request's nonce. */
  readonly nonce?: Uint8Array | undefined;
  /** Now. */
  readonly producedAt: Date;
  /** Whether the responder's certificate goes along; unless set, where there is one. */
  readonly includeCertificate?: boolean | undefined;
  /** How the response names its signer. Unless set: by key where the provider has SHA-1, else by name. */
  readonly responderId?: 'key' | 'name' | undefined;
  /** Unless set: PKCS #1 v1.5 with SHA-256 for an RSA key, as everybody verifies it, else the signer's first. */
  readonly signatureAlgorithm?: SignatureAlgorithm | undefined;
}

/**
 * Issues a response, DER. Synchronous where the signer is.
 *
 * @throws RangeError for options that make no sense together (a responder that its CA did not delegate to, say)
 *
 * @example
 * ```ts
 * const { requests, nonce } = parseOcspRequest(body);
 * const response = await issueOcspResponse({
 *   provider, responder: { signer }, issuer: ca, nonce, producedAt: now,
 *   answers: requests.map(({ certId }) => ({ subject: certId, status: 'good', thisUpdate: now, nextUpdate })),
 * });
 * ```
 */
export function issueOcspResponse(options: IssueOcspOptions): MaybePromise<Bytes> {
  return runSettling(issue(options));
}

/** A response without an answer, DER. Nobody signs it. */
export function ocspErrorResponse(status: OcspErrorStatus): Bytes {
  return der.sequence(enumerated(ocspResponseStatuses[status]));
}

function* issue(options: IssueOcspOptions): Settling<Bytes> {
  const { responder, includeCertificate = true } = options;
  checkResponder(options);
  const algorithm = options.signatureAlgorithm ?? defaultAlgorithm(responder.signer);
  if (!keyFits(algorithm, responder.signer.publicKey)) {
    throw new RangeError(`a key of type ${responder.signer.publicKey.type} makes no ${algorithm} signatures`);
  }
  const tbs = responseData(options);
  const signature = yield* settle(responder.signer.sign(algorithm, tbs));
  const basic = der.sequence(
    tbs,
    encodeSignatureAlgorithm(algorithm),
    der.bitString(signature),
    ...(responder.certificate !== undefined && includeCertificate
      ? [der.explicit(0, der.sequence(responder.certificate.raw))]
      : []),
  );
  return der.sequence(
    enumerated(ocspResponseStatuses.successful),
    der.explicit(0, der.sequence(der.oid(ocspOids.basicResponse), der.octetString(basic))),
  );
}

function responseData(options: IssueOcspOptions): Bytes {
  const { answers, nonce, producedAt } = options;
  if (answers.length === 0) throw new RangeError('a response needs an answer; errors are for ocspErrorResponse');
  return der.sequence(
    responderId(options),
    der.generalizedTime(producedAt),
    der.sequence(...answers.map((answer) => singleResponse(answer, options))),
    ...(nonce === undefined ? [] : [der.explicit(1, der.sequence(encodeNonce(nonce)))]),
  );
}

function responderId({ provider, responder, issuer, responderId: wanted }: IssueOcspOptions): Bytes {
  const { subject, spki } = responder.certificate ?? issuer;
  const sha1 = digestOf(provider, 'sha1');
  if (wanted === 'name' || (wanted === undefined && sha1 === undefined)) return der.explicit(1, subject.raw);
  if (sha1 === undefined) {
    throw new RangeError(`the crypto provider "${provider.name}" has no sha1, which a responder is named with by key`);
  }
  return der.explicit(2, der.octetString(sha1(keyBitsOf(spki))));
}

function singleResponse(answer: OcspAnswer, { provider, issuer }: IssueOcspOptions): Bytes {
  const { subject, thisUpdate, nextUpdate, signedCertificateTimestamps: scts } = answer;
  if (nextUpdate !== undefined && !(nextUpdate.getTime() >= thisUpdate.getTime())) {
    throw new RangeError('nextUpdate is before thisUpdate, or one is no date');
  }
  const certId = 'tbs' in subject ? certIdOf(provider, subject, issuer) : subject;
  return der.sequence(
    certId.raw,
    certStatus(answer),
    der.generalizedTime(thisUpdate),
    ...(nextUpdate === undefined ? [] : [der.explicit(0, der.generalizedTime(nextUpdate))]),
    ...(scts === undefined
      ? []
      : [
          der.explicit(
            1,
            der.sequence(encodeExtension(ocspOids.signedCertificateTimestamps, false, der.octetString(scts))),
          ),
        ]),
  );
}

function certStatus(answer: OcspAnswer): Bytes {
  if (answer.status !== 'revoked') return der.implicit(answer.status === 'good' ? 0 : 2, new Uint8Array(0));
  const { revokedAt, reason = 'unspecified' } = answer;
  return der.value(
    contextConstructed(1),
    der.generalizedTime(revokedAt),
    // RFC 5280 §5.3.1: "the reason code CRL entry extension SHOULD be absent instead of using the unspecified (0) … value".
    ...(reason === 'unspecified' ? [] : [der.explicit(0, enumerated(revocationReasons[reason]))]),
  );
}

/** What no client would believe is not signed. */
function checkResponder({ responder, issuer }: IssueOcspOptions): void {
  const { certificate, signer } = responder;
  if (!equalBytes((certificate ?? issuer).spki, signer.publicKey.spki)) {
    throw new RangeError(
      "the signer's key is not that of the responder's certificate (or, without one, of the issuer's)",
    );
  }
  if (certificate === undefined || equalBytes(certificate.spki, issuer.spki)) return;
  if (!sameName(certificate.issuer, issuer.subject)) {
    throw new RangeError("the responder's certificate is not issued by the CA that it answers for (RFC 6960 §4.2.2.2)");
  }
  if (certificate.extendedKeyUsage?.includes(keyPurposeOids.ocspSigning) !== true) {
    throw new RangeError("the responder's certificate is not for ocspSigning (RFC 6960 §4.2.2.2)");
  }
  if (certificate.keyUsage?.has('digitalSignature') === false) {
    throw new RangeError("the responder's certificate is not for digitalSignature");
  }
}

function enumerated(number: number): Bytes {
  return der.value(tag.enumerated, Uint8Array.of(number));
}
