import { takeDecision } from '../decisions/evaluate.ts';
import type { Json, Variables } from '../feel/json.ts';
import { FeelError } from '../feel/normalise.ts';
import { asInstant } from '../model/duration.ts';
import type {
  Activity,
  BusinessRuleTask,
  CallActivity,
  InputMapping,
  ReceiveTask,
  ScriptTask,
  ServiceTask,
  SubProcess,
  UserTask,
} from '../model/model.ts';
import { beginChosen, chosenAtFirst, endAdHoc, isOverAfter } from './ad-hoc.ts';
import { disarm } from './cancel.ts';
import { rememberActivity } from './compensate.ts';
import type { JobRequest } from './event.ts';
import { armHandlers } from './event-sub-process.ts';
import { raiseIncident } from './incident.ts';
import { endsIteration, startIterations } from './iterate.ts';
import { follow, waysOut } from './leave.ts';
import { decideRepetition, startRepetitions } from './repeat.ts';
import { addScope, addToken, change, command, isIteration, type Run, record, removeToken } from './run.ts';
import { buildRequest } from './service-request.ts';
import type { Token } from './state.ts';
import { type Planned, plan, planBoundary, subscribe } from './subscribe.ts';
import { prepareThrow } from './throw.ts';
import { applyOutputs, assign, evaluateIn, visibleVariables } from './variables.ts';

/** Begins an activity. Throws `FeelError` before anything has happened. */
export function enterActivity(run: Run, token: Token, activity: Activity): void {
  if (activity.loop && !isIteration(run, token)) {
    if (activity.loop.kind === 'standard') startRepetitions(run, token, activity, activity.loop);
    else startIterations(run, token, activity, activity.loop);
    return;
  }
  switch (activity.kind) {
    case 'task':
      applyOutputs(run, token.scopeId, activity.outputs, {});
      completeActivity(run, token, activity);
      return;
    case 'scriptTask':
      runScript(run, token, activity);
      return;
    case 'businessRuleTask':
      decide(run, token, activity);
      return;
    case 'serviceTask':
      beginServiceTask(run, token, activity);
      return;
    case 'sendTask':
      prepareThrow(run, token, activity.message)();
      completeActivity(run, token, activity);
      return;
    case 'userTask':
      beginUserTask(run, token, activity);
      return;
    case 'receiveTask':
      beginReceiveTask(run, token, activity);
      return;
    case 'callActivity':
      callProcess(run, token, activity);
      return;
    case 'subProcess':
      beginSubProcess(run, token, activity);
  }
}

/** Takes over what an activity brought and ends it; outputs that fail leave an incident at its exit. */
export function finishActivity(run: Run, token: Token, activity: Activity, brought: Variables): void {
  try {
    applyOutputs(run, token.scopeId, activity.outputs, brought);
  } catch (error) {
    if (!(error instanceof FeelError)) throw error;
    raiseIncident(run, token, error.message, 'leave', { brought });
    return;
  }
  completeActivity(run, token, activity);
}

/** Ends an activity whose outputs are applied: the token goes on, or its iteration is over. */
export function completeActivity(run: Run, token: Token, activity: Activity): void {
  const quiet = disarm(run, token);
  if (isIteration(run, quiet)) {
    let end = () => {};
    try {
      if (activity.loop?.kind === 'standard') decideRepetition(run, quiet, activity.loop);
      else end = endsIteration(run, quiet);
    } catch (error) {
      if (!(error instanceof FeelError)) throw error;
      raiseIncident(run, quiet, error.message, 'leave');
      return;
    }
    rememberActivity(run, quiet, activity);
    record(run, quiet, 'completed');
    removeToken(run, quiet);
    end();
    return;
  }
  let over: boolean;
  let flows: ReturnType<typeof waysOut>;
  try {
    over = isOverAfter(run, quiet);
    flows = waysOut(run, quiet, activity);
  } catch (error) {
    if (!(error instanceof FeelError)) throw error;
    raiseIncident(run, quiet, error.message, 'leave');
    return;
  }
  record(run, quiet, 'completed');
  rememberActivity(run, quiet, activity);
  follow(run, quiet, flows);
  if (over) endAdHoc(run, quiet.scopeId);
}

const resultOf = (name: string | undefined, value: Json): Variables =>
  name === undefined ? {} : { [name]: value };

function runScript(run: Run, token: Token, task: ScriptTask): void {
  const inputs = namedInputs(run, token, task.inputs);
  if ('javascript' in task.script) {
    const sees = task.isolated || task.inputs.length > 0 ? inputs : visibleVariables(run, token.scopeId);
    const { now } = run.context;
    beginJob(run, token, task, { kind: 'script', code: task.script.javascript, variables: sees, now });
    return;
  }
  const result = task.isolated
    ? task.script.evaluate(inputs, run.context.now).value
    : evaluateIn(run, task.script, token.scopeId, inputs);
  applyOutputs(run, token.scopeId, task.outputs, { result });
  assign(run, token.scopeId, resultOf(task.resultVariable, result));
  completeActivity(run, token, task);
}

