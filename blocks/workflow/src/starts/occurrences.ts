import { parseCycle } from '../model/cycle.ts';
import { asInstant, plusDuration } from '../model/duration.ts';
import type { StartTimer } from '../model/model.ts';

/** Milliseconds by which a start may be late without counting as missed. */
const graceMs = 60_000;
/** Most missed occurrences that are made up for. */
const mostMadeUp = 100;

/** First time after `after` at which a timer starts an instance, counted from `anchor` where it names no time itself. */
export function nextOccurrence(timer: StartTimer, anchor: string, after: string): string | undefined {
  if (timer.when === 'cycle') return parseCycle(timer.text, timer.timeZone).next(anchor, after);
  const only = timer.when === 'date' ? asInstant(timer.text) : plusDuration(anchor, timer.text);
  return only !== undefined && Date.parse(only) > Date.parse(after) ? only : undefined;
}

export interface Due {
  /** Occurrences to start now, in order. */
  readonly starts: readonly string[];
  /** The one after now. */
  readonly next: string | undefined;
}

/**
 * What of a schedule is to be started now. Occurrences that are more than a minute late were missed: of these none, one
 * or all are made up for (the first hundred), as the timer says. The next is computed from the schedule, not from now.
 */
export function dueOccurrences(timer: StartTimer, anchor: string, due: string, now: string): Due {
  const onTime = new Date(Date.parse(now) - graceMs).toISOString();
  const isMissed = (at: string): boolean => Date.parse(at) < Date.parse(onTime);
  const isDue = (at: string): boolean => Date.parse(at) <= Date.parse(now);
  const most = { skip: 0, once: 1, all: mostMadeUp }[timer.missed];
  const starts: string[] = [];
  let at: string | undefined = asInstant(due);
  for (let made = 0; at !== undefined && isMissed(at) && made < most; made += 1) {
    starts.push(at);
    at = nextOccurrence(timer, anchor, at);
  }
  if (at !== undefined && isMissed(at)) at = nextOccurrence(timer, anchor, onTime);
  while (at !== undefined && isDue(at)) {
    starts.push(at);
    at = nextOccurrence(timer, anchor, at);
  }
  return { starts, next: at };
}
