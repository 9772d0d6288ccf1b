import type { DecisionModel } from '../decisions/model.ts';
import type { Expression } from '../feel/expression.ts';

/**
 * A BPMN process as the interpreter runs it: compiled once at deployment, never changed, free of anything that
 * belongs to one instance.
 */
export interface ProcessModel {
  /** Id of the BPMN process: the key that all versions share. */
  readonly key: string;
  readonly name: string | undefined;
  readonly documentation: string | undefined;
  readonly executable: boolean;
  /** Longest time an instance should take (ISO 8601); one that exceeds it is reported. */
  readonly maxDuration: string | undefined;
  readonly closed: boolean;
  /** Every flow element of the process and its sub-processes. */
  readonly elements: ReadonlyMap<string, FlowElement>;
  readonly flows: ReadonlyMap<string, SequenceFlow>;
  /** None start event of the process, if it has one, and of each sub-process, by their ids. */
  readonly starts: ReadonlyMap<string, string>;
  /** Event sub-processes of the process and of each sub-process, by their ids. */
  readonly handlers: ReadonlyMap<string, readonly string[]>;
  readonly startVariables: readonly VariableDeclaration[];
  readonly decisions: DecisionModel;
}

export const variableTypes = [
  'string',
  'number',
  'integer',
  'boolean',
  'date',
  'date-time',
  'object',
  'list',
] as const;
export type VariableType = (typeof variableTypes)[number];

/** A variable a start request may or must carry (WF-8.1-d). */
export interface VariableDeclaration {
  readonly name: string;
  readonly type: VariableType | undefined;
  readonly required: boolean;
}

export interface SequenceFlow {
  readonly id: string;
  readonly name: string | undefined;
  readonly source: string;
  readonly target: string;
  readonly condition: Expression | undefined;
}

interface Node {
  readonly id: string;
  readonly name: string | undefined;
  /** Id of the process or sub-process it stands in. */
  readonly parent: string;
  readonly incoming: readonly string[];
  readonly outgoing: readonly string[];
}

/** `target` variable takes the value of `source`. */
export interface OutputMapping {
  readonly target: string;
  readonly source: Expression;
}

export interface InputMapping {
  /** Path of the value in what the element receives: segments after `body`, `path`, `query`, `header`, or a name. */
  readonly target: readonly [string, ...string[]];
  readonly source: Expression;
}

/** Runs an activity once per item of a collection, or as often as `cardinality` says; one of both is given. */
export interface MultiInstance {
  readonly kind: 'multiInstance';
  readonly sequential: boolean;
  readonly collection: Expression | undefined;
  readonly cardinality: Expression | undefined;
  readonly elementVariable: string | undefined;
  /** Collects `resultElement` of every run, in the order of the collection. */
  readonly resultVariable: string | undefined;
  readonly resultElement: Expression | undefined;
  /** Variable that each run has for itself, empty at first. */
  readonly outputItem: string | undefined;
  /** Looked at as each run ends; once it is true the other runs are cancelled. */
  readonly completion: Expression | undefined;
  readonly throws: readonly ImplicitThrow[];
}

/** Thrown as a run ends: as each does, as the first does, or as each does in which the condition holds. */
export interface ImplicitThrow {
  readonly thrown: Thrown;
  readonly firstOnly: boolean;
  readonly condition: Expression | undefined;
}

/** Runs an activity again while its condition holds, at most `maximum` times; one of both is given. */
export interface StandardLoop {
  readonly kind: 'standard';
  /** Whether the condition is asked before the first run. */
  readonly testBefore: boolean;
  readonly maximum: number | undefined;
  readonly condition: Expression | undefined;
}

interface ActivityNode extends Node {
  readonly defaultFlow: string | undefined;
  readonly outputs: readonly OutputMapping[];
  /** Boundary events attached to it. */
  readonly boundary: readonly string[];
  /** Activity that compensates for it. */
  readonly compensation: string | undefined;
  /** Whether it compensates for another: it stands outside the flow. */
  readonly isForCompensation: boolean;
  /** Tokens that must have come before it begins, and tokens that leave it on each flow. */
  readonly startQuantity: number;
  readonly completionQuantity: number;
  readonly loop: MultiInstance | StandardLoop | undefined;
}

