/**
 * What `demo` shows: the cast, the scenes and the checks, as a transcript for people or as JSON lines for programs.
 *
 * @module
 */

import type { Credential, TraceEvent } from '@handfast/tls';
import { keyLabel, type TrustStore } from '@handfast/x509';
import type { Authority } from './authority.ts';
import { explain, explainJson } from './explain.ts';
import type { Colors, Io } from './io.ts';
import { duration } from './names.ts';
import { traceJson } from './trace-json.ts';
import { nameOf, type Side, Transcript } from './transcript.ts';

/** Where the transcript's lines end. */
const width = 80;

export interface Cast {
  readonly authority: Authority;
  readonly trust: TrustStore;
  readonly server: Credential;
  readonly client: Credential;
}

export interface CheckResult {
  readonly name: string;
  readonly text: string;
  readonly ok: boolean;
}

export class Checks {
  readonly results: CheckResult[] = [];
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  get failed(): number {
    return this.results.filter(({ ok }) => !ok).length;
  }

  check(name: string, text: string, ok: boolean): void {
    this.results.push({ name, text, ok });
  }

  /** A scene that throws has failed, and the next one is played all the same. */
  async during(text: string, scene: () => Promise<void>): Promise<void> {
    try {
      await scene();
    } catch (error) {
      this.#stage.refused(error);
      this.check('completed', text, false);
    }
  }
}

export interface Scene {
  event(event: TraceEvent): void;
  remark(mark: '✓' | '✗', text: string): void;
  end(): void;
}

export interface Stage {
  cast(cast: Cast, ms: number): void;
  /** @param said what goes over the line, in words; absent: a scene that is refused, of which only the end is told. */
  scene(title: string, said?: Readonly<Record<Side, readonly string[]>>): Scene;
  refused(error: unknown): void;
  result(checks: Checks, ms: number): void;
}

const silent: Scene = { event: () => undefined, remark: () => undefined, end: () => undefined };

export class TextStage implements Stage {
  readonly #io: Io;
  readonly #colors: Colors;

  constructor(io: Io, colors: Colors) {
    this.#io = io;
    this.#colors = colors;
  }

  cast(cast: Cast, ms: number): void {
    const { bold, dim, cyan, magenta } = this.#colors;
    const { certificate } = cast.authority.issuer;
    const who = (role: string, name: string, what: string): void =>
      this.#line(`  ${role}  ${name.padEnd(24)}${dim(what)}`);
    this.#line(
      `${bold('Handfast: TLS for TypeScript.')} ${dim(`Three certificates, made in memory in ${duration(ms)}:`)}`,
    );
    who('CA    ', nameOf(certificate), `${keyLabel(certificate.publicKey)}, signs itself, trusted by both`);
    who(magenta('server'), leafName(cast.server.chain), 'signed by the CA');
    who(cyan('client'), leafName(cast.client.chain), 'signed by the CA');
  }

  scene(title: string, said?: Readonly<Record<Side, readonly string[]>>): Scene {
    const { bold } = this.#colors;
    this.#line('');
    this.#line(bold(title));
    if (said === undefined) return silent;
    const words: Record<Side, string[]> = { client: [...said.client], server: [...said.server] };
    const transcript = new Transcript({
      write: (line) => this.#line(line),
      colors: this.#colors,
      describeData: (from) => words[from].shift(),
    });
    transcript.header();
    return {
      event: (event) => transcript.event(event),
      remark: (mark, text) => transcript.remark(mark, text),
      end: () => transcript.flush(),
    };
  }

  refused(error: unknown): void {
    for (const line of explain(error, this.#colors, width)) this.#line(line);
  }

  result(checks: Checks, ms: number): void {
    const { green, red, bold } = this.#colors;
    this.#line('');
    for (const { ok, text, name } of checks.results) {
      this.#line(ok ? `${green('✓')} ${text}` : `${red('✗')} ${text} ${red(`(check failed: ${name})`)}`);
    }
    const total = checks.results.length;
    const verdict =
      checks.failed === 0 ? green(`All ${total} checks hold`) : red(`${checks.failed} of ${total} checks failed`);
    this.#line(bold(`${verdict}, in ${duration(ms)}.`));
  }

  #line(text: string): void {
    this.#io.stdout.write(`${text}\n`);
  }
}

export class JsonStage implements Stage {
  readonly #io: Io;

  constructor(io: Io) {
    this.#io = io;
  }

  cast(cast: Cast, ms: number): void {
    const name = ({ chain }: Credential): string => leafName(chain);
    this.#line({
      event: 'cast',
      authority: nameOf(cast.authority.issuer.certificate),
      server: name(cast.server),
      client: name(cast.client),
      ms: round(ms),
    });
  }

  scene(title: string): Scene {
    this.#line({ event: 'scene', title });
    return {
      event: (event) => this.#line(traceJson(event)),
      remark: () => undefined,
      end: () => undefined,
    };
  }

  refused(error: unknown): void {
    this.#line({ event: 'refused', error: explainJson(error) });
  }

  result(checks: Checks, ms: number): void {
    for (const { name, text, ok } of checks.results) this.#line({ event: 'check', name, text, ok });
    this.#line({
      event: 'result',
      ok: checks.failed === 0,
      checks: checks.results.length,
      failed: checks.failed,
      ms: round(ms),
    });
  }

  #line(value: object): void {
    this.#io.stdout.write(`${JSON.stringify(value)}\n`);
  }
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function leafName(chain: Credential['chain']): string {
  const [leaf] = chain;
  return leaf === undefined ? 'nobody' : nameOf(leaf);
}