/** Values that named inputs give, seen from where the token is. Throws `FeelError`. */
export function namedInputs(run: Run, token: Token, inputs: readonly InputMapping[]): Variables {
  const known = visibleVariables(run, token.scopeId);
  return Object.fromEntries(
    inputs.map(({ target, source }) => [target[0], source.evaluate(known, run.context.now).value]),
  );
}

function decide(run: Run, token: Token, task: BusinessRuleTask): void {
  const variables = {
    ...(task.isolated ? {} : visibleVariables(run, token.scopeId)),
    ...namedInputs(run, token, task.inputs),
  };
  const { value, rules } = takeDecision(run.model.decisions, task.decision, variables, run.context.now);
  applyOutputs(run, token.scopeId, task.outputs, { result: value, rules });
  assign(run, token.scopeId, resultOf(task.resultVariable, value));
  completeActivity(run, token, task);
}

function wait(run: Run, token: Token, to: Token['wait'], planned: readonly Planned[]): void {
  const waiting = change(run, token, { wait: to, subscriptions: subscribe(run, planned) });
  record(run, waiting, 'entered');
}

function beginServiceTask(run: Run, token: Token, task: ServiceTask): void {
  const jobId = run.context.newId();
  const request = buildRequest(task, visibleVariables(run, token.scopeId), run.context.now, jobId);
  beginJob(run, token, task, request, jobId);
}

function beginJob(
  run: Run,
  token: Token,
  task: ServiceTask | ScriptTask,
  request: JobRequest,
  jobId = run.context.newId(),
): void {
  const planned = planBoundary(run, token, task.boundary);
  command(run, {
    type: 'createJob',
    jobId,
    tokenId: token.id,
    elementId: task.id,
    request,
    timeoutMs: task.kind === 'serviceTask' ? task.timeoutMs : undefined,
  });
  wait(run, token, { kind: 'job', jobId }, planned);
}

const optionalText = (value: Json, what: string): string | undefined => {
  if (value === null) return undefined;
  if (typeof value === 'string') return value;
  throw new FeelError(`the ${what} is not a text`);
};

function instantOf(value: Json): string | undefined {
  const text = optionalText(value, 'due date');
  if (text === undefined) return undefined;
  const instant = asInstant(text);
  if (instant === undefined) throw new FeelError('the due date is not a date and time');
  return instant;
}

function beginUserTask(run: Run, token: Token, task: UserTask): void {
  const value = (expression: UserTask['assignee']): Json =>
    expression === undefined ? null : evaluateIn(run, expression, token.scopeId);
  const excluded = value(task.excludedPersons);
  const planned = planBoundary(run, token, task.boundary);
  const taskId = run.context.newId();
  command(run, {
    type: 'createTask',
    taskId,
    tokenId: token.id,
    elementId: task.id,
    name: task.name ?? task.id,
    candidateRole: task.candidateRole,
    formRef: task.formRef,
    assignee: optionalText(value(task.assignee), 'assignee'),
    dueAt: instantOf(value(task.dueDate)),
    excludedPersons: (Array.isArray(excluded) ? excluded : [excluded]).filter(
      (one) => typeof one === 'string',
    ),
    inputs: namedInputs(run, token, task.inputs),
  });
  wait(run, token, { kind: 'task', taskId }, planned);
}

function beginReceiveTask(run: Run, token: Token, task: ReceiveTask): void {
  const own = plan(run, token, task.id, task.message);
  wait(run, token, { kind: 'event' }, [own, ...planBoundary(run, token, task.boundary)]);
}

function callProcess(run: Run, token: Token, call: CallActivity): void {
  const variables = namedInputs(run, token, call.inputs);
  const planned = planBoundary(run, token, call.boundary);
  const instanceId = run.context.newId();
  const { process, revision } = call;
  command(run, {
    type: 'callProcess',
    instanceId,
    tokenId: token.id,
    elementId: call.id,
    process,
    revision,
    variables,
  });
  wait(run, token, { kind: 'called', instanceId }, planned);
}

function beginSubProcess(run: Run, token: Token, subProcess: SubProcess): void {
  const { adHoc } = subProcess;
  const chosen = adHoc ? chosenAtFirst(run, token, subProcess) : [];
  const planned = planBoundary(run, token, subProcess.boundary);
  wait(run, token, adHoc ? { kind: 'adHoc', left: [], over: false } : { kind: 'scope' }, planned);
  const scope = addScope(run, {
    kind: 'subProcess',
    elementId: subProcess.id,
    parent: token.scopeId,
    owner: token.id,
    variables: {},
    index: undefined,
    subscriptions: [],
    compensable: [],
  });
  if (!adHoc) {
    addToken(run, scope.id, run.model.starts.get(subProcess.id) as string);
    return;
  }
  const owner = run.tokens.get(token.id) as Token;
  try {
    armHandlers(run, { scopeId: scope.id });
  } catch (error) {
    if (!(error instanceof FeelError)) throw error;
    raiseIncident(run, owner, error.message, 'begin');
    return;
  }
  // It may have to be looked at again when variables change.
  run.watching = true;
  beginChosen(run, owner, scope, adHoc, chosen);
}
