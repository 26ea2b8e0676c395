/** ACME orders that came to nothing, and why. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { get } from '../api.ts';
import { asApiError, useLoad } from '../load.ts';
import { Badge, Empty, Failure, Heading, Loading, Time } from '../parts/basics.tsx';
import { notice } from '../state.ts';
import type { FailedOrder, OrderPage, Reason } from '../types.ts';
import { problemWords } from '../words.ts';

export function OrdersPage(): JSX.Element {
  const more = useSignal<readonly OrderPage[]>([]);
  const { value, error } = useLoad(() => get<OrderPage>('orders'), []).value;
  const pages = value === undefined ? [] : [value, ...more.value];
  const orders = pages.flatMap((page) => page.orders);
  const next = pages.at(-1)?.next ?? null;
  const load = async (): Promise<void> => {
    try {
      more.value = [...more.value, await get<OrderPage>('orders', { before: next ?? undefined })];
    } catch (caught) {
      notice.value = asApiError(caught).message;
    }
  };
  return (
    <>
      <Heading>Failed orders</Heading>
      {error && <Failure error={error} />}
      {!value && !error && <Loading />}
      {value !== undefined && orders.length === 0 && (
        <Empty title="No order has failed.">
          Orders of ACME clients that come to nothing are listed here, with the reason.
        </Empty>
      )}
      <ul class="orders">
        {orders.map((order) => (
          <Order key={order.id} order={order} />
        ))}
      </ul>
      {next !== null && (
        <button type="button" class="next" onClick={load}>
          Show older ones
        </button>
      )}
    </>
  );
}

function Order({ order }: { readonly order: FailedOrder }): JSX.Element {
  const { status, identifiers, error, createdAt, contacts, account, profile } = order;
  const names = identifiers.map(({ name }) => name);
  const attempts = identifiers.flatMap(({ name, attempts: tried }) => tried.map((one) => ({ name, ...one })));
  return (
    <li class="card order">
      <h2>
        {names.join(', ') || order.id} <Badge kind={status} />
      </h2>
      {attempts.length === 0 && error !== null && <Why reason={error} />}
      {attempts.map(({ name, type, error: reason }) => (
        <Why key={`${name} ${type}`} reason={reason} at={identifiers.length > 1 ? `${name}, ${type}` : type} />
      ))}
      {status === 'lapsed' && <p>The client never finished it.</p>}
      <p class="hint">
        <Time date={createdAt} />,{' '}
        {contacts.map((one) => one.replace(/^mailto:/, '')).join(', ') || `account ${account}`}
        {profile !== null && `, profile ${profile}`}
      </p>
    </li>
  );
}

function Why({ reason, at }: { readonly reason: Reason; readonly at?: string }): JSX.Element {
  return (
    <p>
      <strong>{problemWords.get(reason.type) ?? reason.type}</strong>
      {at !== undefined && ` (${at})`}: {reason.detail}
    </p>
  );
}
