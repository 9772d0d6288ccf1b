import { isActivity } from '../model/check-flow.ts';
import type { BoundaryEvent } from '../model/model.ts';
import { isIteration, type Run } from './run.ts';
import type { Token } from './state.ts';

/** Boundary event of the token's activity that catches the code: an exact one before one that catches all. */
export function catcher(
  run: Run,
  token: Token,
  kind: 'error' | 'escalation',
  code: string,
): BoundaryEvent | undefined {
  const element = run.model.elements.get(token.elementId);
  if (!element || !isActivity(element) || isIteration(run, token)) return undefined;
  const events = element.boundary
    .map((id) => run.model.elements.get(id) as BoundaryEvent)
    .filter((event) => event.catches.kind === kind);
  const codeOf = ({ catches }: BoundaryEvent): string | undefined =>
    catches.kind === 'error' || catches.kind === 'escalation' ? catches.code : undefined;
  return (
    events.find((event) => codeOf(event) === code) ?? events.find((event) => codeOf(event) === undefined)
  );
}
