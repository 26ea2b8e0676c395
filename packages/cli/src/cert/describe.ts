/**
 * What `cert show` prints for people: a section a piece. Strings that come from a file are escaped; nothing private is
 * shown, and no key is opened for more than its public half.
 *
 * @module
 */

import { toHex } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import {
  type Certificate,
  CertificateError,
  type CertificateRequest,
  type Crl,
  escapeText,
  type OcspRequest,
  type OcspResponse,
  verifyRequest,
} from '@handfast/x509';
import { bundlePieces, openPkcs12, piecesOf } from './contents.ts';
import { extensionFields } from './extensions.ts';
import { digestLines, publicHalfOf, spkiLabel } from './keys.ts';
import {
  colonHex,
  countText,
  decodedOr,
  type Field,
  hexText,
  itemLines,
  quotedName,
  type Section,
  spanText,
  timeText,
  whenText,
} from './layout.ts';
import { type Content, type Entry, type EntryOf, type KeyAccess, whereOf } from './load.ts';

/** What a description depends on beside the piece itself. */
export interface Viewing extends KeyAccess {
  readonly now: Date;
}

/** A section for a piece of a file. */
export async function describeEntry(entry: Entry, viewing: Viewing): Promise<Section> {
  const heading = (text: string): string => `${whereOf(entry)}: ${text}`;
  switch (entry.kind) {
    case 'certificate': {
      const { certificate } = entry;
      return { heading: heading(certificateTitle(certificate)), fields: certificateFields(certificate, viewing) };
    }
    case 'request': {
      const title = `certificate request of ${quote(entry.request.subject.toString())}`;
      return { heading: heading(title), fields: await requestFields(entry.request) };
    }
    case 'crl':
      return { heading: heading(crlTitle(entry.crl)), fields: crlFields(entry.crl, viewing) };
    case 'ocspRequest':
      return { heading: heading('OCSP request'), fields: ocspRequestFields(entry.request) };
    case 'ocspResponse':
      return ocspResponseSection(heading('OCSP response'), entry.response, viewing);
    case 'pkcs7':
      return container(heading('PKCS #7 bundle'), entry, bundlePieces(entry), viewing);
    case 'pkcs12':
      return describePkcs12(heading('PKCS #12 file'), entry, viewing);
    case 'publicKey':
      return { heading: heading('public key'), fields: keyFields(entry.spki) };
    case 'privateKey':
      return { heading: heading('private key'), fields: await privateKeyFields(entry, viewing) };
    case 'other':
      return {
        heading: heading(`${quote(entry.label ?? '')}, nothing known here`),
        fields: [['Holds', hexText(entry.bytes)]],
      };
    case 'unreadable':
      return { heading: heading(`${entry.what} that cannot be read`), fields: refusalFields(entry.error) };
  }
}

function certificateTitle(certificate: Certificate): string {
  const ca = decodedOr(
    () => certificate.basicConstraints?.ca === true,
    () => false,
  );
  const kind = certificate.extension('precertificatePoison') === undefined ? 'certificate' : 'precertificate';
  return `${ca ? 'CA ' : ''}${kind} ${quotedName(certificate)}`;
}

function certificateFields(certificate: Certificate, { now }: Viewing): readonly Field[] {
  return [
    ['Subject', escapeText(certificate.subject.toString()) || '(none)'],
    ['Issuer', certificate.selfIssued ? 'itself' : escapeText(certificate.issuer.toString()) || '(none)'],
    ['Serial', colonHex(certificate.serialNumber)],
    ['Valid', validityLines(certificate, now)],
    ...keyFields(certificate.spki),
    ...extensionFields(certificate),
    ...(certificate.version === 3 ? [] : [['Version', `${certificate.version}`] as const]),
    [
      'Signature',
      certificate.signatureAlgorithm ?? certificate.legacySignatureAlgorithm ?? certificate.signatureAlgorithmOid,
    ],
    ['SHA-256', digestLines(certificate.raw)],
  ];
}

