import type { ProblemDetail } from '@govstack/platform';
import type { Voice } from '../rendering/voice.ts';
import { firstInput } from './entry-question.ts';
import type { EntryOptions, FieldEntry } from './field-entry.ts';
import { labelOf, type SchemaField } from './schema.ts';

/** What the registry found wrong, at the fields it is about. */
export function withRefusal(
  fields: readonly SchemaField[],
  entries: ReadonlyMap<number, FieldEntry>,
  problem:
    | { readonly detail?: string; readonly title?: string; readonly errors?: readonly ProblemDetail[] }
    | undefined,
  options: EntryOptions,
) {
  const { t } = options.voice;
  const found = new Map(entries);
  const errors: { text: string; href: string }[] = [];
  for (const { pointer, detail } of problem?.errors ?? []) {
    const name = pointer.split('/').at(3)?.replaceAll('~1', '/').replaceAll('~0', '~');
    const field = fields.find((one) => one.name === name);
    if (!field || found.get(field.id)?.error !== undefined) continue;
    const text = refusalText(field, detail, t);
    found.set(field.id, { inputs: found.get(field.id)?.inputs ?? {}, error: text });
    errors.push({ text, href: `#${firstInput(field, options)}` });
  }
  // A value that is taken names its field in the sentence only.
  const taken = /^A record with this (.+) exists already$/.exec(problem?.detail ?? '')?.[1];
  const unique = fields.find(({ name }) => name === taken);
  if (unique) {
    const text = t('registries.entry.taken', { label: labelOf(unique) });
    found.set(unique.id, { inputs: found.get(unique.id)?.inputs ?? {}, error: text });
    errors.push({ text, href: `#${firstInput(unique, options)}` });
  }
  if (errors.length === 0)
    errors.push({
      text: problem?.detail ?? problem?.title ?? t('registries.entry.refused'),
      href: '#main-content',
    });
  return { entries: found, errors };
}

function refusalText(field: SchemaField, detail: string, t: Voice['t']): string {
  const label = labelOf(field);
  if (detail === 'is required') return t('errors.required', { label });
  if (/^leads to a record/.test(detail)) return t('registries.entry.leadsNowhere', { label });
  if (/pattern|format/.test(detail)) return t('errors.pattern', { label });
  return t('errors.checkAgain', { label });
}
