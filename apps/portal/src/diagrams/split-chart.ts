import type { Voice } from '../rendering/voice.ts';
import { compactNumbers, roundedUp } from './column-chart.ts';
import { escapeXml } from './svg-text.ts';

export interface SplitColumn {
  /** Under the column, as people read it. */
  readonly label: string;
  readonly good: number;
  readonly bad: number;
}

/**
 * Columns over time, what failed on top of what went well. Horizontal measures are per cent, so that the drawing
 * fills any screen. Hidden from assistive technology: the same numbers stand in the table beside it.
 */
export function splitChart(columns: readonly SplitColumn[], voice: Voice): string {
  const highest = roundedUp(Math.max(0, ...columns.map(({ good, bad }) => good + bad)));
  const [top, bottom, start, end] = [24, 200, 14, 99];
  const mirrored = voice.direction === 'rtl';
  const x = (percent: number): number => (mirrored ? 100 - percent : percent);
  const height = (value: number): number => (value / highest) * (bottom - top);
  const compact = compactNumbers(voice);
  // Nobody counts halves of things.
  const marks = [0, highest / 2, highest].filter(Number.isInteger);
  const grid = marks.map(
    (value) =>
      `<line x1="${x(start)}%" x2="${x(end)}%" y1="${bottom - height(value)}" y2="${bottom - height(value)}"/>` +
      `<text x="${x(start - 1)}%" y="${bottom - height(value) + 4}" text-anchor="end">${escapeXml(compact.format(value))}</text>`,
  );
  const step = (end - start) / Math.max(1, columns.length);
  const every = Math.ceil(columns.length / 6);
  const drawn = columns.map(({ label: words, good, bad }, index) => {
    const width = Math.min(step * 0.64, 9);
    const begin = start + index * step + (step - width) / 2;
    const left = (mirrored ? 100 - begin - width : begin).toFixed(2);
    const bar = (value: number, below: number, mark: string): string =>
      value === 0
        ? ''
        : `<rect class="portal-bars__bar${mark}" x="${left}%" width="${width.toFixed(2)}%" y="${(bottom - height(below + value)).toFixed(1)}" height="${height(value).toFixed(1)}"/>`;
    const label =
      index % every === 0
        ? `<text x="${(Number(left) + width / 2).toFixed(2)}%" y="${bottom + 20}" text-anchor="middle">${escapeXml(words)}</text>`
        : '';
    return `${bar(good, 0, '')}${bar(bad, good, ' portal-bars__bar--mark')}${label}`;
  });
  return `<svg aria-hidden="true" focusable="false" width="100%" height="240" direction="${voice.direction}">${grid.join('')}${drawn.join('')}</svg>`;
}
