/**
 * What the program and its server processes say to each other.
 *
 * @module
 */

/** Bytes go as base64. */
export interface Setup {
  readonly type: 'setup';
  readonly index: number;
  readonly certificate: string;
  readonly key: string;
  /** Milliseconds. */
  readonly rotateEvery: number;
  readonly opensFor: number;
  /** By way of Redis, or on one machine by a file alone. */
  readonly shared:
    | { readonly by: 'redis'; readonly url: string; readonly secret: string; readonly window: number }
    | { readonly by: 'file'; readonly path: string };
}

export type ToServer =
  | Setup
  /** Claims each of these in the replay cache. */
  | { readonly type: 'claim'; readonly call: number; readonly keys: readonly string[] }
  /** What became of early data since it was last asked. */
  | { readonly type: 'early'; readonly call: number }
  /** Close everything: the process ends because nothing is left to do. */
  | { readonly type: 'stop' };

/** How often early data was `accepted`, and how often it was not, by reason. */
export type EarlyDecisions = Readonly<Record<string, number>>;

export type FromServer =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'claimed'; readonly call: number; readonly taken: readonly boolean[] }
  | { readonly type: 'early'; readonly call: number; readonly decisions: EarlyDecisions }
  /** What an `onError` heard: resumption that was not to be had. */
  | { readonly type: 'told'; readonly words: string }
  /** A rejection that nobody handled. */
  | { readonly type: 'unhandled'; readonly words: string };
