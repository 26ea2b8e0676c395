/** Tokens for this dashboard: for admins. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { type ApiError, get, post, remove } from '../api.ts';
import { asApiError, useLoad } from '../load.ts';
import { Badge, Empty, Failure, Heading, Loading, Time } from '../parts/basics.tsx';
import { may, notice } from '../state.ts';
import type { Role, Token } from '../types.ts';

const roles: readonly (readonly [Role, string])[] = [
  ['viewer', 'viewer: sees everything'],
  ['issuer', 'issuer: issues, too'],
  ['revoker', 'revoker: revokes, too'],
  ['admin', 'admin: all of it, and tokens'],
];

export function AccessPage(): JSX.Element {
  const version = useSignal(0);
  const { value, error } = useLoad(() => get<{ readonly tokens: readonly Token[] }>('tokens'), [version.value]).value;
  if (!may('administer')) {
    return (
      <>
        <Heading>Access</Heading>
        <Empty title="Tokens are made by admins." />
      </>
    );
  }
  const revoke = async (token: Token): Promise<void> => {
    try {
      await remove(`tokens/${token.id}`);
      notice.value = `The token of ${token.who} is revoked.`;
      version.value++;
    } catch (caught) {
      notice.value = asApiError(caught).message;
    }
  };
  return (
    <>
      <Heading>Access</Heading>
      <NewToken made={() => version.value++} />
      {error && <Failure error={error} />}
      {!value && !error && <Loading />}
      {value && (
        <table>
          <caption class="unseen">Tokens, the newest first</caption>
          <thead>
            <tr>
              <th scope="col">Who</th>
              <th scope="col">Role</th>
              <th scope="col">Status</th>
              <th scope="col">Ends</th>
              <th scope="col">Last used</th>
              <th scope="col">Revoke</th>
            </tr>
          </thead>
          <tbody>
            {value.tokens.map((token) => (
              <tr key={token.id}>
                <th scope="row" data-label="Who">
                  {token.who}
                </th>
                <td data-label="Role">{token.role}</td>
                <td data-label="Status">
                  <Badge kind={token.status} />
                </td>
                <td data-label="Ends">
                  <Time date={token.expiresAt} />
                </td>
                <td data-label="Last used">{token.usedAt ? <Time date={token.usedAt} /> : 'never'}</td>
                <td data-label="Revoke">
                  {token.status === 'active' && (
                    <button type="button" aria-label={`Revoke the token of ${token.who}`} onClick={() => revoke(token)}>
                      Revoke
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function NewToken({ made }: { readonly made: () => void }): JSX.Element {
  const who = useSignal('');
  const role = useSignal<string>('viewer');
  const secret = useSignal<string | undefined>(undefined);
  const error = useSignal<ApiError | undefined>(undefined);
  const make = async (event: Event): Promise<void> => {
    event.preventDefault();
    error.value = undefined;
    try {
      secret.value = (await post<{ readonly secret: string }>('tokens', { who: who.value, role: role.value })).secret;
      who.value = '';
      made();
    } catch (caught) {
      error.value = asApiError(caught);
    }
  };
  return (
    <form class="card" onSubmit={make}>
      <h2>A new token</h2>
      <div class="fields">
        <div>
          <label for="who">For whom</label>
          <input
            id="who"
            required
            maxLength={64}
            value={who.value}
            onInput={(event) => (who.value = event.currentTarget.value)}
          />
        </div>
        <div>
          <label for="role">Role</label>
          <select id="role" value={role.value} onChange={(event) => (role.value = event.currentTarget.value)}>
            {roles.map(([name, words]) => (
              <option key={name} value={name}>
                {words}
              </option>
            ))}
          </select>
        </div>
        <button type="submit" class="primary">
          Make it
        </button>
      </div>
      {error.value && <Failure error={error.value} />}
      {secret.value !== undefined && (
        <div class="secret" role="status">
          <p>This is shown once:</p>
          <code>{secret.value}</code>
        </div>
      )}
    </form>
  );
}
