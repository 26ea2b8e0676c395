/**
 * Lines of the trace: what happened on a connection, in the words of IANA's registries. Types, and the shapes that
 * `events.schema.json` is written from; `trace-json.ts` makes them.
 *
 * @module
 */

import type { WorkOperation } from '@handfast/tls';
import {
  described,
  exactly,
  flag,
  nullable,
  number,
  object,
  oneOf,
  optional,
  type Shape,
  tagged,
} from '@handfast/viewer/shape';
import {
  count,
  type ErrorFields,
  errorFields,
  type NegotiatedFields,
  names,
  negotiatedFields,
  role,
  said,
} from './common.ts';

export type Direction = 'in' | 'out';

/** What a message says, as far as the negotiation turns on it. */
export type MessageFields =
  | {
      readonly message: 'ClientHello';
      readonly cipherSuites: readonly string[];
      readonly versions: readonly string[];
      readonly groups: readonly string[];
      readonly keyShares: readonly string[];
      readonly signatureSchemes: readonly string[];
      readonly serverName: string | null;
      readonly alpnProtocols: readonly string[];
      readonly earlyData: boolean;
    }
  | {
      readonly message: 'ServerHello';
      readonly version: string;
      readonly cipherSuite: string;
      readonly group: string | null;
    }
  | { readonly message: 'HelloRetryRequest'; readonly cipherSuite: string; readonly group: string | null }
  | { readonly message: 'EncryptedExtensions'; readonly alpnProtocol: string | null; readonly earlyData: boolean }
  | { readonly message: 'ServerKeyExchange'; readonly group: string | null }
  | { readonly message: 'CertificateRequest'; readonly signatureSchemes: readonly string[] }
  | { readonly message: 'Certificate'; readonly chain: readonly string[] }
  | { readonly message: 'CertificateVerify'; readonly signatureScheme: string | null }
  | { readonly message: 'NewSessionTicket'; readonly lifetime: number; readonly ticketLength: number }
  | { readonly message: 'KeyUpdate'; readonly updateRequested: boolean }
  | { readonly message: 'HelloRequest' }
  | { readonly message: 'CertificateStatus' }
  | { readonly message: 'ServerHelloDone' }
  | { readonly message: 'ClientKeyExchange' }
  | { readonly message: 'EndOfEarlyData' }
  | { readonly message: 'Finished' };

/** What an event says beside when and where it was. */
export type EventFields =
  | {
      readonly event: 'record';
      readonly direction: Direction;
      readonly contentType: string;
      readonly length: number;
      readonly protected: boolean;
    }
  | ({ readonly event: 'message'; readonly direction: Direction; readonly length: number } & MessageFields)
  | {
      readonly event: 'alert';
      readonly direction: Direction;
      readonly alert: string;
      readonly level: 'warning' | 'fatal';
    }
  | { readonly event: 'state'; readonly state: string }
  | {
      readonly event: 'key';
      readonly direction: Direction;
      readonly level: 'early' | 'handshake' | 'application';
      readonly cipherSuite: string;
      readonly generation: number;
    }
  | {
      readonly event: 'certificate';
      readonly chain: readonly string[];
      readonly verified: boolean;
      readonly path: readonly string[] | null;
      readonly error?: ErrorFields;
    }
  | { readonly event: 'session'; readonly action: 'offered' | 'kept' | 'passed over'; readonly why?: string }
  | { readonly event: 'early_data'; readonly accepted: boolean; readonly why?: string }
  | ({ readonly event: 'established' } & NegotiatedFields)
  | { readonly event: 'work'; readonly operation: WorkOperation; readonly ms: number }
  | { readonly event: 'wire'; readonly direction: Direction; readonly length: number }
  | { readonly event: 'data'; readonly direction: Direction; readonly length: number }
  | { readonly event: 'closed'; readonly error: ErrorFields | null };

/** Whose connection it is. */
export interface Where {
  readonly connection: number;
  readonly at: number;
  readonly role: 'client' | 'server';
  /** `serve` alone: the other side's address and port. */
  readonly client?: string;
}

export type TraceLine = Where & EventFields;

const where = {
  connection: described(number('integer', 1, Number.MAX_SAFE_INTEGER), 'Counts the connections of this process.'),
  at: described(number('number', 0, 1e15), 'Milliseconds, on a clock that begins anywhere.'),
  role: described(role, 'What this side is.'),
  client: optional(described(said, 'serve alone: the address and port of the other side.')),
} as const;

const direction: Shape<Direction> = oneOf('in', 'out');

type Message<T extends MessageFields['message']> = Extract<TraceLine, { readonly message: T }>;
type Event<T extends EventFields['event']> = Extract<TraceLine, { readonly event: T }>;

const ofMessage = <T extends MessageFields['message']>(message: T) =>
  ({
    event: exactly('message'),
    ...where,
    direction,
    message: exactly(message),
    length: described(count, 'Bytes, with the header of four.'),
  }) as const;

