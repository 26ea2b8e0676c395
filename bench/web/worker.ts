/**
 * The other end, in a dedicated worker: TLS servers, and whoever decrypts or encrypts without TLS. A job is a port, and what to do
 * over it.
 *
 * @module
 */

import { fullWebProvider } from '@handfast/crypto/web/full';
import { accept, fromMessagePort } from '@handfast/tls/web';
import { toPem } from '@handfast/x509';
import { pki } from '../../runtime-tests/suite/identities.ts';
import { decrypting, encrypting } from './ceiling.ts';
import { drink, type Part, play } from './flow.ts';
import { type Kind, serverOptions } from './parties.ts';

export type Job =
  /** A handshake, and then nothing until the client goes. */
  | { readonly what: 'handshake'; readonly kind: Kind }
  | { readonly what: 'tls' | 'port'; readonly part: Part }
  | { readonly what: 'decrypt' }
  | { readonly what: 'encrypt'; readonly inFlight: number; readonly milliseconds: number };

export interface Order {
  readonly port: MessagePort;
  readonly job: Job;
}

async function work({ port, job }: Order): Promise<void> {
  switch (job.what) {
    case 'handshake': {
      const tls = await accept(fromMessagePort(port), await serverOptions(fullWebProvider, job.kind));
      await drink(tls.readable);
      await tls.close();
      return;
    }
    case 'tls':
      return await play(job.part, await accept(fromMessagePort(port), await serverOptions(fullWebProvider, 'X25519')));
    case 'port':
      return await play(job.part, fromMessagePort(port));
    case 'decrypt':
      await decrypting(port);
      return;
    case 'encrypt':
      await encrypting(port, job.inFlight, job.milliseconds);
  }
}

/** Says what the servers' root is, and takes jobs. Who goes away in the middle of one is no failure. */
export async function serve(): Promise<void> {
  const { certificate } = await pki();
  globalThis.postMessage(toPem('CERTIFICATE', certificate.raw));
  globalThis.onmessage = ({ data }: MessageEvent<Order>) => {
    work(data).catch(() => {});
  };
}
