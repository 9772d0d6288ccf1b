import type { ProblemDetail } from '@govstack/platform';
import type { SourceRow } from '../files/source.ts';
import { lettersOf } from '../files/xlsx-rows.ts';
import { FaultyCell } from './cell-values.ts';

/** The sheet with a row for each field. Where none is called so, it is the first one. */
export const fieldsSheet = 'Fields';
/** The sheet with what a schema says besides: rules, unique sets and so on, as JSON. It may be missing. */
export const registrySheet = 'Registry';
export const keyHeading = 'key';
export const valueHeading = 'value';

/** Where something stands in a workbook. */
export interface CellPlace {
  readonly sheet: string;
  readonly row: number;
  readonly column: number;
  readonly heading?: string;
}

/** A cell as people find it: `Fields, row 3, column F (minimum)`. */
export const placeText = ({ sheet, row, column, heading }: CellPlace): string =>
  `${sheet}, row ${row}, column ${lettersOf(column)}${heading === undefined ? '' : ` (${heading})`}`;

/** What is wrong in a workbook, each with its place. */
export class Faults {
  readonly details: ProblemDetail[] = [];

  add(place: CellPlace, detail: string): void {
    this.details.push({ in: 'body', pointer: '', detail: `${placeText(place)}: ${detail}` });
  }

  /** What comes of reading a cell; undefined when it cannot be taken, which is kept. */
  reading<T>(place: CellPlace, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof FaultyCell)) throw error;
      this.add(place, error.message);
      return undefined;
    }
  }
}

/** The text of a cell; undefined when it is empty. */
export const cellAt = ({ cells = [] }: SourceRow, column: number | undefined): string | undefined => {
  const text = column === undefined ? null : (cells[column] ?? null);
  return text === null || text.trim() === '' ? undefined : text;
};

/** A text that goes on in the cells to the right, as far as these columns. */
export const textFrom = ({ cells = [] }: SourceRow, from: number, until: number): string =>
  cells
    .slice(from, until)
    .map((cell) => cell ?? '')
    .join('');
