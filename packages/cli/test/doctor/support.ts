/**
 * Broken servers for the doctor: certificates of every kind, relays that spoil what passes, and a diagnosis of what stands
 * on a port.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Signer } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import type { Credential } from '@handfast/tls';
import { type Certificate, type IssueOptions, issueCertificate, toPem, trustStore } from '@handfast/x509';
import { dial } from '../../src/dial.ts';
import type { Certainty, Side } from '../../src/doctor/causes/cause.ts';
import type { Finding } from '../../src/doctor/diagnose.ts';
import { type DoctorOptions, doctor } from '../../src/doctor/doctor.ts';
import type { DoctorWorld } from '../../src/doctor/world.ts';
import { Output } from '../support/io.ts';
import { tcpServer } from '../support/net.ts';
import { assertDiagnosis } from '../support/schema.ts';

/** The name that broken servers are asked for. */
export const host = 'shop.doctor-test.net';
const dayMs = 86_400_000;
export const now: number = Date.now();
export const days = (count: number): Date => new Date(now + count * dayMs);

export interface Ca {
  readonly certificate: Certificate;
  readonly signer: Signer;
}

const validFor = { notBefore: days(-30), notAfter: days(300) };

/** A CA; a root unless an issuer with a certificate is given, and over its key where that is all. */
export async function makeCa(
  commonName: string,
  issuer?: Ca | { readonly signer: Signer },
  more: Partial<IssueOptions> = {},
): Promise<Ca> {
  const own = issuer !== undefined && !('certificate' in issuer);
  const { signer } = own ? issuer : await provider.generateKeyPair('secp256r1');
  const certificate = await issueCertificate({
    provider,
    subject: { commonName },
    publicKey: signer.publicKey,
    issuer: issuer ?? { signer },
    ca: true,
    unverifiable: true,
    ...validFor,
    ...more,
  });
  return { certificate, signer };
}

/** A server's certificate for `host`, or as `more` has it; with the chain above it. */
export async function makeServer(
  issuer: Ca | undefined,
  more: Partial<IssueOptions> = {},
  above: readonly Certificate[] = [],
): Promise<Credential> {
  const { signer } = await provider.generateKeyPair('secp256r1');
  const leaf = await issueCertificate({
    provider,
    subject: { commonName: 'a server' },
    publicKey: signer.publicKey,
    issuer: issuer ?? { signer },
    names: [host],
    extendedKeyUsage: ['serverAuth'],
    unverifiable: true,
    ...validFor,
    ...more,
  });
  return { chain: [leaf, ...above], signer };
}

export interface Scratch {
  /** The path of a file with these certificates. */
  file(name: string, ...certificates: readonly Certificate[]): string;
  key(name: string, pkcs8: Uint8Array): string;
  remove(): void;
}

