/**
 * The key schedule as a graph: which secret comes of which inputs (RFC 9846 §7.1, RFC 5246 §8.1), what it is for, and whether this
 * connection had it. What the secrets are is for the key log to say.
 *
 * @module
 */

import type { Handshake, Protection, Secret } from './handshake.ts';
import { arrowsOf } from './handshake.ts';

export interface ScheduleNode {
  readonly id: string;
  readonly title: string;
  readonly kind: 'input' | 'stage' | 'secret';
  /** What it comes of. */
  readonly from: readonly string[];
  readonly meaning: string;
  readonly section: string;
  /** Whether this connection had it: a connection that failed has come only so far. */
  readonly used: boolean;
  /** What was sent under it: the first message, the last, and how many in all. */
  readonly protects?: string;
  readonly protection?: Protection;
  /** Of the key log. */
  readonly secret?: Secret;
}

/** Nodes, inputs before what comes of them. Empty before a version was chosen. */
export function scheduleOf(handshake: Handshake): readonly ScheduleNode[] {
  const arrows = arrowsOf(handshake);
  if (!arrows.some(({ title }) => title === 'ServerHello')) return [];
  return is13(handshake) ? schedule13(handshake) : schedule12(handshake);
}

/** By what was seen, as one that failed has agreed on nothing. */
export function is13(handshake: Handshake): boolean {
  if (handshake.negotiated !== undefined) return handshake.negotiated.version === 'TLS 1.3';
  const arrows = arrowsOf(handshake);
  if (arrows.some(({ protection }) => protection === 'handshake' || protection === 'early')) return true;
  return !arrows.some(({ title }) => title === 'ServerKeyExchange' || title === 'ServerHelloDone');
}

function schedule13(handshake: Handshake): readonly ScheduleNode[] {
  const { negotiated } = handshake;
  const resumed = negotiated?.resumed === true || negotiated?.preSharedKey === true;
  const secret = (label: string): Secret | undefined => handshake.secrets.find((one) => one.label === label);
  const traffic = (party: 'client' | 'server', level: Protection, label: string, from: string): ScheduleNode => ({
    id: label,
    title: level === 'early' ? 'early data key' : `${party} ${level} key`,
    kind: 'secret',
    from: [from],
    meaning: `Protects what the ${party} sends of ${{ none: '', early: 'early data, before the server has answered', handshake: 'the handshake after the hellos', application: 'the data' }[level]}.`,
    section: 'RFC 9846 §7.1',
    protection: level,
    ...under(handshake, party, level),
    ...given(secret(label)),
  });
  const reached = (label: string): boolean => secret(label) !== undefined;
  // Without a key log what was sent under a key tells as well.
  const seen = new Set(arrowsOf(handshake).map(({ protection }) => protection));
  const applying = reached('SERVER_TRAFFIC_SECRET_0') || seen.has('application');
  const handshaking = reached('SERVER_HANDSHAKE_TRAFFIC_SECRET') || seen.has('handshake') || applying;
  const early = reached('CLIENT_EARLY_TRAFFIC_SECRET') || seen.has('early');
  const stage = (id: string, title: string, from: readonly string[], used: boolean, meaning: string): ScheduleNode => ({
    ...{ id, title, kind: 'stage', from, used, meaning, section: 'RFC 9846 §7.1' },
  });
  const input = (id: string, title: string, used: boolean, meaning: string, section: string): ScheduleNode => ({
    ...{ id, title, kind: 'input', from: [], used, meaning, section },
  });
  return [
    input(
      'psk',
      resumed ? 'PSK of the earlier connection' : 'no PSK: zeros',
      true,
      'What both kept of an earlier connection, or were given beforehand. A first connection has none: zeros stand in.',
      'RFC 9846 §2.2',
    ),
    stage(
      'early',
      'Early Secret',
      ['psk'],
      true,
      'HKDF-Extract of the pre-shared key: all there is before the server has answered.',
    ),
    ...(early ? [traffic('client', 'early', 'CLIENT_EARLY_TRAFFIC_SECRET', 'early')] : []),
    input(
      'share',
      negotiated?.group === undefined ? 'shared secret' : `${negotiated.group} secret`,
      handshaking,
      'Both key shares together. Who listens sees the shares, and cannot make this of them.',
      'RFC 9846 §7.4',
    ),
    stage(
      'handshake',
      'Handshake Secret',
      ['early', 'share'],
      handshaking,
      'HKDF-Extract of the shared secret, salted by the Early Secret.',
    ),
    traffic('client', 'handshake', 'CLIENT_HANDSHAKE_TRAFFIC_SECRET', 'handshake'),
    traffic('server', 'handshake', 'SERVER_HANDSHAKE_TRAFFIC_SECRET', 'handshake'),
    stage(
      'main',
      'Main Secret',
      ['handshake'],
      applying,
      'HKDF-Extract of zeros, salted by the Handshake Secret: nothing new goes in, the key separates the two.',
    ),
    traffic('client', 'application', 'CLIENT_TRAFFIC_SECRET_0', 'main'),
    traffic('server', 'application', 'SERVER_TRAFFIC_SECRET_0', 'main'),
    {
      ...{ id: 'EXPORTER_SECRET', title: 'exporter secret', kind: 'secret', from: ['main'], used: applying },
      ...{ meaning: 'For the application: keys of its own, which both sides can make.', section: 'RFC 9846 §7.5' },
      ...given(secret('EXPORTER_SECRET')),
    },
    {
      ...{ id: 'resumption', title: 'resumption secret', kind: 'secret', from: ['main'] },
      used: arrowsOf(handshake).some(({ title }) => title === 'NewSessionTicket'),
      ...{ meaning: 'Of it comes the PSK of each ticket, for the next connection.', section: 'RFC 9846 §4.7.1' },
    },
  ];
}

