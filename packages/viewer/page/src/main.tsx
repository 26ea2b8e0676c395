/** The page: its rooms, and the way between them. */

import { type JSX, render } from 'preact';
import { useEffect } from 'preact/hooks';
import { enter, room } from './room.ts';
import { LabRoom } from './rooms/lab.tsx';
import { fault } from './state.ts';
import './style.css';
import './ladder.css';
import './exhibit.css';

function App(): JSX.Element {
  useEffect(() => {
    addEventListener('hashchange', enter);
    return () => removeEventListener('hashchange', enter);
  }, []);
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
        {fault.value !== undefined && (
          <p class="fault" role="alert">
            This page itself has failed: {fault.value}
          </p>
        )}
        {room.value === 'lab' && <LabRoom />}
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
