/**
 * A browser that comes back to `handfast serve --http`, which shows every visitor whether it knew him: what is looked at is
 * the page that the browser has. It is told by Chromium's DevTools protocol where to go, and to ask for the end of each
 * connection, so that every visit makes a new one.
 *
 * @module
 */

import { type Case, type Direction, versionId } from '../cases.ts';
import type { Certificates } from '../certificates.ts';
import { chromium, startBrowser, startServe } from '../peers/chromium.ts';
import type { Peer } from '../peers/peer.ts';
import type { Command } from '../processes.ts';
import { agree, type Cleanups, type Job } from '../run.ts';

/** Above its column in the table of resumption. */
const name = 'handfast serve --http';

const visits = 4;

export function browserJobs(
  peer: Peer,
  direction: Direction,
  plain: readonly Case[],
  certificates: Certificates,
): readonly Job[] {
  if (peer !== chromium || direction !== 'client') return [];
  return plain.map((row) => ({
    ...{ peer, direction, version: row.version, id: `${versionId(row)}+resumes+${name}`, row: undefined },
    resumption: name,
    run: (cleanups) => comesBackToPage(row, certificates, cleanups),
  }));
}

async function comesBackToPage(
  { scheme, version }: Case,
  certificates: Certificates,
  cleanups: Cleanups,
): Promise<void> {
  const { caFile, server: identity } = await certificates.family(scheme);
  const number = version.replace('TLS ', '');
  const server = startServe([
    ...['--cert', identity.certFile, '--key', identity.keyFile],
    ...['--min-version', number, '--max-version', number],
  ]);
  cleanups.add(() => server.stop());
  const { command, stop } = startBrowser(caFile, ['--remote-debugging-port=0', 'about:blank']);
  cleanups.add(stop);
  const [{ url }, tab] = await Promise.all([server.listening, openTab(command)]);
  cleanups.add(() => tab.close());
  const pages: string[] = [];
  for (let visit = 0; visit < visits; visit++) pages.push(await tab.load(url));
  agree([
    ...faultsOf(pages, version),
    ...(server.connections() < visits ? [`${server.connections()} connections for ${visits} visits`] : []),
  ]);
}

/**
 * What of the pages is not as it should be: the first is of a new session. Chromium may open a second connection at once, to
 * use it for the next visit: from the third on they resume.
 */
function faultsOf(pages: readonly string[], version: string): readonly string[] {
  return pages.flatMap((page, index) => {
    const rows = rowsOf(page);
    const expected = index === 0 ? ['new'] : index === 1 ? ['new', 'resumed'] : ['resumed'];
    const session = rows.get('Session');
    return [
      ...(rows.get('Version') === version ? [] : [`page ${index + 1} says ${rows.get('Version')}, not ${version}`]),
      ...(session !== undefined && expected.includes(session)
        ? []
        : [`page ${index + 1} says that the session is ${session}, not ${expected.join(' or ')}`]),
    ];
  });
}

/** Labels and values, without the notes beside them. */
function rowsOf(page: string): ReadonlyMap<string, string> {
  return new Map(
    [...page.matchAll(/<dt>([^<]*)<\/dt><dd>([^<]*)/g)].map(([, label = '', value = '']) => [label, value.trim()]),
  );
}

// ---- the DevTools protocol

/** A tab of a browser that was started with `--remote-debugging-port=0`. */
interface Tab {
  /** Goes to a page, on a connection of its own: what the page holds once it is loaded. */
  load(url: string): Promise<string>;
  close(): void;
}

async function openTab(browser: Command): Promise<Tab> {
  const address = /^DevTools listening on (ws:\S+)$/m;
  await browser.said(address);
  const [, url = ''] = address.exec(browser.stderr) ?? [];
  const tools = await DevTools.connect(url);
  const { targetId } = await tools.call('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await tools.call('Target.attachToTarget', { targetId, flatten: true });
  await tools.call('Network.enable', {}, sessionId);
  await tools.call('Network.setExtraHTTPHeaders', { headers: { Connection: 'close' } }, sessionId);
  await tools.call('Page.enable', {}, sessionId);
  return {
    async load(url) {
      const loaded = tools.event('Page.loadEventFired');
      const { errorText } = await tools.call('Page.navigate', { url }, sessionId);
      if (errorText !== undefined) throw new Error(`the page is not loaded: ${errorText}`);
      await loaded;
      const expression = 'document.documentElement.outerHTML';
      const { result } = await tools.call('Runtime.evaluate', { expression, returnByValue: true }, sessionId);
      return result?.value ?? '';
    },
    close: () => tools.close(),
  };
}

/** What the calls above are answered, as far as it is looked at. */
interface Answer {
  readonly targetId?: string;
  readonly sessionId?: string;
  readonly errorText?: string;
  readonly result?: { readonly value?: string };
}

/** An answer has its call's number, an event its name. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly result?: Answer;
  readonly error?: { readonly message: string };
}

class DevTools {
  readonly #socket: WebSocket;
  /** Who waits: for the answer to a call, by its number, or for an event, by its name. */
  readonly #waiting = new Map<number | string, PromiseWithResolvers<Answer>>();
  #next = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#heard(JSON.parse(String(data))));
    socket.addEventListener('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('chromium has gone'));
    });
  }

  static async connect(url: string): Promise<DevTools> {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', () => reject(new Error(`chromium does not answer at ${url}`)));
    });
    return new DevTools(socket);
  }

  call(method: string, params: object, sessionId?: string): Promise<Answer> {
    const id = this.#next++;
    this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    return this.#wait(id);
  }

  /** The next one of this name. */
  async event(name: string): Promise<void> {
    await this.#wait(name);
  }

  close(): void {
    this.#socket.close();
  }

  #wait(what: number | string): Promise<Answer> {
    const waiting = Promise.withResolvers<Answer>();
    // Of two that are waited for, one may fail before the other is looked at.
    waiting.promise.catch(() => undefined);
    this.#waiting.set(what, waiting);
    return waiting.promise;
  }

  #heard({ id, method, result = {}, error }: Message): void {
    const what = id ?? method ?? '';
    const waiting = this.#waiting.get(what);
    this.#waiting.delete(what);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(`chromium's DevTools: ${error.message}`));
  }
}
