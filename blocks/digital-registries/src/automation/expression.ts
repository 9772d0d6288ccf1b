import { Problem, type ProblemDetail } from '@govstack/platform';
import { type DateFormat, formatDate, parseDate } from './dates.ts';

/** What an expression can look at. */
export interface Scope {
  /** Field names with what the record says. */
  readonly content: Readonly<Record<string, unknown>>;
  /** What the registry knows of the record. */
  readonly record: Readonly<Record<string, unknown>>;
  /** What was delivered to a hook. */
  readonly payload: unknown;
  /** What the target made or answered. */
  readonly result: unknown;
  /** A value of the record of another registry whose field has a value. */
  look(registry: string, by: string, value: unknown, give: string): Promise<unknown>;
}

/** A value that follows from a record: compiled from data, without code (REG-6.1-19-c). */
export type Expression = (scope: Scope) => Promise<unknown>;

/** What a definition is read with: where it stands, what is wrong with it, and what it names. */
export interface Reading {
  readonly defects: ProblemDetail[];
  /** Fields of the source that are looked at. */
  readonly fields: Set<string>;
  /** Other registries that are looked into, with the fields that are named there. */
  readonly lookups: {
    readonly registry: string;
    readonly fields: readonly string[];
    readonly pointer: string;
  }[];
  /** Expressions read so far. */
  nodes: number;
}

type Json = Readonly<Record<string, unknown>>;
export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const deepest = 8;
const mostNodes = 500;
const longestText = 2_000;
const longestValue = 100_000;

const invalid = (detail: string): Problem =>
  new Problem(422, detail, { type: 'urn:govstack:registries:mapping' });

/** The value a JSON Pointer leads to; undefined when it leads nowhere. */
export function valueAt(document: unknown, pointer: string): unknown {
  let found = document;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

const textOf = (value: unknown): string =>
  value === null || value === undefined
    ? ''
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);

function bounded(text: string): string {
  if (text.length > longestValue) throw invalid(`A value is longer than ${longestValue} characters`);
  return text;
}

/** Of what is there; nothing stays nothing. */
const ofText =
  (of: Expression, work: (text: string) => unknown): Expression =>
  async (scope) => {
    const value = await of(scope);
    return value === null || value === undefined ? null : work(textOf(value));
  };

function numberOf(text: string): number {
  const value = Number(text.trim());
  if (text.trim() === '' || !Number.isFinite(value)) throw invalid('A value that should be a number is none');
  return value;
}

const names = /\{([^{}]{1,100})\}/g;