export function scratch(): Scratch {
  const directory = mkdtempSync(join(tmpdir(), 'handfast-doctor-'));
  const write = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };
  return {
    file: (name, ...certificates) => write(name, certificates.map(({ raw }) => toPem('CERTIFICATE', raw)).join('')),
    key: (name, pkcs8) => write(name, toPem('PRIVATE KEY', pkcs8)),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** What most tests begin with. */
export interface Authorities {
  readonly files: Scratch;
  readonly root: Ca;
  /** Issued by the root. */
  readonly issuing: Ca;
  /** A server that nothing is wrong with. */
  readonly good: Credential;
  /** The file of the root. */
  readonly ca: string;
}

export async function authorities(): Promise<Authorities> {
  const files = scratch();
  const root = await makeCa('Doctor Test Root');
  const issuing = await makeCa('Doctor Test Issuing CA', root);
  return { files, root, issuing, good: await makeServer(root), ca: files.file('root.pem', root.certificate) };
}

/** What is set up, and what the doctor says first of it. */
export interface Expected {
  readonly is: string;
  readonly cause: string;
  readonly side: Side;
  readonly certainty: Certainty;
}

/** What a diagnosis prints with `--json`. */
export interface Told {
  readonly exitCode: number;
  readonly healthy: boolean;
  readonly problems: readonly Finding[];
  readonly notes: readonly Finding[];
  readonly attempts: readonly {
    readonly probe: string;
    readonly connected: boolean;
    readonly failure: { readonly step: string } | null;
  }[];
  readonly text: string;
}

/** Nothing is fetched, the public roots are nobody, and whoever is silent is waited for long: tests say what differs. */
export function worldOf(changes: Partial<DoctorWorld> = {}): DoctorWorld {
  return {
    dial,
    fetch: undefined,
    now: () => new Date(now),
    patience: (wait) => (wait === 'banner' ? 30 : 20_000),
    publicRoots: () => trustStore([]),
    ...changes,
  };
}

/** For servers that stay silent: nothing comes of waiting, so little is waited. */
export const impatient: Pick<DoctorWorld, 'patience'> = { patience: () => 60 };

/** What the doctor says of a port, asked for as `host`. */
export async function diagnosisOf(
  port: number,
  options: Partial<DoctorOptions> = {},
  world: Partial<DoctorWorld> = {},
  target: string = host,
): Promise<Told> {
  const text = await output(port, { json: true, ...options }, world, target);
  const told: unknown = JSON.parse(text.text);
  assertDiagnosis(told);
  return { ...(told as Omit<Told, 'exitCode' | 'text'>), ...text };
}

export async function output(
  port: number,
  options: Partial<DoctorOptions>,
  world: Partial<DoctorWorld> = {},
  target: string = host,
): Promise<{ readonly exitCode: number; readonly text: string }> {
  const stdout = new Output();
  const { stream } = new Output();
  const io = {
    stdin: stream,
    stdout: stdout.stream,
    stderr: stream,
    env: {},
    interrupted: new AbortController().signal,
  };
  const to = { connectTo: `127.0.0.1:${port}`, timeout: '10', ...options };
  const exitCode = await doctor(target, to, io, worldOf(world));
  return { exitCode, text: stdout.text };
}

/** That the first problem is this one, on this side. */
export function assertTold(told: Told, cause: string, side: Side, certainty?: Certainty): void {
  const [first] = told.problems;
  assert.deepEqual({ cause: first?.id, side: first?.side }, { cause, side }, told.text);
  if (certainty !== undefined) assert.equal(first?.certainty, certainty);
  assert.equal(told.exitCode, 1);
  assert.match(first?.says ?? '', /^\S.*\.$/s);
}

export interface Listener {
  readonly port: number;
  close(): void;
}

/** What a relay does with the client's first bytes (the hello), and with each chunk of the server's. */
export interface Spoiling {
  /** What goes on to the server in place of the hello; null: this connection is not served, `socket` was told why. */
  readonly hello?: (hello: Buffer, socket: Socket, count: number) => Buffer | null;
  /** What goes on to the server of what the client sends later; null: it is dropped. */
  readonly client?: (chunk: Buffer) => Buffer | null;
  /** What goes on to the client; null: it is dropped. */
  readonly server?: (chunk: Buffer, socket: Socket, hello: Buffer) => Buffer | null;
}

/** Something between client and server. */
export async function relay(behind: Listener, { hello, client, server }: Spoiling): Promise<Listener> {
  let count = 0;
  const front = await tcpServer((socket) => {
    count++;
    const order = count;
    socket.once('data', (first: Buffer) => {
      const changed = hello === undefined ? first : hello(first, socket, order);
      if (changed === null) return;
      const onward = connectTcp({ host: '127.0.0.1', port: behind.port, allowHalfOpen: true, noDelay: true });
      onward.on('error', () => socket.destroy());
      socket.once('close', () => onward.destroy());
      onward.write(changed);
      socket.on('data', (chunk: Buffer) => {
        const passed = client === undefined ? chunk : client(chunk);
        if (passed !== null) onward.write(passed);
      });
      onward.on('data', (chunk: Buffer) => {
        const passed = server === undefined ? chunk : server(chunk, socket, first);
        if (passed !== null && !socket.destroyed) socket.write(passed);
      });
      socket.once('end', () => onward.end());
      onward.once('end', () => socket.end());
    });
  });
  return {
    port: front.port,
    close: () => {
      front.close();
      behind.close();
    },
  };
}

/** A fatal alert in plaintext. */
export function alertRecord(description: number): Buffer {
  return Buffer.from([21, 3, 3, 0, 2, 2, description]);
}

/** A server that answers whatever comes first with these bytes, and closes. */
export function answering(bytes: Uint8Array | string): Promise<Listener> {
  return tcpServer((socket) => {
    socket.once('data', () => socket.end(bytes));
  });
}
