import type { Chart } from '../backend.ts';
import type { Voice } from '../rendering/voice.ts';
import { escapeXml } from './svg-text.ts';

/** The next round number at or above a value: 1, 2, 2.5 or 5 times a power of ten. */
export function roundedUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 2.5, 5, 10].find((one) => one * power >= value) as number;
  return step * power;
}

/** Numbers of an axis, short enough for its margin. */
export const compactNumbers = (voice: Voice): Intl.NumberFormat =>
  new Intl.NumberFormat(voice.language === 'ar' ? 'ar-u-nu-latn' : voice.language, {
    notation: 'compact',
    maximumFractionDigits: 1,
  });

/**
 * Columns over months. Horizontal measures are per cent, so that the drawing fills any screen without shrinking its
 * letters. Hidden from assistive technology: the same numbers stand in the table beside it.
 */
export function columnChart(chart: Chart, voice: Voice): string {
  const highest = roundedUp(Math.max(0, ...chart.rows.map((row) => row.value)));
  const [plotTop, plotBottom] = [24, 200];
  const [plotStart, plotEnd] = [14, 99];
  const mirrored = voice.direction === 'rtl';
  const x = (percent: number): number => (mirrored ? 100 - percent : percent);
  const y = (value: number): number => plotBottom - (value / highest) * (plotBottom - plotTop);
  const compact = compactNumbers(voice);
  // Nobody counts halves of things.
  const whole = chart.rows.every(({ value }) => Number.isInteger(value));
  const marks = [0, highest / 2, highest].filter((value) => !whole || Number.isInteger(value));
  const grid = marks.map(
    (value) =>
      `<line x1="${x(plotStart)}%" x2="${x(plotEnd)}%" y1="${y(value)}" y2="${y(value)}"/>` +
      `<text x="${x(plotStart - 1)}%" y="${y(value) + 4}" text-anchor="end">${escapeXml(compact.format(value))}</text>`,
  );
  const step = (plotEnd - plotStart) / Math.max(1, chart.rows.length);
  const widest = 9;
  const every = Math.ceil(chart.rows.length / 6);
  const columns = chart.rows.map((row, index) => {
    const width = Math.min(step * 0.64, widest);
    const start = plotStart + index * step + (step - width) / 2;
    const left = mirrored ? 100 - start - width : start;
    const label =
      index % every === 0
        ? `<text x="${(left + width / 2).toFixed(2)}%" y="${plotBottom + 20}" text-anchor="middle">${escapeXml(voice.formats.shortMonth(voice.text(row.label)))}</text>`
        : '';
    return (
      `<rect class="portal-bars__bar${row.mark ? ' portal-bars__bar--mark' : ''}" x="${left.toFixed(2)}%" width="${width.toFixed(2)}%" ` +
      `y="${y(row.value).toFixed(1)}" height="${(plotBottom - y(row.value)).toFixed(1)}" rx="2"/>${label}`
    );
  });
  return `<svg aria-hidden="true" focusable="false" width="100%" height="240" direction="${voice.direction}">${grid.join('')}${columns.join('')}</svg>`;
}
