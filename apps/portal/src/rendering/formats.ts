import { type Language, languageFacts } from '../languages.ts';

/** An amount as it travels: decimal string in the currency's major unit, ISO 4217 code. */
export interface Money {
  readonly amount: string;
  readonly currency: string;
}

/** Dates, numbers and money as people of one language read them. */
export interface Formats {
  /** Day of an instant or of a `YYYY-MM-DD`. */
  date(value: string): string;
  dateTime(value: string): string;
  /** Time with seconds, for lists of exchanges. */
  time(value: string): string;
  /** Hour of the day. */
  hour(value: string): string;
  /** Month of `YYYY-MM`. */
  month(value: string): string;
  shortMonth(value: string): string;
  /** Day and month of a `YYYY-MM-DD`. */
  shortDay(value: string): string;
  number(value: number | string): string;
  percent(fraction: number): string;
  money(value: Money): string;
  list(values: readonly string[]): string;
}

const cache = new Map<string, Formats>();

/** Formats of a language in a time zone. */
export function formatsOf(language: Language, timeZone: string): Formats {
  const key = `${language} ${timeZone}`;
  const known = cache.get(key);
  if (known) return known;
  const { locale } = languageFacts[language];
  const day = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone });
  const plainDay = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: 'UTC' });
  const instant = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short', timeZone });
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'medium', timeZone });
  const hour = new Intl.DateTimeFormat(locale, { hour: 'numeric', timeZone });
  const month = new Intl.DateTimeFormat(locale, { year: 'numeric', month: 'long', timeZone: 'UTC' });
  const shortMonth = new Intl.DateTimeFormat(locale, { month: 'short', timeZone: 'UTC' });
  const shortDay = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', timeZone: 'UTC' });
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
  const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 });
  const list = new Intl.ListFormat(locale, { type: 'conjunction' });
  const money = new Map<string, Intl.NumberFormat>();
  const moneyIn = (currency: string): Intl.NumberFormat => {
    const found =
      money.get(currency) ??
      new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay: 'code' });
    money.set(currency, found);
    return found;
  };
  const formats: Formats = {
    date: (value) =>
      /^\d{4}-\d{2}-\d{2}$/.test(value) ? plainDay.format(new Date(value)) : day.format(new Date(value)),
    dateTime: (value) => instant.format(new Date(value)),
    time: (value) => clock.format(new Date(value)),
    hour: (value) => hour.format(new Date(value)),
    month: (value) => month.format(new Date(`${value.slice(0, 7)}-01T00:00:00Z`)),
    shortMonth: (value) => shortMonth.format(new Date(`${value.slice(0, 7)}-01T00:00:00Z`)),
    shortDay: (value) => shortDay.format(new Date(value)),
    number: (value) => number.format(value as Intl.StringNumericLiteral),
    percent: (fraction) => percent.format(fraction),
    // Given as text, the amount keeps every digit.
    money: ({ amount, currency }) => moneyIn(currency).format(amount as Intl.StringNumericLiteral),
    list: (values) => list.format(values),
  };
  cache.set(key, formats);
  return formats;
}
