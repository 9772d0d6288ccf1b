import type { Voice } from '../rendering/voice.ts';
import { roundedUp } from './column-chart.ts';
import { escapeXml } from './svg-text.ts';

export interface Hour {
  /** When the hour began. */
  readonly from: string;
  readonly good: number;
  readonly bad: number;
}

/**
 * Columns over hours, what failed on top of what went well. Horizontal measures are per cent, so that the drawing
 * fills any screen. Hidden from assistive technology: the same numbers stand in the table beside it.
 */
export function hourChart(hours: readonly Hour[], voice: Voice): string {
  const highest = roundedUp(Math.max(0, ...hours.map(({ good, bad }) => good + bad)));
  const [top, bottom, start, end] = [24, 200, 14, 99];
  const mirrored = voice.direction === 'rtl';
  const x = (percent: number): number => (mirrored ? 100 - percent : percent);
  const height = (value: number): number => (value / highest) * (bottom - top);
  const grid = [0, highest / 2, highest].map(
    (value) =>
      `<line x1="${x(start)}%" x2="${x(end)}%" y1="${bottom - height(value)}" y2="${bottom - height(value)}"/>` +
      `<text x="${x(start - 1)}%" y="${bottom - height(value) + 4}" text-anchor="end">${escapeXml(voice.formats.number(value))}</text>`,
  );
  const step = (end - start) / Math.max(1, hours.length);
  const every = Math.ceil(hours.length / 6);
  const columns = hours.map(({ from, good, bad }, index) => {
    const width = step * 0.64;
    const begin = start + index * step + (step - width) / 2;
    const left = (mirrored ? 100 - begin - width : begin).toFixed(2);
    const bar = (value: number, below: number, mark: string): string =>
      value === 0
        ? ''
        : `<rect class="portal-bars__bar${mark}" x="${left}%" width="${width.toFixed(2)}%" y="${(bottom - height(below + value)).toFixed(1)}" height="${height(value).toFixed(1)}"/>`;
    const label =
      index % every === 0
        ? `<text x="${(Number(left) + width / 2).toFixed(2)}%" y="${bottom + 20}" text-anchor="middle">${escapeXml(voice.formats.hour(from))}</text>`
        : '';
    return `${bar(good, 0, '')}${bar(bad, good, ' portal-bars__bar--mark')}${label}`;
  });
  return `<svg aria-hidden="true" focusable="false" width="100%" height="240" direction="${voice.direction}">${grid.join('')}${columns.join('')}</svg>`;
}
