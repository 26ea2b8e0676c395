/** Keeps the handshake as a file. Secrets go along only where the reader says so, and has read what that means. */

import { hasSecrets, hasWire, type KeptFormat, keptFormats, type PageParts } from '@handfast/viewer';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { connectionOf, download, pageParts, size, type Wish } from '../keep.ts';
import { keptJson } from '../kept.ts';
import type { Scene } from '../state.ts';
import { kilobytes } from '../words.ts';

const uses: Readonly<Record<KeptFormat, string>> = {
  html: 'one page that any browser shows, without a network',
  pcapng: 'a capture for Wireshark',
  json: 'a recording for programs, and for this page',
};

export function KeepMenu({ shown }: { readonly shown: Scene }): JSX.Element {
  const menu = useRef<HTMLDetailsElement>(null);
  const [open, setOpen] = useState(false);
  return (
    <details
      class="keep"
      ref={menu}
      onToggle={({ currentTarget }) => setOpen(currentTarget.open)}
      onKeyDown={({ key }) => {
        if (key !== 'Escape' || menu.current === null) return;
        menu.current.open = false;
        menu.current.querySelector('summary')?.focus();
      }}
    >
      <summary>Keep as a file</summary>
      {open && <Choices shown={shown} />}
    </details>
  );
}

function Choices({ shown }: { readonly shown: Scene }): JSX.Element {
  const [wished, setWished] = useState(false);
  /** Null: nobody knows yet. */
  const [page, setPage] = useState<PageParts | undefined | null>(null);
  useEffect(() => {
    void pageParts().then(setPage);
  }, []);
  const secret = hasSecrets(connectionOf(shown));
  const secrets = secret && wished;
  if (page === null) return <p class="hint">One moment…</p>;
  return (
    <div class="keep-choices">
      <label>
        <input
          type="checkbox"
          checked={secrets}
          disabled={!secret}
          onChange={({ currentTarget }) => setWished(currentTarget.checked)}
        />{' '}
        with its secrets and its data
      </label>
      <p class={secrets ? 'warning' : 'hint'}>
        {!secret
          ? 'This recording has none.'
          : secrets
            ? 'Whoever gets the file reads everything that was said in this connection. Send it as you would send that.'
            : 'Without them the file shows the handshake, with names and certificates, but neither keys nor data.'}
      </p>
      <Formats shown={shown} secrets={secrets} page={page} />
    </div>
  );
}

interface FormatsProps extends Wish {
  readonly shown: Scene;
}

/** What is shown may change while the menu is open: a file is made when somebody wants it, of what is shown then. */
function Formats({ shown, secrets, page }: FormatsProps): JSX.Element {
  const [done, setDone] = useState<string>();
  const wish = { secrets, page };
  return (
    <>
      <ul>
        {formatsOf(shown, page).map(({ format, missing }) => (
          <li key={format}>
            <button
              type="button"
              disabled={missing !== undefined}
              onClick={() => setDone(download(shown, format, wish))}
            >
              {format === 'pcapng' ? format : format.toUpperCase()}
            </button>{' '}
            <span>
              {uses[format]}
              {missing === undefined ? `, about ${kilobytes(size(shown, format, wish))}` : `: ${missing}`}
            </span>
          </li>
        ))}
      </ul>
      <p class="hint" role="status">
        {done === undefined ? '' : `${done} is among your downloads.`}
      </p>
    </>
  );
}

interface Choice {
  readonly format: KeptFormat;
  /** Why there is no such file. */
  readonly missing?: string;
}

function formatsOf(shown: Scene, page: PageParts | undefined): readonly Choice[] {
  return keptFormats.flatMap((format): readonly Choice[] => {
    if (format === 'pcapng' && !hasWire(connectionOf(shown))) {
      return [{ format, missing: 'the bytes of the wire were not recorded' }];
    }
    if (format === 'html' && page === undefined) {
      // Where this page is such a file itself, another one would be a copy of it.
      return keptJson() === undefined ? [{ format, missing: 'this page could not be fetched again' }] : [];
    }
    return [{ format }];
  });
}
