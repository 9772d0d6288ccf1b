import type { Granted } from '../access/access.ts';
import { contentOf, instantOf, type Row } from './content.ts';

export interface RecordView {
  readonly uuid: string;
  /** Registry number, unique in its registry. */
  readonly number: string;
  readonly rowVersion: number;
  readonly createdAt: string;
  readonly modifiedAt: string;
  readonly content: Record<string, unknown>;
}

/** What a reader sees of a row. Fields that are shown in part are there when the statement selected `shown`. */
export function seen(
  { fields, partial = [] }: Pick<Granted, 'fields' | 'partial'>,
  row: Row,
): Record<string, unknown> {
  const content = contentOf(fields, row);
  for (const { field, column, value } of partial) {
    const visible = value(row[column]);
    if (visible !== undefined) content[field.name] = visible;
  }
  return content;
}

/** A row as one reader sees it. */
export const viewOf = (granted: Pick<Granted, 'fields' | 'partial'>, row: Row): RecordView => ({
  uuid: row.uuid,
  number: row.no,
  rowVersion: row.row_version,
  createdAt: instantOf(row.created_at),
  modifiedAt: instantOf(row.modified_at),
  content: seen(granted, row),
});
