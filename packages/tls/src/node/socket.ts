/**
 * `TLSSocket`: the stream, and what `node:tls` tells of a connection.
 *
 * @module
 */

import type { X509Certificate } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls';
import type { Bytes } from '@handfast/crypto';
import type { Certificate } from '@handfast/x509';
import { ownOf } from '../config.ts';
import type { Connection } from '../connection.ts';
import type { TlsError } from '../errors.ts';
import { ids, signatureSchemes } from '../registry.ts';
import { tlsServer } from '../server.ts';
import { coded, invalidArgType } from './argument-errors.ts';
import { type ClientSideOptions, clientMaking } from './client-side.ts';
import { type EphemeralKeyInfo, ephemeralKeyInfo, ownCredential, sharedSigalgs } from './inspection.ts';
import { type CipherInfo, cipherInfo } from './openssl-names.ts';
import { peerCertificateOf, x509CertificateOf } from './peer-certificate.ts';
import { errorOfCallback, type ServerSideOptions, serverSide } from './server-side.ts';
import { SecureStream, type SocketMaking, type TLSSocketOptions } from './stream.ts';
import { secureVersionName } from './version-range.ts';

/** What `new TLSSocket()` takes. */
export type OwnSocketOptions =
  | ({ readonly isServer: true; readonly server?: unknown } & ServerSideOptions)
  | ({ readonly isServer?: false } & ClientSideOptions);

function makingOf(given: OwnSocketOptions): SocketMaking {
  const options = ownOf(given);
  if (options.isServer !== true) return clientMaking(options, { host: options.servername ?? '' });
  const { configFor, context } = serverSide(options);
  return {
    isServer: true,
    server: options.server,
    errorFor: errorOfCallback,
    asksForCertificate: options.requestCert === true,
    make: (handlers, socket) => tlsServer(configFor(socket), handlers),
    context: () => context,
  };
}

/**
 * A verified, encrypted stream. Events beside a `net.Socket`'s: `secureConnect`, once the handshake is done; `keylog` (line),
 * `session` (session), `OCSPResponse` (response) as `node:tls` has them; `earlyDataReady` (limit) on a client whose hello offers
 * early data, which `writeEarlyData` then sends.
 */
export class TLSSocket extends SecureStream {
  /**
   * TLS over a stream of yours: a client's side, or with `isServer` a server's. See `connect()` and `createServer()` for the
   * ordinary ways.
   */
  constructor(transport: Duplex, options?: OwnSocketOptions);
  /** For those two. `begin()` is theirs to call. */
  constructor(transport: Duplex, making: SocketMaking, options: TLSSocketOptions);
  constructor(transport: Duplex, given: OwnSocketOptions | SocketMaking = {}, known?: TLSSocketOptions) {
    if ('make' in given) {
      super(transport, given, known ?? {});
      return;
    }
    super(transport, makingOf(given), given);
    if (this.connecting) transport.once('connect', () => this.begin());
    else process.nextTick(() => this.begin());
  }

  /** `TLSv1.3` or `TLSv1.2`; before the handshake is done `null`. */
  getProtocol(): string | null {
    return this.negotiated ? secureVersionName(this.negotiated.version) : null;
  }

  /** The suite; before the handshake is done an empty object. */
  getCipher(): CipherInfo {
    const { negotiated } = this;
    return negotiated ? cipherInfo(negotiated.cipherSuite) : ({} as CipherInfo);
  }

  /** The peer's certificate, in the form that Node had before `X509Certificate`; an empty object where there is none. */
  getPeerCertificate(detailed: true): DetailedPeerCertificate;
  getPeerCertificate(detailed?: false): PeerCertificate;
  getPeerCertificate(detailed?: boolean): PeerCertificate | DetailedPeerCertificate;
  getPeerCertificate(detailed = false): PeerCertificate | DetailedPeerCertificate {
    const chain = this.negotiated?.peer?.chain ?? [];
    return peerCertificateOf(chain, detailed, this.context?.trust) as DetailedPeerCertificate;
  }

  getPeerX509Certificate(): X509Certificate | undefined {
    return x509CertificateOf(this.negotiated?.peer?.chain ?? []);
  }

