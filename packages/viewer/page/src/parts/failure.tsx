/** A refusal, in its place: what was found, why that matters, whose turn it is, and what to do. */

import { type Failure, finderOf, refusalOf, whoseTurn } from '@handfast/viewer';
import { escapeText, escapeWhole } from '@handfast/x509';
import type { JSX } from 'preact';
import { placeOf } from '../words.ts';

export function FailureCard({ failure }: { readonly failure: Failure }): JSX.Element {
  const { error, party } = failure;
  const { title, cause, turn, remedy } = refusalOf(error);
  const finder = finderOf(failure);
  return (
    <section class="refusal" id="failure" tabIndex={-1} aria-label={`Refused by the ${finder}`}>
      <h3>
        <span aria-hidden="true">✗</span> {title}
      </h3>
      <p class="found">{escapeWhole(error.message)}</p>
      <dl>
        <dt>Why</dt>
        <dd>{cause}</dd>
        <dt>What to do</dt>
        <dd>
          The turn is {whoseTurn(turn, party)}: <Prose text={remedy} />.
          {error.hint !== undefined && <span class="more"> In this case: {escapeWhole(error.hint)}.</span>}
        </dd>
        <dt>Who, where</dt>
        <dd>
          found by the {finder}, {placeOf(failure)}
        </dd>
        <dt>Code</dt>
        <dd>
          <code>{escapeText(error.code)}</code>
        </dd>
      </dl>
    </section>
  );
}

/** Words of ours, in which what is typed stands between backticks. */
function Prose({ text }: { readonly text: string }): JSX.Element {
  return <>{text.split('`').map((part, place) => (place % 2 === 1 ? <kbd key={place}>{part}</kbd> : part))}</>;
}
