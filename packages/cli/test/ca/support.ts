/**
 * CAs in folders of their own, and commands run on them.
 *
 * @module
 */

import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finish, type Outcome } from '../support/io.ts';

export class Place {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'handfast-ca-'));
  readonly dir: string = this.path('ca');

  path(...names: readonly string[]): string {
    return join(this.directory, ...names);
  }

  file(name: string, content: string | Uint8Array): string {
    writeFileSync(this.path(name), content);
    return this.path(name);
  }

  /** `handfast ca … --dir`, without colours. */
  ca(...argv: readonly string[]): Promise<Outcome> {
    return finish(['ca', ...argv, '--dir', this.dir]);
  }

  /** The same that must go well, with `--json`: the values on stdout. */
  async json(...argv: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const { exitCode, stdout, stderr } = await this.ca(...argv, '--json');
    if (exitCode !== 0) throw new Error(`${argv.join(' ')} ended with ${exitCode}: ${stderr.text}`);
    return stdout.values;
  }

  /** Message and hint of a command that fails as such. */
  async refusal(...argv: readonly string[]): Promise<{ exitCode: number; message: unknown; hint: unknown }> {
    const { exitCode, stderr } = await this.ca(...argv, '--json');
    const error = stderr.values.find(({ event }) => event === 'error') ?? {};
    return { exitCode, message: error.message, hint: error.hint };
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function modeOf(file: string): number {
  return statSync(file).mode & 0o777;
}