  /** Our own certificate; an empty object where there is none. */
  getCertificate(): PeerCertificate | object | null {
    return peerCertificateOf(this.#ownChain, false);
  }

  getX509Certificate(): X509Certificate | undefined {
    return x509CertificateOf(this.#ownChain.slice(0, 1));
  }

  get #ownChain(): readonly Certificate[] {
    const { negotiated } = this;
    const credentials = this.context?.credentials ?? [];
    return (negotiated && ownCredential(credentials, negotiated)?.chain) ?? [];
  }

  /** A client's; `null` on a server. */
  getEphemeralKeyInfo(): EphemeralKeyInfo | null {
    if (this.making.isServer) return null;
    return this.negotiated ? ephemeralKeyInfo(this.negotiated) : {};
  }

  /** A server's: what both can sign with, in OpenSSL's names. */
  getSharedSigalgs(): string[] {
    const ours = this.context?.signatureSchemes ?? signatureSchemes;
    return sharedSigalgs(this.clientHello, new Set(ids(ours)));
  }

  /** The `verify_data` of our Finished message: a channel binding before TLS 1.3 (RFC 5929). */
  getFinished(): Buffer | undefined {
    return bufferOf(this.engine?.finished.own);
  }

  getPeerFinished(): Buffer | undefined {
    return bufferOf(this.engine?.finished.peer);
  }

  /** Before the handshake: the name to ask for, and to verify. */
  setServername(name: string): void {
    this.making.setServername?.(name);
  }

  /** Before the handshake: a session to go on with. */
  setSession(session: Uint8Array): void {
    this.making.setSession?.(session);
  }

  isSessionReused(): boolean {
    return this.negotiated?.resumed ?? false;
  }

  /** A client's session, for the option `session` of another connection; in TLS 1.3 better by the event `session`. */
  getSession(): Buffer | undefined {
    return this.making.session?.();
  }

  /** A client's ticket, if it has one. */
  getTLSTicket(): Buffer | undefined {
    return this.making.ticket?.();
  }

  /** There is none to disable: it is off unless the option `renegotiation` allows it. */
  disableRenegotiation(): void {}

  /**
   * Another handshake before TLS 1.3, where the option `renegotiation` allows it.
   * @returns whether it was begun; `callback` hears why not, or of its end.
   */
  renegotiate(options: object, callback?: (error: Error | null) => void): boolean | undefined {
    if (typeof options !== 'object' || options === null) throw invalidArgType('options', ['Object'], options);
    if (callback !== undefined && typeof callback !== 'function')
      throw invalidArgType('callback', ['function'], callback);
    try {
      this.engine?.renegotiate();
    } catch (error) {
      const told = this.asNodeError(error as TlsError);
      // OpenSSL knows of no such thing in TLS 1.3.
      if (this.getProtocol() === 'TLSv1.3') coded(told, 'ERR_SSL_WRONG_SSL_VERSION');
      process.nextTick(() => callback?.(told));
      return false;
    }
    if (callback) this.onRenegotiated(callback);
    return true;
  }

  /** Early data: see `Connection.writeEarlyData`. Answers how many bytes of it went out. */
  writeEarlyData(data: Uint8Array | string): number {
    return this.engine?.writeEarlyData(typeof data === 'string' ? Buffer.from(data) : data) ?? 0;
  }

  /** What was written early and the server did not take, once: see `Connection.takeRejectedEarlyData`. */
  takeRejectedEarlyData(): Buffer | undefined {
    return bufferOf(this.engine?.takeRejectedEarlyData());
  }

  /** Fresh keys for what we send; `requestPeer` asks for the peer's as well. */
  updateKeys(options: { readonly requestPeer?: boolean } = {}): void {
    this.#begun('updateKeys').updateKeys(options);
  }

  /** Keying material for the application (RFC 5705, RFC 9846 §7.5). */
  exportKeyingMaterial(length: number, label: string, context?: Uint8Array): Buffer {
    return bufferOf(this.#begun('exportKeyingMaterial').exportKeyingMaterial(length, label, context)) as Buffer;
  }

  #begun(what: string): Connection {
    if (this.engine === undefined || !this.handshakeDone) {
      throw coded(new Error(`TLS socket connection must be securely established: ${what}`), 'ERR_TLS_INVALID_STATE');
    }
    return this.engine;
  }
}

function bufferOf(bytes: Bytes | undefined): Buffer | undefined {
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
