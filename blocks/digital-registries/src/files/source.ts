/** Cells of a row as text; null: empty, and not said to be an empty text. */
export type Cells = readonly (string | null)[];

/** A row of a file: cells under headings, or a JSON value. */
export interface SourceRow {
  /** As it is counted in the file: the headings are row 1, the first of a JSON list is row 1. */
  readonly row: number;
  readonly cells?: Cells;
  readonly json?: unknown;
  /** Why it cannot be read. */
  readonly defect?: string;
}

/** Longest row of a file, in characters. */
export const longestRow = 4 * 1024 * 1024;
