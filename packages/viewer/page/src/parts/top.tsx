/** The way between the rooms, and what each is for. */

import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { settings } from '../lab.ts';
import { type Room, room } from '../room.ts';
import { writeSettings } from '../stage/settings.ts';

interface Sign {
  /** In the navigation. */
  readonly name: string;
  readonly title: string;
  readonly about: string;
  /** Below everything. */
  readonly promise: string;
}

const signs: Readonly<Record<Room, Sign>> = {
  lab: {
    name: 'Laboratory',
    title: 'See a handshake',
    about:
      'A TLS client and a TLS server run in this page and talk to each other. Nothing leaves it. Break something, and see what they say.',
    promise: 'The keys are made anew with each visit, and never leave the page.',
  },
  live: {
    name: 'Live',
    title: 'Connections of this machine',
    about: 'What programs here connect to, as it happens: choose one, and see what both sides say.',
    promise:
      'What you see goes from the programs to this page, and nowhere else. Secrets and data stay in the program, unless it runs with HANDFAST_VIEW_SECRETS=1.',
  },
  files: {
    name: 'Files',
    title: 'Open a handshake',
    about: 'A recording, a page that was kept, or a capture of Wireshark: it is read in this page, and goes nowhere.',
    promise: 'Files are read in this page, and never leave it.',
  },
};

export function Top(): JSX.Element {
  const here = signs[room.value];
  useEffect(() => {
    document.title = here.title;
  }, [here]);
  return (
    <header class="top">
      <nav aria-label="Rooms">
        <ul>
          {(['lab', 'live', 'files'] as const).map((one) => (
            <li key={one}>
              <a href={hrefOf(one)} aria-current={room.value === one ? 'page' : undefined}>
                {signs[one].name}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <h1>{here.title}</h1>
      <p>{here.about}</p>
    </header>
  );
}

export function Bottom(): JSX.Element {
  return (
    <footer>
      Made with <strong>Handfast</strong>, TLS for TypeScript. {signs[room.value].promise}
    </footer>
  );
}

/** The laboratory is where it was left. */
export function hrefOf(one: Room): string {
  return one === 'lab' ? `#${writeSettings(settings.value)}` : `#${one}`;
}
