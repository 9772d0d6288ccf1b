import pg from 'pg';

const { builtins } = pg.types;

type Parser = (text: string) => unknown;

const asText: Parser = (text) => text;

/** `2026-01-02 03:04:05.678901` → `2026-01-02T03:04:05.678901` */
const localTime: Parser = (text) => text.replace(' ', 'T');

/** Instants in UTC, to the millisecond. What RFC 3339 cannot say (infinity, before Christ) stays PostgreSQL's text. */
const instant: Parser = (text) => {
  // As they mostly come: `2026-01-02 03:04:05.678+00`, or without parts of a second.
  if (text[4] === '-' && text.endsWith('+00')) {
    if (text.length === 26) return `${text.slice(0, 10)}T${text.slice(11, 23)}Z`;
    if (text.length === 22) return `${text.slice(0, 10)}T${text.slice(11, 19)}.000Z`;
  }
  const time = new Date(text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00'));
  return Number.isNaN(time.getTime()) ? text : time.toISOString();
};

/** PostgreSQL's array types have numbers of their own, which the driver's list of names leaves out. */
const scalars: readonly (readonly [type: number, arrayType: number, parse: Parser])[] = [
  [builtins.INT8, 1016, asText],
  [builtins.NUMERIC, 1231, asText],
  [builtins.DATE, 1182, asText],
  [builtins.TIMESTAMP, 1115, localTime],
  [builtins.TIMESTAMPTZ, 1185, instant],
];

const textArray: number = 1009;

const inArray = (parse: Parser): Parser => {
  const each = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(each);
    return typeof value === 'string' ? parse(value) : value;
  };
  return (text) => each(pg.types.getTypeParser(textArray, 'text')(text));
};

const parsers: ReadonlyMap<number, Parser> = new Map(
  scalars.flatMap(([type, arrayType, parse]) => [
    [type, parse],
    [arrayType, inArray(parse)],
  ]),
);

/**
 * Values as they travel: numbers too large for a float and all dates as text, instants in UTC (CFR-DAT-2).
 * For one pool only: the driver's global parsers stay as they are.
 */
export const rowTypes = {
  getTypeParser: (oid: number, format?: string) =>
    (format === 'binary' ? undefined : parsers.get(oid)) ?? pg.types.getTypeParser(oid, format as 'text'),
} as pg.CustomTypesConfig;
