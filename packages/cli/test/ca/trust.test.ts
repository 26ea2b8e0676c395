import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import type { CommandResult, Machine } from '../../src/ca/trust/machine.ts';
import { type TrustAction, type TrustOptions, trust } from '../../src/ca/trust/trust.ts';
import { shellQuoted } from '../../src/shell.ts';
import { Output } from '../support/io.ts';
import { Place } from './support.ts';

const place = new Place();
before(() => place.json('init', '--dev'));
after(() => place.remove());

const wrongPassword: CommandResult = {
  exitCode: 1,
  stdout: '',
  stderr: 'keytool error: java.io.IOException: keystore password was incorrect\n',
};

/** Of nobody's. */
const another = '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n';

interface FakeOptions {
  readonly debian?: boolean;
  readonly certutil?: boolean;
  readonly sudo?: boolean;
  readonly keytool?: boolean;
  /** Java takes the system's roots along, and leaves them when the system's go. */
  readonly javaFollows?: boolean;
  readonly javaHome?: string;
  readonly administrator?: boolean;
  /** Exit code of commands by name. */
  readonly failing?: Readonly<Record<string, number>>;
}

/** A machine in a folder: its commands do what the real ones do, there. */
class FakeMachine implements Machine {
  readonly platform = 'linux';
  readonly root: string;
  readonly home: string;
  readonly javaHome?: string;
  readonly administrator: boolean;
  /** Of Java's store, by alias: PEM. */
  readonly cacerts = new Map<string, string>([['another', another]]);
  readonly ran: string[] = [];
  readonly #options: FakeOptions;

  constructor(name: string, options: FakeOptions = {}) {
    this.#options = { debian: true, certutil: true, sudo: true, ...options };
    this.root = place.path(name);
    this.home = join(this.root, 'home');
    this.administrator = options.administrator ?? false;
    if (options.javaHome !== undefined) this.javaHome = options.javaHome;
    mkdirSync(this.home, { recursive: true });
    if (this.#options.debian) {
      mkdirSync(join(this.root, 'usr/local/share/ca-certificates'), { recursive: true });
      mkdirSync(join(this.root, 'etc/ssl/certs'), { recursive: true });
    }
  }

