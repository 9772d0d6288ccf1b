import { FeelError } from '../feel/normalise.ts';
import type { ComplexGateway, SequenceFlow } from '../model/model.ts';
import { raiseIncident } from './incident.ts';
import { canMerge, flowsOfReset, merge, waitingAt } from './join.ts';
import { follow, leave } from './leave.ts';
import { addBeside, change, type Run, record, removeToken, tokensIn, waitFor } from './run.ts';
import type { Token } from './state.ts';
import { evaluateIn, isTrue } from './variables.ts';

type Remembering = Token & { readonly wait: Extract<Token['wait'], { kind: 'reset' }> };

const isRemembering = (token: Token): token is Remembering => token.wait.kind === 'reset';

/** Complex gateway (BPMN 13.4.6): a token waits until the condition on what has arrived holds. Throws `FeelError`. */
export function enterComplexGateway(run: Run, token: Token, gateway: ComplexGateway): void {
  const waiting = waitFor(run, token, { kind: 'join' });
  if (!gateway.activation) {
    record(run, waiting, 'completed');
    leave(run, waiting, gateway);
    return;
  }
  activate(run, token.scopeId, gateway);
}

/** One token of each flow that has some. */
const oneOfEach = (tokens: readonly Token[], flows: readonly string[]): readonly Token[] =>
  flows.flatMap((flow) => tokens.find((token) => token.flowId === flow) ?? []);

/** Goes on if it waits for a start and its condition holds. Throws `FeelError`. */
function activate(run: Run, scopeId: string, gateway: ComplexGateway): void {
  const arrived = waitingAt(run, scopeId, gateway.id);
  const here = tokensIn(run, scopeId).filter((token) => token.elementId === gateway.id);
  if (!gateway.activation || arrived.length === 0 || here.some(isRemembering)) return;
  const activationCounts = Object.fromEntries(
    gateway.incoming.map((flow) => [flow, arrived.filter((token) => token.flowId === flow).length]),
  );
  const counts = { activationCount: arrived.length, activationCounts };
  if (!isTrue(run, gateway.activation, scopeId, counts)) return;
  const taken = oneOfEach(arrived, gateway.incoming);
  const received = taken.map((token) => token.flowId as string);
  change(run, addBeside(run, scopeId, gateway.id), { wait: { kind: 'reset', received } });
  leave(run, merge(run, taken), gateway);
}

function holdsAtReset(run: Run, scopeId: string, { condition }: SequenceFlow): boolean {
  if (!condition) return false;
  try {
    return evaluateIn(run, condition, scopeId, { waitingForStart: false }) === true;
  } catch (error) {
    if (!(error instanceof FeelError)) throw error;
    return false;
  }
}

/**
 * Lets one complex gateway begin anew that has gone on and expects no token any more on the flows that brought none,
 * as an inclusive join would; answers whether there was one. Called when no token can move by itself.
 */
export const resetComplexGateway = (run: Run): boolean =>
  resetOne(run, canMerge) || resetOne(run, (_, scopeId) => onlyWaits(run, scopeId));

/** Whether nothing moves in a scope but by gateways that begin anew: the first of them expects nothing any more. */
const onlyWaits = (run: Run, scopeId: string): boolean =>
  tokensIn(run, scopeId).every(({ wait }) => wait.kind === 'join' || wait.kind === 'reset');

function resetOne(run: Run, expectsNothing: typeof canMerge): boolean {
  for (const token of [...run.tokens.values()].filter(isRemembering)) {
    const { scopeId, elementId } = token;
    const gateway = run.model.elements.get(elementId);
    if (gateway?.kind !== 'complexGateway') continue;
    const { received } = token.wait;
    const late = oneOfEach(
      waitingAt(run, scopeId, elementId),
      gateway.incoming.filter((flow) => !received.includes(flow)),
    );
    const filled = new Set([...received, ...late.map((one) => one.flowId)]);
    if (!expectsNothing(run, scopeId, elementId, filled)) continue;
    for (const one of late) removeToken(run, one);
    const flows = flowsOfReset(run, elementId).filter((flow) => holdsAtReset(run, scopeId, flow));
    if (flows.length > 0) record(run, token, 'completed');
    follow(run, token, flows);
    startAnew(run, scopeId, gateway);
    return true;
  }
  return false;
}

/** What waited for the reset may be enough for another start. */
function startAnew(run: Run, scopeId: string, gateway: ComplexGateway): void {
  try {
    activate(run, scopeId, gateway);
  } catch (error) {
    if (!(error instanceof FeelError)) throw error;
    raiseIncident(run, waitingAt(run, scopeId, gateway.id)[0] as Token, error.message, 'enter');
  }
}
