import { stringify } from 'csv-stringify/sync';

/**
 * Lines of a CSV (RFC 4180). A text that a spreadsheet would take for a formula begins with an apostrophe; numbers are
 * left as they are.
 */
export const csvLines = (rows: readonly (readonly unknown[])[]): string =>
  stringify(
    rows.map((row) => row.map(cell)),
    // A line break of any kind inside a cell, not only the one between lines.
    { escape_formulas: true, record_delimiter: '\r\n', quoted_match: /[\r\n]/ },
  );

const cell = (value: unknown): string | number =>
  value === null || value === undefined
    ? ''
    : typeof value === 'number' || typeof value === 'string'
      ? value
      : typeof value === 'boolean'
        ? String(value)
        : JSON.stringify(value);