/** An answer that stands for a BPMN error: by HTTP status, problem type, or both. */
export interface ErrorMapping {
  readonly status: number | undefined;
  readonly problem: string | undefined;
  readonly code: string;
}

/** An operation of another application, called through the information mediator. */
export interface OperationTarget {
  readonly kind: 'operation';
  /** Application (four parts) or service (five parts). */
  readonly application: Expression;
  readonly service: string | undefined;
  readonly operation: string;
}

/** Something outside the mediator, reached over a connection that the owner of the process has defined. */
export type ConnectionTarget =
  | {
      readonly kind: 'http';
      readonly connection: string;
      readonly method: HttpMethod;
      /** Below the address of the connection; segments may be `{parameters}`. */
      readonly path: string;
    }
  | { readonly kind: 'mail' | 'sms'; readonly connection: string };

export const httpMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type HttpMethod = (typeof httpMethods)[number];

/** Calls something outside the engine and waits for its answer. */
export interface ServiceTask extends ActivityNode {
  readonly kind: 'serviceTask';
  readonly target: OperationTarget | ConnectionTarget;
  readonly inputs: readonly InputMapping[];
  readonly resultVariable: string | undefined;
  /** Statuses besides 2xx that are an answer, not a failure. */
  readonly accepts: readonly number[];
  readonly errors: readonly ErrorMapping[];
  /** Pauses before each further attempt (ISO 8601 durations); undefined: the block's setting. */
  readonly retries: readonly string[] | undefined;
  /** Longest wait for an answer in milliseconds; undefined: the block's setting. */
  readonly timeoutMs: number | undefined;
  /** Whether it gives a message to another application's processes: the id of the call is that of the message. */
  readonly sendsMessage: boolean;
}

/** Sends a message to a process of the same application; passed at once. */
export interface SendTask extends ActivityNode {
  readonly kind: 'sendTask';
  readonly message: MessageThrow;
}

/** Waits for a person. */
export interface UserTask extends ActivityNode {
  readonly kind: 'userTask';
  readonly candidateRole: string | undefined;
  readonly formRef: string | undefined;
  readonly assignee: Expression | undefined;
  readonly dueDate: Expression | undefined;
  /** Persons who may not do it, such as whoever did an earlier step (four eyes). */
  readonly excludedPersons: Expression | undefined;
  readonly inputs: readonly InputMapping[];
}

/** Takes a decision of a DMN decision table or expression. */
export interface BusinessRuleTask extends ActivityNode {
  readonly kind: 'businessRuleTask';
  readonly decision: string;
  readonly inputs: readonly InputMapping[];
  /** Whether it sees its inputs only, not the variables around it: a global task that is called. */
  readonly isolated: boolean;
  readonly resultVariable: string | undefined;
}

/** Computes a value: in FEEL within the step, in JavaScript outside of it. */
export interface ScriptTask extends ActivityNode {
  readonly kind: 'scriptTask';
  readonly script: Expression | { readonly javascript: string };
  /** Names that FEEL sees besides the variables, or instead of them when it is `isolated`; JavaScript always instead. */
  readonly inputs: readonly InputMapping[];
  readonly isolated: boolean;
  readonly resultVariable: string | undefined;
}

/** Waits for a message. */
export interface ReceiveTask extends ActivityNode {
  readonly kind: 'receiveTask';
  readonly message: MessageDefinition;
}

/** A task without work of its own; passed at once. */
export interface PlainTask extends ActivityNode {
  readonly kind: 'task';
}

/** An embedded sub-process: runs inside its parent and sees all of its data (WF-6.1-g). */
export interface SubProcess extends ActivityNode {
  readonly kind: 'subProcess';
  /** Whether it is a transaction, which can be cancelled: everything done in it is compensated for. */
  readonly transaction: boolean;
  readonly adHoc: AdHoc | undefined;
}

