import type { Variables } from '../feel/json.ts';
import type { EndEvent, FlowElement, ThrowDefinition, Thrown } from '../model/model.ts';
import { namedInputs } from './activity.ts';
import { escalate } from './escalation.ts';
import type { Run } from './run.ts';
import { throwSignal } from './signal.ts';
import type { Token } from './state.ts';

type Throwing = ThrowDefinition | EndEvent['result'];

const thrownBy = (throwing: Throwing): readonly Thrown[] => {
  if (throwing.kind === 'multiple') return throwing.throws;
  return throwing.kind === 'signal' || throwing.kind === 'escalation' ? [throwing] : [];
};

/** Whether an element throws a signal, which reaches whoever waits for it at that moment. */
export function throwsSignal(element: FlowElement | undefined): boolean {
  if (element?.kind !== 'intermediateThrowEvent' && element?.kind !== 'endEvent') return false;
  const throwing = element.kind === 'endEvent' ? element.result : element.throws;
  return thrownBy(throwing).some(({ kind }) => kind === 'signal');
}

/** Throws one thing, a signal with what it brings. */
export function throwOne(run: Run, token: Token, one: Thrown, payload: Variables): void {
  if (one.kind === 'escalation') escalate(run, token, one.code);
  else throwSignal(run, one.name, payload);
}

/** Works out what an event throws; the answer throws it. Throws `FeelError` before anything has happened. */
export function prepareThrow(run: Run, token: Token, throwing: Throwing): () => void {
  const prepared = thrownBy(throwing).map((one) => ({
    one,
    payload: one.kind === 'signal' ? namedInputs(run, token, one.inputs) : {},
  }));
  return () => {
    for (const { one, payload } of prepared) throwOne(run, token, one, payload);
  };
}
