import type { Voice } from '../rendering/voice.ts';
import { isObject, kindOf, type SchemaField } from './schema.ts';

/** A value in words. */
export interface ShownValue {
  readonly lines: readonly string[];
  /** Written from left to right in every language. */
  readonly ltr: boolean;
  /** A document: where it is, and whether it is a picture. */
  readonly file?: { readonly name: string; readonly url?: string; readonly type: string };
}

const nothing: ShownValue = { lines: [], ltr: false };

const written = (value: unknown): string =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);

/** How a value of a field is shown to people. */
export function shownValue(
  voice: Voice,
  { property }: Pick<SchemaField, 'property'>,
  value: unknown,
): ShownValue {
  if (value === undefined || value === null) return nothing;
  const { formats, t } = voice;
  const plain = (...lines: string[]): ShownValue => ({ lines, ltr: false });
  switch (kindOf(property)) {
    case 'boolean':
      return plain(t(value === true ? 'common.yes' : 'common.no'));
    case 'date':
      return plain(/^\d{4}-\d{2}-\d{2}$/.test(String(value)) ? formats.date(String(value)) : String(value));
    case 'instant':
      return plain(Number.isNaN(Date.parse(String(value))) ? String(value) : formats.dateTime(String(value)));
    case 'time':
      return { lines: [String(value).slice(0, 5)], ltr: true };
    case 'integer':
    case 'number':
      return { lines: [formats.number(value as number)], ltr: true };
    case 'list':
      return plain(...(Array.isArray(value) ? value.map(written) : [written(value)]));
    case 'block':
      return plain(
        ...(isObject(value)
          ? Object.entries(value).map(([name, one]) => `${name}: ${written(one)}`)
          : [written(value)]),
      );
    case 'file': {
      const file = isObject(value) ? value : {};
      const name = String(file.originalName ?? file.$documentId ?? '');
      const url = typeof file.url === 'string' && /^https?:/.test(file.url) ? file.url : undefined;
      return {
        lines: [name],
        ltr: false,
        file: { name, type: String(file.type ?? ''), ...(url === undefined ? {} : { url }) },
      };
    }
    default:
      return plain(...String(value).split('\n'));
  }
}
