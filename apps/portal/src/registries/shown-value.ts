import type { Voice } from '../rendering/voice.ts';
import { isUuid } from '../site/ids.ts';
import { isObject, kindOf, type SchemaField } from './schema.ts';

/** A value in words. */
export interface ShownValue {
  readonly lines: readonly string[];
  /** Written from left to right in every language. */
  readonly ltr: boolean;
  readonly files?: readonly ShownFile[];
  /** There is a value, which is shown only when asked for. */
  readonly secret?: boolean;
}

/** A document: kept by the registries under an id, or elsewhere at an address. */
export interface ShownFile {
  readonly name: string;
  readonly type: string;
  readonly url?: string;
  readonly documentId?: string;
}

const nothing: ShownValue = { lines: [], ltr: false };

const written = (value: unknown): string =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);

function fileIn({ t }: Voice, value: unknown): ShownFile {
  const file = isObject(value) ? value : {};
  const id = file.$documentId;
  const kept = isUuid(id);
  const name = file.originalName ?? (kept ? t('registries.entry.document') : id);
  const url = typeof file.url === 'string' && /^https?:/.test(file.url) ? file.url : undefined;
  return {
    name: String(name ?? ''),
    type: String(file.type ?? ''),
    ...(url === undefined ? {} : { url }),
    ...(kept ? { documentId: id } : {}),
  };
}

const holdsFiles = ({ items }: SchemaField['property']): boolean =>
  isObject(items) && kindOf(items) === 'file';

/** How a value of a field is shown to people; a secret, whatever it says, unless it is asked for. */
export function shownValue(
  voice: Voice,
  { property }: Pick<SchemaField, 'property'>,
  value: unknown,
  secrets: 'hidden' | 'shown' = 'hidden',
): ShownValue {
  if (value === undefined || value === null) return nothing;
  if (property.secret === true && secrets === 'hidden') return { lines: ['••••••'], ltr: true, secret: true };
  const { formats, t } = voice;
  const plain = (...lines: string[]): ShownValue => ({ lines, ltr: false });
  const filed = (...values: unknown[]): ShownValue => {
    const files = values.map((one) => fileIn(voice, one));
    return { lines: files.map(({ name }) => name), ltr: false, files };
  };
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
      if (holdsFiles(property) && Array.isArray(value)) return filed(...value);
      return plain(...(Array.isArray(value) ? value.map(written) : [written(value)]));
    case 'block':
      return plain(
        ...(isObject(value)
          ? Object.entries(value).map(([name, one]) => `${name}: ${written(one)}`)
          : [written(value)]),
      );
    case 'file':
      return filed(value);
    default:
      return plain(...String(value).split('\n'));
  }
}
