import type { MultipleDefinition } from './model.ts';

type Single<T> = Exclude<T, MultipleDefinition> | MultipleDefinition['definitions'][number];

/** What an event waits for: its one definition, or each of several. */
export const definitionsOf = <T extends { readonly kind: string }>(
  catches: T | MultipleDefinition,
): readonly Single<T>[] =>
  (catches.kind === 'multiple' ? (catches as MultipleDefinition).definitions : [catches]) as Single<T>[];
