/** A client and a server in one page: what the reader changes, and what comes of it. */

import { type JSX, render } from 'preact';
import { useEffect } from 'preact/hooks';
import { ExhibitPanel } from './parts/exhibit.tsx';
import { Ladder } from './parts/ladder.tsx';
import { Paths } from './parts/paths.tsx';
import { Schedule } from './parts/schedule.tsx';
import { CertificateChoice, SettingsPanel } from './parts/settings.tsx';
import { Verdict } from './parts/verdict.tsx';
import { fault, follow, handshake, start } from './state.ts';
import './style.css';
import './ladder.css';
import './exhibit.css';

function App(): JSX.Element {
  useEffect(() => {
    void start();
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  const shown = handshake.value;
  return (
    <>
      <header class="top">
        <h1>See a handshake</h1>
        <p>
          A TLS client and a TLS server run in this page and talk to each other. Nothing leaves it. Break something, and
          see what they say.
        </p>
      </header>
      <main>
        <CertificateChoice />
        <SettingsPanel />
        {fault.value !== undefined && (
          <p class="fault" role="alert">
            This page itself has failed: {fault.value}
          </p>
        )}
        {shown === undefined ? (
          <p class="waiting">Making keys and certificates…</p>
        ) : (
          <>
            <Verdict shown={shown} />
            <div class="bench">
              <Ladder shown={shown} />
              <ExhibitPanel />
            </div>
            <Paths shown={shown} />
            <Schedule shown={shown} />
          </>
        )}
      </main>
      <footer>
        Made with <strong>Handfast</strong>, TLS for TypeScript. The keys are made anew with each visit, and never leave
        the page.
      </footer>
    </>
  );
}

const place = document.getElementById('app');
if (place !== null) render(<App />, place);
