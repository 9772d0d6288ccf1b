import type { Cells, SourceRow } from '../files/source.ts';
import { UnreadableFile } from '../files/unreadable-file.ts';
import type { Values } from '../records/content.ts';
import { asKept, isUnstorable, missing, validatorOf } from '../records/content.ts';
import type { Field } from '../schema/field.ts';
import { openRings } from '../schema/geometry.ts';
import { brokenRules, type Rule } from '../schema/rules.ts';
import { type Numbering, runTriggers } from '../schema/triggers.ts';
import { meant } from './csv.ts';
import { type Mapping, proposeMapping, remark } from './mapping.ts';
import { columnText, type DateOrder, valueOfCell } from './values.ts';

/** What is wrong in a row. */
export interface Fault {
  readonly row: number;
  /** Name of the field, or of the column; empty: the whole row. */
  readonly field: string;
  readonly detail: string;
  /** As it was given; null where it is personal. */
  readonly value: string | null;
}

/** A row that can become a record. */
export interface ShapedRow {
  readonly row: number;
  /** What the file says. */
  readonly given: Values;
  /** With defaults and triggers: what a new record would say. */
  readonly full: Values;
  /** The same for the columns of the table, in the order of the fields; null: nothing. */
  readonly columns: readonly (string | null)[];
  /** Ids of fields that a new record must have and this one has not; `breaksRule` where it breaks a rule between fields. */
  readonly lacking: readonly number[];
}

export interface ShapeOptions {
  /** What the caller may write. */
  readonly fields: readonly Field[];
  /** Every field of the version. */
  readonly all: readonly Field[];
  /** What must hold between the fields of a record. */
  readonly rules: readonly Rule[];
  readonly upsertBy: readonly string[];
  readonly dates: DateOrder;
  readonly emptyIsDefault: boolean;
  /** Cells are neutralised as in an export of ours. */
  readonly neutralised: boolean;
}

const longestValue = 100;

/** No field has this id. */
export const breaksRule = 0;

const nameAt = (pointer: string): string => pointer.slice(1).replaceAll('~1', '/').replaceAll('~0', '~');

/** A fault about a value, which is repeated only where it is not personal. */
export function faultOf(row: number, field: Field, detail: string, value: unknown): Fault {
  const text =
    value === undefined || value === null ? null : typeof value === 'string' ? value : JSON.stringify(value);
  const shown =
    text === null || field.personal
      ? null
      : [...text.slice(0, longestValue)].join('').toWellFormed().replaceAll('\0', '\ufffd');
  return { row, field: field.name, detail, value: shown };
}

