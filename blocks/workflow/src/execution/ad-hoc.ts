import { FeelError } from '../feel/normalise.ts';
import { choicesIn } from '../model/check-flow.ts';
import type { AdHoc, SubProcess } from '../model/model.ts';
import { cancelToken } from './cancel.ts';
import { addToken, change, type Run, scopeOf, tokensIn } from './run.ts';
import type { Scope, Token } from './state.ts';
import { evaluateIn, isTrue } from './variables.ts';

type Choosing = Token & { readonly wait: Extract<Token['wait'], { kind: 'adHoc' }> };

const isChoosing = (token: Token | undefined): token is Choosing => token?.wait.kind === 'adHoc';

/** Activities that an ad-hoc sub-process begins with. Throws `FeelError`. */
export function chosenAtFirst(run: Run, token: Token, { id, adHoc }: SubProcess): readonly string[] {
  const choices = choicesIn(run.model, id);
  if (!adHoc?.active) return choices;
  const ids = evaluateIn(run, adHoc.active, token.scopeId);
  if (!Array.isArray(ids)) throw new FeelError(`${adHoc.active.text} is not a list of ids of activities`);
  if (ids.length > run.context.maxIterations) {
    throw new FeelError(
      `${ids.length} activities are chosen; at most ${run.context.maxIterations} are begun`,
    );
  }
  return ids.map((one) => {
    if (typeof one === 'string' && choices.includes(one)) return one;
    throw new FeelError(`${JSON.stringify(one)} is no activity that ${id} could begin`);
  });
}

/** Begins activities: all beside one another, or the first when nothing else is under way. */
export function beginChosen(
  run: Run,
  owner: Token,
  scope: Scope,
  adHoc: AdHoc,
  ids: readonly string[],
): void {
  if (!isChoosing(owner)) return;
  if (adHoc.sequential) {
    change(run, owner, { wait: { ...owner.wait, left: [...owner.wait.left, ...ids] } });
    if (tokensIn(run, scope.id).length === 0) run.emptied.add(scope.id);
    return;
  }
  for (const id of ids) addToken(run, scope.id, id);
  if (ids.length === 0) run.emptied.add(scope.id);
}

const adHocOf = (run: Run, scope: Scope): { adHoc: AdHoc; owner: Choosing } | undefined => {
  const owner = run.tokens.get(scope.owner ?? '');
  const element = run.model.elements.get(scope.elementId);
  return element?.kind === 'subProcess' && element.adHoc && isChoosing(owner)
    ? { adHoc: element.adHoc, owner }
    : undefined;
};

/** Whether the ad-hoc sub-process around an activity is over once that is done. Throws `FeelError`. */
export function isOverAfter(run: Run, token: Token): boolean {
  const around = adHocOf(run, scopeOf(run, token));
  return around?.adHoc.completion !== undefined && isTrue(run, around.adHoc.completion, token.scopeId);
}

/** An ad-hoc sub-process begins no more activities; it is over when nothing is under way. Answers which it is. */
export function beginNothingMore(run: Run, scope: Scope): AdHoc | undefined {
  const around = adHocOf(run, scope);
  if (around) change(run, around.owner, { wait: { kind: 'adHoc', left: [], over: true } });
  return around?.adHoc;
}

/** The condition of an ad-hoc sub-process has held: what is under way ends, or is waited for. */
export function endAdHoc(run: Run, scopeId: string): void {
  const scope = run.scopes.get(scopeId);
  if (scope && beginNothingMore(run, scope)?.cancelsRemaining)
    for (const token of tokensIn(run, scopeId)) cancelToken(run, token);
}

/** Whether an ad-hoc sub-process in which nothing is under way goes on: with the next activity, or by hand. */
export function goesOn(run: Run, scope: Scope): boolean {
  const around = adHocOf(run, scope);
  if (!around || around.owner.wait.over) return false;
  const { owner, adHoc } = around;
  const [next, ...left] = owner.wait.left;
  if (next !== undefined) {
    change(run, owner, { wait: { ...owner.wait, left } });
    addToken(run, scope.id, next);
    return true;
  }
  if (!adHoc.completion) return false;
  try {
    return evaluateIn(run, adHoc.completion, scope.id) !== true;
  } catch (error) {
    if (!(error instanceof FeelError)) throw error;
    return true;
  }
}

/** Looks again at ad-hoc sub-processes in which nothing is under way: variables have changed. */
export function lookAtIdle(run: Run): void {
  for (const { id, owner } of run.scopes.values()) {
    if (isChoosing(run.tokens.get(owner ?? '')) && tokensIn(run, id).length === 0) run.emptied.add(id);
  }
}
