/**
 * The states of all versions: each version's own table is `tls13/states.ts` and `tls12/states.ts`.
 *
 * @module
 */

import type { clientStates12, serverStates12 } from './tls12/states.ts';
import type { clientStates, serverStates } from './tls13/states.ts';

/** Every table of transitions. Hello states stand in both versions' tables, each with its own way on. */
type Tables = typeof clientStates | typeof serverStates | typeof clientStates12 | typeof serverStates12;

type StatesOf<T> = T extends Tables ? keyof T : never;

export type State = StatesOf<Tables>;

type MessagesIn<T, S> = T extends Tables ? (S extends keyof T ? keyof T[S] : never) : never;

/** The messages that are legal in a state. */
export type LegalIn<S extends State> = MessagesIn<Tables, S>;