/** Activities without an order: those to which no flow leads are begun by choice. */
export interface AdHoc {
  /** Whether one is begun when the one before, with all that follows it, is done. */
  readonly sequential: boolean;
  /** Whether what is still under way ends with it. */
  readonly cancelsRemaining: boolean;
  /** When it is over, asked after each activity; undefined: when nothing is under way any more. */
  readonly completion: Expression | undefined;
  /** Ids of the activities it begins with; undefined: all. */
  readonly active: Expression | undefined;
}

/** Begins inside the process or sub-process around it when its event happens there. */
export interface EventSubProcess extends Node {
  readonly kind: 'eventSubProcess';
  /** Whether it takes the place of everything that runs around it. */
  readonly interrupting: boolean;
  /** Compensation: it compensates for the sub-process around it, once that has ended. */
  readonly catches: CatchDefinition | CodeDefinition | CompensationDefinition | MultipleDefinition;
  /** Outputs of its start event. */
  readonly outputs: readonly OutputMapping[];
}

/** Calls another process of the same application; data goes in and out by mapping only (WF-6.1-h). */
export interface CallActivity extends ActivityNode {
  readonly kind: 'callActivity';
  /** Key of the process. */
  readonly process: string;
  /** Undefined: the newest enabled revision. */
  readonly revision: number | undefined;
  readonly inputs: readonly InputMapping[];
}

export interface StartEvent extends Node {
  readonly kind: 'startEvent';
  readonly trigger: StartTrigger;
  readonly outputs: readonly OutputMapping[];
}

/** What makes an instance begin at a start event. */
export type StartTrigger = { readonly kind: 'none' } | StartTimer | StartMessage | StartSignal;

/** What becomes of occurrences that nobody was there to notice. */
export const missedPolicies = ['skip', 'once', 'all'] as const;

/** Starts an instance with a message that no instance waits for; its correlation key becomes the business key. */
export interface StartMessage {
  readonly kind: 'message';
  readonly name: string;
}

/** Starts an instance with each signal of the name. */
export interface StartSignal {
  readonly kind: 'signal';
  readonly name: string;
}

/** Starts instances by the passage of time (WF-4.2-c). */
export interface StartTimer {
  readonly kind: 'timer';
  readonly when: 'date' | 'duration' | 'cycle';
  readonly text: string;
  /** IANA name, of a cron expression. */
  readonly timeZone: string | undefined;
  readonly missed: (typeof missedPolicies)[number];
}

export interface EndEvent extends Node {
  readonly kind: 'endEvent';
  readonly result:
    | { readonly kind: 'none' }
    | { readonly kind: 'terminate' }
    | { readonly kind: 'error'; readonly code: string }
    | CancelDefinition
    | CompensationThrow
    | Thrown
    | MultipleThrow;
}

/** Cancels the transaction around it, or is what a transaction is left by then. */
export interface CancelDefinition {
  readonly kind: 'cancel';
}

export interface TimerDefinition {
  readonly kind: 'timer';
  /** An instant (date and time), the time to wait (duration), or when it comes again and again (cycle). */
  readonly when: 'date' | 'duration' | 'cycle';
  readonly value: Expression;
  /** IANA name, of a cron expression. */
  readonly timeZone: string | undefined;
}

export interface MessageDefinition {
  readonly kind: 'message';
  readonly name: string;
  readonly correlationKey: Expression;
}

export interface SignalDefinition {
  readonly kind: 'signal';
  readonly name: string;
}

/** Happens as soon as the condition is true: when it begins to wait, or when variables change. */
export interface ConditionalDefinition {
  readonly kind: 'conditional';
  readonly condition: Expression;
}

export type CatchDefinition = TimerDefinition | MessageDefinition | SignalDefinition | ConditionalDefinition;

/** Caught on its way outwards; without code, every BPMN error or every escalation. */
export interface CodeDefinition {
  readonly kind: 'error' | 'escalation';
  readonly code: string | undefined;
}

/** An event with several definitions: it happens with the first of them, or once all have come (`parallel`). */
export interface MultipleDefinition {
  readonly kind: 'multiple';
  readonly parallel: boolean;
  readonly definitions: readonly (CatchDefinition | CodeDefinition)[];
}

/** Where a link throw event of the same name goes on. */
export interface LinkDefinition {
  readonly kind: 'link';
  readonly name: string;
}

