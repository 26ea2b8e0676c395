/**
 * What came of two handshakes, line by line: what was agreed on, what it took.
 *
 * @module
 */

import type { RecordedNegotiated } from '@handfast/tls/recording';
import { escapeText } from '@handfast/x509';
import { type Arrow, arrowsOf, type Handshake } from '../ladder/handshake.ts';
import { finderOf } from '../ladder/outcome.ts';
import type { Party } from '../ladder/party.ts';

export interface Fact {
  readonly name: string;
  readonly left: string;
  readonly right: string;
  readonly same: boolean;
}

const absent = '–';

/** Facts that neither has are left out. */
export function factsOf(left: Handshake, right: Handshake): readonly Fact[] {
  // What a handshake would have agreed on that ended before, nobody knows: that is no difference.
  const agreed = left.negotiated !== undefined && right.negotiated !== undefined;
  return [['Outcome', outcomeOf] as const, ...agreements.map(ofNegotiated), ...rows].flatMap(([name, of, isAgreed]) => {
    const [one, other] = [of(left), of(right)];
    if (one === undefined && other === undefined) return [];
    const same = one === other || (isAgreed === true && !agreed);
    // Names of protocols and servers are a peer's.
    return [{ name, left: escapeText(one ?? absent), right: escapeText(other ?? absent), same }];
  });
}

type Row = readonly [name: string, of: (shown: Handshake) => string | undefined, isAgreed?: boolean];
type Agreement = readonly [name: string, of: (negotiated: RecordedNegotiated) => string | undefined];

function ofNegotiated([name, of]: Agreement): Row {
  return [name, ({ negotiated }) => negotiated && of(negotiated), true];
}

const agreements: readonly Agreement[] = [
  ['Version', ({ version }) => version],
  ['Cipher suite', ({ cipherSuite }) => cipherSuite],
  ['Key exchange', ({ group }) => group],
  ['Safe from quantum computers', ({ postQuantum }) => yesNo(postQuantum)],
  ['Server name', ({ serverName }) => serverName],
  ['Application protocol', ({ alpnProtocol }) => alpnProtocol],
  ['Resumed', ({ resumed }) => yesNo(resumed)],
  ['Early data', ({ earlyData }) => earlyData],
  ['Asked to try again (HelloRetryRequest)', ({ helloRetryRequest }) => yesNo(helloRetryRequest)],
  ['Signature of the other side', ({ peerSignatureScheme }) => peerSignatureScheme],
  ['Own signature', ({ signatureScheme }) => signatureScheme],
];

const rows: readonly Row[] = [
  ['Server’s certificate', certificateOf('client')],
  ['Client’s certificate', certificateOf('server')],
  ['Round trips', ({ roundTrips }) => String(roundTrips)],
  ['Client ready after', ({ readyAt }) => (readyAt === undefined ? undefined : milliseconds(readyAt))],
  ['Handshake bytes of the client', bytesOf('client', 'message')],
  ['Handshake bytes of the server', bytesOf('server', 'message')],
  ['Data bytes of the client', bytesOf('client', 'data')],
  ['Data bytes of the server', bytesOf('server', 'data')],
];

function outcomeOf({ failure, result }: Handshake): string {
  if (failure !== undefined) return `${failure.error.code}, found by the ${finderOf(failure)}`;
  return result === 'connected' ? 'connected' : 'not known';
}

/** @param by who has looked at it */
function certificateOf(by: Party): Row[1] {
  return ({ peers }) => {
    const peer = peers[by];
    if (peer === undefined) return undefined;
    const sent = peer.chain.length === 1 ? '1 sent' : `${peer.chain.length} sent`;
    return `${sent}, ${peer.verified ? 'verified' : 'not verified'}`;
  };
}

function bytesOf(party: Party, kind: Arrow['kind']): Row[1] {
  return (shown) => {
    const arrows = arrowsOf(shown).filter((arrow) => arrow.from === party && arrow.kind === kind);
    return arrows.length === 0 ? undefined : arrows.reduce((sum, { length }) => sum + length, 0).toLocaleString('en');
  };
}

function milliseconds(value: number): string {
  return `${value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 })} ms`;
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}
