import type { Voice } from '../rendering/voice.ts';
import { kindOf, type SchemaField } from './schema.ts';

export interface Dimension {
  readonly field?: string;
  readonly time?: 'month' | 'year';
  readonly ranges?: number[];
}

const usualRanges = [0, 1, 10, 100, 1_000, 10_000, 100_000];
const mostRanges = 50;

/** Lower ends of ranges as they were entered, `0, 10, 100`; undefined when they are none. */
export function rangesIn(text: string): number[] | undefined {
  const ranges = text
    .split(/[\s,;]+/)
    .filter(Boolean)
    .map(Number);
  const ascend = ranges.every(
    (one, index) => Number.isFinite(one) && (index === 0 || one > (ranges[index - 1] as number)),
  );
  return ranges.length > 0 && ranges.length <= mostRanges && ascend ? ranges : undefined;
}

/** How counts are broken down by a field; undefined where its values are not counted. Dates are counted by year. */
export function dimensionOf({ name, property }: SchemaField, ranges = usualRanges): Dimension | undefined {
  switch (kindOf(property)) {
    case 'choice':
    case 'boolean':
      return { field: name };
    case 'text':
      // Of what names a single record each, there is one of everything.
      return property.personal || property.unique || property.primaryKey ? undefined : { field: name };
    case 'date':
    case 'instant':
      return { field: name, time: 'year' };
    case 'integer':
    case 'number':
      return { field: name, ranges };
    default:
      return undefined;
  }
}

/** The field by which records are counted before somebody has chosen one: of few values rather than of many. */
export const mostTelling = (fields: readonly SchemaField[]): SchemaField | undefined =>
  fields.find(({ property }) => ['choice', 'boolean'].includes(kindOf(property))) ?? fields[0];

type Told = string | number | boolean | null;

interface Counted {
  readonly group: Readonly<Record<string, Told>>;
  readonly count: number | null;
}

const told = ({ group }: Counted): Told => Object.values(group)[0] ?? null;

/** What a group of records has in common, in words. */
function groupLabel(voice: Voice, { ranges, time }: Dimension, value: Told): string {
  const { t, formats } = voice;
  if (value === null) return t('registries.figures.nothing');
  if (typeof value === 'boolean') return t(value ? 'common.yes' : 'common.no');
  if (time === 'year') return String(value).slice(0, 4);
  if (!ranges) return String(value);
  const index = rangeIndex(ranges, value);
  const [from, to] = [ranges[index - 1], ranges[index]];
  const number = (one: number | undefined): string => formats.number(one ?? 0);
  if (from === undefined) return t('registries.figures.below', { to: number(to) });
  if (to === undefined) return t('registries.figures.andAbove', { from: number(from) });
  return t('registries.figures.range', { from: number(from), to: number(to) });
}

/** Which range the registries name: 0 is below the first. */
function rangeIndex(ranges: readonly number[], name: Told): number {
  const words = String(name);
  return words.startsWith('below ') ? 0 : ranges.indexOf(Number(words.split(' ')[0])) + 1;
}

/** Groups with their names, as they are read: times and ranges in their order, others the largest first. */
export function groupsIn(voice: Voice, dimension: Dimension, groups: readonly Counted[]) {
  const { ranges, time } = dimension;
  const ordered = [...groups];
  if (time) ordered.sort((one, other) => String(told(one)).localeCompare(String(told(other))));
  if (ranges) ordered.sort((one, other) => rangeIndex(ranges, told(one)) - rangeIndex(ranges, told(other)));
  return ordered.map((one) => ({ label: groupLabel(voice, dimension, told(one)), count: one.count }));
}
