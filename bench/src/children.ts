/**
 * Child programs of the bench: the same Node with the same flags, asked and answering over Node's own channel, and never left
 * behind. And commands of others, the same way.
 *
 * @module
 */

import { type ChildProcess, fork, type SpawnOptions, spawn } from 'node:child_process';

const running = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));

/** What can be asked of a child program: by name, what it is given and what it answers. All of it plain data. */
export type Services = Readonly<Record<string, (given: never) => Promise<unknown>>>;

export interface Child<S extends Services> {
  ask<K extends keyof S & string>(name: K, given: Parameters<S[K]>[0]): ReturnType<S[K]>;
  /** Kills it. */
  readonly end: () => void;
}

interface Question {
  readonly id: number;
  readonly name: string;
  readonly given: unknown;
}

interface Answer {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

/** Starts a program of this folder that calls `serve`. What it prints goes where ours does. */
export function startChild<S extends Services>(file: string, flags: readonly string[] = []): Child<S> {
  const child = fork(new URL(file, import.meta.url), {
    execArgv: [...process.execArgv, ...flags],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  keep(child);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let ended: string | undefined;
  child.on('message', ({ id, answer, error }: Answer) => {
    if (error === undefined) waiting.get(id)?.resolve(answer);
    else waiting.get(id)?.reject(new Error(error));
    waiting.delete(id);
  });
  child.once('close', (code, signal) => {
    ended = `${file} ended with ${code ?? signal}`;
    for (const { reject } of waiting.values()) reject(new Error(ended));
  });
  let asked = 0;
  const ask = async (name: string, given: unknown): Promise<unknown> => {
    if (ended !== undefined) throw new Error(ended);
    const id = ++asked;
    const wait = Promise.withResolvers<unknown>();
    waiting.set(id, wait);
    child.send({ id, name, given } satisfies Question);
    return await wait.promise;
  };
  return {
    // The channel knows no types: the child program has those of the services that it was started for.
    ask: (name, given) => ask(name, given) as ReturnType<S[typeof name]>,
    end: () => void child.kill('SIGKILL'),
  };
}

/** In a child program: answers what is asked, and ends when nobody can ask any more. */
export function serve(services: Services): void {
  process.on('message', async ({ id, name, given }: Question) => {
    let answer: Answer;
    try {
      const service = services[name] as ((given: unknown) => unknown) | undefined;
      answer = { id, answer: await service?.(given) };
    } catch (error) {
      answer = { id, error: error instanceof Error ? error.message : String(error) };
    }
    process.send?.(answer);
  });
  process.on('disconnect', () => process.exit());
}

/** A command of others; `ended` is its end, however it comes. */
export function startCommand(
  file: string,
  args: readonly string[],
  stdio: SpawnOptions['stdio'],
  env: NodeJS.ProcessEnv = process.env,
): { readonly child: ChildProcess; readonly ended: Promise<void> } {
  const child = spawn(file, args, { stdio, env });
  keep(child);
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  ended.catch(() => undefined);
  return { child, ended };
}

function keep(child: ChildProcess): void {
  running.add(child);
  child.once('close', () => running.delete(child));
  child.once('error', () => running.delete(child));
}
