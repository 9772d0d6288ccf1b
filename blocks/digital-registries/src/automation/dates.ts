/** `YYYY`, `MM`, `DD`, `HH`, `mm`, `ss` and what stands between them. */
export type DateFormat = string;

interface Moment {
  readonly YYYY: string;
  readonly MM: string;
  readonly DD: string;
  readonly HH: string;
  readonly mm: string;
  readonly ss: string;
}

const tokens = /YYYY|MM|DD|HH|mm|ss/g;
const iso =
  /^(?<YYYY>\d{4})-(?<MM>\d{2})-(?<DD>\d{2})(?:[T ](?<HH>\d{2}):(?<mm>\d{2})(?::(?<ss>\d{2}))?.*)?$/;

/** Reads a date in a format, or as RFC 3339 writes it; undefined when it is none. */
export function parseDate(text: string, format?: DateFormat): Moment | undefined {
  const pattern =
    format === undefined
      ? iso
      : new RegExp(
          `^${format
            .replaceAll(/[./]/g, '\\$&')
            .replaceAll(tokens, (token) => `(?<${token}>\\d{${token.length}})`)}$`,
        );
  const found = pattern.exec(text.trim())?.groups;
  if (!found) return undefined;
  const { YYYY = '0000', MM = '01', DD = '01', HH = '00', mm = '00', ss = '00' } = found;
  const written = `${YYYY}-${MM}-${DD}T${HH}:${mm}:${ss}`;
  const date = new Date(`${written}Z`);
  // Days that a month does not have, hours that a day does not.
  if (Number.isNaN(date.getTime()) || date.toISOString().slice(0, 19) !== written) return undefined;
  return { YYYY, MM, DD, HH, mm, ss };
}

/** A date in a format; as `YYYY-MM-DD` when none is given. */
export const formatDate = (moment: Moment, format: DateFormat = 'YYYY-MM-DD'): string =>
  format.replaceAll(tokens, (token) => moment[token as keyof Moment]);