const message: Shape<Event<'message'>> = tagged<Event<'message'>, 'message'>(
  {
    ClientHello: object<Message<'ClientHello'>>({
      ...ofMessage('ClientHello'),
      cipherSuites: names,
      versions: described(names, 'Of supported_versions; empty where it is not there.'),
      groups: names,
      keyShares: names,
      signatureSchemes: names,
      serverName: nullable(said),
      alpnProtocols: names,
      earlyData: flag,
    }),
    ServerHello: object<Message<'ServerHello'>>({
      ...ofMessage('ServerHello'),
      version: said,
      cipherSuite: said,
      group: described(nullable(said), 'Of the key share: TLS 1.3 alone has one here.'),
    }),
    HelloRetryRequest: object<Message<'HelloRetryRequest'>>({
      ...ofMessage('HelloRetryRequest'),
      cipherSuite: said,
      group: described(nullable(said), 'Of which a key share is wanted.'),
    }),
    EncryptedExtensions: object<Message<'EncryptedExtensions'>>({
      ...ofMessage('EncryptedExtensions'),
      alpnProtocol: nullable(said),
      earlyData: flag,
    }),
    ServerKeyExchange: object<Message<'ServerKeyExchange'>>({
      ...ofMessage('ServerKeyExchange'),
      group: nullable(said),
    }),
    CertificateRequest: object<Message<'CertificateRequest'>>({
      ...ofMessage('CertificateRequest'),
      signatureSchemes: names,
    }),
    Certificate: object<Message<'Certificate'>>({ ...ofMessage('Certificate'), chain: names }),
    CertificateVerify: object<Message<'CertificateVerify'>>({
      ...ofMessage('CertificateVerify'),
      signatureScheme: described(nullable(said), 'Null before TLS 1.2, where it is not said.'),
    }),
    NewSessionTicket: object<Message<'NewSessionTicket'>>({
      ...ofMessage('NewSessionTicket'),
      lifetime: described(count, 'Seconds.'),
      ticketLength: count,
    }),
    KeyUpdate: object<Message<'KeyUpdate'>>({ ...ofMessage('KeyUpdate'), updateRequested: flag }),
    HelloRequest: object<Message<'HelloRequest'>>(ofMessage('HelloRequest')),
    CertificateStatus: object<Message<'CertificateStatus'>>(ofMessage('CertificateStatus')),
    ServerHelloDone: object<Message<'ServerHelloDone'>>(ofMessage('ServerHelloDone')),
    ClientKeyExchange: object<Message<'ClientKeyExchange'>>(ofMessage('ClientKeyExchange')),
    EndOfEarlyData: object<Message<'EndOfEarlyData'>>(ofMessage('EndOfEarlyData')),
    Finished: object<Message<'Finished'>>(ofMessage('Finished')),
  },
  'message',
);

/** By the event's name. */
export const traceShapes: { readonly [K in EventFields['event']]: Shape<Event<K>> } = {
  record: object<Event<'record'>>({
    ...{ event: exactly('record'), ...where, direction },
    contentType: described(said, 'Its name; the number of one that has none.'),
    length: described(count, 'Bytes of its content.'),
    protected: flag,
  }),
  message,
  alert: object<Event<'alert'>>({
    ...{ event: exactly('alert'), ...where, direction, alert: said, level: oneOf('warning', 'fatal') },
  }),
  state: object<Event<'state'>>({ event: exactly('state'), ...where, state: said }),
  key: object<Event<'key'>>({
    ...{ event: exactly('key'), ...where, direction },
    level: oneOf('early', 'handshake', 'application'),
    cipherSuite: said,
    generation: described(count, 'Key updates, counted from 0.'),
  }),
  certificate: object<Event<'certificate'>>({
    ...{ event: exactly('certificate'), ...where, chain: names, verified: flag, path: nullable(names) },
    error: optional(object<ErrorFields>(errorFields)),
  }),
  session: object<Event<'session'>>({
    ...{ event: exactly('session'), ...where, action: oneOf('offered', 'kept', 'passed over'), why: optional(said) },
  }),
  early_data: object<Event<'early_data'>>({
    ...{ event: exactly('early_data'), ...where, accepted: flag, why: optional(said) },
  }),
  established: object<Event<'established'>>({ event: exactly('established'), ...where, ...negotiatedFields }),
  work: object<Event<'work'>>({
    ...{ event: exactly('work'), ...where, operation: oneOf('key exchange', 'sign', 'verify', 'path') },
    ms: number('number', 0, 1e15),
  }),
  wire: object<Event<'wire'>>({ event: exactly('wire'), ...where, direction, length: count }),
  data: object<Event<'data'>>({ event: exactly('data'), ...where, direction, length: count }),
  closed: object<Event<'closed'>>({
    ...{ event: exactly('closed'), ...where, error: nullable(object<ErrorFields>(errorFields)) },
  }),
};