/** Reads rows of one file as records: the rules of the fields, defaults and triggers, as the Data API has them. */
export function shaper({ fields, all, rules, upsertBy, dates, emptyIsDefault, neutralised }: ShapeOptions) {
  const byName = new Map(fields.map((field) => [field.name, field]));
  const triggered = all.filter(({ triggers }) => triggers.length > 0);
  const defaults = all.filter((field) => field.default !== undefined);
  const keys = new Set(upsertBy);

  /** What is wrong with a value; the value as it is kept. */
  function checked(row: number, field: Field, value: unknown, faults: Fault[]): unknown {
    const before = faults.length;
    for (const { pointer, detail } of validatorOf(field)(value) ?? [])
      faults.push(faultOf(row, field, pointer === '' ? detail : `${pointer} ${detail}`, value));
    const open = field.geometry && openRings(value);
    if (open) faults.push(faultOf(row, field, `/coordinates ${open}`, value));
    if (field.type === 'file' && typeof value === 'object' && value !== null && '$documentId' in value)
      faults.push(
        faultOf(row, field, 'names a document: those are uploaded, files come by their url', value),
      );
    if (isUnstorable(value)) faults.push(faultOf(row, field, 'holds a character that cannot be kept', value));
    if (faults.length > before) return value;
    const kept = asKept(field, value);
    if ('value' in kept) return kept.value;
    faults.push(faultOf(row, field, kept.defect, value));
    return value;
  }

  /** What cells say, by the field of each column. */
  function ofCells(
    row: number,
    cells: Cells,
    targets: readonly (Field | undefined)[],
    faults: Fault[],
  ): Values {
    const given: Values = new Map();
    for (const [index, field] of targets.entries()) {
      if (!field) continue;
      const cell = cells[index] ?? null;
      if (cell === null) {
        if (!emptyIsDefault) given.set(field.id, null);
        continue;
      }
      const text = neutralised && field.type === 'text' ? meant(cell) : cell;
      given.set(field.id, checked(row, field, valueOfCell(field, text, dates), faults));
    }
    if (cells.length > targets.length && cells.slice(targets.length).some((cell) => cell !== null))
      faults.push({ row, field: '', detail: 'has more cells than there are headings', value: null });
    return given;
  }

  /** What a JSON object says. */
  function ofJson(row: number, json: object, mapping: Mapping | null, faults: Fault[]): Values {
    const given: Values = new Map();
    const mapped = new Map(mapping?.map(({ column, field }) => [column, field]));
    for (const [key, value] of Object.entries(json)) {
      const to = mapped.get(key);
      if (to === null || (to === undefined && key.startsWith(remark))) continue;
      const field = byName.get(to ?? key);
      if (!field) {
        faults.push({
          row,
          field: key.slice(0, longestValue),
          detail: 'is not a field of this registry',
          value: null,
        });
        continue;
      }
      const read =
        field.type === 'time' && typeof value === 'string' ? valueOfCell(field, value, 'iso') : value;
      given.set(field.id, read === null ? null : checked(row, field, read, faults));
    }
    return given;
  }

  function complete(row: number, given: Values, numbering: Numbering, faults: Fault[]): ShapedRow {
    const full: Values = new Map(given);
    for (const { id, default: value } of defaults) if (full.get(id) === undefined) full.set(id, value);
    if (triggered.length > 0)
      for (const [id, value] of runTriggers(triggered, full, numbering)) full.set(id, value);
    const columns = all.map((field) => {
      const value = full.get(field.id) ?? null;
      if (value === null) return null;
      const text = columnText(field.type, value);
      if (text === undefined && faults.length === 0)
        faults.push(faultOf(row, field, 'does not fit its field', value));
      return text ?? null;
    });
    for (const field of keys.size > 0 ? fields : [])
      if (keys.has(field.name) && (given.get(field.id) ?? null) === null)
        faults.push(faultOf(row, field, 'is needed to find the record', null));
    const required = missing(all, full, '');
    const lacking =
      required.length === 0
        ? []
        : all.filter((field) => field.required && (full.get(field.id) ?? null) === null);
    const broken = faults.length === 0 ? brokenRules(rules, full, '') : [];
    if (keys.size === 0) {
      for (const field of lacking) faults.push(faultOf(row, field, 'is required', null));
      for (const { pointer, detail } of broken)
        faults.push({ row, field: nameAt(pointer), detail, value: null });
    }
    const ids = lacking.map(({ id }) => id);
    return { row, given, full, columns, lacking: broken.length > 0 ? [...ids, breaksRule] : ids };
  }

  return {
    /** The field of each column of a file with headings. Named columns must be there, and no field have two. */
    targets(headings: readonly string[], mapping: Mapping): (Field | undefined)[] {
      for (const { column, field } of mapping)
        if (field !== null && !headings.includes(column))
          throw new UnreadableFile(`there is no column ${column}`);
      return headings.map((heading, index) => {
        const name = mapping.find(({ column }) => column === heading)?.field ?? null;
        if (name === null) return undefined;
        if (headings.indexOf(heading) !== index) throw new UnreadableFile(`there are two columns ${heading}`);
        return byName.get(name);
      });
    },
    /** A row as a record, or what is wrong with it. */
    shape(
      { row, cells, json, defect }: SourceRow,
      targets: readonly (Field | undefined)[],
      mapping: Mapping | null,
      numbering: Numbering,
    ): { readonly shaped?: ShapedRow; readonly faults: readonly Fault[] } {
      if (defect !== undefined) return { faults: [{ row, field: '', detail: defect, value: null }] };
      const faults: Fault[] = [];
      const given = cells
        ? ofCells(row, cells, targets, faults)
        : ofJson(row, json as object, mapping, faults);
      const shaped = complete(row, given, numbering, faults);
      return faults.length > 0 ? { faults } : { shaped, faults };
    },
  };
}

/** Headings of a file: those of the first row, or the keys of the first JSON objects. */
export function headingsOf(rows: readonly SourceRow[], neutralised: boolean): string[] {
  const [first] = rows;
  if (first?.cells) return first.cells.map((cell) => (neutralised ? meant(cell ?? '') : (cell ?? '')));
  return [...new Set(rows.flatMap(({ json }) => Object.keys((json as object | undefined) ?? {})))];
}

export const mappingFor = (headings: readonly string[], fields: readonly Field[]): Mapping =>
  proposeMapping(headings, fields).map(({ column, field }) => ({ column, field }));
