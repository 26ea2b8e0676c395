/**
 * Drives a flow: gives it what it waits for, waits for the promises that it asks about, and goes on with the flow that it ends
 * in. While a promise is out the engine is parked: nothing is taken in.
 *
 * @module
 */

import { isThenable } from '@handfast/crypto';
import { discard, type Expectation, type Flow } from './flow.ts';

/** What a driver asks of its engine. */
export interface DrivingEngine {
  /** Does work in a step: what it throws ends the connection. */
  step(work: () => void): void;
  /** The flow waits for messages now. */
  waits(expectation: Expectation): void;
  /** It was parked, and can take what lies there. */
  awake(): void;
}

type Resumption = () => IteratorResult<Expectation | Promise<unknown>, Flow<never>>;

export class FlowDriver {
  readonly #engine: DrivingEngine;
  /** The handshake, then the connection that stands. */
  #flow: Flow<Flow<never>>;
  #waiting: Expectation | undefined;
  #parked = false;
  #ended = false;

  constructor(flow: Flow<Flow<never>>, engine: DrivingEngine) {
    this.#flow = flow;
    this.#engine = engine;
  }

  /** What the flow takes next; undefined while it waits for a promise, before it begins and after the end. */
  get waiting(): Expectation | undefined {
    return this.#waiting;
  }

  get parked(): boolean {
    return this.#parked;
  }

  begin(): void {
    this.#advance(() => this.#flow.next());
  }

  /** Goes on with a message of a type that is waited for. */
  give(message: unknown): void {
    this.#advance(() => this.#flow.next(message));
  }

  /** `finally` blocks wipe what the flow holds. A flow that threw has ended already. */
  end(): void {
    this.#ended = true;
    this.#parked = false;
    this.#waiting = undefined;
    this.#flow.return(undefined as never);
  }

  #advance(resume: Resumption): void {
    const { done, value } = resume();
    if (done) {
      this.#flow = value;
      this.begin();
    } else if (isThenable(value)) {
      this.#waiting = undefined;
      this.#wait(value as Promise<unknown>);
    } else {
      this.#waiting = value;
      this.#engine.waits(value);
    }
  }

  #wait(promise: Promise<unknown>): void {
    this.#parked = true;
    const wake = (resume: Resumption): void => {
      this.#engine.step(() => {
        this.#parked = false;
        this.#advance(resume);
        this.#engine.awake();
      });
    };
    promise.then(
      (value) => {
        if (this.#ended) discard(value);
        else wake(() => this.#flow.next(value));
      },
      (error: unknown) => {
        if (!this.#ended) wake(() => this.#flow.throw(error));
      },
    );
  }
}
