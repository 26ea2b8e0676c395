/**
 * Ephemeral Diffie-Hellman in finite fields (RFC 5246 §7.4.3, RFC 7919): by named groups, or by parameters of the server's
 * own. A client cannot know that a server's prime is one: it looks at its size and form, and at a table of known ones.
 *
 * Keys are never used twice, so that the leading zeros which the premaster secret loses tell nothing (Raccoon).
 *
 * @module
 */

import { type Bytes, equalBytes, settle, toHex } from '@handfast/crypto';
import { ffdhePrime } from '@handfast/crypto/legacy';
import { badShare } from '../checks.ts';
import { TlsError } from '../errors.ts';
import type { Flow } from '../flow.ts';
import type { ClientHello } from '../messages/client-hello.ts';
import type { Reader } from '../messages/reader.ts';
import { Writer } from '../messages/writer.ts';
import type { NamedGroup } from '../registry.ts';
import type { ClientContext, KeyExchange12, ReadParams, ServerContext, ServerExchange } from '../tls12/key-exchange.ts';
import { legacyOf } from './provider.ts';

/** A group of a server's own: numbers, most significant byte first. */
export interface DhParameters {
  /** A safe prime of 2,048 to 4,096 bits. */
  readonly prime: Uint8Array;
  readonly generator: Uint8Array;
}

/** Of a group that nobody named: fewer bits are broken (Logjam), more cost seconds. */
const bitsTaken = { least: 2048, most: 4096 } as const;

/** By named groups, as the config's `groups` has them. */
export const dhe: KeyExchange12 = /* @__PURE__ */ exchangeBy(undefined);

/**
 * By a group of the server's own.
 * @throws RangeError where the parameters cannot be a group: see `DhParameters`.
 */
export function dheBy(parameters: DhParameters): KeyExchange12 {
  const fault = faultOf(stripped(parameters.prime), stripped(parameters.generator));
  if (fault !== undefined) throw new RangeError(`Diffie-Hellman parameters: ${fault}`);
  return exchangeBy(parameters);
}

function exchangeBy(own: DhParameters | undefined): KeyExchange12 {
  return {
    name: 'DHE',
    serverMessage: 'always',
    certificateUsage: 'digitalSignature',
    usesCurves: false,
    supportedBy: ({ legacy }) => legacy?.finiteField !== undefined,
    obstacle: (config, hello) => {
      if (own !== undefined || chooseField(config.groups, hello) !== undefined) return undefined;
      // RFC 7919 §4, where no other suite is left.
      return { why: 'no finite-field group in common', code: 'insufficient_security' };
    },
    *serverParams(context) {
      return yield* dheServer(context, own);
    },
    clientParams: dheClient,
  };
}

/** ServerDHParams, and the secret that the client's number makes. */
export function* dheServer({ config, hello }: ServerContext, own: DhParameters | undefined): Flow<ServerExchange> {
  const group = own === undefined ? chooseField(config.groups, hello) : undefined;
  const parameters = own ?? (group && parametersOf(group));
  const make = legacyOf(config.provider).finiteField;
  if (parameters === undefined || make === undefined) throw new TlsError('internal', 'no group to choose from');
  const key = yield* settle(make(parameters.prime, parameters.generator).generate());
  return {
    params: new Writer().opaque16(parameters.prime).opaque16(parameters.generator).opaque16(key.share).finish(),
    group,
    *premaster(clientParams) {
      const share = clientParams.opaque16(1);
      clientParams.end();
      try {
        return stripped(yield* settle(key.agree(share)));
      } catch (error) {
        throw badShare(error, 'ClientKeyExchange', { name: 'DHE' });
      }
    },
    dispose: () => key.dispose(),
  };
}

export function dheClient({ config }: ClientContext, serverParams: Reader | undefined): ReadParams {
  if (serverParams === undefined) throw new TlsError('unexpected_message', 'ServerKeyExchange is missing');
  const prime = stripped(serverParams.opaque16(1));
  const generator = stripped(serverParams.opaque16(1));
  const share = serverParams.opaque16(1);
  // A group that the config names is known to be one, whatever its size.
  const known = config.groups.find((group) => isGroup(parametersOf(group), prime, generator));
  const fault = known === undefined ? faultOf(prime, generator) : undefined;
  if (fault !== undefined) {
    const tooSmall = bitsOf(prime) < bitsTaken.least;
    throw new TlsError(tooSmall ? 'insufficient_security' : 'illegal_parameter', `ServerKeyExchange: ${fault}`);
  }
  const make = legacyOf(config.provider).finiteField;
  if (make === undefined) throw new TlsError('internal', `the ${config.provider.name} provider has no finite fields`);
  return {
    group: known,
    *exchange() {
      try {
        const answer = yield* settle(make(prime, generator).encapsulate(share));
        return { params: new Writer().opaque16(answer.share).finish(), premaster: stripped(answer.secret) };
      } catch (error) {
        throw badShare(error, 'ServerKeyExchange', { name: 'DHE' });
      }
    },
  };
}

/** RFC 7919 §4: among the client's named groups, where it names any of this kind; else our first. */
function chooseField(groups: readonly NamedGroup[], { extensions }: ClientHello): NamedGroup | undefined {
  const ours = groups.filter(({ exchange }) => exchange.startsWith('ffdhe'));
  const theirs = extensions.supported_groups?.filter(isFiniteField) ?? [];
  return theirs.length === 0 ? ours[0] : ours.find(({ id }) => theirs.includes(id));
}

/** RFC 7919 §2: 256 to 511 are kept for finite fields. */
function isFiniteField(id: number): boolean {
  return id >= 0x0100 && id <= 0x01ff;
}

const fieldBits = { ffdhe2048: 2048, ffdhe3072: 3072, ffdhe4096: 4096, ffdhe6144: 6144, ffdhe8192: 8192 } as const;

function parametersOf({ exchange }: NamedGroup): DhParameters | undefined {
  if (!(exchange in fieldBits)) return undefined;
  const bits = fieldBits[exchange as keyof typeof fieldBits];
  return { prime: ffdhePrime(bits), generator: Uint8Array.of(2) };
}

function isGroup(parameters: DhParameters | undefined, prime: Uint8Array, generator: Uint8Array): boolean {
  return parameters !== undefined && equalBytes(parameters.prime, prime) && equalBytes(parameters.generator, generator);
}

/** What is wrong with a group, as far as its form tells. */
function faultOf(prime: Uint8Array, generator: Uint8Array): string | undefined {
  const bits = bitsOf(prime);
  if (bits < bitsTaken.least) return `a prime of ${bits} bits, where ${bitsTaken.least} are the least`;
  if (bits > bitsTaken.most) return `a prime of ${bits} bits, where ${bitsTaken.most} are the most`;
  if (((prime.at(-1) ?? 0) & 1) === 0) return 'a prime that is even';
  const g = BigInt(`0x${toHex(generator) || '0'}`);
  if (g <= 1n || g >= BigInt(`0x${toHex(prime)}`) - 1n) return 'a generator outside 1 < g < p - 1';
  return undefined;
}

function bitsOf(number: Uint8Array): number {
  return number.length === 0 ? 0 : 8 * number.length - Math.clz32(number[0] as number) + 24;
}

/** Without leading zeros, as RFC 5246 §8.1.2 wants a premaster secret; one byte stays. */
export function stripped(number: Uint8Array): Bytes {
  let at = 0;
  while (at < number.length - 1 && number[at] === 0) at++;
  return number.slice(at) as Bytes;
}
