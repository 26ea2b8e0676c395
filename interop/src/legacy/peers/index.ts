/**
 * Every peer of the old days.
 *
 * @module
 */

import type { LegacyPeer } from '../peer.ts';
import { gnutls } from './gnutls.ts';
import { go } from './go.ts';
import { java } from './java.ts';
import { node } from './node.ts';
import { openssl } from './openssl.ts';
import { python } from './python.ts';
import { tlslite } from './tlslite.ts';

export const peers: readonly LegacyPeer[] = [openssl, tlslite, java, go, gnutls, python, node];
