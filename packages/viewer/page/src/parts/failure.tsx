/** A refusal, in its place: what was found, why that matters, and what to do. */

import type { Handshake } from '@handfast/viewer';
import type { JSX } from 'preact';
import { explainFailure, placeOf } from '../words.ts';

export function FailureCard({ failure }: { readonly failure: NonNullable<Handshake['failure']> }): JSX.Element {
  const { title, cause, remedy } = explainFailure(failure);
  const { error, party } = failure;
  return (
    <section class="refusal" id="failure" tabIndex={-1} aria-label={`Refused by the ${party}`}>
      <h3>
        <span aria-hidden="true">✗</span> {title}
      </h3>
      <p class="found">{error.message}</p>
      <dl>
        <dt>Why</dt>
        <dd>{cause}</dd>
        <dt>What to do</dt>
        <dd>
          {remedy}
          {error.hint !== undefined && <span class="more"> In this case: {error.hint}.</span>}
        </dd>
        <dt>Who, where</dt>
        <dd>
          found by the {party}, {placeOf(failure)}
        </dd>
        <dt>Code</dt>
        <dd>
          <code>{error.code}</code>
        </dd>
      </dl>
    </section>
  );
}
