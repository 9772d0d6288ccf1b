/** A cell that a spreadsheet would take for a formula is made a text. */
function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  const text = String(value);
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Rows as CSV (RFC 4180) under a line of names. */
export const csv = (names: readonly string[], rows: readonly object[]): string =>
  [names, ...rows.map((row) => names.map((name) => (row as Record<string, unknown>)[name]))]
    .map((line) => `${line.map(cell).join(',')}\r\n`)
    .join('');
