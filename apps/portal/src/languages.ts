/** Languages of the portal, in the order in which they are offered. */
export const languages = ['en', 'fr', 'ar'] as const;

export type Language = (typeof languages)[number];

/** A text by BCP 47 language tag, as services declare it. */
export type Text = Readonly<Record<string, string>>;

interface LanguageFacts {
  /** The language's name in itself. */
  readonly name: string;
  readonly direction: 'ltr' | 'rtl';
  /** Locale for dates and numbers: Gregorian calendar and digits 0–9, which forms and papers use. */
  readonly locale: string;
}

export const languageFacts: Readonly<Record<Language, LanguageFacts>> = {
  en: { name: 'English', direction: 'ltr', locale: 'en-GB' },
  fr: { name: 'Français', direction: 'ltr', locale: 'fr-FR' },
  ar: { name: 'العربية', direction: 'rtl', locale: 'ar-u-ca-gregory-nu-latn' },
};

export const isLanguage = (value: unknown): value is Language =>
  typeof value === 'string' && (languages as readonly string[]).includes(value);

/** The best language for an `Accept-Language` header (RFC 9110, 12.5.4). */
export function preferredLanguage(header: string | undefined): Language {
  const wanted = (header ?? '')
    .slice(0, 500)
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().split(';');
      const q = parameters.map((one) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/.exec(one)?.[1]).find(Boolean);
      return { language: tag.trim().toLowerCase().split('-')[0], weight: q === undefined ? 1 : Number(q) };
    })
    .filter((one) => isLanguage(one.language) && one.weight > 0)
    .sort((a, b) => b.weight - a.weight);
  return (wanted[0]?.language as Language | undefined) ?? 'en';
}

/** A text in one language; English, then anything there is, when it has not been translated. */
export function textIn(language: Language, text: Text | string | undefined | null): string {
  if (text === undefined || text === null) return '';
  if (typeof text === 'string') return text;
  return text[language] ?? text.en ?? Object.values(text)[0] ?? '';
}
