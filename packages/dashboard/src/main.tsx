/** The dashboard: who has signed in sees the page that the address names. */

import { type JSX, render } from 'preact';
import { useEffect } from 'preact/hooks';
import { get } from './api.ts';
import { AccessPage } from './pages/access.tsx';
import { CertificatePage } from './pages/certificate.tsx';
import { CertificatesPage } from './pages/certificates.tsx';
import { ExpiringPage } from './pages/expiring.tsx';
import { IssuePage } from './pages/issue.tsx';
import { ListsPage } from './pages/lists.tsx';
import { OrdersPage } from './pages/orders.tsx';
import { OverviewPage } from './pages/overview.tsx';
import { offer, SignInPage } from './pages/sign-in.tsx';
import { Loading } from './parts/basics.tsx';
import { Layout } from './parts/layout.tsx';
import { me, route, theme } from './state.ts';
import type { Me, Offer } from './types.ts';
import './style.css';

const pages: ReadonlyMap<string, () => JSX.Element> = new Map([
  ['overview', OverviewPage],
  ['certificates', CertificatesPage],
  ['expiring', ExpiringPage],
  ['orders', OrdersPage],
  ['issue', IssuePage],
  ['lists', ListsPage],
  ['access', AccessPage],
]);

async function askWho(): Promise<void> {
  try {
    const answer = await get<Me | Offer>('me');
    if ('certificate' in answer) offer.value = answer;
    me.value = 'certificate' in answer ? undefined : answer;
  } catch {
    me.value = undefined;
  }
}

function Page(): JSX.Element {
  const { page, argument } = route.value;
  // A reader of the screen is told that the page is another.
  useEffect(() => {
    document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
    document.title = `${document.querySelector('h1')?.textContent ?? 'Certificates'} – certificate authority`;
  }, [page, argument]);
  if (page === 'certificates' && argument !== '') return <CertificatePage serial={argument} key={argument} />;
  const Wanted = pages.get(page) ?? OverviewPage;
  return <Wanted key={page} />;
}

function App(): JSX.Element {
  useEffect(() => {
    document.documentElement.dataset.theme = theme.value;
  }, [theme.value]);
  useEffect(() => {
    if (me.value === null) void askWho();
  }, [me.value]);
  if (me.value === null) return <Loading />;
  if (me.value === undefined) return <SignInPage />;
  return (
    <Layout>
      <Page />
    </Layout>
  );
}

const place = document.getElementById('app');
if (place !== null) render(<App />, place);
