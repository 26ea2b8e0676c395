/**
 * The certificates that a server sent, looked at beyond what a handshake needs: every fault rather than the first, what is
 * missing (asked for where the certificates themselves say, as evidence alone), where the issuer comes from, whether it was
 * revoked.
 *
 * @module
 */

import { nodeProvider as provider } from '@handfast/crypto/node';
import {
  type Certificate,
  CertificateError,
  demandsStaple,
  fetchIssuers,
  matchesName,
  parseCertificate,
  revocation,
  type TrustStore,
  type VerifyOptions,
  verifyCertificate,
} from '@handfast/x509';
import type { ChainEvidence } from './evidence.ts';
import type { DoctorWorld } from './world.ts';

export interface ChainQuestion {
  readonly certificates: readonly Uint8Array[];
  readonly staple: Uint8Array | undefined;
  readonly name: string;
  readonly trust: TrustStore;
  readonly now: Date;
  /** Ends what is being fetched. */
  readonly signal: AbortSignal;
}

/** How many times an issuer's issuer is asked for. */
const maxFetches = 4;
/** More than any server sends. */
const maxLooked = 32;

/** What a server sent, looked at; undefined where its own certificate does not decode. */
export async function examineChain(question: ChainQuestion, world: DoctorWorld): Promise<ChainEvidence | undefined> {
  const { sent, malformed } = parse(question.certificates.slice(0, maxLooked));
  const [leaf, ...rest] = sent;
  if (leaf === undefined || malformed[0]?.index === 0) {
    return malformed.length === 0 ? undefined : { ...nothingKnown, sent, malformed };
  }
  const { now, trust, signal } = question;
  const basics = { provider, leaf, intermediates: rest, trust, time: now, usage: 'serverAuth', signal } as const;
  const first = await verdictOf(basics);
  const time = timeWithin(leaf, now);
  const second = time === now ? first : await verdictOf({ ...basics, time });
  const issuer =
    second.refusal?.code === 'unknown_issuer' || second.refusal?.code === 'self_signed'
      ? await findIssuer({ ...basics, time }, sent, world)
      : noIssuerSought;
  const path = first.path.length > 0 ? first.path : second.path;
  const status = first.refusal === undefined ? await statusOf(basics, question.staple, world) : noStatus;
  return {
    sent,
    malformed,
    refusal: first.refusal,
    refusalInTime: time === now ? undefined : second.refusal,
    nameFits: matches(leaf, question.name),
    path: path.length > 0 ? path : issuer.path,
    completedBy: issuer.completedBy,
    fetched: issuer.fetched,
    fetchFailures: issuer.failures,
    publicRoot: issuer.publicRoot,
    rekeyed: isRekeyed(sent, trust),
    ...status,
    demandsStaple: readable(() => demandsStaple(leaf)) === true,
  };
}

const noStatus = { revocation: [], revocationRefusal: undefined } as const;
const noIssuerSought = { path: [], completedBy: [], fetched: [], failures: [], publicRoot: undefined } as const;
const nothingKnown: Omit<ChainEvidence, 'sent' | 'malformed'> = {
  ...noStatus,
  refusal: undefined,
  refusalInTime: undefined,
  nameFits: true,
  path: [],
  completedBy: [],
  fetched: [],
  fetchFailures: [],
  publicRoot: undefined,
  rekeyed: false,
  demandsStaple: false,
};

function parse(certificates: readonly Uint8Array[]): Pick<ChainEvidence, 'sent' | 'malformed'> {
  const sent: Certificate[] = [];
  const malformed: { index: number; message: string }[] = [];
  for (const [index, der] of certificates.entries()) {
    try {
      const certificate = parseCertificate(der);
      // Certificates are lazy: what a handshake needs of them is found out here.
      if (index === 0) void [certificate.subjectAltName, certificate.basicConstraints];
      sent.push(certificate);
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      malformed.push({ index, message: error.message });
    }
  }
  return { sent, malformed };
}

interface Verdict {
  readonly path: readonly Certificate[];
  readonly refusal: CertificateError | undefined;
}

async function verdictOf(options: VerifyOptions): Promise<Verdict> {
  try {
    const { path } = await verifyCertificate(options);
    return { path, refusal: undefined };
  } catch (error) {
    if (error instanceof CertificateError) return { path: [], refusal: error };
    throw error;
  }
}

/** Now, or where the leaf is not valid then, its last or first moment. */
function timeWithin({ notBefore, notAfter }: Certificate, now: Date): Date {
  if (now > notAfter) return notAfter;
  return now < notBefore ? notBefore : now;
}

