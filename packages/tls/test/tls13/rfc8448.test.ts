/**
 * Known answers: the traces of RFC 8448, NIST's ACVP sample and OpenSSL's key-derivation steps. RFC 9846 renamed the
 * stages, not the labels: `c hs traffic` and `exp master` are what stands in the traces.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type Bytes, concat, fromHex, toHex } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { fullWebProvider } from '@handfast/crypto/web/full';
import { writeCertificate } from '../../src/messages/certificate.ts';
import { writeCertificateRequest } from '../../src/messages/certificate-request.ts';
import { writeCertificateVerify } from '../../src/messages/certificate-verify.ts';
import { writeClientHello } from '../../src/messages/client-hello.ts';
import { writeEncryptedExtensions } from '../../src/messages/encrypted-extensions.ts';
import { writeEndOfEarlyData } from '../../src/messages/end-of-early-data.ts';
import { writeFinished } from '../../src/messages/finished.ts';
import { type HandshakeMessage, readHandshake } from '../../src/messages/handshake.ts';
import { writeHelloRetryRequest, writeServerHello } from '../../src/messages/server-hello.ts';
import { RecordProtection, type TrafficKey } from '../../src/record/protection13.ts';
import { extensionType, TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384 } from '../../src/registry.ts';
import { EarlySecret, type HandshakeSecret, Kdf } from '../../src/tls13/key-schedule.ts';
import { messages13 } from '../../src/tls13/messages.ts';
import { Transcript } from '../../src/tls13/transcript.ts';

interface Step {
  readonly actor: 'client' | 'server';
  readonly text: string;
  readonly values: readonly { readonly name: string; readonly hex: string }[];
}
interface Trace {
  readonly section: string;
  readonly title: string;
  readonly steps: readonly Step[];
}

const none: Bytes = new Uint8Array(0);
const suite = TLS_AES_128_GCM_SHA256;
const everything: ReadonlySet<number> = Object.assign(new Set<number>(), { has: () => true });
const { sections } = JSON.parse(vector('rfc8448.json.gz')) as { readonly sections: readonly Trace[] };

function vector(name: string): string {
  return gunzipSync(readFileSync(new URL(`../vectors/${name}`, import.meta.url))).toString();
}

/** A step's octets by name. */
function octets(step: Step | undefined, name: string): Bytes {
  const value = step?.values.find((one) => one.name === name);
  assert.ok(value, `“${step?.text}” has no ${name}`);
  return fromHex(value.hex);
}

function has(step: Step, name: string): boolean {
  return step.values.some((one) => one.name === name);
}

function same(actual: Uint8Array, expected: Uint8Array, what?: string): void {
  assert.equal(toHex(actual), toHex(expected), what);
}

/** The handshake messages of a trace, whole and in order. */
function messagesOf({ steps }: Trace): readonly HandshakeMessage[] {
  const out: HandshakeMessage[] = [];
  for (const step of steps) {
    if (!step.text.startsWith('send handshake record')) continue;
    const payload = octets(step, 'payload');
    for (let at = 0; at < payload.length; ) {
      const end =
        at +
        4 +
        (((payload[at + 1] as number) << 16) | ((payload[at + 2] as number) << 8) | (payload[at + 3] as number));
      out.push(readHandshake(messages13, payload.slice(at, end), everything));
      at = end;
    }
  }
  return out;
}

/** The message written again, where it is one that we write. */
function rewritten(message: HandshakeMessage): Bytes | undefined {
  switch (message.type) {
    case 'client_hello':
      return writeClientHello({ ...message, extensions: {}, raw: { first: message.extensionList } });
    case 'server_hello':
      return writeServerHello(message);
    case 'hello_retry_request':
      return writeHelloRetryRequest(message);
    case 'encrypted_extensions':
      return writeEncryptedExtensions(message.extensions);
    case 'certificate':
      return writeCertificate(message.requestContext, message.chain);
    case 'certificate_verify':
      return writeCertificateVerify(message.algorithm, message.signature);
    case 'finished':
      return writeFinished(message.verifyData);
    case 'end_of_early_data':
      return writeEndOfEarlyData();
    case 'certificate_request':
      return writeCertificateRequest(message.requestContext, message.extensions);
    default:
      return undefined;
  }
}

