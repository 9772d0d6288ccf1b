import type { Granted } from '../access/access.ts';
import { contentOf, type Row } from './content.ts';

export interface RecordView {
  readonly uuid: string;
  /** Registry number, unique in its registry. */
  readonly number: string;
  readonly rowVersion: number;
  readonly createdAt: string;
  readonly modifiedAt: string;
  readonly content: Record<string, unknown>;
}

/** A row as one reader sees it. */
export const viewOf = ({ fields }: Pick<Granted, 'fields'>, row: Row): RecordView => ({
  uuid: row.uuid,
  number: row.no,
  rowVersion: row.row_version,
  createdAt: new Date(row.created_at).toISOString(),
  modifiedAt: new Date(row.modified_at).toISOString(),
  content: contentOf(fields, row),
});
