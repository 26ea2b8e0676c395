/**
 * The ways of connecting, as configs: what the options say, and what is left out or added to find out which part a server
 * minds. What is out of use is loaded when it is needed.
 *
 * @module
 */

import { nodeProvider } from '@handfast/crypto/node';
import {
  type ClientConfig,
  type ClientOptions,
  type Credential,
  cipherSuites,
  clientConfig,
  defaultCipherSuites12,
  defaultGroups,
  memorySessionCache,
  namedGroups,
  signatureSchemes,
  tls12,
  tls13,
} from '@handfast/tls';
import { type TrustStore, trustStore } from '@handfast/x509';
import { type NegotiationOptions, negotiation } from '../negotiation.ts';
import type { Offer } from './attempt.ts';
import type { ProbeId } from './evidence.ts';

export interface OfferOptions {
  readonly negotiation: NegotiationOptions;
  readonly alpn: readonly string[];
  readonly credential: Credential | undefined;
  readonly serverName: string | undefined;
  readonly now: () => Date;
}

/** What each way of connecting is, for people. */
export const probeTitles: Readonly<Record<ProbeId, string>> = {
  main: 'TLS as your options have it',
  again: 'the same once more',
  classical: 'without post-quantum key exchange: a small hello',
  tls12: 'TLS 1.2 alone, with a hello that knows nothing newer',
  broad: 'everything that we know of TLS 1.3 and 1.2',
  legacy: 'TLS 1.2 down to SSL 3.0, with suites that are out of use',
  noSni: 'without naming the server (no SNI)',
  noAlpn: 'without naming a protocol (no ALPN)',
  resume: 'coming back by the session',
};

export class Offers {
  readonly #options: OfferOptions;
  readonly #main: ClientOptions;

  private constructor(options: OfferOptions, main: ClientOptions) {
    this.#options = options;
    this.#main = main;
  }

  /** @throws CliError, TlsConfigError for options that cannot be used. */
  static async of(options: OfferOptions): Promise<Offers> {
    const { rows, renegotiation } = await negotiation(options.negotiation);
    const main: ClientOptions = {
      provider: rows.provider ?? nodeProvider,
      versions: rows.versions,
      ...(rows.cipherSuites && { cipherSuites: rows.cipherSuites }),
      ...(rows.groups && { groups: rows.groups }),
      ...(rows.signatureSchemes && { signatureSchemes: rows.signatureSchemes }),
      ...(renegotiation && { renegotiation }),
      ...(options.credential && { credentials: [options.credential] }),
      alpnProtocols: options.alpn,
      trust: nobody,
      time: options.now,
      verifyPeer: () => ({ accepted: true }),
      sessions: memorySessionCache(),
    };
    clientConfig(main);
    return new Offers(options, main);
  }

  /** How to connect so; undefined where it would be nothing else than `main`. */
  async offer(probe: ProbeId): Promise<Offer | undefined> {
    const changes = await this.#changes(probe);
    if (changes === undefined) return undefined;
    const { serverName } = this.#options;
    if (probe === 'noSni' && serverName === undefined) return undefined;
    return {
      probe,
      config: configOf({ ...this.#main, ...changes }),
      serverName: probe === 'noSni' ? undefined : serverName,
      listens: probe === 'main',
      sessionKey: 'the server',
    };
  }

  async #changes(probe: ProbeId): Promise<Partial<ClientOptions> | undefined> {
    const { groups = defaultGroups, versions } = this.#main;
    const classical = groups.filter(({ postQuantum }) => !postQuantum);
    switch (probe) {
      case 'main':
      case 'resume':
        return {};
      case 'again':
      case 'noSni':
        return { sessions: undefined };
      case 'classical':
        if (classical.length === groups.length || classical.length === 0) return undefined;
        return { sessions: undefined, groups: classical };
      case 'tls12':
        if (!versions.some(({ id }) => id === tls13.id)) return undefined;
        return { ...this.#unlimited, versions: [tls12], groups: classicalGroups };
      case 'broad':
        return this.#unlimited;
      case 'noAlpn':
        return this.#options.alpn.length === 0 ? undefined : { sessions: undefined, alpnProtocols: [] };
      case 'legacy':
        return legacyChanges();
    }
  }

  get #unlimited(): Partial<ClientOptions> {
    const { groups: inNode } = nodeProvider;
    return {
      provider: nodeProvider,
      sessions: undefined,
      versions: [tls13, tls12],
      cipherSuites: [...cipherSuites, ...defaultCipherSuites12],
      groups: namedGroups.filter(({ exchange }) => inNode[exchange] !== undefined),
      signatureSchemes: signatureSchemes.filter(({ algorithm }) => algorithm in nodeProvider.signatures),
    };
  }
}

/** Verdicts on certificates are found apart from handshakes. */
const nobody: TrustStore = trustStore([]);

const classicalGroups = namedGroups.filter(
  ({ postQuantum, exchange }) => !postQuantum && !exchange.startsWith('ffdhe'),
);

function configOf(options: ClientOptions): ClientConfig {
  return clientConfig(options);
}

/** A server that is that old stumbles over anything new. */
async function legacyChanges(): Promise<Partial<ClientOptions>> {
  const { rows, renegotiation } = await negotiation({ legacy: true, maxVersion: '1.2' });
  return {
    sessions: undefined,
    ...(rows.provider && { provider: rows.provider }),
    versions: rows.versions,
    ...(rows.cipherSuites && { cipherSuites: rows.cipherSuites }),
    groups: (rows.groups ?? namedGroups).filter(({ postQuantum }) => !postQuantum),
    ...(renegotiation && { renegotiation }),
    pathPolicy: { minRsaBits: 512 },
  };
}
