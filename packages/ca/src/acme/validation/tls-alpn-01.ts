/**
 * tls-alpn-01 (RFC 8737; RFC 8738 §6 for addresses): a certificate of one's own making, shown on port 443 to who asks for the
 * protocol `acme-tls/1`. Our own TLS asks, and says nothing after the handshake.
 *
 * @module
 */

import { type CryptoProvider, equalBytes, toHex, utf8 } from '@handfast/crypto';
import { connect, NodeTlsError } from '@handfast/tls/node';
import { type Certificate, CertificateError, parseCertificate, parseIp } from '@handfast/x509';
import type { Identifier } from '../identifiers.ts';
import { type Challenge, ValidationFailure } from './challenge.ts';
import { type TargetPolicy, targetsOf } from './targets.ts';
import { firstAnswer, withinTime } from './within-time.ts';

export interface TlsAlpn01Options {
  readonly provider: Pick<CryptoProvider, 'digest'>;
  readonly targets?: TargetPolicy;
  /** Another port than 443; with `targets.dev` alone. */
  readonly port?: number;
  /** 10 seconds unless set. */
  readonly timeoutMs?: number;
}

const protocol = 'acme-tls/1';

/** id-pe-acmeIdentifier */
const acmeIdentifier = '1.3.6.1.5.5.7.1.31';

const details = {
  connection: 'the validation target could not be connected to, or broke off',
  tls: 'the validation target failed in TLS',
  protocol: 'the validation target does not speak acme-tls/1',
  certificate: 'the certificate of the validation target is not the one of the challenge',
} as const;

export function tlsAlpn01(options: TlsAlpn01Options): Challenge {
  const { provider, targets = {}, port = 443, timeoutMs = 10_000 } = options;
  if (port !== 443 && targets.dev !== true) throw new RangeError('another port than 443 is for developers alone');
  return {
    type: 'tls-alpn-01',
    offers: ({ wildcard }) => !wildcard,
    async validate({ identifier, keyAuthorization, signal }) {
      const digest = provider.digest('sha256', utf8(keyAuthorization));
      const certificate = await withinTime(timeoutMs, signal, async (bounded, time) => {
        const addresses = await targetsOf(targets, identifier.value, port, bounded);
        const ask = (address: string, within: AbortSignal) => shown(address, port, identifier, within);
        return await firstAnswer(addresses, time, bounded, ask).catch((cause: unknown) => {
          if (cause instanceof ValidationFailure) throw cause;
          throw new ValidationFailure('connection', details.connection, 'no address answers', { cause });
        });
      });
      const refusal = refusalOf(certificate, identifier, digest);
      if (refusal !== undefined) throw new ValidationFailure('unauthorized', details.certificate, refusal);
    },
  };
}

/** The certificate that is shown, of which nothing has been checked. */
function shown(address: string, port: number, identifier: Identifier, signal: AbortSignal): Promise<Certificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: address,
      port,
      servername: serverNameOf(identifier),
      ALPNProtocols: [protocol],
      minVersion: 'TLSv1.2',
      rejectUnauthorized: false,
    });
    const end = (): void => {
      signal.removeEventListener('abort', abort);
      socket.destroy();
    };
    const abort = (): void => {
      end();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort);
    socket.once('secureConnect', () => {
      const { alpnProtocol } = socket;
      const { raw } = socket.getPeerCertificate();
      signal.removeEventListener('abort', abort);
      // Once our Finished is out: the target may want to see the handshake done.
      socket.destroySoon();
      try {
        if (alpnProtocol !== protocol) throw new ValidationFailure('unauthorized', details.protocol);
        resolve(parseCertificate(raw));
      } catch (error) {
        const unreadable = error instanceof CertificateError;
        reject(
          unreadable
            ? new ValidationFailure('unauthorized', details.certificate, error.message, { cause: error })
            : error,
        );
      }
    });
    socket.on('error', (error: Error) => {
      end();
      reject(error instanceof NodeTlsError ? tlsFailure(error) : error);
    });
  });
}

/** A server that has no such protocol says so with an alert (RFC 7301 §3.2). */
function tlsFailure(cause: NodeTlsError): ValidationFailure {
  return new ValidationFailure('tls', details.tls, cause.message, { cause });
}

/** RFC 8738 §6: an address is named as its reverse look-up is. */
function serverNameOf({ type, value }: Identifier): string {
  if (type === 'dns') return value;
  const bytes = parseIp(value) ?? new Uint8Array();
  return bytes.length === 4
    ? `${[...bytes].toReversed().join('.')}.in-addr.arpa`
    : `${[...toHex(bytes)].toReversed().join('.')}.ip6.arpa`;
}

/** RFC 8737 §3: why the certificate is not the one; `undefined` where it is. */
function refusalOf(certificate: Certificate, { type, value }: Identifier, digest: Uint8Array): string | undefined {
  try {
    const [name, ...more] = certificate.subjectAltName?.names ?? [];
    const address = parseIp(value) ?? new Uint8Array();
    const fits =
      type === 'dns'
        ? name?.kind === 'dns' && name.text.toLowerCase() === value
        : name?.kind === 'ip' && equalBytes(name.bytes, address);
    if (!fits || more.length > 0) return 'its subjectAltName is not the identifier alone';
    if (!certificate.selfIssued) return 'it is not self-signed';
    const extension = certificate.extensions.find(({ oid }) => oid === acmeIdentifier);
    if (extension === undefined || !extension.critical) return 'it has no critical acmeIdentifier';
    // OCTET STRING, 32 bytes.
    const wanted = Uint8Array.of(0x04, 0x20, ...digest);
    return equalBytes(extension.value, wanted) ? undefined : 'its acmeIdentifier is that of another key authorization';
  } catch (error) {
    if (error instanceof CertificateError) return error.message;
    throw error;
  }
}
