import { compileValidator } from '@govstack/platform';
import { type Static, Type } from '@govstack/platform/operation';

/** Documented in docs/eform.md. */
const Text = Type.Record(Type.String(), Type.String(), { minProperties: 1 });
const Condition = Type.String({ minLength: 1, maxLength: 2000 });

const Option = Type.Object({ value: Type.String(), label: Text, hint: Type.Optional(Text) });

const QuestionType = Type.Union([
  Type.Literal('text'),
  Type.Literal('textarea'),
  Type.Literal('number'),
  Type.Literal('integer'),
  Type.Literal('money'),
  Type.Literal('date'),
  Type.Literal('boolean'),
  Type.Literal('radios'),
  Type.Literal('select'),
  Type.Literal('checkboxes'),
  Type.Literal('nationalNumber'),
  Type.Literal('phone'),
]);

const fieldProperties = {
  id: Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,63}$' }),
  label: Text,
  hint: Type.Optional(Text),
  required: Type.Optional(Type.Boolean()),
  when: Type.Optional(Condition),
  messages: Type.Optional(
    Type.Object({
      required: Type.Optional(Text),
      pattern: Type.Optional(Text),
      range: Type.Optional(Text),
    }),
  ),
  autocomplete: Type.Optional(Type.String()),
  source: Type.Optional(Condition),
  min: Type.Optional(Type.Union([Type.Number(), Type.String()])),
  max: Type.Optional(Type.Union([Type.Number(), Type.String()])),
};

const Question = Type.Object({
  ...fieldProperties,
  type: QuestionType,
  minLength: Type.Optional(Type.Integer({ minimum: 0 })),
  maxLength: Type.Optional(Type.Integer({ minimum: 1 })),
  pattern: Type.Optional(Type.String()),
  rows: Type.Optional(Type.Integer({ minimum: 1 })),
  unit: Type.Optional(Text),
  currency: Type.Optional(Type.String({ pattern: '^[A-Z]{3}$' })),
  prefix: Type.Optional(Type.String({ pattern: '^\\+[1-9][0-9]{0,5}$' })),
  options: Type.Optional(Type.Array(Option, { minItems: 1, maxItems: 300 })),
});

const Group = Type.Object({
  ...fieldProperties,
  type: Type.Literal('group'),
  itemLabel: Type.Optional(Text),
  items: Type.Array(Question, { minItems: 1, maxItems: 20 }),
});

const Field = Type.Union([Question, Group]);

const FormPage = Type.Object({
  id: Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$' }),
  title: Text,
  intro: Type.Optional(Text),
  when: Type.Optional(Condition),
  fields: Type.Array(Field, { minItems: 1, maxItems: 50 }),
});

export const EForm = Type.Object({
  id: Type.String(),
  name: Text,
  version: Type.String(),
  pages: Type.Array(FormPage, { minItems: 1, maxItems: 100 }),
});

export type EForm = Static<typeof EForm>;
export type FormPage = Static<typeof FormPage>;
export type Field = Static<typeof Field>;
export type Question = Static<typeof Question>;
export type Group = Static<typeof Group>;

/** Answers by field id; a group's answer is an array of such objects. Missing answers have no key. */
export type Answers = Readonly<Record<string, unknown>>;

const validate = compileValidator(EForm, 'body', false);

/** The form in a document of the registration block. A document that is no eForm is a fault of its publisher. */
export function parseEForm(document: unknown): EForm {
  const errors = validate(document);
  if (errors) {
    const list = errors.map((error) => `${error.pointer} ${error.detail}`).join('; ');
    throw new Error(`the service's form is not an eForm: ${list}`);
  }
  return document as EForm;
}

/** Whether a value counts as no answer. */
export const isMissing = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (typeof value === 'string' && value.trim() === '') ||
  (Array.isArray(value) && value.length === 0);

/** Objects of a group's answer. */
export const itemsOf = (answer: unknown): readonly Answers[] =>
  Array.isArray(answer)
    ? answer.filter((one): one is Answers => typeof one === 'object' && one !== null)
    : [];
