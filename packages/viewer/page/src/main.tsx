/** The page: its rooms, and the way between them. */

import { type JSX, render } from 'preact';
import { useEffect } from 'preact/hooks';
import { keptJson } from './kept.ts';
import { takeDrops } from './open/drop.ts';
import { answerFiles } from './open/worker.ts';
import { Bottom, Top } from './parts/top.tsx';
import { enter, room } from './room.ts';
import { FilesRoom } from './rooms/files.tsx';
import { KeptPage, showKept } from './rooms/kept.tsx';
import { LabRoom } from './rooms/lab.tsx';
import { LiveRoom } from './rooms/live.tsx';
import { fault } from './state.ts';
import './style.css';
import './ladder.css';
import './exhibit.css';
import './between.css';
import './live.css';
import './compare.css';
import './keep.css';
import './files.css';

function App(): JSX.Element {
  useEffect(() => {
    addEventListener('hashchange', enter);
    return () => removeEventListener('hashchange', enter);
  }, []);
  useEffect(takeDrops, []);
  return (
    <>
      <Top />
      <main>
        {fault.value !== undefined && (
          <p class="fault" role="alert">
            This page itself has failed: {fault.value}
          </p>
        )}
        {room.value === 'lab' && <LabRoom />}
        {room.value === 'live' && <LiveRoom />}
        {room.value === 'files' && <FilesRoom />}
      </main>
      <Bottom />
    </>
  );
}

function start(): void {
  const place = document.getElementById('app');
  if (place === null) return;
  const kept = keptJson();
  if (kept !== undefined) showKept(kept);
  render(kept === undefined ? <App /> : <KeptPage />, place);
}

// The same script is the page, a page that was kept, and the worker that opens files.
if (typeof document === 'undefined') answerFiles();
else start();
