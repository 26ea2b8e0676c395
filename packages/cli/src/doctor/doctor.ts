/**
 * `handfast doctor`: options in, diagnosis out.
 *
 * @module
 */

import { isAddress, parseProxy } from '../dial.ts';
import { CliError, type ExitCode, exitCodes, usageError } from '../exit.ts';
import { credentialFiles, systemTrust, trustFile } from '../identity.ts';
import { colorsFor, type Io, widthOf } from '../io.ts';
import { parseHostPort, parseList, parseSeconds } from '../options.ts';
import type { ReachOptions } from '../reach.ts';
import { dialogues } from '../starttls/index.ts';
import { diagnose } from './diagnose.ts';
import { type Examination, examine } from './examine.ts';
import { diagnosisJson } from './json.ts';
import { Offers } from './offers.ts';
import { render } from './render.ts';
import { type DoctorWorld, realWorld } from './world.ts';

/** As commander gives them. */
export interface DoctorOptions extends Omit<ReachOptions, 'legacy'> {
  readonly fetch?: boolean;
  readonly json?: boolean;
  readonly color?: boolean;
}

/** Exits with 0 where nothing is wrong, with 1 where something is. */
export async function doctor(text: string, options: DoctorOptions, io: Io, given?: DoctorWorld): Promise<ExitCode> {
  const world = given ?? realWorld(parseSeconds(options.timeout), options.fetch !== false);
  const examination = await prepare(text, options, io, world);
  const evidence = await examine(examination, world).catch((error: unknown) => {
    throw io.interrupted.aborted ? new CliError(exitCodes.interrupted, 'interrupted') : error;
  });
  const diagnosis = diagnose(evidence);
  const lines = options.json
    ? [diagnosisJson(diagnosis, evidence)]
    : render(diagnosis, evidence, colorsFor(io.stdout, io.env, options.color ?? true), widthOf(io.stdout));
  for (const line of lines) io.stdout.write(`${line}\n`);
  return diagnosis.healthy ? exitCodes.ok : exitCodes.failed;
}

/** Ports on which the server speaks first, or HTTP would be taken amiss. */
const notHttp: ReadonlySet<number> = new Set([465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 5223, 5432, 6697]);

/** Everything that can be wrong with the options is found before anything is sent. */
async function prepare(text: string, options: DoctorOptions, io: Io, world: DoctorWorld): Promise<Examination> {
  const dialogue = options.starttls === undefined ? undefined : dialogues.get(options.starttls);
  const target = parseHostPort(text, dialogue?.defaultPort ?? 443);
  const alpn = options.alpn === undefined ? [] : parseList(options.alpn);
  const asked = options.servername ?? target.host;
  const name = asked.endsWith('.') ? asked.slice(0, -1) : asked;
  if (name === '')
    throw usageError('--servername is empty', 'an address as the host is verified as one, and never sent');
  const credential = await credentialFiles(options.cert, options.key);
  const offers = await Offers.of({
    negotiation: options,
    alpn,
    credential,
    serverName: isAddress(name) ? undefined : name,
    now: world.now,
  });
  return {
    target: {
      ...target,
      name,
      isAddress: isAddress(name),
      trailingDot: asked !== name,
      startTls: options.starttls,
      alpn,
      limited: limits.some((option) => options[option] !== undefined),
      ownTrust: options.ca !== undefined,
    },
    route: {
      via: options.connectTo === undefined ? target : parseHostPort(options.connectTo, target.port),
      family: options.ipv4 ? 4 : options.ipv6 ? 6 : undefined,
      proxy: options.proxy === undefined ? undefined : parseProxy(options.proxy),
      dialogue,
      host: isAddress(name) ? target.host : name,
      asksHttp:
        dialogue === undefined && !notHttp.has(target.port) && !alpn.some((protocol) => protocol !== 'http/1.1'),
      interrupted: io.interrupted,
    },
    offers,
    trust: options.ca === undefined ? systemTrust() : trustFile('--ca', options.ca),
  };
}

const limits = ['groups', 'ciphers', 'signatureSchemes', 'minVersion', 'maxVersion'] as const;
