/** With a token; or with the client certificate that the browser has shown, where that may. Where it may not, the page says why. */

import { type Signal, signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { ApiError, post } from '../api.ts';
import { asApiError } from '../load.ts';
import { Failure } from '../parts/basics.tsx';
import { ThemeButton } from '../parts/layout.tsx';
import { me } from '../state.ts';
import type { Me, Offer } from '../types.ts';

export const offer: Signal<Offer> = signal({ certificate: null });

export function SignInPage(): JSX.Element {
  const token = useSignal('');
  const busy = useSignal(false);
  const error = useSignal<ApiError | undefined>(undefined);
  const enter = async (body: object): Promise<void> => {
    busy.value = true;
    error.value = undefined;
    try {
      me.value = await post<Me>('session', body);
    } catch (caught) {
      error.value = asApiError(caught);
      busy.value = false;
    }
  };
  const { certificate: client, refused } = offer.value;
  const failure = error.value ?? (refused && new ApiError('signed_out', refused.detail, refused.hint));
  return (
    <main class="sign-in">
      <img src="/admin/icon.svg" alt="" width="44" height="44" />
      <h1>Sign in</h1>
      <p class="hint">To the dashboard of this certificate authority.</p>
      {failure && <Failure error={failure} />}
      {client !== null && (
        <button type="button" class="primary" disabled={busy.value} onClick={() => enter({})}>
          Continue as {client.who} ({client.role})
        </button>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void enter({ token: token.value });
        }}
      >
        <label for="token">Token</label>
        <input
          id="token"
          name="token"
          type="password"
          autocomplete="current-password"
          required
          spellcheck={false}
          value={token.value}
          onInput={(event) => {
            token.value = event.currentTarget.value;
          }}
        />
        <p class="hint">
          It begins with <code>hfa_</code>. <code>handfast ca admin token</code> makes one.
        </p>
        <button type="submit" class={client === null ? 'primary' : ''} disabled={busy.value}>
          {busy.value ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
      <ThemeButton />
    </main>
  );
}
