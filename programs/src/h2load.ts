/**
 * nghttp2's load generator: many requests over few connections, HTTP/2 and HTTP/1.1. It verifies no certificate.
 *
 * @module
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Check } from './run.ts';

const byHttp1 = [
  { check: '5,000 requests by HTTP/1.1, 10 connections', path: '', args: ['--h1', '-n5000', '-c10'] },
  { check: '100 answers of 1 MB by HTTP/1.1, 5 connections', path: 'megabyte', args: ['--h1', '-n100', '-c5'] },
];
const byHttp2 = [
  { check: '5,000 requests by HTTP/2, 10 connections', path: '', args: ['-n5000', '-c10', '-m10'] },
  { check: '100 answers of 1 MB by HTTP/2, 5 connections', path: 'megabyte', args: ['-n100', '-c5', '-m5'] },
];

export async function h2loadChecks(port: number, http2: boolean): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const { check, path, args } of http2 ? byHttp2 : byHttp1) {
    const url = `https://localhost:${port}/${path}`;
    try {
      const { stdout } = await promisify(execFile)('h2load', [...args, url], { timeout: 60_000, maxBuffer: 8 << 20 });
      const [, total, good] = /^requests: (\d+) total, .* (\d+) succeeded/m.exec(stdout) ?? [];
      const per = /, ([\d.]+) req\/s/.exec(stdout)?.[1];
      const protocol = /^Application protocol: (.*)/m.exec(stdout)?.[1];
      const whole = total !== undefined && total === good;
      checks.push({ check, note: `${protocol}, ${per} a second`, ...(!whole && { error: stdout }) });
    } catch (error) {
      checks.push({ check, error: String(error) });
    }
  }
  return checks;
}
