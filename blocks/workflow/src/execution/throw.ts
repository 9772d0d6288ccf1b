import type { Json, Variables } from '../feel/json.ts';
import { FeelError } from '../feel/normalise.ts';
import type { EndEvent, FlowElement, MessageThrow, ThrowDefinition, Thrown } from '../model/model.ts';
import { namedInputs } from './activity.ts';
import type { Command } from './command.ts';
import { escalate } from './escalation.ts';
import { command, type Run } from './run.ts';
import { throwSignal } from './signal.ts';
import type { Token } from './state.ts';
import { evaluateIn } from './variables.ts';

type Throwing = ThrowDefinition | EndEvent['result'];

const thrownBy = (throwing: Throwing): readonly Thrown[] => {
  if (throwing.kind === 'multiple') return throwing.throws;
  return throwing.kind === 'signal' || throwing.kind === 'escalation' || throwing.kind === 'message'
    ? [throwing]
    : [];
};

/** Whether an element throws a signal, which reaches whoever waits for it at that moment. */
export function throwsSignal(element: FlowElement | undefined): boolean {
  if (element?.kind !== 'intermediateThrowEvent' && element?.kind !== 'endEvent') return false;
  const throwing = element.kind === 'endEvent' ? element.result : element.throws;
  return thrownBy(throwing).some(({ kind }) => kind === 'signal');
}

/** Throws a signal or an escalation, a signal with what it brings. */
export function throwOne(run: Run, token: Token, one: Thrown, payload: Variables): void {
  if (one.kind === 'escalation') escalate(run, token, one.code);
  else if (one.kind === 'signal') throwSignal(run, one.name, payload);
}

/** Two that answer each other for ever are stopped where they would go on. Throws `FeelError`. */
export function checkHops(run: Run, one: Thrown): void {
  if (one.kind === 'escalation' || run.context.hopsLeft === undefined || run.context.hopsLeft > 0) return;
  throw new FeelError(
    `the ${one.kind} ${one.name} follows from too many others: do processes answer each other for ever?`,
  );
}

/** What sends a message, worked out before anything has happened. Throws `FeelError`. */
function messageOf(run: Run, token: Token, thrown: MessageThrow): Command {
  const key: Json = evaluateIn(run, thrown.correlationKey, token.scopeId);
  if (typeof key !== 'string' && typeof key !== 'number') {
    throw new FeelError(`the correlation key ${thrown.correlationKey.text} has no value`);
  }
  return {
    type: 'sendMessage',
    messageId: run.context.newId(),
    name: thrown.name,
    correlationKey: String(key),
    payload: namedInputs(run, token, thrown.inputs),
    timeToLive: thrown.timeToLive,
  };
}

/** Works out what an event throws; the answer throws it. Throws `FeelError` before anything has happened. */
export function prepareThrow(run: Run, token: Token, throwing: Throwing): () => void {
  const prepared = thrownBy(throwing).map((one) => {
    checkHops(run, one);
    if (one.kind === 'message') {
      const message = messageOf(run, token, one);
      return () => command(run, message);
    }
    const payload = one.kind === 'signal' ? namedInputs(run, token, one.inputs) : {};
    return () => throwOne(run, token, one, payload);
  });
  return () => {
    for (const throwIt of prepared) throwIt();
  };
}
