/** What stands around every page: where one is, where one may go, and who one is. */

import type { ComponentChildren, JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { remove } from '../api.ts';
import { asApiError } from '../load.ts';
import { may, me, notice, route, theme, toggleTheme } from '../state.ts';
import type { Permission } from '../types.ts';

const places: readonly (readonly [page: string, label: string, permission: Permission])[] = [
  ['overview', 'Overview', 'view'],
  ['certificates', 'Certificates', 'view'],
  ['expiring', 'Expiring', 'view'],
  ['orders', 'Failed orders', 'view'],
  ['lists', 'CRLs and OCSP', 'view'],
  ['issue', 'Issue', 'issue'],
  ['access', 'Access', 'administer'],
];

export function Layout({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return (
    <div class="frame">
      <button type="button" class="skip" onClick={() => document.querySelector<HTMLElement>('h1')?.focus()}>
        Skip to the page
      </button>
      <header>
        <a class="mark" href="#/overview">
          <img src="/admin/icon.svg" alt="" width="28" height="28" />
          <span>Certificate authority</span>
        </a>
        <nav aria-label="Pages">
          {places
            .filter(([, , permission]) => may(permission))
            .map(([page, label]) => (
              <a key={page} href={`#/${page}`} aria-current={route.value.page === page ? 'page' : undefined}>
                {label}
              </a>
            ))}
        </nav>
        <Who />
      </header>
      <main>{children}</main>
      <Notice />
    </div>
  );
}

function Who(): JSX.Element {
  const { who = '', role = '' } = me.value ?? {};
  const leave = async (): Promise<void> => {
    try {
      await remove('session');
      me.value = null;
    } catch (error) {
      notice.value = asApiError(error).message;
    }
  };
  return (
    <div class="who">
      <p>
        <strong>{who}</strong> <span class="role">{role}</span>
      </p>
      <div class="actions">
        <ThemeButton />
        <button type="button" class="plain" onClick={leave}>
          Sign out
        </button>
      </div>
    </div>
  );
}

export function ThemeButton(): JSX.Element {
  return (
    <button type="button" class="plain" onClick={toggleTheme}>
      {theme.value === 'dark' ? 'Light' : 'Dark'}
      <span class="unseen"> colours</span>
    </button>
  );
}

const noticeMs = 6000;

function Notice(): JSX.Element {
  const said = notice.value;
  useEffect(() => {
    if (said === '') return;
    const timer = setTimeout(() => {
      notice.value = '';
    }, noticeMs);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <div class="notice" role="status" aria-live="polite" data-shown={said !== ''}>
      {said}
    </div>
  );
}
