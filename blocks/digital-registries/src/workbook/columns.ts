import { FaultyCell, readFlag, readJson, readList, readNumber, readText, readWhole } from './cell-values.ts';

/** A column of the sheet of fields: one keyword of what a schema says of a field. */
export interface FieldColumn {
  readonly heading: string;
  readonly keyword: string;
  /** The value that a cell stands for. `type`: of the field. */
  read(text: string, type: unknown): unknown;
}

const column = (heading: string, keyword: string, read: FieldColumn['read']): FieldColumn => ({
  heading,
  keyword,
  read,
});
const word = (text: string): string => readText(text.trim());
const isNumeric = (type: unknown): boolean => type === 'integer' || type === 'number';

/** Values of a choice are numbers where the field holds numbers. */
const readValues = (text: string, type: unknown): unknown =>
  isNumeric(type) ? readList(text).map(readNumber) : readList(text);

/** A default is what the field holds: text as it is, else a number, yes or no, or JSON. */
function readDefault(text: string, type: unknown): unknown {
  if (isNumeric(type)) return readNumber(text);
  if (type === 'boolean') return readFlag(text);
  return type === undefined || type === 'string' ? readText(text) : readJson(text);
}

export const nameHeading = 'name';
export const requiredHeading = 'required';
/** The rest, as JSON. It is the last column: what is longer than a cell goes on to the right of it. */
export const otherHeading = 'other';

const before: readonly FieldColumn[] = [column('id', 'id', readWhole)];
const between: readonly FieldColumn[] = [column('type', 'type', word), column('format', 'format', word)];
const after: readonly FieldColumn[] = [
  column('unique', 'unique', readFlag),
  column('primary key', 'primaryKey', readFlag),
  column('read-only', 'readOnly', readFlag),
  column('personal', 'personal', readFlag),
  column('owner', 'owner', readFlag),
  column('secret', 'secret', readFlag),
  column('filterable', 'filterable', readFlag),
  column('searchable', 'searchable', readFlag),
  column('minimum', 'minimum', readNumber),
  column('maximum', 'maximum', readNumber),
  column('min length', 'minLength', readWhole),
  column('max length', 'maxLength', readWhole),
  column('pattern', 'pattern', readText),
  column('values', 'enum', readValues),
  column('default', 'default', readDefault),
  column('code list', 'catalogue', word),
  column('file types', 'fileTypes', readList),
  column('max size', 'maxSize', readWhole),
  column('description', 'description', readText),
];

/** `type` is before what depends on it. */
export const fieldColumns: readonly FieldColumn[] = [...before, ...between, ...after];

/** The headings of the sheet, in order. */
export const headings: readonly string[] = [
  ...before.map(({ heading }) => heading),
  nameHeading,
  ...between.map(({ heading }) => heading),
  requiredHeading,
  ...after.map(({ heading }) => heading),
  otherHeading,
];

const plain = (text: string): string => text.toLowerCase().replaceAll(/[\s_-]+/g, '');
const known = new Map<string, string>([
  ...fieldColumns.map(({ keyword, heading }): [string, string] => [plain(keyword), heading]),
  ...headings.map((heading): [string, string] => [plain(heading), heading]),
]);

/** The heading that is meant: however it is spelled, and by the keyword of the schema too. */
export function headingOf(text: string): string {
  const heading = known.get(plain(text));
  if (heading === undefined) throw new FaultyCell(`is not a column: ${headings.join(', ')}`);
  return heading;
}