async function requestFields(request: CertificateRequest): Promise<readonly Field[]> {
  const { challengePassword, signatureAlgorithm, legacySignatureAlgorithm, signatureAlgorithmOid } = request;
  return [
    ['Subject', escapeText(request.subject.toString()) || '(none)'],
    ...keyFields(request.spki),
    ...extensionFields(request),
    ...(challengePassword === undefined ? [] : [['Challenge', 'a password to revoke by, in plain sight'] as const]),
    ['Signature', signatureAlgorithm ?? legacySignatureAlgorithm ?? signatureAlgorithmOid],
    ['Possession', await possessionText(request)],
  ];
}

async function possessionText(request: CertificateRequest): Promise<string> {
  try {
    await verifyRequest(nodeProvider, request);
    return 'proven: the request is signed by its own key';
  } catch (error) {
    if (error instanceof CertificateError) return `NOT proven: ${error.message}`;
    throw error;
  }
}

function crlTitle(crl: Crl): string {
  const delta = decodedOr(
    () => crl.baseNumber !== undefined,
    () => false,
  );
  return `${delta ? 'delta ' : ''}CRL of ${quote(crl.issuer.toString())}`;
}

function crlFields(crl: Crl, { now }: Viewing): readonly Field[] {
  const { nextUpdate, signatureAlgorithm, legacySignatureAlgorithm, signatureAlgorithmOid } = crl;
  const next =
    nextUpdate === undefined
      ? 'not said when the next is due'
      : `next ${timeText(nextUpdate)}, ${dueText(nextUpdate, now)}`;
  return [
    ['Issuer', escapeText(crl.issuer.toString()) || '(none)'],
    ['Issued', [`${timeText(crl.thisUpdate)}, ${whenText(crl.thisUpdate, now)}`, next]],
    [
      'Revoked',
      decodedOr<readonly string[]>(
        () => revokedLines(crl),
        (message) => [message],
      ),
    ],
    ...extensionFields(crl),
    ...(crl.version === 2 ? [] : [['Version', '1'] as const]),
    ['Signature', signatureAlgorithm ?? legacySignatureAlgorithm ?? signatureAlgorithmOid],
    ['SHA-256', digestLines(crl.raw)],
  ];
}

/** `due in 3 hours`, `overdue since 2 days` */
export function dueText(nextUpdate: Date, now: Date): string {
  return nextUpdate >= now
    ? `due ${whenText(nextUpdate, now)}`
    : `overdue for ${spanText(now.getTime() - nextUpdate.getTime())}`;
}

function ocspRequestFields({ requests, nonce }: OcspRequest): readonly Field[] {
  return [
    ['Asks about', requests.map(({ certId }) => `serial ${colonHex(certId.serialNumber)}`)],
    ['Nonce', nonce === undefined ? 'none' : countText(nonce.length, 'byte')],
  ];
}

function ocspResponseSection(heading: string, { status, basic }: OcspResponse, { now }: Viewing): Section {
  if (basic === undefined) return { heading, fields: [['Status', `${status}: no answer`]] };
  const { responderId, responses, signatureAlgorithm, legacySignatureAlgorithm, signatureAlgorithmOid } = basic;
  const responder =
    responderId.kind === 'name'
      ? escapeText(responderId.name.toString())
      : `whose key has the SHA-1 ${colonHex(responderId.keyHash)}`;
  return {
    heading,
    fields: [
      ['Responder', responder],
      ['Made', `${timeText(basic.producedAt)}, ${whenText(basic.producedAt, now)}`],
      ['Nonce', basic.nonce === undefined ? 'none' : countText(basic.nonce.length, 'byte')],
      ['Signature', signatureAlgorithm ?? legacySignatureAlgorithm ?? signatureAlgorithmOid],
    ],
    parts: responses.map(({ certId, status: said, thisUpdate, nextUpdate }) => ({
      heading: `serial ${colonHex(certId.serialNumber)}: ${said.kind}`,
      fields: [
        ...(said.kind === 'revoked' ? [['Revoked', `${timeText(said.revokedAt)}: ${said.reason}`] as const] : []),
        ['True at', `${timeText(thisUpdate)}, ${whenText(thisUpdate, now)}`],
        ['Next', nextUpdate === undefined ? 'at any time' : `${timeText(nextUpdate)}, ${dueText(nextUpdate, now)}`],
      ],
    })),
  };
}

