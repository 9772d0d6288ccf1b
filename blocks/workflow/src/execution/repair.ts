import { choicesIn, isActivity } from '../model/check-flow.ts';
import type { FlowElement } from '../model/model.ts';
import { beginChosen } from './ad-hoc.ts';
import { cancelToken, cancelWork } from './cancel.ts';
import type { EngineEvent } from './event.ts';
import { brokenJoins } from './join.ts';
import { change, isIteration, type Run, record, scopeOf, scopesOwnedBy, tokensIn } from './run.ts';
import type { Token } from './state.ts';
import { assign } from './variables.ts';

/** What an operator asks for would leave the instance in a state it cannot be in. Nothing has changed. */
export class Refused extends Error {}

type Of<T extends EngineEvent['type']> = Extract<EngineEvent, { type: T }>;

/** Sets variables as seen from a scope, the process where none is named. Answers false when there is no such scope. */
export function setVariables(run: Run, { scopeId, variables }: Of<'setVariables'>): boolean {
  const scope =
    scopeId === undefined
      ? [...run.scopes.values()].find((one) => one.kind === 'process')
      : run.scopes.get(scopeId);
  if (!scope) return false;
  assign(run, scope.id, variables);
  run.history.push({
    event: 'changed',
    elementId: scope.elementId,
    detail: Object.keys(variables).join(', '),
  });
  return true;
}

function checkTarget(run: Run, token: Token, target: FlowElement | undefined): void {
  const scope = scopeOf(run, token);
  const restart = isIteration(run, token) && target?.id === token.elementId;
  if (!target || (target.parent !== scope.elementId && !restart)) {
    throw new Refused('a token is moved to an element of its own scope only');
  }
  if (token.wait.kind === 'reset')
    throw new Refused('a gateway remembers by this token what it has received');
  const joins = ['parallelGateway', 'inclusiveGateway', 'complexGateway'].includes(target.kind);
  if (joins && target.incoming.length > 1) {
    throw new Refused('a token cannot be put at a join, which would not know on which flow it came');
  }
  if (target.kind === 'eventSubProcess' || (isActivity(target) && target.isForCompensation)) {
    throw new Refused('what begins by an event, or undoes something, is not begun by hand');
  }
  if (target.kind === 'boundaryEvent') {
    throw new Refused('a boundary event happens to its activity; no token is put there');
  }
}

/** Runs a change of one scope. Throws `Refused` when it makes a join wait for a token that can no longer come. */
function keepingJoins(run: Run, scopeId: string, change: () => void): void {
  const before = brokenJoins(run, scopeId);
  change();
  const broken = [...brokenJoins(run, scopeId)].find((id) => !before.has(id));
  if (broken !== undefined) {
    throw new Refused(`the join ${broken} would wait for a token that can no longer come`);
  }
}

/**
 * Takes a token from where it stands to another element of its scope, which it enters anew. What it waited for is
 * withdrawn. Answers false when there is no such token.
 */
export function moveToken(run: Run, { tokenId, elementId }: Of<'moveToken'>): boolean {
  const token = run.tokens.get(tokenId);
  if (!token) return false;
  const target = run.model.elements.get(elementId);
  checkTarget(run, token, target);
  keepingJoins(run, token.scopeId, () => {
    record(run, token, 'cancelled', `moved to ${elementId}`);
    change(run, cancelWork(run, token), {
      elementId,
      flowId: undefined,
      wait: { kind: 'ready', complete: true },
    });
  });
  return true;
}

/** Removes a token with all it waits for; others of its scope go on. Answers false when there is no such token. */
export function dropToken(run: Run, { tokenId }: Of<'cancelToken'>): boolean {
  const token = run.tokens.get(tokenId);
  if (!token) return false;
  const around = run.tokens.get(scopeOf(run, token).owner ?? '');
  const others = tokensIn(run, token.scopeId).filter(
    ({ id, wait }) => id !== tokenId && wait.kind !== 'reset',
  );
  if (others.length === 0 && around?.wait.kind !== 'adHoc') {
    throw new Refused('it is the last token of its scope: move it, or cancel what it belongs to');
  }
  keepingJoins(run, token.scopeId, () => cancelToken(run, token));
  return true;
}

/**
 * Begins an activity of an ad-hoc sub-process, in a sequential one after what is under way. Answers false when there is
 * no such token.
 */
export function activate(run: Run, { tokenId, elementId }: Of<'activate'>): boolean {
  const token = run.tokens.get(tokenId);
  if (!token) return false;
  const element = run.model.elements.get(token.elementId);
  const [scope] = scopesOwnedBy(run, token);
  if (token.wait.kind !== 'adHoc' || element?.kind !== 'subProcess' || !element.adHoc || !scope) {
    throw new Refused('activities are begun by hand in an ad-hoc sub-process only');
  }
  if (token.wait.over) throw new Refused('the ad-hoc sub-process is over: it waits for what is under way');
  if (!choicesIn(run.model, element.id).includes(elementId)) {
    throw new Refused(`${elementId} is no activity that ${element.id} could begin`);
  }
  if (token.wait.left.length + tokensIn(run, scope.id).length >= run.context.maxIterations) {
    throw new Refused(`at most ${run.context.maxIterations} activities are under way`);
  }
  record(run, token, 'changed', `${elementId} is begun by hand`);
  beginChosen(run, token, scope, element.adHoc, [elementId]);
  return true;
}
