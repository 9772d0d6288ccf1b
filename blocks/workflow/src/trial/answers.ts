import type { Json, Variables } from '../feel/json.ts';

/** What somebody outside would say at an element, pinned for a trial. Which parts count depends on the element. */
export interface PinnedAnswer {
  /** Answer of a service; `failure`: there was none, and trying again may help. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Json;
  readonly failure?: string;
  /** What a person enters, and who. */
  readonly form?: Variables;
  readonly completedBy?: string;
  /** What a message or signal brings, or nothing: a timer passes. */
  readonly payload?: Json;
  /** Variables with which a called process ends, or the error it fails with. */
  readonly result?: Variables;
  readonly errorCode?: string;
}

export type PinnedAnswers = Readonly<Record<string, readonly PinnedAnswer[]>>;

/** Deals the pinned answers out, in their order. */
export interface Dealer {
  /** The next answer of an element. Work is answered with the last one again and again; an event happens once for each. */
  take(elementId: string, again: boolean): PinnedAnswer | undefined;
  has(elementId: string, again: boolean): boolean;
  /** Elements for which answers are pinned that were never asked for. */
  unused(): readonly string[];
}

export function dealer(answers: PinnedAnswers): Dealer {
  const taken = new Map<string, number>();
  const of = (elementId: string): readonly PinnedAnswer[] =>
    Object.hasOwn(answers, elementId) ? (answers[elementId] ?? []) : [];
  const peek = (elementId: string, again: boolean): PinnedAnswer | undefined => {
    const all = of(elementId);
    return all[taken.get(elementId) ?? 0] ?? (again ? all.at(-1) : undefined);
  };
  return {
    has: (elementId, again) => peek(elementId, again) !== undefined,
    take(elementId, again) {
      const answer = peek(elementId, again);
      taken.set(elementId, (taken.get(elementId) ?? 0) + 1);
      return answer;
    },
    unused: () => Object.keys(answers).filter((id) => of(id).length > 0 && !taken.has(id)),
  };
}
