/** Bytes under the glass: coloured by field, beside the tree of the fields; what is pointed at in one lights up in the other. */

import type { Field } from '@handfast/viewer';
import { summary } from '@handfast/viewer';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { isOnWire, onWire, showOnWire } from '../between.ts';
import { exhibit, lit } from '../state.ts';
import { bytes as byteCount } from '../words.ts';

/** More bytes than that are not put on a page. */
const mostBytes = 16_384;

export function ExhibitPanel(): JSX.Element {
  const given = exhibit.value;
  const wire = given && onWire(given);
  const shown = isOnWire.value ? (wire ?? given) : given;
  const heading = useRef<HTMLHeadingElement>(null);
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    if (panel.current !== null) panel.current.scrollTop = 0;
  }, [shown?.field]);
  if (shown === undefined) {
    return (
      <section class="exhibit empty" aria-label="The bytes">
        <p>
          Each arrow is a message. Choose one: here are its bytes then, each with its name, what it is for, and where
          that is written.
        </p>
      </section>
    );
  }
  return (
    <section
      class="exhibit"
      aria-labelledby="exhibit-title"
      ref={panel}
      onKeyDown={({ key }) => {
        if (key === 'Escape') close();
      }}
    >
      <div class="exhibit-head">
        <h2 id="exhibit-title" ref={heading}>
          {shown.title}
        </h2>
        <span class="hint">{byteCount(shown === given && shown.arrow ? shown.arrow.length : shown.bytes.length)}</span>
        <button type="button" class="close" aria-label="Close the bytes" onClick={close}>
          ×
        </button>
      </div>
      {wire !== undefined && <Layers />}
      {shown.field.meaning !== undefined && (
        <p>
          {shown.field.meaning} {shown.field.section !== undefined && <Section name={shown.field.section} />}
        </p>
      )}
      {shown.lines.map((line) => (
        <p key={line} class="hint">
          {line}
        </p>
      ))}
      <About field={lit.value} />
      <Hex all={shown.bytes} field={shown.field} />
      <ul class="fields" aria-label="Fields">
        {(shown.field.children ?? []).map((child, place) => (
          <FieldItem key={`${shown.title}${place}`} field={child} depth={0} />
        ))}
      </ul>
    </section>
  );
}

/** The message itself, or the records around it. */
function Layers(): JSX.Element {
  const layers = [
    [false, 'The message'],
    [true, 'As the wire carries it'],
  ] as const;
  return (
    <fieldset class="layers">
      <legend class="unseen">What is shown</legend>
      {layers.map(([wire, label]) => (
        <button key={label} type="button" aria-pressed={isOnWire.value === wire} onClick={() => showOnWire(wire)}>
          {label}
        </button>
      ))}
    </fieldset>
  );
}

/** Back to the arrow that it was opened from. */
function close(): void {
  document.querySelector<HTMLElement>('button.arrow[aria-pressed="true"]')?.focus({ preventScroll: true });
  exhibit.value = undefined;
  lit.value = undefined;
}

function Section({ name }: { readonly name: string }): JSX.Element {
  return <span class="section">{name}</span>;
}

/** What is known of the field that is pointed at. */
function About({ field }: { readonly field: Field | undefined }): JSX.Element {
  return (
    <div class="about" aria-live="polite">
      {field === undefined ? (
        <p class="hint">Point at a field, or go to it with Tab.</p>
      ) : (
        <>
          <p>
            <strong>{field.name}</strong>
            <span class="hint">
              {' '}
              bytes {field.start}–{Math.max(field.start, field.end - 1)}
            </span>
            {field.section !== undefined && <Section name={field.section} />}
          </p>
          {(field.value ?? summary(field)) !== undefined && <p class="value">{field.value ?? summary(field)}</p>}
          {field.meaning !== undefined && <p>{field.meaning}</p>}
          {field.problem !== undefined && <p class="problem">{field.problem}</p>}
        </>
      )}
    </div>
  );
}

interface Piece {
  readonly field: Field;
  readonly colour: number;
}

/** The fields that have no parts, each in the colour of what it is in: neighbours differ. */
function piecesOf(field: Field, out: Piece[] = []): readonly Piece[] {
  if (field.children !== undefined && field.children.length > 0)
    for (const child of field.children) piecesOf(child, out);
  else if (field.end > field.start) out.push({ field, colour: out.length % 6 });
  return out;
}

function Hex({ all, field }: { readonly all: Uint8Array; readonly field: Field }): JSX.Element {
  const pointed = lit.value;
  const pieces = piecesOf(field).filter((piece) => piece.field.start < mostBytes);
  return (
    // The tree below says the same, and is what is read aloud.
    <div class="hex" aria-hidden="true" onMouseLeave={() => (lit.value = undefined)}>
      {pieces.map(({ field: piece, colour }) => (
        // biome-ignore lint/a11y/noStaticElementInteractions: for the mouse alone; the tree below does the same by keyboard
        <span
          key={piece.start}
          class={`byte c${colour}${pointed && piece.start >= pointed.start && piece.end <= pointed.end ? ' lit' : ''}`}
          onMouseEnter={() => (lit.value = piece)}
        >
          {hexOf(all.subarray(piece.start, Math.min(piece.end, mostBytes)))}
        </span>
      ))}
      {all.length > mostBytes && <span>… and {all.length - mostBytes} bytes more</span>}
    </div>
  );
}

function hexOf(some: Uint8Array): string {
  return [...some].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

/** So deep the tree is open from the beginning. */
const openTo = 2;

function FieldItem({ field, depth }: { readonly field: Field; readonly depth: number }): JSX.Element {
  const parts = field.children ?? [];
  const [open, setOpen] = useState(
    depth < openTo && parts.length < 12 && !/certificate|cert_data|ocsp/i.test(field.name),
  );
  const said = field.value ?? summary(field, 3);
  const point = (): void => {
    lit.value = field;
  };
  return (
    <li>
      <button
        type="button"
        class={`field${lit.value === field ? ' lit' : ''}${field.problem ? ' wrong' : ''}`}
        {...(parts.length > 0 && { 'aria-expanded': open })}
        onMouseEnter={point}
        onFocus={point}
        onClick={() => setOpen(!open)}
      >
        <span class="twist" aria-hidden="true">
          {parts.length === 0 ? '' : open ? '▾' : '▸'}
        </span>
        <span class="field-name">{field.name}</span>
        {said !== undefined && <span class="field-value">{said}</span>}
      </button>
      {open && parts.length > 0 && (
        <ul>
          {parts.map((part, place) => (
            <FieldItem key={place} field={part} depth={depth + 1} />
          ))}
        </ul>
      )}
    </li>
  );
}
