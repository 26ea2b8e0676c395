/**
 * Tokens of SoftHSM2 in a folder of the run's own, with keys that OpenSC's pkcs11-tool makes in them.
 *
 * @module
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const places = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
];

/** As pkcs11-tool names them; SoftHSM2 of Debian has Ed25519 by this name alone. */
export type KeyKind = 'EC:secp256r1' | 'EC:secp384r1' | 'EC:secp521r1' | 'EC:edwards25519' | 'rsa:2048' | 'rsa:3072';

export class SoftHsm {
  readonly module: string = places.find((place) => existsSync(place)) ?? places[0] ?? '';
  readonly folder: string = mkdtempSync(join(tmpdir(), 'handfast-pkcs11-'));
  readonly #tokens: string = join(this.folder, 'tokens');
  #lastId = 0;

  constructor() {
    mkdirSync(this.#tokens);
    const config = this.file('softhsm2.conf', `directories.tokendir = ${this.#tokens}\nlog.level = ERROR\n`);
    // Read by SoftHSM2 in this process, and in those that it starts.
    process.env.SOFTHSM2_CONF = config;
  }

  file(name: string, content: string | Uint8Array): string {
    const path = join(this.folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  token(label: string, pin: string): void {
    const pins = ['--so-pin', 'officer', '--pin', pin];
    execFileSync('softhsm2-util', ['--init-token', '--free', '--label', label, ...pins], { stdio: 'pipe' });
  }

  /** @returns its id, hexadecimal */
  key(kind: KeyKind, label: string, ...more: readonly string[]): string {
    const id = (++this.#lastId).toString(16).padStart(2, '0');
    this.tool('--keypairgen', '--key-type', kind, '--label', label, '--id', id, ...more);
    return id;
  }

  /** pkcs11-tool, logged in to the token `ca`. */
  tool(...args: readonly string[]): string {
    const common = ['--module', this.module, '--token-label', 'ca', '--login', '--pin', '1234'];
    return execFileSync('pkcs11-tool', [...common, ...args], { encoding: 'utf8', stdio: 'pipe' });
  }

  /** Serial numbers of all tokens with this label. */
  serials(label: string): readonly string[] {
    const text = execFileSync('pkcs11-tool', ['--module', this.module, '--list-slots'], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    const labelled = new RegExp(`token label\\s*: ${label}\\n[^]*?serial num\\s*: (\\w+)`, 'g');
    return [...text.matchAll(labelled)].map(([, serial = '']) => serial);
  }

  /** As if every token had been pulled out. */
  remove(): void {
    for (const name of readdirSync(this.#tokens))
      renameSync(join(this.#tokens, name), join(this.folder, `out-${name}`));
  }

  putBack(): void {
    for (const name of readdirSync(this.folder).filter((one) => one.startsWith('out-'))) {
      renameSync(join(this.folder, name), join(this.#tokens, name.slice('out-'.length)));
    }
  }

  end(): void {
    rmSync(this.folder, { recursive: true });
  }
}
