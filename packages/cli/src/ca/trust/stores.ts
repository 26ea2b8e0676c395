/**
 * The stores of trusted roots on a machine: the system's, those that Chromium and Firefox keep with NSS, and Java's.
 *
 * @module
 */

import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCertificates } from '@handfast/x509';
import { javaStore } from './java.ts';
import { asAdministrator, type CommandResult, failureOf, type Machine } from './machine.ts';
import type { Root, Store } from './store.ts';

/** What is missing for a store to be used at all. */
export interface MissingStore {
  readonly name: Store['name'];
  readonly why: string;
  readonly hint: string;
}

export interface FoundStores {
  readonly stores: readonly Store[];
  readonly missing: readonly MissingStore[];
}

export async function findStores(machine: Machine): Promise<FoundStores> {
  const system = systemStore(machine);
  const browsers = await browserStores(machine);
  const java = await javaStore(machine);
  return {
    // On Debian, Java's may follow the system's: then there is nothing left to do for it.
    stores: [...(system === undefined ? [] : [system]), ...browsers.stores, ...(java === undefined ? [] : [java])],
    missing: [...(system === undefined ? [noSystemStore] : []), ...browsers.missing],
  };
}

// ---- the system's

interface SystemLayout {
  /** Where an administrator puts roots. */
  readonly folder: string;
  readonly ending: string;
  readonly refresh: readonly string[];
  readonly refreshAfterRemoval: readonly string[];
  /** What programs read. */
  readonly bundle: string;
}

const layouts: readonly SystemLayout[] = [
  // Debian, Ubuntu, Alpine
  {
    folder: '/usr/local/share/ca-certificates',
    ending: '.crt',
    refresh: ['update-ca-certificates'],
    refreshAfterRemoval: ['update-ca-certificates', '--fresh'],
    bundle: '/etc/ssl/certs/ca-certificates.crt',
  },
  // Fedora, RHEL
  {
    folder: '/etc/pki/ca-trust/source/anchors',
    ending: '.pem',
    refresh: ['update-ca-trust', 'extract'],
    refreshAfterRemoval: ['update-ca-trust', 'extract'],
    bundle: '/etc/pki/tls/certs/ca-bundle.crt',
  },
];

const noSystemStore: MissingStore = {
  name: 'system',
  why: 'this system’s store is not one that is known here',
  hint: 'known are Debian’s and Fedora’s',
};

function systemStore(machine: Machine): Store | undefined {
  const layout = layouts.find(({ folder }) => existsSync(machine.root + folder));
  if (machine.platform !== 'linux' || layout === undefined) return undefined;
  const fileOf = (root: Root): string => `${machine.root}${layout.folder}/${root.nickname}${layout.ending}`;
  const refresh = (command: readonly string[]): Promise<string | undefined> => asAdministrator(machine, command);
  return {
    name: 'system',
    where: machine.root + layout.folder,
    async state(root) {
      return bundleHolds(machine.root + layout.bundle, root) ? 'trusted' : 'not trusted';
    },
    async holds(root) {
      return existsSync(fileOf(root)) || bundleHolds(machine.root + layout.bundle, root);
    },
    async install(root) {
      const copied = await asAdministrator(machine, ['install', '-m', '0644', root.file, fileOf(root)]);
      return copied ?? refresh(layout.refresh);
    },
    async uninstall(root) {
      const removed = await asAdministrator(machine, ['rm', '-f', fileOf(root)]);
      return removed ?? refresh(layout.refreshAfterRemoval);
    },
  };
}

function bundleHolds(bundle: string, { certificate }: Root): boolean {
  if (!existsSync(bundle)) return false;
  const base64 = Buffer.from(certificate.raw).toString('base64');
  return readFileSync(bundle, 'latin1').replaceAll(/\s/g, '').includes(base64);
}

// ---- browsers

interface NssDatabase {
  readonly name: 'chromium' | 'firefox';
  readonly folder: string;
}

const chromiumFolders = ['.pki/nssdb', '.local/share/pki/nssdb', 'snap/chromium/current/.pki/nssdb'];
const firefoxFolders = [
  '.mozilla/firefox',
  '.config/mozilla/firefox',
  'snap/firefox/common/.mozilla/firefox',
  '.var/app/org.mozilla.firefox/.mozilla/firefox',
];

async function browserStores(machine: Machine): Promise<FoundStores> {
  if (machine.platform !== 'linux') return { stores: [], missing: [] };
  const databases = nssDatabases(machine);
  const { exitCode } = await machine.run('certutil', ['-H']);
  if (exitCode !== undefined) return { stores: databases.map((one) => nssStore(machine, one)), missing: [] };
  const names = new Set(databases.map(({ name }) => name));
  return {
    stores: [],
    missing: [...names].map((name) => ({
      name,
      why: 'it takes certutil, which is not there',
      hint: 'sudo apt install libnss3-tools, then once more',
    })),
  };
}

/** Those that are there; Chromium's also where it is not yet: Chromium finds it when it is started. */
function nssDatabases({ home }: Machine): readonly NssDatabase[] {
  const found = chromiumFolders.filter((folder) => existsSync(join(home, folder, 'cert9.db')));
  const chromium = found.length > 0 ? found : chromiumFolders.slice(0, 1);
  const profiles = firefoxFolders
    .map((folder) => join(home, folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((profile) => join(folder, profile)))
    .filter((profile) => existsSync(join(profile, 'cert9.db')));
  return [
    ...chromium.map((folder) => ({ name: 'chromium', folder: join(home, folder) }) as const),
    ...profiles.map((folder) => ({ name: 'firefox', folder }) as const),
  ];
}

function nssStore(machine: Machine, { name, folder }: NssDatabase): Store {
  const certutil = (...args: readonly string[]): Promise<CommandResult> =>
    machine.run('certutil', ['-d', `sql:${folder}`, ...args]);
  const attempt = async (...args: readonly string[]): Promise<string | undefined> =>
    failureOf(['certutil', ...args], await certutil(...args));
  const isThere = (): boolean => existsSync(join(folder, 'cert9.db'));
  return {
    name,
    where: folder,
    async state({ nickname, certificate }) {
      if (!isThere()) return 'not trusted';
      const { exitCode, stdout } = await certutil('-L', '-n', nickname, '-a');
      if (exitCode !== 0) return 'not trusted';
      const [found] = parseCertificates(stdout);
      return found !== undefined && Buffer.compare(found.raw, certificate.raw) === 0 ? 'trusted' : 'not trusted';
    },
    async holds({ nickname }) {
      return isThere() && (await certutil('-L', '-n', nickname)).exitCode === 0;
    },
    async install({ nickname, file }) {
      if (!isThere()) {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        const failure = await attempt('-N', '--empty-password');
        if (failure !== undefined) return failure;
      }
      // Trusted to sign certificates of servers (C), of nobody else.
      return attempt('-A', '-t', 'C,,', '-n', nickname, '-i', file);
    },
    async uninstall({ nickname }) {
      return attempt('-D', '-n', nickname);
    },
  };
}
