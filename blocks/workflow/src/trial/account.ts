import type { StepContext } from '../execution/run.ts';
import { visibleVariables } from '../execution/variables.ts';
import type { Json, Variables } from '../feel/json.ts';
import type { ProcessModel } from '../model/model.ts';
import { afterSingle } from './begin-at.ts';

/** One visit of one token to one element. */
export interface TrialStep {
  readonly number: number;
  readonly elementId: string;
  readonly name: string | undefined;
  readonly kind: string;
  /** Flow on which the token came. */
  readonly flowId: string | undefined;
  /** Instants on the clock of the trial. */
  readonly at: string;
  until?: string;
  outcome: 'waiting' | 'completed' | 'cancelled' | 'error' | 'incident' | 'joined';
  /** Code of the error, what went wrong, what was tried in vain. */
  notes: string[];
  /** What the element was given: request, form, arguments. */
  input?: Json;
  /** What came back. */
  output?: Json;
  readonly before: Variables;
  after?: Variables;
}

const outcomes: Readonly<Record<string, TrialStep['outcome']>> = {
  completed: 'completed',
  cancelled: 'cancelled',
  error: 'error',
  incident: 'incident',
};

/** A trial that goes on for too long, or has too much to tell. */
export class CutOff extends Error {}

export interface AccountLimits {
  /** Characters of variables that the account may hold. */
  readonly maxSize: number;
  /** Instant of the machine, in milliseconds, until which a trial may run. */
  readonly until: number;
}

/** Keeps an account of a trial, visit by visit, while the interpreter goes on. Within a step too, `watch` throws `CutOff`. */
export interface Account {
  readonly steps: readonly TrialStep[];
  readonly watch: NonNullable<StepContext['watch']>;
  gave(tokenId: string, elementId: string, input: Json): void;
  got(tokenId: string, elementId: string, output: Json): void;
  close(living: ReadonlySet<string>): void;
}

export function account(model: ProcessModel, limits: AccountLimits): Account {
  const steps: TrialStep[] = [];
  const open = new Map<string, TrialStep>();
  const tokens = new Map<TrialStep, string>();
  let size = 0;
  const copy = (variables: Variables): Variables => {
    const { process: _, ...rest } = variables;
    size += JSON.stringify(rest).length;
    if (size > limits.maxSize) throw new CutOff('the variables along the way are too large to be shown');
    if (Date.now() > limits.until) throw new CutOff('it takes too long');
    return rest;
  };
  const key = (tokenId: string, elementId: string): string => `${tokenId} ${elementId}`;
  return {
    steps,
    watch(run, token, event, detail) {
      const { elementId } = token;
      const element = model.elements.get(elementId);
      if (!element || elementId === afterSingle) return;
      const now = run.context.now;
      let visit = open.get(key(token.id, elementId));
      if (!visit || event === 'reached') {
        const known = run.initial.scopes.has(token.scopeId) && event !== 'reached';
        const seen = known ? { ...run, scopes: new Map(run.initial.scopes) } : run;
        visit = {
          number: steps.length + 1,
          elementId,
          name: element.name,
          kind: element.kind,
          flowId: token.flowId,
          at: now,
          outcome: 'waiting',
          notes: [],
          before: copy(visibleVariables(seen, token.scopeId)),
        };
        steps.push(visit);
        open.set(key(token.id, elementId), visit);
        tokens.set(visit, token.id);
      }
      if (detail !== undefined) visit.notes.push(detail);
      const outcome = outcomes[event];
      if (outcome === undefined) return;
      visit.outcome = outcome;
      visit.until = now;
      if (run.scopes.has(token.scopeId)) visit.after = copy(visibleVariables(run, token.scopeId));
      if (outcome !== 'incident') open.delete(key(token.id, elementId));
    },
    gave(tokenId, elementId, input) {
      const visit = open.get(key(tokenId, elementId));
      if (visit) visit.input = input;
    },
    got(tokenId, elementId, output) {
      const visits = steps.filter((one) => one.elementId === elementId && one.output === undefined);
      const visit = visits.findLast((one) => tokens.get(one) === tokenId) ?? visits.at(-1);
      if (visit) visit.output = output;
    },
    close(living) {
      for (const visit of steps) {
        if (visit.outcome === 'waiting' && !living.has(tokens.get(visit) ?? '')) visit.outcome = 'joined';
      }
    },
  };
}
