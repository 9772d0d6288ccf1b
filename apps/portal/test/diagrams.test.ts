import { describe, expect, test } from 'vitest';
import { columnChart, roundedUp } from '../src/diagrams/column-chart.ts';
import { type DiagramLabels, exchangesToSvg } from '../src/diagrams/sequence-diagram.ts';
import { estimatedWidth, wrapText } from '../src/diagrams/svg-text.ts';
import { textIn } from '../src/languages.ts';
import { loadTranslations } from '../src/rendering/translations.ts';
import { voiceOf } from '../src/rendering/voice.ts';
import { exchanges } from './fixtures/exchanges.ts';

const labels: DiagramLabels = {
  title: 'Exchanges <1>',
  description: 'In order',
  verified: 'signature valid',
  unverified: 'signature not valid',
  refused: 'refused',
  noAnswer: 'no answer',
  noRight: 'no access right',
  right: (right) => `right: ${right}`,
  milliseconds: (value) => `${value} ms`,
  onBehalf: (operator) => `carried out by ${operator}`,
  text: (value) => textIn('en', value),
  direction: 'ltr',
  language: 'en',
};

const headsOf = (svg: string): number[] =>
  [...svg.matchAll(/<g class="seq-head"><rect x="([\d.]+)"/g)].map((match) => Number(match[1]));

describe('sequence diagram', () => {
  test('has a lifeline per application, head and foot, and an arrow per exchange in order', () => {
    const svg = exchangesToSvg(exchanges, labels);
    const applications = new Set(exchanges.flatMap((one) => [one.client.id, one.provider.id])).size;
    expect(headsOf(svg)).toHaveLength(2 * applications);
    expect(svg.match(/class="seq-arrow"/g)).toHaveLength(exchanges.length);
    const numbers = [...svg.matchAll(/<circle[^>]*\/><text[^>]*>(\d+)</g)].map((match) => Number(match[1]));
    expect(numbers).toEqual(exchanges.map((_one, index) => index + 1));
  });

  test('says operation, right, status, time and signature; marks refusals and silence', () => {
    const svg = exchangesToSvg(exchanges, labels);
    for (const text of [
      'readEForm',
      '200 · 7 ms',
      '✓ signature valid',
      'refused 403',
      'no access right',
      'no answer',
    ])
      expect(svg).toContain(text);
    expect(svg.match(/seq-refused/g)).toHaveLength(1);
    expect(svg).toContain('✗ signature not valid');
  });

  test('is an image with title and description, escaped, without inline styles the policy would block', () => {
    const svg = exchangesToSvg(exchanges, labels);
    expect(svg).toContain('role="img" aria-labelledby="sequence-title sequence-description"');
    expect(svg).toContain('<title id="sequence-title">Exchanges &lt;1&gt;</title>');
    expect(svg).not.toMatch(/\bstyle=|<script/);
    expect(svg).not.toMatch(/NaN|undefined/);
  });

  test('runs from right to left in languages that do', () => {
    const left = headsOf(exchangesToSvg(exchanges, labels));
    const right = headsOf(exchangesToSvg(exchanges, { ...labels, direction: 'rtl' }));
    expect(left[0]).toBe(Math.min(...left));
    expect(right[0]).toBe(Math.max(...right));
  });

  test('a call to oneself is drawn beside its lifeline', () => {
    const first = exchanges[0];
    if (!first) throw new Error('no exchange');
    const svg = exchangesToSvg([{ ...first, provider: first.client }], labels);
    expect(headsOf(svg)).toHaveLength(2);
    expect(svg).not.toMatch(/NaN/);
  });
});

describe('wrapped text', () => {
  test('keeps every letter, breaks identifiers where they may be, and never exceeds the width', () => {
    for (const text of [
      'searchRegistryRecordWithExactFilter',
      'LUMORA/GOV/MSP/cash-transfer → civil-registry-v1',
    ]) {
      const lines = wrapText(text, 150, 14, 10);
      expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
      expect(lines.length).toBeGreaterThan(1);
      for (const line of lines) expect(estimatedWidth(line, 14)).toBeLessThanOrEqual(150);
    }
  });

  test('ends in an ellipsis when there is too much', () => {
    const lines = wrapText('one two three four five six seven', 60, 14, 2);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/…$/);
  });
});

describe('column chart', () => {
  test('draws a column per month with measures in per cent, mirrored for Arabic', async () => {
    const translations = await loadTranslations(true);
    const chart = {
      code: 'paid',
      kind: 'months',
      rows: [
        { label: '2026-01', value: 50 },
        { label: '2026-02', value: 100 },
      ],
    } as const;
    const columns = (svg: string): number[] =>
      [...svg.matchAll(/<rect class="portal-bars__bar" x="([\d.]+)%"/g)].map((match) => Number(match[1]));
    const english = columns(columnChart(chart, voiceOf(translations, 'en', 'UTC')));
    const arabic = columns(columnChart(chart, voiceOf(translations, 'ar', 'UTC')));
    expect(english).toHaveLength(2);
    expect(english[0]).toBeLessThan(english[1] as number);
    expect(arabic[0]).toBeGreaterThan(arabic[1] as number);
  });

  test('the scale ends at a round number', () => {
    expect([0, 3, 18, 101, 240].map(roundedUp)).toEqual([1, 5, 20, 200, 250]);
  });
});
