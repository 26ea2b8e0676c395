/** Small parts that every page has. */

import type { ComponentChildren, JSX } from 'preact';
import type { ApiError } from '../api.ts';
import { now } from '../state.ts';
import type { CertificateSummary, Status } from '../types.ts';
import { exactTime, relativeTime } from '../words.ts';

/** Relative; exact on hover, and for screen readers. */
export function Time({ date }: { readonly date: string }): JSX.Element {
  return (
    <time dateTime={date} title={exactTime(date)}>
      {relativeTime(date, now.value)}
    </time>
  );
}

const badges: Readonly<Record<string, string>> = {
  valid: 'good',
  active: 'good',
  fresh: 'good',
  expired: 'quiet',
  lapsed: 'quiet',
  retired: 'quiet',
  soon: 'warn',
  late: 'bad',
  failed: 'bad',
  revoked: 'bad',
  missing: 'warn',
};

export function Badge({
  kind,
  children,
}: {
  readonly kind: string;
  readonly children?: ComponentChildren;
}): JSX.Element {
  return <span class={`badge ${badges[kind] ?? 'quiet'}`}>{children ?? kind}</span>;
}

/** Valid ones that end soon say so. */
export function StatusBadge({ status, notAfter }: { readonly status: Status; readonly notAfter: string }): JSX.Element {
  const soon = status === 'valid' && Date.parse(notAfter) - now.value < 30 * 86_400_000;
  return soon ? <Badge kind="soon">ends soon</Badge> : <Badge kind={status} />;
}

export function Failure({ error }: { readonly error: ApiError }): JSX.Element {
  return (
    <div class="failure" role="alert">
      <p>{error.message}</p>
      {error.hint !== undefined && <p class="hint">{error.hint}</p>}
    </div>
  );
}

export function Empty({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}): JSX.Element {
  return (
    <div class="empty">
      <p>{title}</p>
      {children !== undefined && <p class="hint">{children}</p>}
    </div>
  );
}

export function Loading(): JSX.Element {
  return (
    <p class="loading" role="status">
      Loading…
    </p>
  );
}

type Named = Pick<CertificateSummary, 'serial' | 'commonName' | 'names'>;

/** What people call it: the first name, and how many more. */
export function CertificateLink({ certificate }: { readonly certificate: Named }): JSX.Element {
  const { serial, commonName, names } = certificate;
  const [first = serial, ...others] = [...new Set([...(commonName ? [commonName] : []), ...names])];
  return (
    <span class="names">
      <a href={`#/certificates/${serial}`}>{first}</a>
      {others.length > 0 && <span class="more" title={others.join('\n')}>{` +${others.length}`}</span>}
    </span>
  );
}

export function Heading({
  children,
  aside,
}: {
  readonly children: ComponentChildren;
  readonly aside?: ComponentChildren;
}): JSX.Element {
  return (
    <div class="heading">
      <h1 tabIndex={-1}>{children}</h1>
      {aside}
    </div>
  );
}
