import { readdirSync, readFileSync } from 'node:fs';
import i18next, { type TOptions } from 'i18next';
import { type Language, languages } from '../languages.ts';

/** Translates a key such as `office.tasks.title`. */
export type Translate = (key: string, values?: Readonly<Record<string, unknown>>) => string;

export interface Translations {
  translator(language: Language): Translate;
  has(language: Language, key: string): boolean;
}

const folder = new URL('../../locales/', import.meta.url);

/** The catalogue of one language: one entry per file, named like the file. */
export function readCatalogue(language: Language): Record<string, unknown> {
  const files = readdirSync(new URL(`${language}/`, folder)).filter((name) => name.endsWith('.json'));
  return Object.fromEntries(
    files.map((name) => [
      name.slice(0, -'.json'.length),
      JSON.parse(readFileSync(new URL(`${language}/${name}`, folder), 'utf8')) as unknown,
    ]),
  );
}

/**
 * All catalogues. `strict` makes a key that is nowhere an error (tests); otherwise English stands in.
 * Values are inserted as they are: the templates escape.
 */
export async function loadTranslations(strict: boolean): Promise<Translations> {
  const instance = i18next.createInstance();
  await instance.init({
    resources: Object.fromEntries(
      languages.map((language) => [language, { translation: readCatalogue(language) }]),
    ),
    fallbackLng: strict ? false : 'en',
    supportedLngs: [...languages],
    interpolation: { escapeValue: false },
    showSupportNotice: false,
    returnNull: false,
  } as Parameters<typeof instance.init>[0]);
  const fixed = new Map(languages.map((language) => [language, instance.getFixedT(language)]));
  return {
    translator(language) {
      const t = fixed.get(language) as unknown as (key: string, options?: TOptions) => string;
      return (key, values) => {
        if (strict && !instance.exists(key, { ...values, lng: language }))
          throw new Error(`no text ${key} in ${language}`);
        return t(key, values);
      };
    },
    has: (language, key) => instance.exists(key, { lng: language }),
  };
}
