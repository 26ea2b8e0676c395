/**
 * What `ca serve` measures, for Prometheus: counted from the log's events, and looked up when somebody asks. What others do beside it, as
 * `ca issue` does, is in the database alone.
 *
 * @module
 */

import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { AcmeEvent } from '@handfast/ca';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { dayMs } from '../../authority.ts';
import { CliError, exitCodes } from '../../exit.ts';
import type { OpenCa } from '../open.ts';
import type { Tally } from './report.ts';

export interface Metrics {
  count(event: AcmeEvent): void;
  /** Prometheus' text format. */
  text(): Promise<string>;
  readonly contentType: string;
  close(): void;
}

/** How soon what is counted as expiring ends, in days. */
const horizons = [1, 7, 30];

export interface MetricsOptions {
  /** What the server's report counts. */
  readonly tally: Tally;
  /** Told when figures cannot be had from the database, once until they can. */
  readonly failed: (error: unknown) => void;
  readonly now?: () => number;
  readonly waitMs?: number;
}

/** Who asks for figures gets those that there are: the database is waited for no longer. */
const patienceMs = 3000;

export function openMetrics(ca: Pick<OpenCa, 'database' | 'authority'>, options: MetricsOptions): Metrics {
  const { tally, failed, now = Date.now, waitMs = patienceMs } = options;
  const register = new Registry();
  const registers = [register];
  const orders = new Counter({
    name: 'handfast_ca_orders_total',
    help: 'ACME orders: made, and what came of them',
    labelNames: ['status'],
    registers,
  });
  const issued = new Counter({
    name: 'handfast_ca_acme_certificates_total',
    help: 'Certificates issued to ACME clients, by profile',
    labelNames: ['profile'],
    registers,
  });
  const refused = new Counter({
    name: 'handfast_ca_refusals_total',
    help: 'Requests of ACME clients that were refused, by the type of the problem',
    labelNames: ['problem'],
    registers,
  });
  const revoked = new Counter({
    name: 'handfast_ca_acme_revocations_total',
    help: 'Certificates that ACME clients have revoked',
    registers,
  });
  addTally(tally, registers);
  const validations = new Histogram({
    name: 'handfast_ca_validation_seconds',
    help: 'Validations of ACME challenges, by type and outcome',
    labelNames: ['type', 'outcome'],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10],
    registers,
  });
  const lag = monitorEventLoopDelay({ resolution: lagResolutionMs });
  lag.enable();
  addLag(lag, registers);
  const lookUps = [crlAges(ca, registers, now), expiring(ca, registers, now), issuances(ca, registers, now)].map(
    (lookUp) => bounded(lookUp, waitMs),
  );
  let failing = false;
  const up = new Gauge({
    name: 'handfast_ca_database_up',
    help: 'Whether the database answered what these figures are read from',
    registers,
  });
  const database = new Gauge({
    name: 'handfast_ca_database_seconds',
    help: 'How long the database took to answer what these figures are read from',
    registers,
  });
  const [{ name: usual = '' } = {}] = ca.authority.profiles;
  return {
    contentType: register.contentType,
    count(event) {
      switch (event.event) {
        case 'new order':
          orders.inc({ status: 'new' });
          break;
        case 'order':
          orders.inc({ status: event.status });
          if (event.status === 'valid') issued.inc({ profile: event.profile ?? usual });
          break;
        case 'validation': {
          const outcome = event.failure === undefined ? 'valid' : outcomeText(event.failure);
          validations.observe({ type: event.type, outcome }, event.ms / 1000);
          break;
        }
        case 'refused':
          refused.inc({ problem: event.problem });
          break;
        case 'revoked':
          revoked.inc();
          break;
        // Whatever is an error is counted where it is told of.
        case 'error':
        case 'account':
          break;
      }
    },
    async text() {
      const started = performance.now();
      const failure = (await Promise.all(lookUps.map((lookUp) => lookUp()))).find((one) => one !== undefined);
      if (failure !== undefined && !failing) failed(failure);
      failing = failure !== undefined;
      up.set(failing ? 0 : 1);
      database.set((performance.now() - started) / 1000);
      return await register.metrics();
    },
    close() {
      lag.disable();
      register.clear();
    },
  };
}

/** Figures that are looked up when they are asked for. */
interface LookUp {
  look(): Promise<void>;
  /** Old figures are worse than none. */
  forget(): void;
}

/** Whoever comes while figures are looked up gets the same; answers why there are none. */
function bounded({ look, forget }: LookUp, waitMs: number): () => Promise<Error | undefined> {
  let pending: Promise<Error | undefined> | undefined;
  return async () => {
    pending ??= outcomeOf(look).finally(() => {
      pending = undefined;
    });
    const { promise: late, resolve } = Promise.withResolvers<Error>();
    const timer = setTimeout(() => resolve(lateError(waitMs)), waitMs);
    const failure = await Promise.race([pending, late]);
    clearTimeout(timer);
    if (failure !== undefined) forget();
    return failure;
  };
}