export interface IntermediateCatchEvent extends Node {
  readonly kind: 'intermediateCatchEvent';
  readonly catches: CatchDefinition | LinkDefinition | MultipleDefinition;
  readonly outputs: readonly OutputMapping[];
}

/** Without a definition: a milestone in the history. A link goes on at the catch event `target`. */
export type ThrowDefinition =
  | { readonly kind: 'none' }
  | { readonly kind: 'link'; readonly target: string }
  | CompensationThrow
  | Thrown
  | MultipleThrow;

/** Thrown in passing: the token goes on at once. */
export type Thrown = { readonly kind: 'escalation'; readonly code: string } | SignalThrow | MessageThrow;

/** An event with several definitions throws them all. */
export interface MultipleThrow {
  readonly kind: 'multiple';
  readonly throws: readonly Thrown[];
}

/** Compensates for what was done in its scope: one activity, or everything, last done first. */
export interface CompensationThrow {
  readonly kind: 'compensation';
  readonly activity: string | undefined;
  /** Whether the flow goes on only when it is done. */
  readonly waits: boolean;
}

/** Goes to the one instance of the same owner that waits for the name and key, or to the process that begins with it. */
export interface MessageThrow {
  readonly kind: 'message';
  readonly name: string;
  readonly correlationKey: Expression;
  /** What it contains. */
  readonly inputs: readonly InputMapping[];
  /** Seconds it waits for an instance that is not there yet. */
  readonly timeToLive: number;
}

/** Reaches every instance of the same owner that waits for the name. */
export interface SignalThrow {
  readonly kind: 'signal';
  readonly name: string;
  /** What it brings along. */
  readonly inputs: readonly InputMapping[];
}

export interface IntermediateThrowEvent extends Node {
  readonly kind: 'intermediateThrowEvent';
  readonly throws: ThrowDefinition;
}

export interface BoundaryEvent extends Node {
  readonly kind: 'boundaryEvent';
  readonly attachedTo: string;
  readonly interrupting: boolean;
  /** Compensation: never happens by itself; names the activity that compensates for what it is attached to. */
  readonly catches:
    | CatchDefinition
    | CodeDefinition
    | CompensationDefinition
    | CancelDefinition
    | MultipleDefinition;
  readonly outputs: readonly OutputMapping[];
}

export interface CompensationDefinition {
  readonly kind: 'compensation';
  readonly handler: string;
}

export interface ConditionalGateway extends Node {
  readonly kind: 'exclusiveGateway' | 'inclusiveGateway';
  readonly defaultFlow: string | undefined;
}

/** Goes on when its condition on what has arrived holds, then waits for what else comes before it begins anew. */
export interface ComplexGateway extends Node {
  readonly kind: 'complexGateway';
  readonly defaultFlow: string | undefined;
  /** FEEL over the variables and `activationCount`; undefined: one flow comes in, and each token passes. */
  readonly activation: Expression | undefined;
}

export interface ParallelGateway extends Node {
  readonly kind: 'parallelGateway';
}

/** Goes on with whichever of the following catch events happens first. */
export interface EventBasedGateway extends Node {
  readonly kind: 'eventBasedGateway';
}

export type Activity =
  | ServiceTask
  | SendTask
  | UserTask
  | BusinessRuleTask
  | ScriptTask
  | ReceiveTask
  | PlainTask
  | SubProcess
  | CallActivity;

export type FlowElement =
  | Activity
  | EventSubProcess
  | StartEvent
  | EndEvent
  | IntermediateCatchEvent
  | IntermediateThrowEvent
  | BoundaryEvent
  | ConditionalGateway
  | ComplexGateway
  | ParallelGateway
  | EventBasedGateway;

/** A defect of a definition, found at deployment. */
export interface Issue {
  readonly elementId: string;
  readonly message: string;
}

/** A definition that cannot be deployed, with everything that is wrong with it. */
export class InvalidDefinition extends Error {
  readonly issues: readonly Issue[];
  constructor(issues: readonly Issue[]) {
    super(issues.map((issue) => `${issue.elementId}: ${issue.message}`).join('; '));
    this.name = 'InvalidDefinition';
    this.issues = issues;
  }
}
