import { stringify } from 'csv-stringify/sync';
import type { Statistics } from './statistics.ts';

/** Statistics as a table. What a spreadsheet would take for a formula is quoted. */
export const statisticsCsv = ({ names, groups }: Statistics): string =>
  stringify(
    groups.map(({ group, count }) => [...names.map((name) => group[name] ?? ''), count ?? '']),
    { header: true, columns: [...names, 'count'], escape_formulas: true, record_delimiter: 'windows' },
  );
