/**
 * What a DER value is, told from the tags of its outermost levels: no two of the formats that hold certificates and keys
 * begin alike. Nothing is checked here, and nothing is decoded: the parser of what it seems to be does that, and its
 * error then says what is wrong with *that*, where trying every parser in turn would end in the last one's complaint.
 *
 * Indefinite lengths (BER) are stepped into, as old PKCS#12 and PKCS#7 files have them.
 *
 * @module
 */

export type Shape =
  | 'certificate'
  | 'request'
  | 'crl'
  | 'ocspRequest'
  | 'ocspResponse'
  | 'publicKey'
  | 'pkcs8'
  | 'encryptedPkcs8'
  | 'pkcs1'
  | 'sec1'
  | 'pkcs12'
  | 'pkcs7';

const tags = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  enumerated: 0x0a,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  context0: 0xa0,
  context1: 0xa1,
} as const;

/** Elements of one level that are looked at: enough to tell the formats apart. */
const maxSiblings = 5;

export interface Element {
  readonly tag: number;
  /** Tag, length and content. */
  readonly raw: Uint8Array;
  /** What is there of it: an element that is cut short ends with the bytes. */
  readonly content: Uint8Array;
}

/** `undefined` for what looks like nothing that is known here. */
export function shapeOf(der: Uint8Array): Shape | undefined {
  const [outer] = elements(der);
  if (outer?.tag !== tags.sequence) return undefined;
  const [first, second, third] = elements(outer.content);
  switch (first?.tag) {
    case tags.enumerated:
      return 'ocspResponse';
    case tags.oid:
      return second?.tag === tags.context0 ? 'pkcs7' : undefined;
    case tags.integer:
      return numberedShape(second, third);
    case tags.sequence:
      return pairShape(first, second, third);
    default:
      return undefined;
  }
}

/** A SEQUENCE that begins with an INTEGER, its version. */
function numberedShape(second: Element | undefined, third: Element | undefined): Shape | undefined {
  switch (second?.tag) {
    case tags.integer:
      return 'pkcs1';
    case tags.octetString:
      return 'sec1';
    case tags.sequence:
      // A PFX's second element is a ContentInfo, whose content has the tag [0]; PKCS#8's is an AlgorithmIdentifier.
      return third?.tag === tags.octetString ? 'pkcs8' : 'pkcs12';
    default:
      return undefined;
  }
}

/** A SEQUENCE that begins with another one: what is signed, or an AlgorithmIdentifier. */
function pairShape(first: Element, second: Element | undefined, third: Element | undefined): Shape | undefined {
  const inside = elements(first.content).map(({ tag }) => tag);
  if (second?.tag === tags.octetString) return 'encryptedPkcs8';
  if (second?.tag === tags.bitString) return 'publicKey';
  if (second?.tag === tags.sequence && third?.tag === tags.bitString) return signedShape(inside);
  // OCSPRequest ::= SEQUENCE { tbsRequest, optionalSignature [0] OPTIONAL }
  const isRequest = [tags.sequence, tags.context0, tags.context1].some((tag) => tag === inside[0]);
  return isRequest && (second === undefined || second.tag === tags.context0) ? 'ocspRequest' : undefined;
}

/** What stands in a `SIGNED { … }` (X.509): a certificate, a request, a CRL. */
function signedShape(inside: readonly number[]): Shape {
  // TBSCertList: the version, which only v2 has, the algorithm, the issuer, then a time.
  const times: readonly (number | undefined)[] = [tags.utcTime, tags.generalizedTime];
  const listed = inside[0] === tags.integer ? inside.slice(1) : inside;
  if (times.includes(listed[2])) return 'crl';
  // CertificationRequestInfo: version, subject, key, then `[0] Attributes`; a certificate of v1 has its validity there.
  return inside[0] === tags.integer && inside[3] === tags.context0 ? 'request' : 'certificate';
}

/** The first few elements of a level, as far as they are there. */
export function elements(bytes: Uint8Array = new Uint8Array(0)): readonly Element[] {
  const found: Element[] = [];
  let at = 0;
  while (found.length < maxSiblings && at + 2 <= bytes.length) {
    const start = at;
    const tag = bytes[at] ?? 0;
    const lengthByte = bytes[at + 1] ?? 0;
    at += 2;
    if (lengthByte === 0x80) {
      // Where an indefinite length ends is not looked for: what follows it tells nothing that its inside does not.
      found.push({ tag, raw: bytes.subarray(start), content: bytes.subarray(at) });
      break;
    }
    let length = lengthByte;
    if (lengthByte > 0x80) {
      const count = lengthByte & 0x7f;
      length = 0;
      for (const byte of bytes.subarray(at, at + count)) length = length * 256 + byte;
      at += count;
    }
    found.push({ tag, raw: bytes.subarray(start, at + length), content: bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}
