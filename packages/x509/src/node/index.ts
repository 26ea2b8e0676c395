/**
 * What this package needs of Node: the stores that the system and Node keep, certificates from files, and a fetcher over
 * `node:http`.
 *
 * @module
 */

export { specialPurpose } from './addresses.ts';
export { type HttpFetcherOptions, httpFetcher } from './fetch.ts';
export { bundledTrust, defaultTrust, directoryTrust, fileTrust, systemTrust } from './trust.ts';
