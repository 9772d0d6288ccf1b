import { badRequest, Problem } from '@govstack/platform';
import { UnreadableFile } from '../files/unreadable-file.ts';
import { readSheets } from '../files/xlsx-read.ts';
import { readFields } from './read-fields.ts';
import { readKeywords } from './read-registry.ts';
import { type CellPlace, Faults, fieldsSheet, placeText, registrySheet } from './sheets.ts';

/** A schema that came as a workbook. */
export interface SchemaWorkbook {
  readonly schema: Readonly<Record<string, unknown>>;
  /** The cell that a pointer into the schema is about, where it is about one. */
  place(pointer: string): CellPlace | undefined;
}

/** Far above what 400 fields need, and little enough to be read at once: a body may hold a thousand times its size. */
const limits = { unpacked: 32 * 1024 * 1024, rows: 1_000, columns: 1_000 };
const mostFaults = 100;

const called = (name: string) => (one: string) => one.trim().toLowerCase() === name.toLowerCase();

function chosen(names: readonly string[]): string[] {
  const registry = names.find(called(registrySheet));
  const fields = names.find(called(fieldsSheet)) ?? names.find((name) => name !== registry);
  return [fields, registry].filter((name) => name !== undefined);
}

/** Fields that must have a value: those that say so in their rows, in the order that the registry's sheet tells. */
function requiredOf(checked: readonly string[] | undefined, order: unknown): unknown {
  if (checked === undefined || (order !== undefined && !Array.isArray(order))) return order;
  if (order === undefined && checked.length === 0) return undefined;
  const told: unknown[] = (order ?? []).filter((name) => checked.includes(name));
  return [...told, ...checked.filter((name) => !told.includes(name))];
}

/** Reads a schema from a workbook. Throws a 400 that names the sheet, row and column of each fault. */
export async function readSchema(content: Uint8Array): Promise<SchemaWorkbook> {
  const sheets = await readSheets(content, chosen, limits).catch((error: unknown) => {
    if (error instanceof UnreadableFile) throw badRequest(`The workbook cannot be read: ${error.message}`);
    throw error;
  });
  const registrySheetRead = sheets.find(({ name }) => called(registrySheet)(name));
  const fieldsSheetRead = sheets.find((sheet) => sheet !== registrySheetRead);
  if (!fieldsSheetRead) throw badRequest(`The workbook has no sheet ${fieldsSheet}`);
  const faults = new Faults();
  const fields = readFields(fieldsSheetRead, faults);
  const keywords = readKeywords(registrySheetRead, faults);
  if (faults.details.length > 0)
    throw badRequest('The workbook is not a valid schema', faults.details.slice(0, mostFaults));
  const { required: order, ...said } = Object.fromEntries(keywords.said);
  const required = requiredOf(fields.required, order);
  return {
    schema: {
      type: 'object',
      ...said,
      properties: Object.fromEntries(fields.properties),
      ...(required === undefined ? {} : { required }),
    },
    place(pointer) {
      const [, root, keyword = '', name, ...inside] = pointer
        .split('/')
        .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
      if (root !== 'schema') return undefined;
      return keyword === 'properties' && name !== undefined
        ? fields.place(name, inside[0])
        : keywords.place(keyword);
    },
  };
}

/** A refusal of a schema with the cells that it is about. */
export function placed({ place }: SchemaWorkbook, error: unknown): unknown {
  if (!(error instanceof Problem) || error.errors === undefined) return error;
  const errors = error.errors.map((one) => {
    const cell = place(one.pointer);
    return cell ? { ...one, detail: `${placeText(cell)}: ${one.detail}` } : one;
  });
  return new Problem(error.status, error.message, { type: error.type, errors });
}
