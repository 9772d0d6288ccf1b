import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Language, languageFacts, languages } from '../src/languages.ts';
import { readCatalogue } from '../src/rendering/translations.ts';

const plural = /_(zero|one|two|few|many|other)$/;

function flatten(tree: unknown, path = ''): Map<string, string> {
  if (typeof tree === 'string') return new Map([[path, tree]]);
  const entries = Object.entries(tree as Record<string, unknown>);
  return new Map(
    entries.flatMap(([key, value]) => [...flatten(value, path === '' ? key : `${path}.${key}`)]),
  );
}

const texts = new Map<Language, Map<string, string>>(
  languages.map((language) => [language, flatten(readCatalogue(language))]),
);
const keysOf = (language: Language): Set<string> =>
  new Set([...(texts.get(language) as Map<string, string>).keys()].map((key) => key.replace(plural, '')));

describe('catalogues', () => {
  test.each(languages)('[RGN-5.1.3-a] %s has exactly the texts English has', (language) => {
    expect([...keysOf(language)].sort()).toEqual([...keysOf('en')].sort());
  });

  test.each(languages)('%s has every plural form its grammar needs and no other', (language) => {
    const own = texts.get(language) as Map<string, string>;
    const { locale } = languageFacts[language];
    const categories = new Intl.PluralRules(locale).resolvedOptions().pluralCategories;
    const stems = new Set(
      [...own.keys()].filter((key) => plural.test(key)).map((key) => key.replace(plural, '')),
    );
    expect(stems.size).toBeGreaterThan(0);
    for (const stem of stems) {
      const found = [...own.keys()].filter((key) => key.replace(plural, '') === stem && plural.test(key));
      expect(found.map((key) => key.slice(stem.length + 1)).sort(), stem).toEqual([...categories].sort());
    }
  });

  test.each(languages)('%s has no empty text and inserts only what English inserts', (language) => {
    const values = (text: string): string[] =>
      [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] as string);
    const english = new Map<string, Set<string>>();
    for (const [key, text] of texts.get('en') as Map<string, string>) {
      const stem = key.replace(plural, '');
      english.set(stem, new Set([...(english.get(stem) ?? []), ...values(text)]));
    }
    for (const [key, text] of texts.get(language) as Map<string, string>) {
      expect(text.trim(), key).not.toBe('');
      const allowed = english.get(key.replace(plural, '')) as Set<string>;
      const used = values(text);
      expect(
        used.every((one) => allowed.has(one)),
        key,
      ).toBe(true);
      if (!plural.test(key)) expect(new Set(used), key).toEqual(allowed);
    }
  });

  test('every text a template names exists', () => {
    const folder = new URL('../views/', import.meta.url);
    const views = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.njk'),
    );
    const named = views.flatMap((name) =>
      [...readFileSync(new URL(name, folder), 'utf8').matchAll(/\bt\("([\w.-]+)"(?! \+)/g)].map(
        (match) => match[1] as string,
      ),
    );
    expect(named.length).toBeGreaterThan(150);
    expect(named.filter((key) => !keysOf('en').has(key))).toEqual([]);
  });
});
