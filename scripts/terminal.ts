/**
 * `npm run terminal`: docs/terminal-explain.svg and docs/terminal-doctor.svg, from what the command really prints on a terminal of 96
 * columns. It talks to servers of its own on loopback, which have a certificate for `shop.example`: the option that leads there
 * (`--connect-to`) and the one with their CA (`--ca`) are all that the pictures' first line leaves out.
 *
 * @module
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { nodeProvider as provider } from '@handfast/crypto/node';
import type { Credential } from '@handfast/tls';
import { createServer } from '@handfast/tls/node';
import { issueCertificate, issueRoot, issueServerCertificate, toPem } from '@handfast/x509';
import { run } from '../packages/cli/src/run.ts';
import { terminalSvg } from './terminal-svg.ts';

const columns = 96;
const name = 'shop.example';
const dayMs = 86_400_000;

/** A server's certificate that a root signed by way of an intermediate, good for some days from now, and from 90 days before that. */
async function chainFor(days: number): Promise<{ readonly root: string; readonly credential: Credential }> {
  const signer = async () => (await provider.generateKeyPair('secp256r1')).signer;
  const daysFromNow = (count: number): Date => new Date(Date.now() + count * dayMs);
  const long = { notBefore: daysFromNow(-300), notAfter: daysFromNow(3000) };
  const [rootKey, middleKey, ownKey] = [await signer(), await signer(), await signer()];
  const root = await issueRoot({ provider, subject: { commonName: 'Example Root' }, signer: rootKey, ...long });
  const middle = await issueCertificate({
    ...{ provider, subject: { commonName: 'Example CA 1' }, publicKey: middleKey.publicKey, ca: true, ...long },
    issuer: { certificate: root, signer: rootKey },
  });
  const leaf = await issueServerCertificate({
    ...{ provider, subject: { commonName: name }, names: [name], publicKey: ownKey.publicKey },
    ...{
      issuer: { certificate: middle, signer: middleKey },
      notBefore: daysFromNow(days - 90),
      notAfter: daysFromNow(days),
    },
  });
  return { root: toPem('CERTIFICATE', root.raw), credential: { chain: [leaf, middle], signer: ownKey } };
}

/** What a command prints, on a terminal with colours. */
async function printed(argv: readonly string[]): Promise<readonly string[]> {
  let text = '';
  const terminal = (): Writable =>
    Object.assign(
      new Writable({
        write(chunk, _, done) {
          text += String(chunk);
          done();
        },
      }),
      { isTTY: true, columns },
    );
  const io = { stdin: Readable.from([]), stdout: terminal(), stderr: terminal(), env: {} };
  await run(argv, { ...io, interrupted: new AbortController().signal });
  return text.trimEnd().split('\n');
}

/** A server with such a certificate, while a command runs. */
async function against(days: number, argv: readonly string[]): Promise<readonly string[]> {
  const { root, credential } = await chainFor(days);
  const folder = mkdtempSync(join(tmpdir(), 'handfast-terminal-'));
  const server = createServer({ credentials: [credential] }, (socket) => {
    socket.on('error', () => {});
    socket.end('HTTP/1.1 204 No Content\r\n\r\n');
  });
  server.on('tlsClientError', () => {});
  try {
    const ca = join(folder, 'root.pem');
    writeFileSync(ca, root);
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    return await printed([...argv, '--ca', ca, '--connect-to', `127.0.0.1:${port}`]);
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
}

const dollar = '\u001b[32m$\u001b[39m';
const gap = '\u001b[2m         ⋮\u001b[22m';

/** From the first line that has these words up to the one that has those. */
function between(lines: readonly string[], from: string, to: string): readonly string[] {
  const start = lines.findIndex((line) => line.includes(from));
  const end = lines.findIndex((line, place) => place > start && line.includes(to));
  if (start < 0 || end < 0) throw new Error(`there is no “${from}” and “${to}” behind it:\n${lines.join('\n')}`);
  return lines.slice(start, end);
}

export interface Picture {
  readonly file: string;
  readonly svg: string;
}

/** Both pictures, made now. */
export async function pictures(): Promise<readonly Picture[]> {
  const explained = await against(-3, ['connect', `${name}:443`, '--explain', '--quiet']);
  const diagnosed = await against(-3, ['doctor', name, '--no-fetch']);
  const explain = [
    `${dollar} handfast connect ${name}:443 --explain`,
    '',
    ...between(explained, 'ClientHello', 'legacy_session_id'),
    gap,
    '',
    ...between(explained, 'ServerHello', 'legacy_version'),
    gap,
    ...between(explained, 'chosen', 'EncryptedExtensions').slice(0, -1),
    gap,
    ...explained.slice(explained.findIndex((line) => line.includes('CertificateVerify')) - 1),
  ];
  const draw = (file: string, lines: readonly string[], title: string): Picture => ({
    ...{ file, svg: terminalSvg(lines, columns, title) },
  });
  return [
    draw(
      'terminal-explain.svg',
      explain,
      'A terminal: handfast connect --explain tells each message in words, and why the certificate is refused.',
    ),
    draw(
      'terminal-doctor.svg',
      [`${dollar} handfast doctor ${name}`, '', ...diagnosed],
      'A terminal: handfast doctor says that the certificate has expired, whose fault it is, and what to do.',
    ),
  ];
}

if (import.meta.main) {
  for (const { file, svg } of await pictures()) {
    writeFileSync(fileURLToPath(new URL(`../docs/${file}`, import.meta.url)), svg);
    process.stdout.write(`docs/${file} is drawn\n`);
  }
}
