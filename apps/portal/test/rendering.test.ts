import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import nunjucks from 'nunjucks';
import { describe, expect, test } from 'vitest';
import { preferredLanguage, textIn } from '../src/languages.ts';
import { loadAssets } from '../src/rendering/assets.ts';
import { formatsOf } from '../src/rendering/formats.ts';
import { buildStylesheets, neutralComponents } from '../src/rendering/stylesheet.ts';
import { cssDefects } from './valid.ts';

describe('stylesheet', () => {
  test('carries neither font nor crest of the government the components come from', () => {
    const { ltr, rtl } = buildStylesheets((name) => `/assets/${name}`);
    for (const css of [ltr, rtl]) expect(css).not.toMatch(/GDS|crest|Calvert/);
  });

  test('refuses components that bring a new font or image', () => {
    expect(() => neutralComponents('a{background:url(/assets/crown.svg)}')).toThrow('not ours to use');
  });

  test('is mirrored for right-to-left languages', () => {
    const { ltr, rtl } = buildStylesheets((name) => `/assets/${name}`);
    const backLink = /\.govuk-back-link\{[^}]*padding-left:[^}]*\}/;
    expect(ltr).toMatch(backLink);
    expect(rtl).not.toMatch(backLink);
    expect(rtl).toMatch(/\.govuk-back-link\{[^}]*padding-right:[^}]*\}/);
  });

  test('[CFR-QUA-2] is valid CSS', () => {
    const { ltr, rtl } = buildStylesheets((name) => `/assets/${name}`);
    for (const css of [ltr, rtl]) expect(cssDefects(css)).toEqual([]);
  });

  test('assets have names that change with their content', () => {
    const url = loadAssets().url('portal.css');
    expect(url).toMatch(/^\/assets\/portal\.[0-9a-f]{12}\.css$/);
    expect(loadAssets().url('portal.css')).toBe(url);
    expect(loadAssets().url('portal-rtl.css')).not.toContain(url.slice(15, 27));
  });
});

test('every template can be compiled', () => {
  const folder = fileURLToPath(new URL('../views/', import.meta.url));
  const environment = new nunjucks.Environment(new nunjucks.FileSystemLoader(folder));
  const views = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.njk'),
  );
  expect(views.length).toBeGreaterThan(50);
  for (const name of views) environment.getTemplate(name, true);
});

describe('languages', () => {
  test.each([
    ['fr-CA,fr;q=0.8,en;q=0.5', 'fr'],
    ['de,ar;q=0.3,en;q=0.2', 'ar'],
    ['en;q=0,fr', 'fr'],
    ['*', 'en'],
    [undefined, 'en'],
    ['\u0000;;;q=x', 'en'],
  ])('chooses for %s: %s', (header, language) => {
    expect(preferredLanguage(header)).toBe(language);
  });

  test('a text falls back to English, then to what there is', () => {
    expect(textIn('fr', { en: 'Roof', fr: 'Toit' })).toBe('Toit');
    expect(textIn('ar', { en: 'Roof' })).toBe('Roof');
    expect(textIn('ar', { sw: 'Paa' })).toBe('Paa');
    expect(textIn('ar', undefined)).toBe('');
  });
});

describe('formats', () => {
  test('days, instants and months are those of the country, in the language', () => {
    const english = formatsOf('en', 'Africa/Nairobi');
    expect(english.date('2026-02-03T22:30:00.000Z')).toBe('4 February 2026');
    expect(english.date('2026-02-03')).toBe('3 February 2026');
    expect(english.month('2026-02')).toBe('February 2026');
    expect(formatsOf('fr', 'UTC').date('2026-02-03')).toBe('3 février 2026');
    expect(formatsOf('ar', 'UTC').date('2026-02-03')).toBe('3 فبراير 2026');
  });

  test('money keeps every digit and names its currency', () => {
    const amount = { amount: '9007199254740993.25', currency: 'XLD' };
    expect(formatsOf('en', 'UTC').money(amount).replaceAll('\u00a0', ' ')).toBe(
      'XLD 9,007,199,254,740,993.25',
    );
    expect(formatsOf('ar', 'UTC').money({ amount: '1.50', currency: 'XLD' })).toContain('1.50');
  });
});
