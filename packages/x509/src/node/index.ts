/**
 * What this package needs of Node: the stores that the system and Node keep, certificates from files, a fetcher
 * over `node:http`, and triple DES for old files.
 *
 * @module
 */

export { specialPurpose } from './addresses.ts';
export { type HttpFetcherOptions, httpFetcher } from './fetch.ts';
export { tripleDesPbe } from './pbe.ts';
export {
  bundledTrust,
  defaultTrust,
  directoryTrust,
  fileTrust,
  systemTrust,
} from './trust.ts';