  addFirefox(profile: string): string {
    const folder = join(this.home, '.mozilla/firefox', profile);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'cert9.db'), '');
    return folder;
  }

  run(command: string, args: readonly string[]): Promise<CommandResult> {
    this.ran.push([command, ...args].join(' '));
    return Promise.resolve(this.#run(command, args));
  }

  #run(command: string, args: readonly string[]): CommandResult {
    const done = (exitCode: number | undefined, stdout = '', stderr = ''): CommandResult => ({
      exitCode,
      stdout,
      stderr,
    });
    const failure = this.#options.failing?.[command];
    if (failure !== undefined) return done(failure, '', `first line\n${command}: something is wrong\n`);
    switch (command) {
      case 'sudo':
        return this.#options.sudo ? this.#run(args[0] ?? '', args.slice(1)) : done(undefined);
      case 'install':
        copyFileSync(args[2] ?? '', args[3] ?? '');
        return done(0);
      case 'rm':
        rmSync(args[1] ?? '', { force: true });
        return done(0);
      case 'update-ca-certificates':
        return done(0, this.#bundle());
      case 'keytool':
      case join(this.javaHome ?? '/', 'bin/keytool'):
        return this.#options.keytool ? this.#keytool(args) : done(undefined);
      case 'certutil':
        return this.#options.certutil ? this.#certutil(args) : done(undefined);
      default:
        return done(undefined);
    }
  }

  #bundle(): string {
    const folder = join(this.root, 'usr/local/share/ca-certificates');
    const bundle = join(this.root, 'etc/ssl/certs/ca-certificates.crt');
    rmSync(bundle, { force: true });
    for (const file of readdirSync(folder)) {
      const pem = readFileSync(join(folder, file), 'utf8');
      appendFileSync(bundle, pem);
      if (this.#options.javaFollows) this.cacerts.set(`debian:${file}`, pem);
    }
    return '';
  }

  #keytool(args: readonly string[]): CommandResult {
    const done = (exitCode: number, stdout = ''): CommandResult => ({ exitCode, stdout, stderr: 'keytool error' });
    const after = (option: string): string => args[args.indexOf(option) + 1] ?? '';
    if (args.includes('-help')) return done(0);
    if (!args.includes('-cacerts') || after('-storepass') !== 'changeit') return done(1);
    if (args.includes('-importcert')) this.cacerts.set(after('-alias'), readFileSync(after('-file'), 'utf8'));
    if (args.includes('-delete')) return done(this.cacerts.delete(after('-alias')) ? 0 : 1);
    const entries = [...this.cacerts].map(
      ([alias, pem]) => `Alias name: ${alias}\nEntry type: trustedCertEntry\n\n${pem}`,
    );
    return done(0, `Your keystore contains ${entries.length} entries\n\n${entries.join('\n\n*****\n\n')}`);
  }

  /** A database of which a nickname is a file. */
  #certutil([_, database = '', action, ...rest]: readonly string[]): CommandResult {
    const done = (exitCode: number, stdout = ''): CommandResult => ({ exitCode, stdout, stderr: 'certutil: no' });
    if (_ === '-H') return done(255);
    const folder = database.replace(/^sql:/, '');
    if (action === '-N') writeFileSync(join(folder, 'cert9.db'), '');
    const nickname = join(folder, rest[rest.indexOf('-n') + 1] ?? '');
    if (action === '-A') copyFileSync(rest[rest.indexOf('-i') + 1] ?? '', nickname);
    if (action === '-L') return existsSync(nickname) ? done(0, readFileSync(nickname, 'utf8')) : done(255);
    if (action === '-D') rmSync(nickname);
    return done(0);
  }
}

interface RootTold {
  readonly root: { readonly file: string; readonly sha256: string };
  readonly stores: readonly { readonly store: string; readonly state: string; readonly failure: string | null }[];
}

interface Told {
  readonly exitCode: number;
  readonly text: string;
  readonly value: RootTold & {
    readonly former?: readonly RootTold[];
    readonly snippets: readonly { readonly for: string; readonly lines: readonly string[] }[];
  };
}

async function run(
  action: TrustAction,
  machine: Machine,
  json = true,
  options: Partial<TrustOptions> = {},
): Promise<Told> {
  const stdout = new Output();
  const io = {
    stdin: new PassThrough(),
    stdout: stdout.stream,
    stderr: new Output().stream,
    env: {},
    interrupted: new AbortController().signal,
  };
  const exitCode = await trust(action, { dir: place.dir, json, ...options }, io, machine);
  const value = json
    ? (JSON.parse(stdout.text) as Told['value'])
    : { root: { file: '', sha256: '' }, stores: [], snippets: [] };
  return { exitCode, text: stdout.text, value };
}

const states = ({ value }: Told): readonly string[] => value.stores.map(({ store, state }) => `${store}: ${state}`);