async function outcomeOf(look: () => Promise<void>): Promise<Error | undefined> {
  try {
    await look();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function lateError(waitMs: number): CliError {
  return new CliError(
    exitCodes.failed,
    `the database has not answered within ${waitMs} ms: there are no figures of it`,
  );
}

/** `dns`, `connection`, …: what the client is told. */
function outcomeText(failure: Error): string {
  return 'type' in failure && typeof failure.type === 'string' ? failure.type : 'serverInternal';
}

function addTally(tally: Tally, registers: Registry[]): void {
  new Counter({
    name: 'handfast_ca_errors_total',
    help: 'Errors of the CA itself',
    registers,
    collect() {
      this.reset();
      this.inc(tally.errors);
    },
  });
  new Counter({
    name: 'handfast_ca_unwritten_total',
    help: 'What stdout or stderr did not take of the log',
    labelNames: ['stream'],
    registers,
    collect() {
      this.reset();
      for (const [stream, times] of Object.entries(tally.unwritten)) this.inc({ stream }, times);
    },
  });
}

const lagResolutionMs = 20;

/** Of nanoseconds between two ticks of the timer that measures: seconds beyond what it was set to. */
function late(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - lagResolutionMs / 1000);
}

function addLag(lag: ReturnType<typeof monitorEventLoopDelay>, registers: Registry[]): void {
  new Gauge({
    name: 'handfast_ca_event_loop_lag_seconds',
    help: 'How late the event loop was since these figures were last asked for',
    labelNames: ['quantile'],
    registers,
    collect() {
      for (const quantile of [50, 99]) this.set({ quantile: `0.${quantile}` }, late(lag.percentile(quantile)));
      this.set({ quantile: '1' }, late(lag.max));
      lag.reset();
    },
  });
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
}

type Ca = Pick<OpenCa, 'database'>;

function crlAges({ database }: Ca, registers: Registry[], now: () => number): LookUp {
  const labelNames = ['issuer'] as const;
  const age = new Gauge({
    name: 'handfast_ca_crl_age_seconds',
    help: 'How long ago the complete list of an issuer was made',
    labelNames,
    registers,
  });
  const left = new Gauge({
    name: 'handfast_ca_crl_left_seconds',
    help: 'How long the complete list of an issuer is good still',
    labelNames,
    registers,
  });
  const forget = (): void => {
    age.reset();
    left.reset();
  };
  const look = async (): Promise<void> => {
    const rows = await database.all(
      `SELECT issuer_id, max(this_update) AS made, max(next_update) AS until FROM crls WHERE scope = 'complete'
       GROUP BY issuer_id`,
    );
    forget();
    for (const { issuer_id, made, until } of rows) {
      const issuer = String(issuer_id);
      age.set({ issuer }, (now() - Number(made)) / 1000);
      left.set({ issuer }, (Number(until) - now()) / 1000);
    }
  };
  return { look, forget };
}

function expiring({ database }: Ca, registers: Registry[], now: () => number): LookUp {
  const gauge = new Gauge({
    name: 'handfast_ca_certificates_expiring',
    help: 'Certificates that are good, and end within so many days',
    labelNames: ['days'],
    registers,
  });
  const look = async (): Promise<void> => {
    for (const days of horizons) {
      const [row] = await database.all(
        `SELECT count(*) AS ending FROM certificates
         WHERE not_after > $1 AND not_after <= $2 AND revoked_at IS NULL AND state = 'issued'`,
        [now(), now() + days * dayMs],
      );
      gauge.set({ days: String(days) }, Number(row?.ending ?? 0));
    }
  };
  return { look, forget: () => gauge.reset() };
}

/** So long after a certificate was begun it is counted: by then it is recorded, or never will be. */
const recordedWithinMs = 30_000;

/** Who asked for a certificate, by how its record names them. */
const requesters = [
  ['acme', 'acme account %'],
  ['enrolment', 'enrolment %'],
  ['operator', 'operator %'],
] as const;

function issuances({ database }: Ca, registers: Registry[], now: () => number): LookUp {
  const counter = new Counter({
    name: 'handfast_ca_certificates_total',
    help: 'Certificates issued since this server began, here or elsewhere on its database, by who asked for them: half a minute late',
    labelNames: ['by', 'profile'],
    registers,
  });
  const cases = requesters.map(([who, pattern]) => `WHEN issued_by LIKE '${pattern}' THEN '${who}'`).join(' ');
  let counted = now() - recordedWithinMs;
  const look = async (): Promise<void> => {
    const until = Math.max(counted, now() - recordedWithinMs);
    const rows = await database.all(
      `SELECT CASE ${cases} ELSE 'authority' END AS requester, profile, count(*) AS number FROM certificates
       WHERE issued_at > $1 AND issued_at <= $2 AND state = 'issued' GROUP BY 1, 2`,
      [counted, until],
    );
    counted = until;
    for (const { requester, profile, number } of rows) {
      counter.inc({ by: String(requester), profile: String(profile) }, Number(number));
    }
  };
  // What was counted stays so; the rest is counted when the database answers again.
  return { look, forget: () => undefined };
}
