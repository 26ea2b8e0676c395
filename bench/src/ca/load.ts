/**
 * The load of the CA's rows, in a process of its own: lanes that order one certificate after another, and the web server that
 * answers their challenges. For `startChild`.
 *
 * @module
 */

import { once } from 'node:events';
import { createServer } from 'node:http';
import { Agent } from 'node:https';
import type { AddressInfo } from 'node:net';
import { nodeProvider } from '@handfast/crypto/node';
import { issueRequest } from '@handfast/x509';
import { serve } from '../children.ts';
import { AcmeClient } from './client.ts';

export interface Target {
  readonly directory: string;
  /** PEM. */
  readonly root: string;
}

export interface Work extends Target {
  /** Orders under way at a time. */
  readonly lanes: number;
  /** Whichever comes first. */
  readonly milliseconds?: number;
  readonly orders?: number;
  /** Unless set, each order is for a name of its own below `localhost`; otherwise for this one. */
  readonly name?: string;
}

export interface Done {
  readonly milliseconds: number;
  /** Of each order, from new order to certificate. */
  readonly took: readonly number[];
  readonly requests: number;
  /** What all of this process, the web server included, took of the processor's time. */
  readonly cpuMs: number;
}

/** What challenges ask for, until their orders are done: Pebble asks three times. */
const answers = new Map<string, string>();
const web = createServer((request, response) => {
  const token = request.url?.split('/').at(-1) ?? '';
  const answer = answers.get(token);
  response.writeHead(answer === undefined ? 404 : 200).end(answer);
}).listen(0, '127.0.0.1');
const listening = once(web, 'listening');

/** Of a target, with their connections open. */
const clients = new Map<string, AcmeClient[]>();

const key = nodeProvider.generateKeyPair('secp256r1');
const requestsMade = new Map<string, string>();
let serial = 0;

async function csrFor(name: string): Promise<string> {
  const made = requestsMade.get(name);
  if (made !== undefined) return made;
  const { signer } = await key;
  const { raw } = await issueRequest({ provider: nodeProvider, signer, subject: {}, names: [name] });
  return Buffer.from(raw).toString('base64url');
}

async function clientsFor({ directory, root }: Target, lanes: number): Promise<readonly AcmeClient[]> {
  const all = clients.get(directory) ?? [];
  clients.set(directory, all);
  while (all.length < lanes) {
    const client = new AcmeClient(new Agent({ keepAlive: true, maxSockets: 1, ca: root }));
    await client.register(directory);
    all.push(client);
  }
  return all.slice(0, lanes);
}

const services = {
  /** Where challenges are answered. */
  async webPort(_: undefined): Promise<number> {
    await listening;
    return (web.address() as AddressInfo).port;
  },
  async run(work: Work): Promise<Done> {
    const { lanes, milliseconds = Number.POSITIVE_INFINITY, orders = Number.POSITIVE_INFINITY, name } = work;
    const all = await clientsFor(work, lanes);
    if (name !== undefined) requestsMade.set(name, await csrFor(name));
    const took: number[] = [];
    let begun = 0;
    const requestsOf = (): number => all.reduce((sum, client) => sum + client.requests, 0);
    const before = requestsOf();
    const cpu = process.cpuUsage();
    const start = performance.now();
    const lane = async (client: AcmeClient): Promise<void> => {
      while (performance.now() - start < milliseconds && begun < orders) {
        begun++;
        const own = name ?? `host-${process.pid}-${++serial}.bench.localhost`;
        const csr = await csrFor(own);
        const from = performance.now();
        const tokens: string[] = [];
        await client.order(own, csr, (token, answer) => {
          answers.set(token, answer);
          tokens.push(token);
        });
        took.push(performance.now() - from);
        for (const token of tokens) answers.delete(token);
      }
    };
    await Promise.all(all.map(lane));
    const { user, system } = process.cpuUsage(cpu);
    return {
      milliseconds: performance.now() - start,
      took,
      requests: requestsOf() - before,
      cpuMs: (user + system) / 1000,
    };
  },
};

export type LoadServices = typeof services;

serve(services);
