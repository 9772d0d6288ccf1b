import { handledBeside, isActivity } from '../model/check-flow.ts';
import { definitionsOf } from '../model/definitions-of.ts';
import type { BoundaryEvent, CodeDefinition, EventSubProcess } from '../model/model.ts';
import { isIteration, type Run, scopeOf } from './run.ts';
import type { Token } from './state.ts';

type Catcher = BoundaryEvent | EventSubProcess;

/** The event that catches the code: an exact one before one that catches all. */
function chosen<T extends Catcher>(
  run: Run,
  ids: readonly string[],
  kind: CodeDefinition['kind'],
  code: string,
): T | undefined {
  const events = ids.map((id) => run.model.elements.get(id) as T);
  const byCode = (wanted: string | undefined): T | undefined =>
    events.find(({ catches }) =>
      definitionsOf<Catcher['catches']>(catches).some(
        (one) => one.kind === kind && (one as CodeDefinition).code === wanted,
      ),
    );
  return byCode(code) ?? byCode(undefined);
}

/** Boundary event of the token's activity that catches the code. */
export function boundaryCatcher(
  run: Run,
  token: Token,
  kind: CodeDefinition['kind'],
  code: string,
): BoundaryEvent | undefined {
  const element = run.model.elements.get(token.elementId);
  if (!element || !isActivity(element) || isIteration(run, token)) return undefined;
  return chosen(run, element.boundary, kind, code);
}

/** Event sub-process of the scope that a token stands in that catches the code; one does not catch its own. */
export function scopeCatcher(
  run: Run,
  token: Token,
  kind: CodeDefinition['kind'],
  code: string,
): EventSubProcess | undefined {
  const element = run.model.elements.get(token.elementId);
  if (scopeOf(run, token).elementId !== element?.parent) return undefined;
  return chosen(run, handledBeside(run.model, element), kind, code);
}
