/**
 * What the rig asks of a peer: who it is, what it has in each role, and how to start it for one case.
 *
 * @module
 */

import type { Duplex } from 'node:stream';
import type { AlertName } from '@handfast/tls';
import type { Abilities, Case, CaseAxes } from '../cases.ts';
import type { Family, Identity } from '../certificates.ts';
import type { Parts } from '../conversation.ts';
import type { Word } from '../words.ts';

/** A key that both sides were given beforehand. */
export interface GivenKey {
  /** Letters alone: it stands in command lines and in files of names. */
  readonly identity: string;
  readonly key: Uint8Array;
  readonly hash: 'sha256' | 'sha384';
}

/** Everything a peer needs for one case. */
export interface Task {
  readonly row: Case;
  /** Certificates and keys of the case's scheme. */
  readonly family: Family;
  /** What the server shows: the family's server certificate, or an expired one. */
  readonly serverIdentity: Identity;
  /** What the peer is to speak, the highest first. */
  readonly versions: readonly string[];
  /** An OCSP response (DER) that the server is to staple to its certificate. */
  readonly ocspFile?: string | undefined;
  /** How many connections a client makes, one after the other, or a server takes; each is a short one. Default: 1. */
  readonly visits?: number | undefined;
  /** Whether it is to do without tickets: sessions of TLS 1.2 then go by their identifiers. Default: false. */
  readonly withoutTickets?: boolean | undefined;
  /** What it is to go on with in TLS 1.3: nobody then has a certificate. */
  readonly givenKey?: GivenKey | undefined;
}

export interface ClientTask extends Task {
  readonly port: number;
}

/** A peer at work on one case. */
export interface Run {
  /** Settles when the peer has done its part and its end has been seen; rejects with its own words. */
  readonly done: Promise<void>;
  stop(): void;
}

export interface ServerRun extends Run {
  readonly port: number;
  /** What it has said so far, where it runs until it is stopped and so never fails. */
  readonly said?: () => string;
}

interface Role extends Abilities {
  /** What differs from the plain conversation on our side. */
  readonly ours?: (row: Case) => OurPart;
  /** Of which hashes keys from outside may be in TLS 1.3, and whether also with HelloRetryRequest. Absent: there are none. */
  readonly givenKeys?: Readonly<Partial<Record<GivenKey['hash'], CaseAxes['retry']>>>;
}

/** A client that connects several times, each time with what it kept of the last. */
export interface ReturningClient {
  /** How many times it can. */
  readonly visits: number;
  /** How many, next to the first, may be under way before there is anything to come back by: they count for nothing. */
  readonly spare?: number;
  /** Whether it can do without tickets. */
  readonly byIdentifier: boolean;
  /** @param task with `visits`. */
  start(task: ClientTask): ReturningRun;
  /**
   * Our server's part of one connection, to its end; the peer's word on it, where it travels there.
   * @param resumed what our server knows of it, for a peer that can only repeat that.
   */
  talk(socket: Duplex, resumed: boolean): Promise<Word>;
}

export interface ReturningRun extends Run {
  /** Once it is done: the peer's word on each connection, where it says it elsewhere. */
  readonly words?: readonly Word[];
}

/** A server that takes any number of connections, and knows who was there before. */
export interface ReturningServer {
  /** Whether it can do without tickets. */
  readonly byIdentifier: boolean;
  /** @param task with `visits`. */
  start(task: Task): Promise<ServerRun>;
  /** Our client's part of one connection, to its end; the peer's word on it. */
  talk(socket: Duplex): Promise<Word>;
}

/** What became of early data, as one side tells it; `none`: it saw none. Undefined: it does not tell. */
export type EarlyWord = 'accepted' | 'rejected' | 'none' | undefined;

/** What early data meets; also the columns of its table. */
export type EarlyCircumstance =
  | 'as it is'
  | 'SHA-384'
  | 'client certificate'
  | 'to the limit'
  | 'no longer taken'
  | 'other ticket keys'
  | 'HelloRetryRequest'
  | 'session used twice';

interface EarlyPart {
  /** What of it the peer cannot, and why: in words for the table. */
  readonly lacks?: Readonly<Partial<Record<EarlyCircumstance, string>>>;
}

