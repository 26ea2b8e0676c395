/**
 * `handfast renew`: once, or for as long as it runs (`--daemon`). A CA that is away is waited for; what only a new token can mend
 * ends it, with words.
 *
 * @module
 */

import { quote } from '@handfast/tls';
import { parseCertificates } from '@handfast/x509';
import { type OutputChoice, print } from '../ca/output.ts';
import { timeText, whenText } from '../cert/layout.ts';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { parsingFile, readFileFor } from '../options.ts';
import { Report } from '../report.ts';
import { parseCaUrl } from './connection.ts';
import { isHookDue, runHook } from './hook.ts';
import { certifiedNames } from './issued.ts';
import { RenewalEnded, type RenewalOutcome, type RenewalTarget, renewOnce } from './renewal.ts';
import { type RenewalState, readState } from './state.ts';
import { realWorld, type World } from './world.ts';

export interface RenewOptions extends OutputChoice {
  readonly cert?: string;
  readonly key?: string;
  readonly url?: string;
  readonly root?: string;
  readonly hook?: string;
  readonly force?: boolean;
  readonly daemon?: boolean;
}

const minuteMs = 60_000;
/** How often the CA is asked whether it wants a renewal sooner. */
const askEveryMs = 6 * 60 * minuteMs;
/** After a failure, doubled with each that follows it, up to the other. */
const retryMs = minuteMs;
const maxRetryMs = 60 * minuteMs;

export async function renewCommand(
  state: string | undefined,
  options: RenewOptions,
  io: Io,
  world: World = realWorld,
): Promise<ExitCode> {
  const target = targetOf(stateOf(state, options), options);
  if (options.daemon === true) return await stay(target, options, io, world);
  const report = new Report(io, options);
  const away = (error: unknown): void => {
    report.error(error);
    report.warning('the CA could not be asked when to renew; by the certificate’s own dates it is not due');
  };
  const force = options.force === true;
  const outcome = await renewOnce(target, { now: world.now(), force, interrupted: io.interrupted, away });
  await runDueHook(target, io);
  tell(outcome, target, options, io, world.now());
  return exitCodes.ok;
}

function stateOf(file: string | undefined, { cert, key, url, root }: RenewOptions): RenewalState {
  if (file !== undefined) {
    if ([cert, key, url, root].every((one) => one === undefined)) return readState(file);
    throw usageError('STATE has files and URL: leave --cert, --key, --url and --root out');
  }
  if (cert === undefined || url === undefined || root === undefined) {
    throw usageError(
      'what is to be renewed?',
      'name the file that handfast enroll has written, NAME.renew.json; or give --cert, --key, --url and --root',
    );
  }
  return { certificate: cert, key: key ?? cert, url, root, hook: undefined };
}

function targetOf(state: RenewalState, { hook }: RenewOptions): RenewalTarget {
  const pem = readFileFor('the root', state.root);
  const [root, second] = parsingFile('the root', state.root, () => parseCertificates(pem));
  if (root === undefined || second !== undefined) {
    throw usageError(`the root ${quote(state.root)} is not one certificate`);
  }
  const { certificate, key } = state;
  return { url: parseCaUrl('the CA’s URL', state.url), root, files: { certificate, key }, hook: hook ?? state.hook };
}

/** Due after a renewal, and where an earlier one of it has failed. */
async function runDueHook({ hook, files }: RenewalTarget, io: Io): Promise<void> {
  if (hook !== undefined && isHookDue(files)) await runHook(hook, files, io);
}

async function stay(target: RenewalTarget, options: RenewOptions, io: Io, world: World): Promise<ExitCode> {
  const report = new Report(io, options);
  const away = (error: unknown): void => report.error(error);
  let force = options.force === true;
  for (let failures = 0; !io.interrupted.aborted; ) {
    let waitMs: number;
    try {
      const outcome = await renewOnce(target, { now: world.now(), force, interrupted: io.interrupted, away });
      force = false;
      report.news(line(outcome, world.now()), outcome.renewed ? 'renewed' : 'waiting', outcomeJson(outcome));
      await runDueHook(target, io);
      failures = 0;
      waitMs = Math.min(askEveryMs, Math.max(minuteMs, outcome.dueAt.getTime() - world.now().getTime()));
    } catch (error) {
      if (io.interrupted.aborted) break;
      if (error instanceof RenewalEnded) throw error;
      report.error(error);
      waitMs = Math.min(maxRetryMs, retryMs * 2 ** failures++);
    }
    // Machines that were set up together do not come together.
    await world.wait(waitMs * (0.9 + 0.2 * world.random()), io.interrupted);
  }
  report.data('stopped', {});
  return exitCodes.ok;
}

function line({ renewed, certificate, dueAt }: RenewalOutcome, now: Date): string {
  const names = certifiedNames(certificate).join(', ');
  if (renewed) return `renewed: ${names}, ends ${whenText(certificate.notAfter, now)}`;
  return `${names} ends ${whenText(certificate.notAfter, now)}; to be renewed ${whenText(dueAt, now)}`;
}

function outcomeJson({ renewed, certificate, dueAt }: RenewalOutcome): object {
  return {
    renewed,
    serial: certificate.serialNumberHex,
    names: certifiedNames(certificate),
    notAfter: timeText(certificate.notAfter),
    dueAt: timeText(dueAt),
  };
}

function tell(outcome: RenewalOutcome, { files, hook }: RenewalTarget, choice: OutputChoice, io: Io, now: Date): void {
  const { renewed, certificate, dueAt } = outcome;
  const names = certifiedNames(certificate).join(', ');
  print(
    { ...outcomeJson(outcome), files },
    {
      heading: renewed ? `Renewed: ${names}` : `Not due: ${names}`,
      fields: [
        ['Serial', certificate.serialNumberHex],
        ['Ends', `${timeText(certificate.notAfter)}, ${whenText(certificate.notAfter, now)}`],
        ['Next', `${timeText(dueAt)}, ${whenText(dueAt, now)}${renewed ? '' : '; --force renews now'}`],
        ['Certificate', files.certificate],
        ...(renewed && hook !== undefined ? [['Hook', 'has run'] as const] : []),
      ],
    },
    choice,
    io,
  );
}