/** The write keys of each side as a trace derives them, one after the other. */
function writeKeysOf(step: Step, { steps }: Trace): Step {
  if (has(step, 'PRK')) return step;
  const level = /for (.*?) \(same/.exec(step.text)?.[1];
  const other = steps.find(
    ({ actor, text, values }) =>
      actor !== step.actor && text.startsWith(`derive read traffic keys for ${level}`) && values.length > 0,
  );
  assert.ok(other, step.text);
  return other;
}

for (const provider of [nodeProvider, fullWebProvider]) {
  const kdf = new Kdf(provider, suite);

  describe(`RFC 8448, provider ${provider.name}`, () => {
    for (const trace of sections) {
      const { section, title, steps } = trace;
      describe(`§${section} ${title}`, () => {
        it('every derivation gives the octets of its step', () => {
          let count = 0;
          for (const step of steps.filter(({ values }) => values.length > 0)) {
            const label = /"tls13 ([^"]+)"/.exec(step.text)?.[1];
            if (step.text.startsWith('extract secret')) {
              const salt = has(step, 'salt') ? octets(step, 'salt') : new Uint8Array(32);
              same(kdf.extract(salt, octets(step, 'IKM')), octets(step, 'secret'), step.text);
            } else if (/traffic keys/.test(step.text)) {
              const { key, iv } = kdf.trafficKey(octets(step, 'PRK'));
              same(key, octets(step, 'key expanded'), step.text);
              same(iv, octets(step, 'iv expanded'), step.text);
            } else if (/finished|binder/.test(step.text)) {
              same(kdf.expandLabel(octets(step, 'PRK'), 'finished', none, 32), octets(step, 'expanded'), step.text);
            } else if (label !== undefined) {
              same(
                kdf.expandLabel(octets(step, 'PRK'), label, octets(step, 'hash'), 32),
                octets(step, 'expanded'),
                step.text,
              );
            } else continue;
            count++;
          }
          assert.ok(count >= 14, `${count} derivations`);
        });

        it('its messages, in order, give its secrets and both Finished', () => {
          const derived = (label: string): Bytes =>
            octets(
              steps.find(({ text, values }) => text.includes(`"tls13 ${label}"`) && values.length > 0),
              'expanded',
            );
          const psk = octets(
            steps.find(({ text }) => text.startsWith('extract secret "early"')),
            'IKM',
          );
          const shared = octets(
            steps.find(({ text, values }) => text.startsWith('extract secret "handshake"') && values.length > 0),
            'IKM',
          );
          const transcript = new Transcript(provider, 'sha256');
          const isEarly = section === '4';
          const early = new EarlySecret(kdf, isEarly ? psk : undefined);
          let handshakeSecret: HandshakeSecret | undefined;
          let traffic = { client: none, server: none };
          let finished = 0;
          for (const message of messagesOf(trace)) {
            if (message.type === 'new_session_ticket') continue;
            if (message.type === 'hello_retry_request') transcript.replaceByMessageHash();
            if (message.type === 'finished') {
              const sender = finished++ === 0 ? 'server' : 'client';
              same(kdf.finished(traffic[sender], transcript.hash()), message.verifyData, `the ${sender}'s Finished`);
            }
            transcript.add(message.raw);
            if (message.type === 'client_hello' && isEarly) {
              same(early.trafficSecret(transcript.hash()), derived('c e traffic'));
            } else if (message.type === 'server_hello') {
              handshakeSecret = early.handshakeSecret(shared);
              traffic = handshakeSecret.trafficSecrets(transcript.hash());
              same(traffic.client, derived('c hs traffic'));
              same(traffic.server, derived('s hs traffic'));
            } else if (message.type === 'finished' && finished === 1) {
              const main = handshakeSecret?.mainSecret() ?? assert.fail('no ServerHello');
              const application = main.trafficSecrets(transcript.hash());
              same(application.client, derived('c ap traffic'));
              same(application.server, derived('s ap traffic'));
              same(main.exporterSecret(transcript.hash()), derived('exp master'));
            }
          }
          assert.equal(finished, 2);
        });

        it('its messages decode, and are written again to the same bytes', () => {
          const messages = messagesOf(trace);
          const expected = steps.filter(({ text, values }) => /^construct a/.test(text) && values.length > 0);
          assert.equal(messages.length, expected.length);
          for (const message of messages) {
            const again = rewritten(message);
            if (again === undefined) assert.equal(message.type, 'new_session_ticket');
            else same(again, message.raw, message.type);
          }
        });

        it('each extension of its hellos is written again to the same bytes', () => {
          for (const hello of messagesOf(trace)) {
            if (hello.type !== 'client_hello') continue;
            const names = Object.keys(hello.extensions) as (keyof typeof hello.extensions)[];
            const decoded = hello.extensionList.filter(({ type }) =>
              names.some((name) => extensionType[name] === type),
            );
            assert.ok(decoded.length >= 6);
            same(
              writeClientHello({ ...hello, raw: {} }),
              writeClientHello({ ...hello, extensions: {}, raw: { first: decoded } }),
            );
          }
        });

        it('its records seal to the same bytes, and open', async () => {
          const keys: Record<'client' | 'server', { seal: RecordProtection; open: RecordProtection } | undefined> = {
            client: undefined,
            server: undefined,
          };
          const contentTypes = { handshake: 22, application_data: 23, alert: 21 } as const;
          let count = 0;
          for (const step of steps) {
            if (step.text.startsWith('derive write traffic keys')) {
              const from = writeKeysOf(step, trace);
              const key: TrafficKey = { key: octets(from, 'key expanded'), iv: octets(from, 'iv expanded') };
              keys[step.actor] = {
                seal: new RecordProtection(provider, suite, key),
                open: new RecordProtection(provider, suite, key),
              };
            }
            const kind = /^send (handshake|application_data|alert) record/.exec(
              step.text,
            )?.[1] as keyof typeof contentTypes;
            const both = keys[step.actor];
            if (kind === undefined || both === undefined) continue;
            const payload = octets(step, 'payload');
            const record = octets(step, 'complete record');
            // A ServerHello after the server's keys is still in the clear.
            if (record[0] !== 23) continue;
            const inner = concat(payload, Uint8Array.of(contentTypes[kind]));
            same(await both.seal.seal(inner), record, step.text);
            const opened = await both.open.open(record.subarray(0, 5), record.subarray(5));
            assert.ok(opened, step.text);
            same(opened, inner, step.text);
            count++;
          }
          assert.ok(count >= 4, `${count} records`);
        });
      });
    }

    it('§4: the binder of its ticket', () => {
      const trace = sections.find(({ section }) => section === '4');
      const step = trace?.steps.find(({ text }) => text.startsWith('calculate PSK binder'));
      const prefix = octets(step, 'ClientHello prefix');
      const hash = new Transcript(provider, 'sha256').add(prefix).hash();
      same(hash, octets(step, 'binder hash'));
      same(kdf.finished(octets(step, 'PRK'), hash), octets(step, 'finished'));
    });
  });

  describe(`ACVP TLS-v1.3, provider ${provider.name}`, () => {
    interface Test {
      readonly tcId: number;
      readonly [name: string]: string | number | undefined;
    }
    const { vectors, expected } = JSON.parse(vector('acvp-tls13.json.gz')) as {
      readonly vectors: {
        readonly testGroups: readonly {
          readonly hmacAlg: string;
          readonly runningMode: string;
          readonly tests: readonly Test[];
        }[];
      };
      readonly expected: { readonly testGroups: readonly { readonly tests: readonly Test[] }[] };
    };
    const answers = new Map(expected.testGroups.flatMap(({ tests }) => tests).map((test) => [test.tcId, test]));
    for (const { hmacAlg, runningMode, tests } of vectors.testGroups) {
      for (const test of tests) {
        it(`tcId ${test.tcId}: ${runningMode}, ${hmacAlg}`, () => {
          const ours = new Kdf(provider, hmacAlg === 'SHA2-384' ? TLS_AES_256_GCM_SHA384 : TLS_AES_128_GCM_SHA256);
          const input = (name: string): Bytes | undefined => {
            const value = test[name];
            return typeof value === 'string' ? fromHex(value) : undefined;
          };
          const answer = (name: string): string => String(answers.get(test.tcId)?.[name]).toLowerCase();
          const transcript = new Transcript(provider, ours.suite.hash);
          const zeros = (): Bytes => new Uint8Array(ours.length);
          const psk = input('psk') ?? zeros();
          transcript.add(input('helloClientRandom') ?? none);
          assert.equal(
            toHex(new EarlySecret(ours, psk).trafficSecret(transcript.hash())),
            answer('clientEarlyTrafficSecret'),
          );
          // We export nothing early.
          const earlySecret = ours.extract(zeros(), psk);
          assert.equal(
            toHex(ours.deriveSecret(earlySecret, 'e exp master', transcript.hash())),
            answer('earlyExporterMasterSecret'),
          );
          transcript.add(input('helloServerRandom') ?? none);
          const handshakeSecret = new EarlySecret(ours, input('psk')).handshakeSecret(input('dhe') ?? zeros());
          const traffic = handshakeSecret.trafficSecrets(transcript.hash());
          assert.equal(toHex(traffic.client), answer('clientHandshakeTrafficSecret'));
          assert.equal(toHex(traffic.server), answer('serverHandshakeTrafficSecret'));
          transcript.add(input('finishedServerRandom') ?? none);
          const main = handshakeSecret.mainSecret();
          const application = main.trafficSecrets(transcript.hash());
          assert.equal(toHex(application.client), answer('clientApplicationTrafficSecret'));
          assert.equal(toHex(application.server), answer('serverApplicationTrafficSecret'));
          assert.equal(toHex(main.exporterSecret(transcript.hash())), answer('exporterMasterSecret'));
        });
      }
    }
  });

  it(`OpenSSL's TLS13-KDF steps, provider ${provider.name}`, () => {
    let count = 0;
    for (const block of vector('openssl-tls13-kdf.txt.gz').split(/\n\s*\n/)) {
      // The blocks at the end try OpenSSL's parameters (other hashes, FIPS rules), not the derivation.
      if (!/^KDF = TLS13-KDF\nCtrl\.mode[^\n]*\nCtrl\.digest = digest:SHA2-(256|384)$/m.test(block)) continue;
      if (!block.includes('\nOutput = ') || block.includes('FIPSversion')) continue;
      const field = (name: string): string | undefined =>
        new RegExp(`^Ctrl\\.${name} = (?:hex)?${name}:(.*)$`, 'm').exec(block)?.[1];
      const hex = (name: string): Bytes | undefined => {
        const value = field(name);
        return value === undefined ? undefined : fromHex(value);
      };
      const ours = new Kdf(provider, field('digest') === 'SHA2-384' ? TLS_AES_256_GCM_SHA384 : TLS_AES_128_GCM_SHA256);
      const zeros = new Uint8Array(ours.length);
      const label = Buffer.from(hex('label') ?? none).toString();
      const salt = hex('salt');
      const made =
        field('mode') === 'EXTRACT_ONLY'
          ? ours.extract(
              salt === undefined ? zeros : ours.deriveSecret(salt, label, ours.emptyHash()),
              hex('key') ?? zeros,
            )
          : ours.expandLabel(hex('key') ?? none, label, hex('data') ?? none, ours.length);
      assert.equal(toHex(made), /^Output = (.*)$/m.exec(block)?.[1], block);
      count++;
    }
    assert.equal(count, 561);
  });
}
