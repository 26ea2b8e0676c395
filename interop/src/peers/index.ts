/**
 * The peers, in the order of the tables.
 *
 * @module
 */

import { bun } from './bun.ts';
import { chromium } from './chromium.ts';
import { curl } from './curl.ts';
import { deno } from './deno.ts';
import { gnutls } from './gnutls.ts';
import { go } from './go.ts';
import { libcurl } from './libcurl.ts';
import { node } from './node.ts';
import { openssl } from './openssl.ts';
import type { Peer } from './peer.ts';
import { pythonSsl } from './python.ts';

export const peers: readonly Peer[] = [openssl, gnutls, curl, libcurl, node, pythonSsl, go, bun, deno, chromium];
