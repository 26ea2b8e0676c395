/**
 * Options that several commands have in the same words: what may be negotiated, who we are, and how a server is reached.
 *
 * @module
 */

import { type Command, Option } from 'commander';
import type { NegotiationOptions } from './negotiation.ts';
import { dialogues } from './starttls/index.ts';

/** As commander gives them. */
export interface ReachOptions extends NegotiationOptions {
  readonly servername?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly alpn?: string;
  readonly starttls?: string;
  readonly proxy?: string;
  readonly connectTo?: string;
  readonly ipv4?: boolean;
  readonly ipv6?: boolean;
  readonly timeout: string;
}

/** Our certificate and its key. */
export function addIdentity(command: Command): Command {
  return command
    .option('--cert <file>', 'our certificate, then those that signed it, in PEM')
    .option('--key <file>', 'its private key, in PEM, unencrypted (default: the one in the file of --cert)');
}

/** @param versions those to choose from. */
export function addNegotiation(command: Command, versions: readonly string[]): Command {
  return command
    .addOption(new Option('--min-version <version>', 'the lowest version of TLS spoken').choices(versions))
    .addOption(new Option('--max-version <version>', 'the highest').choices(versions))
    .option('--groups <list>', 'key exchange groups by IANA’s names, best first')
    .option('--ciphers <list>', 'cipher suites by IANA’s names, best first')
    .option('--signature-schemes <list>', 'signature schemes by IANA’s names, best first');
}

interface Reach {
  readonly versions: readonly string[];
  /** Seconds, and what they are for. */
  readonly timeout: readonly [seconds: string, text: string];
}

/** Whom to ask for, whom to trust, who we are, what may be negotiated, and the way there. */
export function addReach(command: Command, { versions, timeout: [seconds, text] }: Reach): Command {
  command
    .option('--servername <name>', 'the name to ask for and to verify (default: the host)')
    .option('--ca <file>', 'trust the certificates of this PEM file alone (default: the system’s)');
  addIdentity(command).option('--alpn <list>', 'application protocols, best first: h2,http/1.1');
  return addNegotiation(command, versions)
    .addOption(
      new Option('--starttls <protocol>', 'begin in plaintext, as this protocol does').choices([...dialogues.keys()]),
    )
    .option('--proxy <url>', 'go through http://, socks5:// or socks5h://[user:password@]host:port')
    .option('--connect-to <addr:port>', 'connect there in place of host:port; name and certificate stay the host’s')
    .addOption(new Option('-4, --ipv4', 'over IPv4 alone').conflicts('ipv6'))
    .option('-6, --ipv6', 'over IPv6 alone')
    .option('--timeout <seconds>', text, seconds);
}
