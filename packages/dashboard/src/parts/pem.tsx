/** A certificate as text: to look at, to copy and to keep. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { notice } from '../state.ts';

export function Pem({ pem, name }: { readonly pem: string; readonly name: string }): JSX.Element {
  const shown = useSignal(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(pem);
      notice.value = 'Copied.';
    } catch {
      shown.value = true;
      notice.value = 'The browser does not let the page copy: select the text.';
    }
  };
  return (
    <div class="pem">
      <div class="actions">
        <button type="button" onClick={copy}>
          Copy PEM
        </button>
        <button type="button" onClick={() => save(pem, `${name.replaceAll(/[^\w.-]/g, '_')}.pem`)}>
          Download PEM
        </button>
        <button type="button" class="plain" aria-expanded={shown.value} onClick={() => (shown.value = !shown.value)}>
          {shown.value ? 'Hide' : 'Show'}
        </button>
      </div>
      {shown.value && <textarea class="mono" readOnly rows={12} aria-label="Certificate, PEM" value={pem} />}
    </div>
  );
}

function save(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/x-pem-file' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
