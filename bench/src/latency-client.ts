/**
 * The client of the latency row, in a process of its own: first as fast as it goes, then by a clock. For `startChild`.
 *
 * @module
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from './children.ts';
import { type Contender, contenderOf, gone } from './contenders.ts';
import type { Part } from './server-child.ts';

export interface Load extends Part {
  readonly port: number;
  readonly milliseconds: number;
}

const services = {
  /** Full handshakes, eight at a time: how many a second. */
  async fastest({ port, milliseconds, ...part }: Load): Promise<number> {
    const contender = contenderOf(part.name, part.setting, part.identity);
    const start = performance.now();
    let count = 0;
    const worker = async (): Promise<void> => {
      while (performance.now() - start < milliseconds) {
        await visit(contender, port);
        count++;
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    return (count * 1000) / (performance.now() - start);
  },
  /**
   * Begins so many a second, each at its time whatever became of those before it. Answers what each took in milliseconds from
   * when it was to begin, so that whoever is late to begin is late.
   */
  async clocked({ port, milliseconds, perSecond, ...part }: Load & { perSecond: number }): Promise<readonly number[]> {
    const contender = contenderOf(part.name, part.setting, part.identity);
    const took: number[] = [];
    const visits: Promise<void>[] = [];
    const start = performance.now();
    const one = async (due: number): Promise<void> => {
      await visit(contender, port, () => took.push(performance.now() - due));
    };
    for (let i = 0; (i * 1000) / perSecond < milliseconds; i++) {
      const due = start + (i * 1000) / perSecond;
      const wait = due - performance.now();
      if (wait > 0) await sleep(wait);
      visits.push(one(due));
    }
    await Promise.all(visits);
    return took;
  },
};

export type LatencyServices = typeof services;

/** A handshake, and an end in good order. */
async function visit({ connect }: Contender, port: number, done?: () => void): Promise<void> {
  const { socket, done: handshake } = connect(port);
  await handshake;
  done?.();
  socket.resume().end();
  await gone(socket);
}

serve(services);
