/**
 * Every line that `connect` and `serve` write on stderr with `--json`, and the JSON Schema of one: `events.schema.json`.
 *
 * @module
 */

import {
  described,
  either,
  exactly,
  flag,
  type JsonSchema,
  nullable,
  number,
  object,
  optional,
  type Shape,
  tagged,
} from '@handfast/viewer/shape';
import { count, type ErrorFields, errorFields, type NegotiatedFields, negotiatedFields, said } from './common.ts';
import { type TraceLine, traceShapes } from './trace.ts';

/** `connect`: the handshake is done. */
interface ConnectedTo extends NegotiatedFields {
  readonly event: 'connected';
  readonly host: string;
  readonly port: number;
  /** Of the other side, where the transport has one. */
  readonly address: string | null;
  /** Whether its certificate was verified. */
  readonly authorized: boolean;
}

/** `serve`: the handshake is done. */
interface ConnectedFrom extends NegotiatedFields {
  readonly event: 'connected';
  readonly client: string;
  readonly connection: number;
}

/** `connect` ends because of it, `serve` a connection. Of a connection where it says which. */
interface ErrorLine extends ErrorFields {
  readonly event: 'error';
  readonly client?: string;
  readonly connection?: number;
}

/** What is said beside the trace. */
export type NewsLine =
  | ConnectedTo
  | ConnectedFrom
  | ErrorLine
  | { readonly event: 'warning'; readonly message: string }
  /** `connect`: both sides have said that nothing more comes. */
  | { readonly event: 'ended' }
  /** `connect --showcerts`, one after another. */
  | { readonly event: 'peerCertificate'; readonly index: number; readonly pem: string }
  | {
      readonly event: 'listening';
      readonly url: string;
      readonly host: string;
      readonly port: number;
      /** The file of the development CA, where the certificate is by it. */
      readonly developmentCa: string | null;
    }
  | { readonly event: 'developmentCa'; readonly file: string; readonly created: boolean }
  /** `serve` was interrupted. */
  | { readonly event: 'stopped' };

export type Line = TraceLine | NewsLine;

type FieldsOf<L> = L extends unknown ? Omit<L, 'event'> : never;

/** A line's name and fields, as `Report` takes them; the compiler holds them to the schema. */
export function line<E extends NewsLine['event']>(
  event: E,
  fields: FieldsOf<Extract<NewsLine, { readonly event: E }>>,
): [event: E, fields: object] {
  return [event, fields];
}

type News<E extends NewsLine['event']> = Extract<NewsLine, { readonly event: E }>;

const port: Shape<number> = number('integer', 0, 65_535);
const connection: Shape<number> = number('integer', 1, Number.MAX_SAFE_INTEGER);

const shape: Shape<Line> = tagged<Line, 'event'>(
  {
    ...traceShapes,
    connected: either(
      object<ConnectedTo>({
        ...{ event: exactly('connected'), host: said, port, address: nullable(said), authorized: flag },
        ...negotiatedFields,
      }),
      object<ConnectedFrom>({ event: exactly('connected'), client: said, connection, ...negotiatedFields }),
    ),
    error: object<ErrorLine>({
      ...{ event: exactly('error'), client: optional(said), connection: optional(connection), ...errorFields },
    }),
    warning: object<News<'warning'>>({ event: exactly('warning'), message: said }),
    ended: object<News<'ended'>>({ event: exactly('ended') }),
    peerCertificate: object<News<'peerCertificate'>>({ event: exactly('peerCertificate'), index: count, pem: said }),
    listening: object<News<'listening'>>({
      ...{ event: exactly('listening'), url: said, host: said, port },
      developmentCa: described(nullable(said), 'The file of the development CA, where the certificate is by it.'),
    }),
    developmentCa: object<News<'developmentCa'>>({ event: exactly('developmentCa'), file: said, created: flag }),
    stopped: object<News<'stopped'>>({ event: exactly('stopped') }),
  },
  'event',
);

/** What `events.schema.json` holds. */
export const eventsSchema: JsonSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:handfast:events:1',
  title: 'A line of handfast connect --json or handfast serve --json',
  ...shape.schema,
};