describe('ca trust', () => {
  test('install has system, Chromium and Firefox trust the root; uninstall undoes it', async () => {
    const machine = new FakeMachine('whole');
    const firefox = machine.addFirefox('abc.default');
    assert.deepEqual(states(await run('status', machine)), [
      'system: not trusted',
      'chromium: not trusted',
      'firefox: not trusted',
    ]);
    assert.equal((await run('status', machine)).exitCode, 1);
    machine.ran.length = 0;

    const installed = await run('install', machine);
    assert.equal(installed.exitCode, 0);
    assert.deepEqual(states(installed), ['system: trusted', 'chromium: trusted', 'firefox: trusted']);
    const { file, sha256 } = installed.value.root;
    assert.equal(file, join(place.dir, 'root.pem'));
    const nickname = `handfast-${sha256.replaceAll(':', '').toLowerCase().slice(0, 16)}`;
    const target = `${machine.root}/usr/local/share/ca-certificates/${nickname}.crt`;
    const nssdb = join(machine.home, '.pki/nssdb');
    assert.deepEqual(
      machine.ran.filter((line) => !/ -L | -(H|help)$/.test(line)),
      [
        `sudo install -m 0644 ${file} ${target}`,
        'sudo update-ca-certificates',
        `certutil -d sql:${nssdb} -N --empty-password`,
        `certutil -d sql:${nssdb} -A -t C,, -n ${nickname} -i ${file}`,
        `certutil -d sql:${firefox} -A -t C,, -n ${nickname} -i ${file}`,
      ],
    );
    assert.equal((await run('status', machine)).exitCode, 0);

    machine.ran.length = 0;
    assert.equal((await run('install', machine)).exitCode, 0);
    assert.deepEqual(
      machine.ran.filter((line) => !/ -L | -(H|help)$/.test(line)),
      [],
    );

    const removed = await run('uninstall', machine);
    assert.equal(removed.exitCode, 0);
    assert.deepEqual(states(removed), ['system: not trusted', 'chromium: not trusted', 'firefox: not trusted']);
    assert.equal(existsSync(target), false);
  });

  test('uninstall takes away also what lies in the system’s folder and is not trusted yet', async () => {
    const machine = new FakeMachine('half', { failing: { 'update-ca-certificates': 1 }, certutil: false });
    assert.equal((await run('install', machine)).exitCode, 1);
    const folder = join(machine.root, 'usr/local/share/ca-certificates');
    assert.equal(readdirSync(folder).length, 1);
    await run('uninstall', machine);
    assert.deepEqual(readdirSync(folder), []);
  });

  test('an administrator needs no sudo; nobody without sudo gets told whom to ask', async () => {
    const administrator = new FakeMachine('administrator', { administrator: true, certutil: false });
    await run('install', administrator);
    assert.ok(administrator.ran.includes('update-ca-certificates'));
    const nobody = new FakeMachine('nobody', { sudo: false, certutil: false });
    const { exitCode, value } = await run('install', nobody);
    assert.equal(exitCode, 1);
    assert.match(
      value.stores[0]?.failure ?? '',
      /^it takes an administrator, and there is no sudo here: have one run install -m 0644 /,
    );
  });

  test('what fails is told with the command’s own last words', async () => {
    const machine = new FakeMachine('failing', { failing: { 'update-ca-certificates': 3 }, certutil: false });
    const { exitCode, value } = await run('install', machine);
    assert.equal(exitCode, 1);
    assert.equal(
      value.stores[0]?.failure,
      'sudo update-ca-certificates ended with 3: update-ca-certificates: something is wrong',
    );
  });

  test('without certutil, browsers are told of, with what to install', async () => {
    const machine = new FakeMachine('bare', { certutil: false });
    machine.addFirefox('abc.default');
    const { text } = await run('install', machine, false);
    assert.match(text, /\n {2}✓ system {4}trusted /);
    assert.match(
      text,
      /\n {2}\? chromium {2}it takes certutil, which is not there: sudo apt install libnss3-tools, then once more\n/,
    );
    assert.match(text, /\n {2}\? firefox {3}it takes certutil/);
  });

  test('a system that is not known is told of', async () => {
    const { value } = await run('status', new FakeMachine('other', { debian: false, certutil: false }));
    assert.deepEqual(
      value.stores.map(({ store, state, failure }) => [store, state, failure]),
      [
        ['chromium', 'cannot tell', 'it takes certutil, which is not there'],
        ['system', 'cannot tell', 'this system’s store is not one that is known here'],
      ].toSorted((a, b) => (a[0] === 'system' ? -1 : b[0] === 'system' ? 1 : 0)),
    );
  });

  test('prints what to tell programs with a trust of their own; once the system trusts, those alone', async () => {
    const machine = new FakeMachine('snippets', { certutil: false });
    const names = ({ value }: Told): readonly string[] => value.snippets.map((snippet) => snippet.for);
    const before = await run('status', machine);
    assert.deepEqual(names(before), ['certbot', 'lego', 'curl', 'Node', 'Python', 'Go', 'Java', 'containers']);
    const file = join(place.dir, 'root.pem');
    assert.deepEqual(before.value.snippets[0]?.lines, [
      `REQUESTS_CA_BUNDLE=${file} certbot certonly --server https://localhost:8555/acme/directory …`,
    ]);
    assert.deepEqual(before.value.snippets[3]?.lines, [`NODE_EXTRA_CA_CERTS=${file} node …`]);
    assert.deepEqual(names(await run('install', machine)), ['certbot', 'Node', 'Python', 'Java', 'containers']);
  });

  test('Java trusts the root by its own keytool, and no longer by the same', async () => {
    const machine = new FakeMachine('java', { certutil: false, debian: false, keytool: true });
    const before = await run('status', machine);
    assert.deepEqual(states(before).slice(0, 1), ['java: not trusted']);
    assert.ok(!before.value.snippets.some((snippet) => snippet.for === 'Java'));
    machine.ran.length = 0;
    const installed = await run('install', machine);
    assert.deepEqual(states(installed).slice(0, 1), ['java: trusted']);
    assert.equal(installed.exitCode, 0);
    const { file, sha256 } = installed.value.root;
    const nickname = `handfast-${sha256.replaceAll(':', '').toLowerCase().slice(0, 16)}`;
    const changes = (): readonly string[] => machine.ran.filter((line) => line.startsWith('sudo '));
    const password = '-noprompt -cacerts -storepass changeit';
    assert.deepEqual(changes(), [`sudo keytool -importcert -alias ${nickname} -file ${file} ${password}`]);
    await run('install', machine);
    assert.equal(changes().length, 1);
    const removed = await run('uninstall', machine);
    assert.deepEqual([removed.exitCode, states(removed)[0]], [0, 'java: not trusted']);
    assert.equal(changes()[1], `sudo keytool -delete -alias ${nickname} ${password}`);
    assert.deepEqual([...machine.cacerts.keys()], ['another']);
  });

  test('where Java takes along what the system trusts, nothing is left to do; it is taken away by the name that it has', async () => {
    const machine = new FakeMachine('follows', { certutil: false, keytool: true, javaFollows: true });
    const installed = await run('install', machine);
    assert.deepEqual(states(installed), ['system: trusted', 'java: trusted', 'chromium: cannot tell']);
    assert.ok(!machine.ran.some((line) => line.includes('-importcert')));
    const [, alias = ''] = [...machine.cacerts.keys()];
    assert.match(alias, /^debian:handfast-[0-9a-f]{16}\.crt$/);
    assert.deepEqual(states(await run('uninstall', machine)).slice(0, 2), ['system: not trusted', 'java: not trusted']);
    assert.deepEqual([...machine.cacerts.keys()], ['another']);
  });

  test('Java is that of JAVA_HOME, where that has a keytool; where none can look, it is said', async () => {
    const javaHome = place.path('jdk');
    const options = { certutil: false, debian: false, keytool: true };
    await run('install', new FakeMachine('no-jdk', { ...options, javaHome }));
    mkdirSync(join(javaHome, 'bin'), { recursive: true });
    writeFileSync(join(javaHome, 'bin/keytool'), '');
    const machine = new FakeMachine('jdk-machine', { ...options, javaHome });
    await run('install', machine);
    assert.ok(machine.ran.every((line) => line.includes(`${javaHome}/bin/keytool `) || line === 'certutil -H'));
    const failing = new FakeMachine('no-keytool', { ...options, failing: { keytool: 1 } });
    const { value } = await run('status', failing);
    assert.ok(!value.stores.some(({ store }) => store === 'java'));
    assert.ok(value.snippets.some((snippet) => snippet.for === 'Java'));
    const locked = new FakeMachine('locked', options);
    const { run: whole } = locked;
    locked.run = (command, args) =>
      args.includes('-cacerts') ? Promise.resolve(wrongPassword) : whole.call(locked, command, args);
    const refused = await run('uninstall', locked);
    assert.equal(refused.exitCode, 1);
    assert.equal(refused.value.stores[0]?.state, 'cannot tell');
    assert.match(
      refused.value.stores[0]?.failure ?? '',
      /^sudo keytool -delete .+ ended with 1: keytool error: java\.io/,
    );
  });

  test('uninstall has nothing to tell other programs', async () => {
    const machine = new FakeMachine('uninstalled', { certutil: false });
    const { value } = await run('uninstall', machine);
    assert.deepEqual(Object.keys(value), ['root', 'stores']);
    assert.doesNotMatch((await run('uninstall', machine, false)).text, /curl/);
  });

  test('a root that was dropped is told of as long as somebody trusts it, and goes with uninstall', async () => {
    const machine = new FakeMachine('former', { keytool: true });
    const all = ['system: trusted', 'chromium: trusted', 'java: trusted'];
    const none = ['system: not trusted', 'chromium: not trusted', 'java: not trusted'];
    await run('install', machine);
    const dropped = readFileSync(join(place.dir, 'root.pem'));
    const other = new Place();
    await other.json('init', '--dev');
    copyFileSync(join(other.dir, 'root.pem'), join(place.dir, 'root.pem'));
    writeFileSync(join(place.dir, 'former-roots.pem'), dropped);
    const installed = await run('install', machine);
    assert.deepEqual([installed.exitCode, states(installed)], [0, all]);
    const [former] = installed.value.former ?? [];
    assert.equal(former?.root.file, join(place.dir, 'former-roots.pem'));
    assert.deepEqual(
      former?.stores.map(({ store, state }) => `${store}: ${state}`),
      all,
    );
    const { text } = await run('status', machine, false, { color: false });
    assert.match(text, /, a former root: handfast ca trust uninstall --former takes it away\n/);

    const gone = await run('uninstall', machine, true, { former: true });
    assert.deepEqual([gone.exitCode, states(gone)], [0, all]);
    assert.deepEqual(
      gone.value.former?.[0]?.stores.map(({ store, state }) => `${store}: ${state}`),
      none,
    );
    assert.equal((await run('status', machine)).value.former, undefined);

    writeFileSync(join(place.dir, 'former-roots.pem'), readFileSync(join(place.dir, 'root.pem')));
    writeFileSync(join(place.dir, 'root.pem'), dropped);
    await run('install', machine);
    const removed = await run('uninstall', machine);
    assert.deepEqual([removed.exitCode, states(removed), removed.value.former?.length], [0, none, 1]);
    assert.equal((await run('uninstall', machine)).value.former, undefined);
    rmSync(join(place.dir, 'former-roots.pem'));
    other.remove();
  });

  test('under sudo, whose CA and browsers are meant is not known', async () => {
    const io = {
      stdin: new PassThrough(),
      stdout: new Output().stream,
      stderr: new Output().stream,
      env: { SUDO_USER: 'alice' },
      interrupted: new AbortController().signal,
    };
    await assert.rejects(trust('install', {}, io, new FakeMachine('sudo')), {
      exitCode: 2,
      message: 'the CA and the browsers are yours, not root’s',
      hint: 'run it without sudo: it asks sudo by itself',
    });
  });

  test('paths in lines to copy are quoted for a shell', () => {
    assert.equal(shellQuoted('/home/you/ca/root.pem'), '/home/you/ca/root.pem');
    assert.equal(shellQuoted("/home/o'brien x/root.pem"), String.raw`'/home/o'\''brien x/root.pem'`);
  });
});