function schedule12(handshake: Handshake): readonly ScheduleNode[] {
  const { negotiated, secrets } = handshake;
  const master = secrets.find(({ label }) => label === 'CLIENT_RANDOM');
  const reached = master !== undefined || arrowsOf(handshake).some(({ protection }) => protection === 'application');
  const resumed = negotiated?.resumed === true;
  const traffic = (party: 'client' | 'server'): ScheduleNode => ({
    ...{ id: `${party} key`, title: `${party} write key`, kind: 'secret', from: ['block'] },
    ...{ meaning: `Protects what the ${party} sends, its Finished first.`, section: 'RFC 5246 §6.3' },
    ...{ protection: 'application', ...under(handshake, party, 'application') },
  });
  return [
    ...(resumed
      ? []
      : [
          {
            ...{
              id: 'premaster',
              title: negotiated?.group === undefined ? 'premaster secret' : `premaster secret (${negotiated.group})`,
            },
            ...{ kind: 'input' as const, from: [], used: reached, section: 'RFC 8422 §5.10' },
            meaning: 'Both public keys together. Who listens sees the keys, and cannot make this of them.',
          },
          {
            ...{
              id: 'hash',
              title: negotiated?.extendedMasterSecret === false ? 'both randoms' : 'all messages so far',
            },
            ...{ kind: 'input' as const, from: [], used: reached, section: 'RFC 7627 §4' },
            meaning: 'Binds the secret to this handshake, so that it belongs to no other.',
          },
        ]),
    {
      ...{ id: 'master', title: resumed ? 'earlier master secret' : 'master secret', kind: 'secret' },
      ...{ from: resumed ? [] : ['premaster', 'hash'], used: reached, section: 'RFC 5246 §8.1' },
      meaning: 'Of it come all keys, and those of connections that resume this one.',
      ...given(master),
    },
    {
      ...{ id: 'randoms', title: 'both randoms', kind: 'input', from: [], used: reached, section: 'RFC 5246 §6.3' },
      meaning: 'Make the keys of each connection unlike those of the last.',
    },
    {
      ...{ id: 'block', title: 'key block', kind: 'stage', from: ['master', 'randoms'], used: reached },
      ...{ meaning: 'As many bytes as the keys need, cut into pieces.', section: 'RFC 5246 §6.3' },
    },
    traffic('client'),
    traffic('server'),
  ];
}

function given(secret: Secret | undefined): { readonly secret?: Secret } {
  return secret === undefined ? {} : { secret };
}

function under(
  handshake: Handshake,
  party: 'client' | 'server',
  level: Protection,
): Pick<ScheduleNode, 'used' | 'protects'> {
  const titles = arrowsOf(handshake)
    .filter(({ from, protection }) => from === party && protection === level)
    .map(({ title }) => title);
  const [first] = titles;
  if (first === undefined) return { used: false };
  const last = titles.at(-1) ?? first;
  const protects =
    titles.length === 1 ? first : titles.length === 2 ? `${first}, ${last}` : `${first} … ${last} (${titles.length})`;
  return { used: true, protects };
}
