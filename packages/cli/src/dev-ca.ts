/**
 * The development CA: made once, kept in the user's data directory, so that whoever trusts it once trusts every server
 * that `handfast serve` starts. Its key is readable by the user alone; leaves live in memory and are never written.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { equalBytes, type LegacyCryptography, wipe } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import type { Credential } from '@handfast/tls';
import { type Certificate, type Issuer, parseCertificates, parsePrivateKey, toPem } from '@handfast/x509';
import { dayMs, issueServer, makeAuthority } from './authority.ts';
import { usageError } from './exit.ts';
import type { Io } from './io.ts';
import { parsingFile, readFileFor } from './options.ts';
import { shellQuoted } from './shell.ts';

const caDays = 5 * 365;
/** Browsers take at most 398 days from a public CA, and are going to 47; 90 is what `serve` promises. */
const leafDays = 90;
/** A leaf is replaced, in a server that runs on, when so much of its life is left. */
const renewBeforeMs = 30 * dayMs;

export interface DevelopmentCa {
  readonly issuer: Required<Issuer> & { readonly certificate: Certificate };
  /** What others are told to trust. */
  readonly certificateFile: string;
  /** Whether it was made just now. */
  readonly created: boolean;
}

/** `$XDG_DATA_HOME/handfast`, or where this platform keeps such things. */
export function dataDirectory(env: Io['env'], platform: string = process.platform): string {
  const xdg = env.XDG_DATA_HOME;
  if (xdg?.startsWith('/')) return join(xdg, 'handfast');
  const home = env.HOME ?? homedir();
  if (platform === 'win32') return join(env.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), 'handfast');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'handfast');
  return join(home, '.local', 'share', 'handfast');
}

/** The CA of a directory; made there where there is none, or where it cannot sign for long. */
export async function developmentCa(directory: string, now: Date): Promise<DevelopmentCa> {
  const certificateFile = join(directory, 'ca.pem');
  if (existsSync(certificateFile)) {
    const issuer = await load(directory);
    if (issuer.certificate.notAfter.getTime() - now.getTime() > leafDays * dayMs) {
      return { issuer, certificateFile, created: false };
    }
    renameSync(directory, `${directory}.until-${issuer.certificate.notAfter.toISOString().slice(0, 10)}`);
  }
  await make(directory, now);
  // Another process may have been faster: what lies there now counts.
  return { issuer: await load(directory), certificateFile, created: true };
}

async function load(directory: string): Promise<DevelopmentCa['issuer']> {
  const [certificateFile, keyFile] = [join(directory, 'ca.pem'), join(directory, 'ca-key.pem')];
  const what = 'the development CA’s file';
  const [certificate] = parsingFile(what, certificateFile, () => parseCertificates(readFileFor(what, certificateFile)));
  const keyPem = readFileFor(what, keyFile);
  // Somebody may have copied it with other tools: others on this machine must not read it.
  if (process.platform !== 'win32' && (statSync(keyFile).mode & 0o077) !== 0) chmodSync(keyFile, 0o600);
  const pkcs8 = parsingFile(what, keyFile, () => parsePrivateKey(keyPem));
  const signer = await nodeProvider.importPrivateKey(pkcs8);
  wipe(pkcs8, keyPem);
  if (certificate === undefined || !equalBytes(certificate.publicKey.spki, signer.publicKey.spki)) {
    throw usageError(
      `the key in ${keyFile} is not that of ${certificateFile}`,
      `remove ${directory}: another CA is made then`,
    );
  }
  return { certificate, signer };
}

/** Written aside and renamed: a directory that exists is complete. */
async function make(directory: string, now: Date): Promise<void> {
  const { issuer, pkcs8 } = await makeAuthority(caName(), { from: now, days: caDays });
  const aside = `${directory}.${randomBytes(6).toString('hex')}`;
  try {
    mkdirSync(dirname(directory), { recursive: true, mode: 0o700 });
    mkdirSync(aside, { mode: 0o700 });
    writeFileSync(join(aside, 'ca-key.pem'), toPem('PRIVATE KEY', pkcs8), { mode: 0o600, flag: 'wx' });
    writeFileSync(join(aside, 'ca.pem'), toPem('CERTIFICATE', issuer.certificate.raw), { mode: 0o644, flag: 'wx' });
    renameSync(aside, directory);
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    if (existsSync(join(directory, 'ca.pem'))) return;
    throw usageError(
      `the development CA cannot be written to ${directory}: ${error instanceof Error ? error.message : String(error)}`,
      'give a certificate with --cert, or another place with XDG_DATA_HOME',
    );
  } finally {
    wipe(pkcs8);
  }
}

/** Who sees it in a list of authorities knows whose it is. */
function caName(): string {
  let user = 'unknown';
  try {
    user = userInfo().username;
  } catch {
    // A user id without an entry in the system's list has no name.
  }
  return `handfast development CA ${user}@${hostname()}`.slice(0, 64);
}

/** A server's certificate that is renewed while the server runs. */
export class RenewedCredential {
  readonly #issuer: Issuer;
  readonly #names: readonly string[];
  readonly #now: () => Date;
  readonly #legacy: LegacyCryptography | undefined;
  #current: Promise<Credential>;

  private constructor(issuer: Issuer, names: readonly string[], now: () => Date, legacy?: LegacyCryptography) {
    this.#issuer = issuer;
    this.#names = names;
    this.#now = now;
    this.#legacy = legacy;
    this.#current = this.#issue();
  }

  /** @param legacy for a key that has the old ways as well. */
  static async make(
    issuer: Issuer,
    names: readonly string[],
    now: () => Date,
    legacy?: LegacyCryptography,
  ): Promise<RenewedCredential> {
    const renewed = new RenewedCredential(issuer, names, now, legacy);
    await renewed.#current;
    return renewed;
  }

  /** Valid for some weeks at least. */
  async current(): Promise<Credential> {
    const credential = await this.#current;
    const until = credential.chain[0]?.notAfter.getTime() ?? 0;
    if (until - this.#now().getTime() > renewBeforeMs) return credential;
    this.#current = this.#issue();
    return this.#current;
  }

  #issue(): Promise<Credential> {
    return issueServer(this.#issuer, this.#names, { from: this.#now(), days: leafDays }, this.#legacy);
  }
}

/** How to make others trust it: commands to copy. */
export function trustAdvice(certificateFile: string, url: string | undefined): readonly string[] {
  const file = shellQuoted(certificateFile);
  const system =
    process.platform === 'darwin'
      ? ['macOS', `sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ${file}`]
      : ['Debian', `sudo cp ${file} /usr/local/share/ca-certificates/handfast-dev.crt && sudo update-ca-certificates`];
  const ways: readonly (readonly string[])[] = [
    ['curl', url === undefined ? `curl --cacert ${file} …` : `curl --cacert ${file} ${url}/`],
    [
      'handfast',
      `handfast connect ${url === undefined ? 'localhost:…' : url.replace(/^[a-z]+:\/\//, '')} --ca ${file}`,
    ],
    ['Node', `NODE_EXTRA_CA_CERTS=${file} node …`],
    system,
    ['Chromium', `certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n handfast-dev -i ${file}   (from libnss3-tools)`],
    ['Firefox', `Settings → Privacy & Security → View Certificates → Authorities → Import: ${certificateFile}`],
  ];
  return ways.map(([who = '', how = '']) => `  ${who.padEnd(9)} ${how}`);
}
