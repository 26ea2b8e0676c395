/**
 * What options of the `cert` commands can be told. Apart from the commands, which are loaded when one is called.
 *
 * @module
 */

import { type CertificateUsage, type Profile, rfc5280, webpki } from '@handfast/x509';

export const formats = ['pem', 'der', 'p12', 'p7b'] as const;
export type Format = (typeof formats)[number];

export const usages: readonly CertificateUsage[] = ['serverAuth', 'clientAuth', 'any'];
export const profiles: Readonly<Record<Profile['name'], Profile>> = { rfc5280, webpki };
