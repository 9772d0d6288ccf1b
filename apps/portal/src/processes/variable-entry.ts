import { instantOf } from '../registries/moments.ts';
import type { PageError } from '../registries/refusals.ts';
import { input, type SignedInVisit } from '../site/visit.ts';

/** Kinds of values that a person may enter for a variable. */
export const valueTypes = ['text', 'number', 'boolean', 'json'] as const;
type ValueType = (typeof valueTypes)[number];

export const shownRows = 3;

export interface EnteredRow {
  readonly name: string;
  readonly type: string;
  readonly value: string;
}

function readValue(type: ValueType, text: string): unknown {
  switch (type) {
    case 'text':
      return text;
    case 'number':
      return /^-?\d{1,15}([.,]\d{1,15})?$/.test(text) ? Number(text.replace(',', '.')) : undefined;
    case 'boolean':
      return { true: true, false: false }[text];
    case 'json':
      try {
        return JSON.parse(text) as unknown;
      } catch {
        return undefined;
      }
  }
}

/** Variables entered in rows of name, kind and value; rows without a name are left out. */
export function variablesIn(visit: SignedInVisit) {
  const rows: EnteredRow[] = Array.from({ length: shownRows }, (_, index) => ({
    name: input(visit, `name-${index}`).slice(0, 200),
    type: input(visit, `type-${index}`),
    value: input(visit, `value-${index}`),
  }));
  const errors: PageError[] = [];
  const variables: Record<string, unknown> = {};
  for (const [index, { name, type, value }] of rows.entries()) {
    if (name === '') continue;
    const read = readValue(valueTypes.find((one) => one === type) ?? 'text', value);
    if (read === undefined)
      errors.push({ text: visit.voice.t('processes.variables.wrong', { name }), href: `#value-${index}` });
    else variables[name] = read;
  }
  return { rows, variables, errors };
}

export interface StartVariable {
  readonly name: string;
  readonly type: string | null;
  readonly required: boolean;
}

/** Start variables as the form shows them: inputs named by their place, because names may be anything. */
export function startValues(visit: SignedInVisit, declared: readonly StartVariable[], timeZone: string) {
  const errors: PageError[] = [];
  const entered: Record<string, string> = {};
  const variables: Record<string, unknown> = {};
  for (const [index, { name, type, required }] of declared.entries()) {
    const id = `variable-${index}`;
    const text = input(visit, id);
    entered[id] = text;
    if (text === '') {
      if (required) errors.push({ text: visit.voice.t('processes.start.missing', { name }), href: `#${id}` });
      continue;
    }
    const value = startValue(type, text, timeZone);
    if (value === undefined)
      errors.push({ text: visit.voice.t('processes.variables.wrong', { name }), href: `#${id}` });
    else variables[name] = value;
  }
  return { entered, variables, errors };
}

function startValue(type: string | null, text: string, timeZone: string): unknown {
  switch (type) {
    case 'string':
    case 'date':
      return text;
    case 'number':
    case 'integer':
      return readValue('number', text);
    case 'boolean':
      return readValue('boolean', text);
    case 'date-time':
      return instantOf(text, timeZone);
    case 'object':
    case 'list':
      return readValue('json', text);
    default:
      // Any: what reads as JSON is taken as such, anything else as a text.
      return readValue('json', text) ?? text;
  }
}
