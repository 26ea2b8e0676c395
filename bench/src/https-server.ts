/**
 * The server of the HTTPS row, in a process of its own. For `startChild`.
 *
 * @module
 */

import * as http from 'node:http';
import * as https from 'node:https';
import { createHttpsServer } from '@handfast/tls/node';
import { serve } from './children.ts';
import { listening } from './contenders.ts';
import type { Identity } from './identity.ts';
import type { Setting } from './settings.ts';

export interface HttpPart {
  /** `node:https` may be ours beneath: that is how the program was started. */
  readonly stack: 'createHttpsServer' | 'node:https' | 'node:http';
  readonly setting: Setting;
  readonly identity: Identity;
}

const body = Buffer.alloc(100, 'hello, world ');
const headers = { 'Content-Type': 'text/plain', 'Content-Length': body.length };

const answer: http.RequestListener = (_request, response) => {
  response.writeHead(200, headers);
  response.end(body);
};

const services = {
  /** Answers the port. */
  async listen({ stack, setting, identity: { cert, key } }: HttpPart): Promise<number> {
    const { version, openssl, opensslGroups } = setting;
    const common = { cert, key, minVersion: version, maxVersion: version, noDelay: true };
    const options = { ...common, ciphers: openssl, ecdhCurve: opensslGroups };
    const make = {
      createHttpsServer: () => createHttpsServer(options, answer),
      'node:https': () => https.createServer(options, answer),
      'node:http': () => http.createServer({ noDelay: true }, answer),
    };
    return await listening(make[stack]());
  },
};

export type HttpServerServices = typeof services;

serve(services);
