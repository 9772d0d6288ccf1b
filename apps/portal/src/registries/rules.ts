import type { Voice } from '../rendering/voice.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import type { PageError } from './refusals.ts';
import { isObject, type Json, labelOf, type SchemaField } from './schema.ts';

/** What a rule can do with a field when a record is written. */
export const ruleActions = ['set-value', 'upper-case', 'lower-case', 'prefix', 'suffix', 'merge'] as const;
/** When: always, while the field is empty, or when a field says something. */
export const ruleConditions = ['always', 'empty', 'equals'] as const;
const logics = ['==', '!='] as const;

const triggersOf = ({ triggers }: Json): Json[] => (Array.isArray(triggers) ? triggers.filter(isObject) : []);
const listOf = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : []);

/** The rules of a field in words. */
export function rulesIn({ t, formats }: Voice, field: SchemaField, fields: readonly SchemaField[]): string[] {
  const nameOf = (id: unknown): string => {
    const found = fields.find((one) => one.id === (typeof id === 'number' ? id : field.id));
    return found ? labelOf(found) : String(id);
  };
  return triggersOf(field.property).map((trigger) => {
    const whens = listOf(trigger.conditions).map(({ logic, value, field_id: id }) =>
      value === '' && logic === '=='
        ? t('registries.rules.whenEmpty', { field: nameOf(id) })
        : t('registries.rules.when', {
            field: nameOf(id),
            logic: String(logic ?? '=='),
            value: String(value),
          }),
    );
    const whats = listOf(trigger.actions).map(({ type, value, field_id: id, field_ids: ids }) =>
      t(`registries.rules.does.${ruleActions.find((one) => one === type) ?? 'set-value'}`, {
        field: nameOf(id),
        value: String(value ?? ''),
        fields: formats.list(Array.isArray(ids) ? ids.map(nameOf) : []),
      }),
    );
    return [...whats, ...whens].join(' ');
  });
}

/** The rule that was entered, in the words of the schema. */
export function readRule(visit: SignedInVisit, field: SchemaField, fields: readonly SchemaField[]) {
  const { t } = visit.voice;
  const errors: PageError[] = [];
  const type = ruleActions.find((one) => one === input(visit, 'ruleAction'));
  const value = input(visit, 'ruleValue').slice(0, 200);
  if (!type) errors.push({ text: t('registries.rules.choose'), href: '#ruleAction' });
  if ((type === 'set-value' || type === 'prefix' || type === 'suffix') && value === '')
    errors.push({ text: t('errors.required', { label: t('registries.rules.value') }), href: '#ruleValue' });
  const ids = [visit.body.ruleFields ?? []]
    .flat()
    .map(Number)
    .filter((id) => fields.some((one) => one.id === id));
  if (type === 'merge' && ids.length === 0)
    errors.push({ text: t('registries.rules.chooseFields'), href: '#ruleFields' });
  const when = ruleConditions.find((one) => one === input(visit, 'ruleWhen')) ?? 'always';
  const about = fields.find(({ id }) => String(id) === input(visit, 'ruleField')) ?? field;
  const conditions =
    when === 'always'
      ? []
      : when === 'empty'
        ? [{ logic: '==', value: '' }]
        : [
            {
              logic: logics.find((one) => one === input(visit, 'ruleLogic')) ?? '==',
              value: input(visit, 'ruleEquals').slice(0, 200),
              field_id: about.id,
            },
          ];
  const action = {
    type,
    field_id: field.id,
    ...(type === 'merge' ? { field_ids: ids } : {}),
    value: type === 'merge' && value === '' ? ' ' : value,
  };
  return { errors, trigger: { conditions, actions: [action] } as Json };
}

export const withRule = (property: Json, trigger: Json): Json => ({
  ...property,
  triggers: [...triggersOf(property), trigger],
});

export function withoutRule(property: Json, index: number): Json {
  const { triggers: _, ...rest } = property;
  const left = triggersOf(property).filter((_trigger, at) => at !== index);
  return left.length > 0 ? { ...rest, triggers: left } : rest;
}
