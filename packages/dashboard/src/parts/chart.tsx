/** What was issued and revoked, day by day. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { theme } from '../state.ts';
import type { Day } from '../types.ts';
import { count, shortDay } from '../words.ts';

const height = 200;

export function IssuanceChart({ days }: { readonly days: readonly Day[] }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const under = useSignal<Day | undefined>(undefined);
  const coloured = theme.value;
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const plot = draw(element, days, (index) => {
      under.value = index === undefined ? undefined : days[index];
    });
    const watcher = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      plot.destroy();
    };
  }, [days, coloured]);
  const issued = days.reduce((sum, day) => sum + day.issued, 0);
  const revoked = days.reduce((sum, day) => sum + day.revoked, 0);
  const summary = `${count(issued, 'certificate')} issued and ${revoked} revoked in ${count(days.length, 'day')}`;
  const shown = under.value;
  return (
    <figure class="chart">
      <div ref={place} role="img" aria-label={summary} />
      <figcaption>
        <span class="key issued">{shown ? `${shown.issued} issued` : `${issued} issued`}</span>
        <span class="key revoked">{shown ? `${shown.revoked} revoked` : `${revoked} revoked`}</span>
        <span>{shown ? shortDay(shown.day) : `in ${count(days.length, 'day')}, by day (UTC)`}</span>
      </figcaption>
    </figure>
  );
}

function draw(place: HTMLElement, days: readonly Day[], under: (index: number | undefined) => void): uPlot {
  const style = getComputedStyle(place);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = { stroke: colour('--quiet'), ticks: { show: false }, font: '12px system-ui, sans-serif' };
  const bars = (width: number): uPlot.Series.PathBuilder => {
    const made = uPlot.paths.bars?.({ size: [width, 28], radius: 0.15 });
    return made ?? (() => null);
  };
  const top = Math.max(4, ...days.map(({ issued, revoked }) => Math.max(issued, revoked)));
  return new uPlot(
    {
      width: place.clientWidth,
      height,
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: { x: { time: false, range: [-0.7, days.length - 0.3] }, y: { range: [0, Math.ceil(top * 1.1)] } },
      axes: [
        {
          ...axis,
          grid: { show: false },
          values: (_, at) => at.map((index) => dayAt(days, index)),
          space: 64,
          size: 26,
        },
        {
          ...axis,
          size: 34,
          grid: { stroke: colour('--line'), width: 1 },
          // There are no halves of a certificate.
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000],
        },
      ],
      series: [
        {},
        { label: 'Issued', fill: colour('--accent'), width: 0, paths: bars(0.7), points: { show: false } },
        { label: 'Revoked', fill: colour('--bad'), width: 0, paths: bars(0.3), points: { show: false } },
      ],
      hooks: { setCursor: [({ cursor }) => under(cursor.idx ?? undefined)] },
    },
    [days.map((_, index) => index), days.map(({ issued }) => issued), days.map(({ revoked }) => revoked)],
    place,
  );
}

function dayAt(days: readonly Day[], index: number): string {
  const day = days[index];
  return day === undefined ? '' : shortDay(day.day);
}
