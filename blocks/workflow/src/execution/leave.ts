import type { Variables } from '../feel/json.ts';
import { FeelError } from '../feel/normalise.ts';
import type { FlowElement, SequenceFlow } from '../model/model.ts';
import { raiseIncident } from './incident.ts';
import { addToken, change, type Run, removeToken } from './run.ts';
import type { Token } from './state.ts';
import { isTrue } from './variables.ts';

const flowsOf = (run: Run, element: FlowElement): SequenceFlow[] =>
  element.outgoing.map((id) => run.model.flows.get(id) as SequenceFlow);

/** Moves a token onto flows: along one, split over several, or out of existence. */
export function follow(run: Run, token: Token, flows: readonly SequenceFlow[]): void {
  const [only] = flows;
  if (only && flows.length === 1) {
    change(run, token, {
      elementId: only.target,
      flowId: only.id,
      wait: { kind: 'ready' },
      subscriptions: [],
    });
    return;
  }
  for (const flow of flows) addToken(run, token.scopeId, flow.target, flow.id);
  removeToken(run, token);
}

const defaultOf = (element: FlowElement): string | undefined =>
  'defaultFlow' in element ? element.defaultFlow : undefined;

/** Flows whose condition holds; the default flow when none does. Throws `FeelError` when nothing is left. */
function chosen(run: Run, token: Token, element: FlowElement, firstOnly: boolean): SequenceFlow[] {
  const flows = flowsOf(run, element);
  const fallback = flows.find((flow) => flow.id === defaultOf(element));
  const taken: SequenceFlow[] = [];
  const state: Variables = element.kind === 'complexGateway' ? { waitingForStart: true } : {};
  for (const flow of flows) {
    if (flow === fallback) continue;
    if (flow.condition && !isTrue(run, flow.condition, token.scopeId, state)) continue;
    taken.push(flow);
    if (firstOnly) break;
  }
  const conditional = taken.some((flow) => flow.condition);
  if (fallback && !conditional) taken.push(fallback);
  if (taken.length === 0) throw new FeelError('no condition holds and there is no default flow');
  return taken;
}

/** Exclusive gateway: the first flow, in the order of the document, whose condition holds. */
export const followFirst = (run: Run, token: Token, element: FlowElement): void =>
  follow(run, token, chosen(run, token, element, true).slice(0, 1));

/** Parallel gateway: every flow. */
export const followAll = (run: Run, token: Token, element: FlowElement): void =>
  follow(run, token, flowsOf(run, element));

/** Flows on which an element that is done is left: all whose condition holds, each as often as tokens leave it. Throws `FeelError`. */
export function waysOut(run: Run, token: Token, element: FlowElement): readonly SequenceFlow[] {
  if (element.outgoing.length === 0) return [];
  const flows = chosen(run, token, element, false);
  const times = 'completionQuantity' in element ? element.completionQuantity : 1;
  const most = run.context.maxIterations;
  if (times > 1 && (run.population.get(token.scopeId) ?? 0) + flows.length * times > most) {
    throw new FeelError(`there would be more than ${most} tokens`);
  }
  return Array.from({ length: times }, () => flows).flat();
}

/** Leaves an element that is done, with an incident at its exit if its flows cannot be decided on. */
export function leave(run: Run, token: Token, element: FlowElement): void {
  try {
    follow(run, token, waysOut(run, token, element));
  } catch (error) {
    if (!(error instanceof FeelError)) throw error;
    raiseIncident(run, token, error.message, 'leave');
  }
}