/** A client that connects twice: the second time with what it kept of the first, and with early data. */
export interface EarlyClient extends EarlyPart {
  /** The protocol that it speaks by, where it sends nothing early without one. */
  readonly alpn?: string;
  /**
   * A browser: it opens one connection more at once, to use it later. Refused, it leaves the connection in the middle of the
   * handshake, and says what it had to say by another one.
   */
  readonly browses?: boolean;
  /** What it says early, where that is its own choice. */
  readonly says?: string;
  /** @param text what it is to send early: lines that begin with a digit. */
  start(task: ClientTask, text: string): EarlyClientRun;
  /** Our server's part of one connection, from its first byte to its end. */
  talk(socket: Duplex): Promise<unknown>;
}

export interface EarlyClientRun extends Run {
  /** Once it is done: its word on the connection that it came back by. */
  readonly word: EarlyWord;
  /** Sends what was refused again. Absent: it does so unasked. */
  again?(): void;
}

/** A server that takes early data. */
export interface EarlyServer extends EarlyPart {
  start(task: Task): Promise<EarlyServerRun>;
}

export interface EarlyServerRun extends ServerRun {
  /**
   * Our client's part of the next connection, to its end: what our client has said must have arrived, and be answered.
   * @param text what that was: lines, sent early or again.
   */
  talk(socket: Duplex, text: string): Promise<EarlyWord>;
}

/** How our side's part of the conversation differs, for peers that are whole programs. */
export interface OurPart {
  /** The server is an echo and no more: it never says `bye`. */
  readonly withoutBye?: boolean;
  /** After `bye` it is the client that ends first. */
  readonly clientEndsFirst?: boolean;
  /** The peer ends TCP without close_notify: our error then is `truncated`, and right. */
  readonly endsWithoutCloseNotify?: boolean;
  /** Instead of the lines: our server's part, with a program that speaks HTTP. */
  readonly serve?: (socket: Duplex, keyUpdate: () => void) => Promise<void>;
  /** What is said, where it is not the usual. */
  readonly parts?: Parts;
  /** The protocol that a case with ALPN chooses. */
  readonly alpn?: string;
}

export interface ClientPeer extends Role {
  start(task: ClientTask): Run;
  /**
   * What it sends when our certificate's root is not trusted. Default: `unknown_ca`. `none`: it ends TCP without a word,
   * which our side calls `truncated`.
   */
  readonly untrustedAlert?: AlertName | 'none';
  readonly returning?: ReturningClient;
  /** Or why it has none, in words for the table. */
  readonly early: EarlyClient | string;
}

export interface ServerPeer extends Role {
  start(task: Task): Promise<ServerRun>;
  /** Whether it can be kept to one group, so that a share for another one is refused. */
  readonly limitsGroups?: boolean;
  /** Whether it looks at a second key where it does not know the first: GnuTLS ends as with a wrong one. */
  readonly looksFurther?: boolean;
  /** What it can be given to staple: GnuTLS refuses to begin with bad news. */
  readonly staples?: 'anything' | 'good';
  readonly returning?: ReturningServer;
  /** Or why it has none, in words for the table. */
  readonly early: EarlyServer | string;
}

export interface Peer {
  /** Short, for the command line and the tables. */
  readonly name: string;
  /** What it says of itself; undefined: it is not installed, and `missing` says how to get it. */
  version(): string | undefined;
  readonly missing: string;
  /** The peer connects to our server. */
  readonly client?: ClientPeer;
  /** The peer serves our client. */
  readonly server?: ServerPeer;
  /** What this peer shows beside its cases: it connects to something else of ours. */
  readonly extras?: readonly Extra[];
  /** Whether it can be told which versions to speak. */
  readonly limitsVersions?: boolean;
  /** Several at a time hinder each other: its cases run one by one, beside the other peers'. */
  readonly oneAtATime?: boolean;
  close?(): void;
}

export interface Extra {
  readonly id: string;
  /** @param directory for its files; removed at the end. */
  start(directory: string): Run;
}

/** A share that the case's group is retried from: any other group that both know. */
export function decoyFor(group: string, among: readonly string[] = ['x25519', 'secp256r1']): string | undefined {
  return among.find((name) => name !== group);
}
