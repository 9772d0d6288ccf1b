import type { ModdleElement } from 'bpmn-moddle';
import { compileExpression, compileSource, type Expression } from '../feel/expression.ts';
import { FeelError } from '../feel/normalise.ts';
import type { Issue } from './model.ts';

/** Collects every defect of a definition instead of stopping at the first. */
export interface Issues {
  readonly list: Issue[];
  add(element: ModdleElement | string, message: string): void;
}

export function collectIssues(): Issues {
  const list: Issue[] = [];
  return {
    list,
    add(element, message) {
      const elementId = typeof element === 'string' ? element : nearestId(element);
      if (!list.some((known) => known.elementId === elementId && known.message === message)) {
        list.push({ elementId, message });
      }
    },
  };
}

/** Id of the element, or of the closest one around it that has an id. */
function nearestId(element: ModdleElement): string {
  for (let at: ModdleElement | undefined = element; at; at = at.$parent) {
    if (typeof at.id === 'string') return at.id;
  }
  return 'definitions';
}

const nothing: Expression = { text: 'null', evaluate: () => ({ value: null, missing: [] }) };

function attempt<T>(
  issues: Issues,
  element: ModdleElement | string,
  what: string,
  fallback: T,
  work: () => T,
): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof FeelError)) throw error;
    issues.add(element, `${what}: ${error.message}`);
    return fallback;
  }
}

/** A FEEL expression of an element; a malformed one becomes an issue. A leading `=` is allowed. */
export const readExpression = (
  issues: Issues,
  element: ModdleElement | string,
  what: string,
  text: string,
  names: readonly string[] = [],
): Expression =>
  attempt(issues, element, what, nothing, () => compileExpression(text.trim().replace(/^=/, ''), names));

/** `=` and FEEL, or a constant text; a malformed expression becomes an issue. */
export const readSource = (
  issues: Issues,
  element: ModdleElement | string,
  what: string,
  text: string,
): Expression => attempt(issues, element, what, nothing, () => compileSource(text));

export { attempt as readFeel };