/** Reads an expression; its defects are in `reading`. */
export function readExpression(value: unknown, pointer: string, reading: Reading, depth = 0): Expression {
  const nothing: Expression = async () => null;
  const defect = (detail: string, at = pointer): Expression => {
    reading.defects.push({ in: 'body', pointer: at, detail });
    return nothing;
  };
  reading.nodes += 1;
  if (reading.nodes > mostNodes) return defect(`there are more than ${mostNodes} expressions`);
  if (depth > deepest) return defect(`is nested deeper than ${deepest}`);
  if (!isObject(value)) return defect('is not an expression');
  const inner = (name: string): Expression =>
    readExpression(value[name], `${pointer}/${name}`, reading, depth + 1);
  const text = (name: string, optional = false): string => {
    const found = value[name];
    if (found === undefined && optional) return '';
    if (typeof found === 'string' && found.length <= longestText) return found;
    defect('must be a text', `${pointer}/${name}`);
    return '';
  };
  const list = (name: string): Expression[] => {
    const found = value[name];
    if (!Array.isArray(found) || found.length === 0 || found.length > 50) {
      defect('must be a list of 1 to 50 expressions', `${pointer}/${name}`);
      return [];
    }
    return found.map((one, index) => readExpression(one, `${pointer}/${name}/${index}`, reading, depth + 1));
  };
  const path = (name: string): string => {
    const found = text(name, true);
    if (found !== '' && !found.startsWith('/')) defect('is not a JSON Pointer', `${pointer}/${name}`);
    return found;
  };
  const format = (name: string): DateFormat | undefined => {
    const found = text(name, true);
    if (found !== '' && !/^(YYYY|MM|DD|HH|mm|ss|[-/.: T])+$/.test(found))
      defect('may hold YYYY, MM, DD, HH, mm, ss and separators', `${pointer}/${name}`);
    return found === '' ? undefined : found;
  };
  const kinds: Readonly<Record<string, readonly string[]>> = {
    field: ['at'],
    payload: [],
    record: [],
    result: [],
    constant: [],
    template: [],
    concat: ['with'],
    split: ['by', 'take'],
    upper: [],
    lower: [],
    trim: [],
    text: [],
    number: [],
    date: ['from', 'to'],
    lookup: ['in', 'registry', 'by', 'give', 'otherwise'],
    first: [],
  };
  const given = Object.keys(value);
  const kind = given.find((name) => Object.hasOwn(kinds, name));
  if (kind === undefined) return defect('is not a kind of expression that is known here');
  for (const name of given)
    if (name !== kind && !kinds[kind]?.includes(name)) defect('is not known here', `${pointer}/${name}`);
  switch (kind) {
    case 'field': {
      const name = text('field');
      const at = path('at');
      reading.fields.add(name);
      return async ({ content }) => valueAt(content[name], at) ?? null;
    }
    case 'payload': {
      const at = path('payload');
      return async ({ payload }) => valueAt(payload, at) ?? null;
    }
    case 'result': {
      const at = path('result');
      return async ({ result }) => valueAt(result, at) ?? null;
    }
    case 'record': {
      const name = text('record');
      if (!['uuid', 'number', 'createdAt', 'modifiedAt'].includes(name))
        return defect('must be uuid, number, createdAt or modifiedAt');
      return async ({ record }) => record[name] ?? null;
    }
    case 'constant': {
      const constant = value.constant ?? null;
      if (JSON.stringify(constant).length > longestText) return defect('is too long');
      return async () => constant;
    }
    case 'template': {
      const template = text('template');
      for (const [, name] of template.matchAll(names)) reading.fields.add(name as string);
      return async ({ content }) =>
        bounded(template.replaceAll(names, (_, name: string) => textOf(content[name])));
    }
    case 'concat': {
      const parts = list('concat');
      const glue = text('with', true);
      return async (scope) => {
        const found: string[] = [];
        for (const part of parts) found.push(textOf(await part(scope)));
        return bounded(found.filter((one) => one !== '').join(glue));
      };
    }
    case 'split': {
      const by = text('by');
      const { take } = value;
      if (by === '') defect('must say by what', `${pointer}/by`);
      if (!Number.isInteger(take)) defect('must be a whole number', `${pointer}/take`);
      return ofText(inner('split'), (one) => one.split(by).at(take as number) ?? null);
    }
    case 'upper':
      return ofText(inner('upper'), (one) => bounded(one.toUpperCase()));
    case 'lower':
      return ofText(inner('lower'), (one) => bounded(one.toLowerCase()));
    case 'trim':
      return ofText(inner('trim'), (one) => one.trim());
    case 'text':
      return ofText(inner('text'), bounded);
    case 'number':
      return ofText(inner('number'), numberOf);
    case 'date': {
      const [from, to] = [format('from'), format('to')];
      return ofText(inner('date'), (one) => {
        const date = parseDate(one, from);
        if (!date) throw invalid('A value that should be a date is none');
        return formatDate(date, to);
      });
    }
    case 'first': {
      const parts = list('first');
      return async (scope) => {
        for (const part of parts) {
          const found = await part(scope);
          if (found !== null && found !== undefined && found !== '') return found;
        }
        return null;
      };
    }
    default: {
      const of = inner('lookup');
      const otherwise = value.otherwise === undefined ? nothing : inner('otherwise');
      if (isObject(value.in)) {
        const table = new Map(Object.entries(value.in));
        if (table.size > 1000) return defect('has more than 1000 entries', `${pointer}/in`);
        return async (scope) => {
          const key = textOf(await of(scope));
          return table.has(key) ? table.get(key) : otherwise(scope);
        };
      }
      const [registry, by, give] = [text('registry'), text('by'), text('give')];
      reading.lookups.push({ registry, fields: [by, give], pointer });
      return async (scope) => {
        const key = await of(scope);
        if (key === null || key === undefined || key === '') return otherwise(scope);
        return (await scope.look(registry, by, key, give)) ?? otherwise(scope);
      };
    }
  }
}