function matches(leaf: Certificate, name: string): boolean {
  return readable(() => matchesName(leaf, name)) ?? false;
}

/** A certificate with an anchor's name for an issuer, and another key's signature. */
function isRekeyed(sent: readonly Certificate[], trust: TrustStore): boolean {
  const top = topOf(sent);
  if (top === undefined) return false;
  const wanted = readable(() => top.authorityKeyIdentifier?.keyIdentifier);
  const known = trust.bySubject(top.issuer);
  if (wanted === undefined || known.length === 0) return false;
  return known.every((anchor) => {
    const has = readable(() => anchor.subjectKeyIdentifier);
    return has !== undefined && !Buffer.from(has).equals(wanted);
  });
}

/** The certificate whose issuer was not sent, climbing from the leaf. */
export function topOf(sent: readonly Certificate[]): Certificate | undefined {
  let [top] = sent;
  const seen = new Set<Certificate>();
  while (top !== undefined && !seen.has(top)) {
    seen.add(top);
    const child: Certificate = top;
    const issuer = sent.find((other) => other !== child && sameName(other, child));
    if (issuer === undefined || seen.has(issuer)) return child;
    top = issuer;
  }
  return top;
}

function sameName(issuer: Certificate, child: Certificate): boolean {
  return Buffer.from(issuer.subject.raw).equals(child.issuer.raw);
}

interface FoundIssuer {
  readonly path: readonly Certificate[];
  readonly completedBy: readonly Certificate[];
  readonly fetched: readonly Certificate[];
  readonly failures: readonly string[];
  readonly publicRoot: string | undefined;
}

/** Climbs by caIssuers until what is trusted is met, then asks the roots that browsers have. */
async function findIssuer(
  options: VerifyOptions,
  sent: readonly Certificate[],
  world: DoctorWorld,
): Promise<FoundIssuer> {
  const fetched: Certificate[] = [];
  const failures: string[] = [];
  let top = topOf(sent);
  for (let round = 0; round < maxFetches && top !== undefined && !top.selfIssued; round++) {
    const found = await fetchFor(top, world, options.signal);
    failures.push(...found.failures);
    const [issuer] = found.certificates;
    if (issuer === undefined) break;
    fetched.push(...found.certificates);
    const intermediates = [...(options.intermediates ?? []), ...fetched];
    const { path } = await verdictOf({ ...options, intermediates });
    if (path.length > 0) {
      const completedBy = path.filter((certificate) => fetched.includes(certificate));
      return { path, completedBy, fetched, failures, publicRoot: undefined };
    }
    top = issuer;
  }
  const intermediates = [...(options.intermediates ?? []), ...fetched];
  const { path } = await verdictOf({ ...options, intermediates, trust: world.publicRoots() });
  const completedBy = path.filter((certificate) => fetched.includes(certificate));
  return { path: [], completedBy, fetched, failures, publicRoot: path.at(-1)?.subject.toString() };
}

async function fetchFor(
  certificate: Certificate,
  world: DoctorWorld,
  signal: VerifyOptions['signal'],
): ReturnType<typeof fetchNothing> {
  if (world.fetch === undefined) return fetchNothing();
  try {
    return await fetchIssuers(certificate, world.fetch, { timeoutMs: world.patience('handshake'), signal });
  } catch (error) {
    if (error instanceof CertificateError) return { certificates: [], failures: [error.message] };
    throw error;
  }
}

async function fetchNothing(): Promise<{ certificates: readonly Certificate[]; failures: readonly string[] }> {
  return { certificates: [], failures: [] };
}

/** Whether certificates were revoked, by the staple and by whatever they point to. */
async function statusOf(
  options: VerifyOptions,
  staple: Uint8Array | undefined,
  world: DoctorWorld,
): Promise<Pick<ChainEvidence, 'revocation' | 'revocationRefusal'>> {
  const { fetch } = world;
  try {
    const verified = await verifyCertificate({
      ...options,
      staple,
      revocation: revocation({
        mode: 'prefer',
        timeoutMs: world.patience('handshake'),
        ...(fetch && { fetch }),
      }),
    });
    return { revocation: verified.revocation, revocationRefusal: undefined };
  } catch (error) {
    if (error instanceof CertificateError) return { revocation: [], revocationRefusal: error };
    throw error;
  }
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CertificateError) return undefined;
    throw error;
  }
}
