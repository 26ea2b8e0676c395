/**
 * Where a validation may connect to. A client chooses the name, and what answers there chooses the redirects, so without a policy
 * of addresses the CA would be their hand inside the network. Each name is resolved once, here; each address is judged; and the
 * socket is given an address, never a name that it could resolve again.
 *
 * @module
 */

import { BlockList } from 'node:net';
import { networkInterfaces } from 'node:os';
import { formatIp, parseIp } from '@handfast/x509';
import { specialPurpose } from '@handfast/x509/node';
import { ValidationFailure } from './challenge.ts';
import { systemResolver } from './system-names.ts';
import { unlessAborted } from './within-time.ts';

export interface TargetPolicy {
  /**
   * Private addresses (RFC 1918, carrier-grade NAT, unique local) that may be connected to: all unless set, since that is where
   * a private CA's servers are.
   */
  readonly allowPrivate?: boolean | ((address: string) => boolean);
  /** For a developer's machine: loopback, and any port. */
  readonly dev?: boolean;
  /** Where the CA itself listens; nobody is validated there. An unspecified address stands for all of the machine's. */
  readonly listeners?: () => readonly Endpoint[];
  /** The addresses of a name. Unless set: by the hosts file, the system's DNS servers, and what else the system knows. */
  readonly resolve?: Resolve;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** All addresses of a name; rejects, or is empty, where there are none. */
export type Resolve = (name: string, signal: AbortSignal) => Promise<readonly string[]>;

const systemResolve: Resolve = systemResolver();

/**
 * The addresses of a host (a name or an IP literal, without brackets) that may be connected to on a port, in order; one at least.
 *
 * @throws ValidationFailure `dns` where there are none, `connection` where none is allowed
 */
export async function targetsOf(
  policy: TargetPolicy,
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (policy.dev !== true && port !== 80 && port !== 443) {
    throw new ValidationFailure('connection', 'validation uses ports 80 and 443 alone', `port ${port} is not allowed`);
  }
  const found = parseIp(host) === undefined ? await resolveName(policy, host, signal) : [host];
  const refusals: string[] = [];
  const allowed = found.filter((address) => {
    const refusal = addressRefusal(policy, address, port);
    if (refusal !== undefined) refusals.push(refusal);
    return refusal === undefined;
  });
  if (allowed.length === 0) {
    throw new ValidationFailure(
      'connection',
      'the identifier has no address that this CA connects to',
      refusals.join('; '),
    );
  }
  return allowed.slice(0, maxAddresses);
}

/** A name with hundreds of addresses would have the CA knock at all of them. */
const maxAddresses = 8;

/** Why an address is not connected to, for the log; `undefined` where it is. */
export function addressRefusal(policy: TargetPolicy, address: string, port: number): string | undefined {
  const { dev = false, allowPrivate = true, listeners } = policy;
  const plain = plainAddress(address);
  if (plain === undefined) return 'what the name resolves to is no address';
  if ((listeners?.() ?? []).some((listener) => isOwn(listener, plain, port)))
    return `the CA itself listens at ${plain}`;
  const purpose = specialPurpose(plain);
  if (purpose === undefined) return undefined;
  if (within(loopback, plain)) return dev ? undefined : `${plain} is a loopback address`;
  const permitted =
    within(privateRanges, plain) && (typeof allowPrivate === 'function' ? allowPrivate(plain) : allowPrivate);
  return permitted ? undefined : `${plain} is not allowed (${purpose})`;
}

async function resolveName(
  { resolve = systemResolve }: TargetPolicy,
  name: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  // RFC 6761 §6.3: it, and every name below, is this machine, whatever a resolver makes of it.
  if (/(^|\.)localhost\.?$/i.test(name)) return ['127.0.0.1', '::1'];
  const failure = 'the name of the identifier does not resolve';
  try {
    const found = await unlessAborted(resolve(name, signal), signal);
    if (found.length > 0) return found;
  } catch (cause) {
    if (cause instanceof ValidationFailure) throw cause;
    throw new ValidationFailure('dns', failure, `${name} does not resolve`, { cause });
  }
  throw new ValidationFailure('dns', failure, `${name} has no address`);
}

/** In the one spelling, without a zone, IPv4 out of its IPv6 mapping: that is where a socket would go. */
function plainAddress(address: string): string | undefined {
  const bytes = address.includes('%') ? undefined : parseIp(address);
  if (bytes === undefined) return undefined;
  const mapped =
    bytes.length === 16 &&
    bytes.subarray(0, 10).every((byte) => byte === 0) &&
    bytes[10] === 0xff &&
    bytes[11] === 0xff;
  return formatIp(mapped ? bytes.subarray(12) : bytes);
}

function isOwn(listener: Endpoint, address: string, port: number): boolean {
  if (listener.port !== port) return false;
  const own = plainAddress(listener.address);
  if (own !== '0.0.0.0' && own !== '::') return own === address;
  if (within(loopback, address)) return true;
  return Object.values(networkInterfaces()).some((list) =>
    list?.some((each) => plainAddress(each.address) === address),
  );
}

const loopback = blockList([
  ['127.0.0.0', 8, 'ipv4'],
  ['::1', 128, 'ipv6'],
]);

const privateRanges = blockList([
  ['10.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['fc00::', 7, 'ipv6'],
]);

function blockList(ranges: readonly (readonly [string, number, 'ipv4' | 'ipv6'])[]): BlockList {
  const list = new BlockList();
  for (const [base, length, family] of ranges) list.addSubnet(base, length, family);
  return list;
}

function within(list: BlockList, address: string): boolean {
  return list.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
}
