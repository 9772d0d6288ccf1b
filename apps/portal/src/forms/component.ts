import type { Voice } from '../rendering/voice.ts';
import type { Defect } from './check.ts';
import type { Field, Question } from './eform.ts';
import type { Entry } from './entry.ts';

/** One component of the page: the macro to call and its parameters. */
export interface Component {
  readonly kind: 'input' | 'textarea' | 'radios' | 'checkboxes' | 'select' | 'date';
  readonly params: Readonly<Record<string, unknown>>;
}

/** Id of the input to which the error summary leads. */
export const inputId = (field: Field, defect?: Defect): string =>
  field.type === 'date' ? `${field.id}-${defect?.part ?? 'day'}` : field.id;

/** The sentence that says what is wrong with an answer. */
export function defectText(voice: Voice, field: Field, defect: Defect): string {
  if (defect.message) return voice.text(defect.message);
  const shown = Object.fromEntries(
    Object.entries(defect.values ?? {}).map(([name, value]) => {
      if (name === 'count') return [name, value];
      if (field.type === 'date') return [name, voice.formats.date(String(value))];
      if (field.type === 'money')
        return [name, voice.formats.money({ amount: String(value), currency: field.currency ?? 'USD' })];
      return [name, voice.formats.number(value)];
    }),
  );
  return voice.t(`errors.${defect.reason}`, { label: voice.text(field.label), ...shown });
}

const inputWidth = (field: Question): string => {
  if (field.type === 'integer' || field.type === 'number') return 'govuk-input--width-5';
  if (field.type === 'money') return 'govuk-input--width-10';
  if (field.type === 'phone' || field.type === 'nationalNumber') return 'govuk-input--width-20';
  return '';
};

const inputMode: Readonly<Record<string, string>> = {
  integer: 'numeric',
  number: 'decimal',
  money: 'decimal',
  phone: 'tel',
};

/** The component for one question, filled with what was entered. `heading`: the question is the page's heading. */
export function questionComponent(
  voice: Voice,
  field: Question,
  entry: Pick<Entry, 'inputs' | 'defect'>,
  heading: boolean,
): Component {
  const { t, text } = voice;
  const optional = field.required ? '' : ` ${t('apply.optional')}`;
  const title = `${text(field.label)}${optional}`;
  const size = heading ? 'l' : 'm';
  const legend = { text: title, isPageHeading: heading, classes: `govuk-fieldset__legend--${size}` };
  const label = { text: title, isPageHeading: heading, classes: `govuk-label--${heading ? 'l' : 's'}` };
  const hint = field.hint ? { text: text(field.hint) } : undefined;
  const errorMessage = entry.defect
    ? { text: defectText(voice, field, entry.defect), visuallyHiddenText: t('common.error') }
    : undefined;
  const value = entry.inputs[field.id];
  const options = (): { value: string; text: string; hint?: { text: string } }[] =>
    (field.options ?? []).map((option) => ({
      value: option.value,
      text: text(option.label),
      ...(option.hint ? { hint: { text: text(option.hint) } } : {}),
    }));
  const base = { id: field.id, name: field.id, hint, errorMessage };

  switch (field.type) {
    case 'radios':
      return {
        kind: 'radios',
        params: { ...base, idPrefix: field.id, fieldset: { legend }, items: options(), value },
      };
    case 'boolean':
      return {
        kind: 'radios',
        params: {
          ...base,
          idPrefix: field.id,
          fieldset: { legend },
          classes: 'govuk-radios--inline',
          items: [
            { value: 'true', text: t('common.yes') },
            { value: 'false', text: t('common.no') },
          ],
          value,
        },
      };
    case 'checkboxes':
      return {
        kind: 'checkboxes',
        params: { ...base, idPrefix: field.id, fieldset: { legend }, items: options(), values: value ?? [] },
      };
    case 'select':
      return {
        kind: 'select',
        params: { ...base, label, items: [{ value: '', text: t('apply.choose') }, ...options()], value },
      };
    case 'textarea':
      return { kind: 'textarea', params: { ...base, label, value, rows: field.rows ?? 5 } };
    case 'date':
      return {
        kind: 'date',
        params: {
          id: field.id,
          namePrefix: field.id,
          hint,
          errorMessage,
          fieldset: { legend },
          items: (['day', 'month', 'year'] as const).map((part) => ({
            name: part,
            label: t(`apply.${part}`),
            value: entry.inputs[part],
            classes: `govuk-input--width-${part === 'year' ? 4 : 2}`,
            error: entry.defect !== undefined && (entry.defect.part ?? part) === part,
            ...(field.autocomplete === 'bday' ? { autocomplete: `bday-${part}` } : {}),
          })),
        },
      };
    default:
      return {
        kind: 'input',
        params: {
          ...base,
          label,
          value,
          classes: inputWidth(field),
          type: field.type === 'phone' ? 'tel' : 'text',
          inputmode: inputMode[field.type],
          spellcheck: field.type === 'text' ? undefined : false,
          autocomplete: field.autocomplete,
          ...(field.type === 'money' ? { prefix: { text: field.currency } } : {}),
          ...(field.unit ? { suffix: { text: text(field.unit) } } : {}),
          // Numbers, telephone and register numbers are read from left to right in every language.
          ...(field.type === 'text' ? {} : { attributes: { dir: 'ltr' } }),
        },
      };
  }
}
