import type { ProcessModel } from '../model/model.ts';
import type { Command, HistoryEntry } from './command.ts';
import type { InstanceState, InstanceStatus, Scope, Subscription, Token, Wait } from './state.ts';

/** What a step needs from outside besides model, state and event: nothing in it may be read from the environment. */
export interface StepContext {
  /** Instant of the step, RFC 3339 in UTC. */
  readonly now: string;
  /** Source of ids for tokens, scopes, jobs, …: unique for ever. */
  readonly newId: () => string;
  /** Most elements one step may pass: a loop without a wait state ends in an incident. */
  readonly maxMoves: number;
  /** Most iterations of a multi-instance activity. */
  readonly maxIterations: number;
  /** Pauses before further attempts where the process does not give its own (ISO 8601 durations). */
  readonly retries: readonly string[];
  /**
   * How often what happens here may still reach another instance by a signal or message, which reaches another, and so
   * on; undefined: for ever.
   */
  readonly hopsLeft?: number;
  /** Told of each element a token comes to and of each line of the history while the step goes on; changes nothing. */
  readonly watch?: (
    run: Run,
    token: Token,
    event: 'reached' | HistoryEntry['event'],
    detail?: string,
  ) => void;
}

/** A state being changed by one step. */
export interface Run {
  readonly model: ProcessModel;
  readonly context: StepContext;
  readonly initial: InstanceState;
  readonly scopes: Map<string, Scope>;
  readonly tokens: Map<string, Token>;
  /** Tokens that can move, in order. */
  readonly ready: string[];
  /** Scopes that may have lost their last token. */
  readonly emptied: Set<string>;
  readonly population: Map<string, number>;
  readonly commands: Command[];
  readonly history: HistoryEntry[];
  status: InstanceStatus;
  errorCode: string | undefined;
  movesLeft: number;
  /** Whether anything waits for a condition, and whether conditions must be looked at again. */
  watching: boolean;
  conditionsDue: boolean;
}

export function beginRun(model: ProcessModel, state: InstanceState, context: StepContext): Run {
  const population = new Map<string, number>();
  let watching = false;
  for (const token of state.tokens.values()) {
    watching ||= token.wait.kind === 'adHoc';
    watching ||= token.subscriptions.some((one) => one.kind === 'conditional');
    population.set(token.scopeId, (population.get(token.scopeId) ?? 0) + 1);
  }
  for (const { subscriptions } of state.scopes.values()) {
    watching ||= subscriptions.some((one) => one.kind === 'conditional');
  }
  return {
    model,
    context,
    initial: state,
    scopes: new Map(state.scopes),
    tokens: new Map(state.tokens),
    ready: [],
    emptied: new Set(),
    population,
    commands: [],
    history: [],
    status: state.status,
    errorCode: state.errorCode,
    movesLeft: context.maxMoves,
    watching,
    conditionsDue: false,
  };
}

export const endRun = (run: Run): InstanceState => ({
  ...run.initial,
  status: run.status,
  errorCode: run.errorCode,
  scopes: run.scopes,
  tokens: run.tokens,
});

export const command = (run: Run, one: Command): void => {
  run.commands.push(one);
};

export const record = (run: Run, token: Token, event: HistoryEntry['event'], detail?: string): void => {
  run.history.push({
    event,
    elementId: token.elementId,
    tokenId: token.id,
    ...(token.flowId === undefined ? {} : { flowId: token.flowId }),
    ...(detail === undefined ? {} : { detail }),
  });
  run.context.watch?.(run, token, event, detail);
};

const count = (run: Run, scopeId: string, change: number): void => {
  const population = (run.population.get(scopeId) ?? 0) + change;
  run.population.set(scopeId, population);
  if (population === 0) run.emptied.add(scopeId);
};

/** A new token at an element, ready to move. */
export function addToken(run: Run, scopeId: string, elementId: string, flowId?: string): Token {
  const token: Token = {
    id: run.context.newId(),
    scopeId,
    elementId,
    flowId,
    wait: { kind: 'ready' },
    subscriptions: [],
  };
  run.tokens.set(token.id, token);
  run.ready.push(token.id);
  count(run, scopeId, 1);
  return token;
}

/** A new token that is at its element from the start: it does not wait in the queue. */
export function addBeside(run: Run, scopeId: string, elementId: string): Token {
  const token = addToken(run, scopeId, elementId);
  run.ready.pop();
  return token;
}

/** Changes a token; one that becomes ready joins the queue. */
export function change(run: Run, token: Token, changes: Partial<Token>): Token {
  const changed = { ...token, ...changes };
  run.tokens.set(token.id, changed);
  if (changes.wait?.kind === 'ready') run.ready.push(token.id);
  return changed;
}

export const waitFor = (run: Run, token: Token, wait: Wait): Token => change(run, token, { wait });

export function removeToken(run: Run, token: Token): void {
  if (run.tokens.delete(token.id)) count(run, token.scopeId, -1);
}

export function addScope(run: Run, scope: Omit<Scope, 'id'>): Scope {
  const added = { id: run.context.newId(), ...scope };
  run.scopes.set(added.id, added);
  return added;
}

/** Everything that tokens and event sub-processes wait for. */
export const subscriptionsOf = (run: Run): Subscription[] =>
  [...run.tokens.values(), ...run.scopes.values()].flatMap((one) => one.subscriptions);

export const scopeOf = (run: Run, token: Token): Scope => run.scopes.get(token.scopeId) as Scope;

export const tokensIn = (run: Run, scopeId: string): Token[] =>
  [...run.tokens.values()].filter((token) => token.scopeId === scopeId);

/** Scopes that a token waits for: the run of its sub-process, or its iterations. */
export const scopesOwnedBy = (run: Run, token: Pick<Token, 'id'>): Scope[] =>
  [...run.scopes.values()].filter((scope) => scope.owner === token.id);

/** Whether the token carries one iteration or repetition of an activity, not the activity as a whole. */
export const isIteration = (run: Run, token: Token): boolean => {
  const scope = scopeOf(run, token);
  return (scope.kind === 'iteration' || scope.kind === 'repetition') && scope.elementId === token.elementId;
};
