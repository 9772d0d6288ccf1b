import { type Language, languageFacts, type Text, textIn } from '../languages.ts';
import { type Formats, formatsOf } from './formats.ts';
import type { Translate, Translations } from './translations.ts';

/** Everything needed to speak to one person: language, catalogue, formats. */
export interface Voice {
  readonly language: Language;
  readonly direction: 'ltr' | 'rtl';
  readonly t: Translate;
  /** The first of several keys that has a text. */
  readonly firstOf: (...keys: readonly string[]) => string;
  readonly text: (value: Text | string | undefined | null) => string;
  readonly formats: Formats;
}

export function voiceOf(translations: Translations, language: Language, timeZone: string): Voice {
  const t = translations.translator(language);
  return {
    language,
    direction: languageFacts[language].direction,
    t,
    firstOf: (...keys) =>
      t(keys.find((key) => translations.has(language, key)) ?? (keys[keys.length - 1] as string)),
    text: (value) => textIn(language, value),
    formats: formatsOf(language, timeZone),
  };
}
