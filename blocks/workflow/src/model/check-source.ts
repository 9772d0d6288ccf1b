import { parseDmn } from '../decisions/parse-dmn.ts';
import { type Advice, advise } from './advise.ts';
import { compileProcess, type DefinitionSource } from './compile-process.ts';
import { collectIssues } from './issues.ts';
import { InvalidDefinition, type ProcessModel } from './model.ts';
import { parseBpmn } from './parse-bpmn.ts';

/** What stands in the way of a deployment (`error`), or what a reviewer would remark on (`warning`). */
export interface Finding {
  readonly elementId: string;
  readonly severity: 'error' | 'warning';
  /** Name of the rule, of a warning: by which a reader may translate it. */
  readonly rule: Advice['rule'] | 'cannot-be-run';
  readonly message: string;
}

export interface Checked {
  /** Undefined when it cannot be run. */
  readonly model: ProcessModel | undefined;
  readonly findings: readonly Finding[];
  /** Ids of the decisions that a task can take. */
  readonly decisions: readonly string[];
}

const most = 500;

/** Checks a definition as a deployment would, and gives advice beside; changes nothing. */
export async function checkSource(source: DefinitionSource): Promise<Checked> {
  let model: ProcessModel | undefined;
  const findings: Finding[] = [];
  try {
    model = await compileProcess(source);
  } catch (error) {
    if (!(error instanceof InvalidDefinition)) throw error;
    findings.push(
      ...error.issues.map((issue) => ({
        ...issue,
        severity: 'error' as const,
        rule: 'cannot-be-run' as const,
      })),
    );
  }
  const document = await parseBpmn(source.bpmn, collectIssues());
  if (document) {
    findings.push(...advise(document).map((advice) => ({ ...advice, severity: 'warning' as const })));
  }
  const decisions = await parseDmn(source.dmn ?? [], collectIssues());
  const takeable = [...decisions].filter(([, one]) => !one.isFunction).map(([id]) => id);
  return { model, findings: findings.slice(0, most), decisions: takeable };
}
