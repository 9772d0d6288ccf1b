import { badRequest, compileValidator } from '@govstack/platform';
import { Type } from '@govstack/platform/operation';
import { evaluate } from 'feelin';
import type { EForm, Field } from './eform.ts';

const Texts = Type.Record(
  Type.String({ pattern: '^[a-z]{2,3}(-[A-Za-z0-9]+)*$' }),
  Type.String({ maxLength: 4000 }),
  { minProperties: 1 },
);
const fieldTypes = [
  'text',
  'textarea',
  'number',
  'integer',
  'money',
  'date',
  'boolean',
  'radios',
  'select',
  'checkboxes',
  'nationalNumber',
  'phone',
  'group',
];
const closed = { additionalProperties: false } as const;
const Option = Type.Object(
  {
    value: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' }),
    label: Texts,
    hint: Type.Optional(Texts),
  },
  closed,
);
const bound = Type.Optional(Type.Union([Type.Number(), Type.String({ maxLength: 30 })]));
const fieldShape = {
  id: Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,63}$' }),
  type: Type.Union(fieldTypes.map((type) => Type.Literal(type))),
  label: Texts,
  hint: Type.Optional(Texts),
  required: Type.Optional(Type.Boolean()),
  when: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })),
  messages: Type.Optional(
    Type.Object(
      { required: Type.Optional(Texts), pattern: Type.Optional(Texts), range: Type.Optional(Texts) },
      closed,
    ),
  ),
  autocomplete: Type.Optional(Type.String({ maxLength: 100 })),
  source: Type.Optional(Type.String({ maxLength: 500 })),
  minLength: Type.Optional(Type.Integer({ minimum: 0 })),
  maxLength: Type.Optional(Type.Integer({ minimum: 1, maximum: 20_000 })),
  pattern: Type.Optional(Type.String({ maxLength: 500 })),
  rows: Type.Optional(Type.Integer({ minimum: 1, maximum: 50 })),
  min: bound,
  max: bound,
  unit: Type.Optional(Type.Union([Texts, Type.String({ maxLength: 50 })])),
  currency: Type.Optional(Type.String({ pattern: '^[A-Z]{3}$' })),
  options: Type.Optional(Type.Array(Option, { minItems: 1, maxItems: 300 })),
  prefix: Type.Optional(Type.String({ pattern: '^\\+[1-9][0-9]{0,4}$' })),
};
const Item = Type.Object(fieldShape, closed);
const FieldSchema = Type.Object(
  {
    ...fieldShape,
    items: Type.Optional(Type.Array(Item, { minItems: 1, maxItems: 20 })),
    itemLabel: Type.Optional(Texts),
  },
  closed,
);
const EFormSchema = Type.Object(
  {
    id: Type.String({ pattern: '^[A-Za-z0-9._-]{1,100}$' }),
    name: Texts,
    version: Type.String({ pattern: '^[A-Za-z0-9._-]{1,100}$' }),
    pages: Type.Array(
      Type.Object(
        {
          id: Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$' }),
          title: Texts,
          intro: Type.Optional(Texts),
          when: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })),
          fields: Type.Array(FieldSchema, { minItems: 1, maxItems: 50 }),
        },
        closed,
      ),
      { minItems: 1, maxItems: 100 },
    ),
  },
  closed,
);

const validateShape = compileValidator(EFormSchema, 'body', false);

interface Fault {
  readonly pointer: string;
  readonly detail: string;
}

function conditionFaults(condition: string | undefined, pointer: string): Fault[] {
  if (condition === undefined) return [];
  if (/\b(now|today)\s*\(/.test(condition)) return [{ pointer, detail: 'may not ask the clock' }];
  try {
    evaluate(condition, {});
    return [];
  } catch (error) {
    return [{ pointer, detail: `is not FEEL: ${(error as Error).message}` }];
  }
}

function fieldFaults(field: Field, pointer: string): Fault[] {
  const faults = conditionFaults(field.when, `${pointer}/when`);
  const needsOptions = ['radios', 'select', 'checkboxes'].includes(field.type);
  if (needsOptions !== (field.options !== undefined))
    faults.push({
      pointer: `${pointer}/options`,
      detail: needsOptions ? 'is required' : 'is not known here',
    });
  const values = field.options?.map((option) => option.value) ?? [];
  if (new Set(values).size !== values.length)
    faults.push({ pointer: `${pointer}/options`, detail: 'has a value twice' });
  if ((field.type === 'money') !== (field.currency !== undefined))
    faults.push({
      pointer: `${pointer}/currency`,
      detail: field.type === 'money' ? 'is required' : 'is not known here',
    });
  if ((field.type === 'group') !== (field.items !== undefined))
    faults.push({
      pointer: `${pointer}/items`,
      detail: field.type === 'group' ? 'is required' : 'is not known here',
    });
  if (field.pattern !== undefined) {
    try {
      new RegExp(field.pattern, 'u');
    } catch {
      faults.push({ pointer: `${pointer}/pattern`, detail: 'is not a regular expression' });
    }
  }
  const ids = field.items?.map((item) => item.id) ?? [];
  if (new Set(ids).size !== ids.length)
    faults.push({ pointer: `${pointer}/items`, detail: 'has a field id twice' });
  for (const [index, item] of (field.items ?? []).entries()) {
    const at = `${pointer}/items/${index}`;
    if (item.type === 'group') faults.push({ pointer: `${at}/type`, detail: 'a group may not hold a group' });
    faults.push(...fieldFaults(item, at));
  }
  return faults;
}

/** Reads an eForm document; refuses unknown properties, doubled ids and conditions that do not parse. */
export function readEForm(document: unknown): EForm {
  const shape = validateShape(document);
  if (shape) throw badRequest('The eForm is not valid', shape);
  const form = document as EForm;
  const faults: Fault[] = [];
  const fields = new Set<string>();
  const pages = new Set<string>();
  for (const [index, page] of form.pages.entries()) {
    if (pages.has(page.id)) faults.push({ pointer: `/pages/${index}/id`, detail: 'is used twice' });
    pages.add(page.id);
    faults.push(...conditionFaults(page.when, `/pages/${index}/when`));
    for (const [position, field] of page.fields.entries()) {
      const pointer = `/pages/${index}/fields/${position}`;
      if (fields.has(field.id)) faults.push({ pointer: `${pointer}/id`, detail: 'is used twice' });
      fields.add(field.id);
      faults.push(...fieldFaults(field, pointer));
    }
  }
  if (faults.length > 0)
    throw badRequest(
      'The eForm is not valid',
      faults.map((fault) => ({ in: 'body', ...fault })),
    );
  return form;
}
