/** What every part of the page looks at. */

import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Me, Permission } from './types.ts';

/** Who has signed in; `undefined`: nobody; `null`: the server is to be asked, at first, and when a session is over. */
export const me: Signal<Me | undefined | null> = signal(null);

export function may(permission: Permission): boolean {
  return me.value?.permissions.includes(permission) === true;
}

const hash: Signal<string> = signal(location.hash);
addEventListener('hashchange', () => {
  hash.value = location.hash;
});

export interface Route {
  readonly page: string;
  readonly argument: string;
  readonly query: URLSearchParams;
}

/** Of `#/page/argument?query`. */
export const route: ReadonlySignal<Route> = computed(() => {
  const [path = '', query = ''] = hash.value.replace(/^#\/?/, '').split('?', 2);
  const [page = '', argument = ''] = path.split('/', 2);
  return { page: page || 'overview', argument: decodeURIComponent(argument), query: new URLSearchParams(query) };
});

/** Said once, to eyes and to screen readers. */
export const notice: Signal<string> = signal('');

/** The time that relative dates are told from: moved each half minute. */
export const now: Signal<number> = signal(Date.now());
setInterval(() => {
  now.value = Date.now();
}, 30_000);

export type Theme = 'light' | 'dark';
const systemDark = matchMedia('(prefers-color-scheme: dark)');
const chosen: Signal<Theme | undefined> = signal(rememberedTheme());
const system: Signal<Theme> = signal(systemDark.matches ? 'dark' : 'light');
systemDark.addEventListener('change', ({ matches }) => {
  system.value = matches ? 'dark' : 'light';
});
export const theme: ReadonlySignal<Theme> = computed(() => chosen.value ?? system.value);

export function toggleTheme(): void {
  chosen.value = theme.value === 'dark' ? 'light' : 'dark';
  try {
    localStorage.setItem('theme', chosen.value);
  } catch {
    // A browser that keeps nothing shows it all the same.
  }
}

function rememberedTheme(): Theme | undefined {
  try {
    const known = localStorage.getItem('theme');
    return known === 'light' || known === 'dark' ? known : undefined;
  } catch {
    return undefined;
  }
}
