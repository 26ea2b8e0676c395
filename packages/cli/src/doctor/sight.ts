/**
 * What one connection's trace tells, kept as far as a diagnosis needs it.
 *
 * @module
 */

import type { Negotiated, TraceEvent } from '@handfast/tls';
import { suiteName, versionName } from '@handfast/viewer';
import type { Answer, Attempt, Failure, ProbeId, Step } from './evidence.ts';

export class Sight {
  helloBytes = 0;
  bytesIn = 0;
  start = '';
  step: Step = 'hello';
  #certificates: readonly Uint8Array[] = [];
  #staple: Uint8Array | undefined;
  #asksForCertificate = false;
  #sentCertificate = false;
  #version: string | undefined;
  #cipherSuite: string | undefined;
  #sessionKept = false;
  negotiated: Negotiated | undefined;

  readonly listener = (event: TraceEvent): void => {
    if (event.type === 'session' && event.action === 'kept') this.#sessionKept = true;
    if (event.type !== 'message') return;
    if (event.direction === 'in') this.#heard(event.message);
    else if (event.message.type === 'finished') this.step = 'finished';
    else if (event.message.type === 'certificate' || event.message.type === 'certificate_12') {
      this.#sentCertificate = event.message.chain.length > 0;
    }
  };

  #heard(message: Extract<TraceEvent, { type: 'message' }>['message']): void {
    if (message.type === 'certificate' || message.type === 'certificate_12') this.#certificates = message.chain;
    if (message.type === 'certificate') this.#staple = message.extensions[0]?.status_request;
    if (message.type === 'certificate_status') this.#staple = message.ocspResponse;
    if (message.type === 'certificate_request' || message.type === 'certificate_request_12') {
      this.#asksForCertificate = true;
    }
    if (message.type === 'server_hello' || message.type === 'legacy_server_hello') {
      this.#cipherSuite = suiteName(message.cipherSuite);
      this.#version = message.type === 'server_hello' ? 'TLS 1.3' : versionName(message.legacyVersion);
    }
  }

  attempt(
    { probe, serverName }: { readonly probe: ProbeId; readonly serverName: string | undefined },
    failure: Failure | undefined,
    answer: Answer | undefined,
    milliseconds: number,
  ): Attempt {
    return {
      probe,
      failure,
      helloBytes: this.helloBytes,
      bytesIn: this.bytesIn,
      start: this.start,
      serverName,
      certificates: this.#certificates,
      staple: this.#staple,
      asksForCertificate: this.#asksForCertificate,
      sentCertificate: this.#sentCertificate,
      version: this.#version,
      cipherSuite: this.#cipherSuite,
      negotiated: this.negotiated,
      sessionKept: this.#sessionKept,
      answer,
      milliseconds,
    };
  }
}
