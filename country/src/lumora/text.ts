/** Languages of the Republic of Lumora. */
export const languages = ['en', 'fr', 'ar'] as const;
export type Language = (typeof languages)[number];

/** A name in every language of the country. */
export type Text = Readonly<Record<Language, string>>;
