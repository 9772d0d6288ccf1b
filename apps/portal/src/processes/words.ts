import type { Voice } from '../rendering/voice.ts';

const units = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const;

/** A duration in its largest unit, as people say it. */
export function durationIn({ language }: Voice, seconds: number): string {
  const [unit, size] = units.find(([, one]) => seconds >= one) ?? (['second', 1] as const);
  return new Intl.NumberFormat(language === 'ar' ? 'ar-u-nu-latn' : language, {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits: seconds < 10 && unit === 'second' ? 1 : 0,
  }).format(seconds / size);
}

interface Named {
  readonly id: string;
  readonly kind: string;
  readonly name?: string;
}

export const kindOf = ({ firstOf }: Voice, kind: string): string =>
  firstOf(`processes.kinds.${kind}`, 'processes.kinds.other');

/** What an element is called: its name, else what it is. */
export const nameOf = (voice: Voice, element: Named): string => element.name ?? kindOf(voice, element.kind);

/** What elements are called by their ids; of one that the process no longer has, the id. */
export function namer(voice: Voice, elements: readonly Named[]): (id: string) => string {
  const names = new Map(elements.map((one) => [one.id, nameOf(voice, one)]));
  return (id) => names.get(id) ?? id;
}