/** Entries of a list that are shown. */
const shownEntries = 20;

function revokedLines(crl: Crl): readonly string[] {
  const lines: string[] = [];
  for (const { serialNumber, revokedAt, reason, certificateIssuer } of crl.entries()) {
    if (lines.length === shownEntries) break;
    const other =
      certificateIssuer.toString() === crl.issuer.toString() ? '' : `, of ${quote(certificateIssuer.toString())}`;
    lines.push(`${toHex(serialNumber)} at ${timeText(revokedAt)}: ${reason}${other}`);
  }
  if (crl.size === 0) return ['none'];
  return [
    countText(crl.size, 'certificate'),
    ...lines,
    ...(crl.size > lines.length ? [`and ${(crl.size - lines.length).toLocaleString('en-US')} more`] : []),
  ];
}

async function describePkcs12(heading: string, entry: EntryOf<'pkcs12'>, viewing: Viewing): Promise<Section> {
  try {
    const { pieces, skipped } = await openPkcs12(entry.bytes, viewing);
    const { fields, parts } = await container(
      heading,
      entry,
      pieces.map(({ content }) => content),
      viewing,
    );
    const names = pieces.flatMap(({ friendlyName: name }) => (name === undefined ? [] : [quote(name)]));
    return {
      heading,
      fields: [
        ...fields,
        ...(names.length === 0 ? [] : [['Called', itemLines([...new Set(names)])] as const]),
        ...(skipped.length === 0 ? [] : [['Passed over', skipped.map(({ reason }) => reason)] as const]),
      ],
      parts,
    };
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    viewing.onRefusal?.();
    return { heading, fields: refusalFields(error) };
  }
}

/** What holds others: they follow as parts of it. */
async function container(
  heading: string,
  { file }: Entry,
  contents: readonly Content[],
  viewing: Viewing,
): Promise<Required<Section>> {
  const parts: Section[] = [];
  for (const piece of piecesOf(file, contents)) parts.push(await describeEntry(piece, viewing));
  return { heading, fields: [['Holds', countText(contents.length, 'object')]], parts };
}

function validityLines({ notBefore, notAfter }: Certificate, now: Date): readonly string[] {
  return [`${timeText(notBefore)} to ${timeText(notAfter)}`, validityText({ notBefore, notAfter }, now)];
}

/** `expires in 12 days` */
export function validityText({ notBefore, notAfter }: Pick<Certificate, 'notBefore' | 'notAfter'>, now: Date): string {
  if (now < notBefore) return `not yet valid: begins ${whenText(notBefore, now)}`;
  return now > notAfter ? `expired ${whenText(notAfter, now)}` : `expires ${whenText(notAfter, now)}`;
}

/** What is said of a key, by its public half. */
export function keyFields(spki: Uint8Array): readonly Field[] {
  return [
    [
      'Key',
      decodedOr(
        () => spkiLabel(spki),
        (message) => message,
      ),
    ],
    ['Key SHA-256', digestLines(spki)],
  ];
}

async function privateKeyFields(key: EntryOf<'privateKey'>, viewing: Viewing): Promise<readonly Field[]> {
  const form: Field = ['Form', key.form];
  const open = key.contained === true ? 'with its file' : 'no: whoever has this file has the key';
  const encrypted: Field = ['Encrypted', key.encryption ?? open];
  if (key.encryption !== undefined && viewing.password === undefined) return [form, encrypted];
  try {
    return [...keyFields(await publicHalfOf(key, viewing)), form, encrypted];
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    viewing.onRefusal?.();
    return [form, encrypted, ...refusalFields(error)];
  }
}

function refusalFields(error: CertificateError): readonly Field[] {
  return [['Refused', error.message], ...(error.hint === undefined ? [] : [['Hint', error.hint] as const])];
}
