import { createContext, Script } from 'node:vm';
import { FeelError } from './normalise.ts';

/**
 * What one evaluation may take, whoever wrote the expression and whatever values it meets: a loop without end, a
 * pattern that tries for ever or a list that doubles must not stop a process that others use. Where it ends, the
 * element has an incident.
 */

/** Milliseconds of one expression. */
const longest = 1_000;
/** Milliseconds of one decision with all it requires. */
const longestDecision = 10_000;
/** Items gone through or put into new lists, and calls of functions written in FEEL. */
const mostItems = 1_000_000;
/** Characters of the texts that are made. */
const mostText = 16_000_000;

interface Budget {
  items: number;
  text: number;
  readonly until: number;
}

let budget: Budget | undefined;
let watched = false;

const tooLong = (): FeelError => new FeelError('the evaluation takes too long');

// V8 ends what runs in a script after its time, patterns of regular expressions included, in whichever context it is.
const box = createContext({ work: undefined as (() => void) | undefined });
const script = new Script('work()');

function watch(work: () => void, milliseconds: number): void {
  watched = true;
  box.work = work;
  try {
    script.runInContext(box, { timeout: Math.max(1, Math.ceil(milliseconds)) });
  } catch (error) {
    throw (error as { readonly code?: string }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT' ? tooLong() : error;
  } finally {
    watched = false;
    box.work = undefined;
  }
}

function within<R>(milliseconds: number, work: () => R): R {
  if (budget) return work();
  budget = { items: mostItems, text: mostText, until: performance.now() + milliseconds };
  try {
    return work();
  } finally {
    budget = undefined;
  }
}

/** Several evaluations that share what they may take: a decision. */
export const sharing = <R>(work: () => R): R => within(longestDecision, work);

/** One evaluation of code that counts what it goes through, and so ends by itself. */
export const counting = <R>(work: () => R): R => within(longest, work);

/** Evaluation of code that is not known to end soon. Throws `FeelError` when its time is over. */
export const bounded = <R>(work: () => R): R =>
  within(longest, () => {
    if (watched) return work();
    let result: { readonly value: R } | undefined;
    const left = (budget as Budget).until - performance.now();
    if (left <= 0) throw tooLong();
    watch(
      () => {
        result = { value: work() };
      },
      Math.min(longest, left),
    );
    return (result as unknown as { readonly value: R }).value;
  });

/** Counts items before they are gone through or put into a list. Throws `FeelError` when they are too many. */
export function spend(items: number): void {
  if (!budget) return;
  budget.items -= items;
  if (!(budget.items >= 0)) throw new FeelError(`the evaluation goes through more than ${mostItems} items`);
  if (performance.now() > budget.until) throw tooLong();
}

/** Counts the characters of a text that is made. Throws `FeelError` when they are too many. */
export function spendText(characters: number): void {
  if (!budget) return;
  budget.text -= characters;
  if (!(budget.text >= 0))
    throw new FeelError(`the evaluation makes texts of more than ${mostText} characters`);
}
