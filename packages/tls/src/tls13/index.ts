/**
 * TLS 1.3 (RFC 9846) as a value.
 *
 * @module
 */

import { TLS13 } from '../registry.ts';
import type { Version } from '../version.ts';
import { client } from './client.ts';
import { server } from './server.ts';

export const tls13: Version = { id: TLS13, name: 'TLS 1.3', client, server };
