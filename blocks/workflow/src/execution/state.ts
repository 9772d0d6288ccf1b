import type { Json, Variables } from '../feel/json.ts';

/** Where an instance stands: plain values, stored as rows, changed only by `step`. */
export interface InstanceState {
  readonly id: string;
  readonly businessKey: string | undefined;
  /** Instant of the start, RFC 3339. */
  readonly startedAt: string;
  readonly status: InstanceStatus;
  /** Code of the BPMN error that ended it, when `failed`. */
  readonly errorCode: string | undefined;
  readonly scopes: ReadonlyMap<string, Scope>;
  readonly tokens: ReadonlyMap<string, Token>;
}

export type InstanceStatus = 'running' | 'completed' | 'failed' | 'stopped';

/**
 * A run of the process, of a sub-process, of one iteration of a multi-instance activity, or of one repetition of an
 * activity with a loop marker. Variables live in processes and iterations; a sub-process and a repetition see and
 * change those around them.
 */
export interface Scope {
  readonly id: string;
  readonly kind: 'process' | 'subProcess' | 'iteration' | 'repetition';
  /** Process, sub-process or repeated activity that runs in it. */
  readonly elementId: string;
  readonly parent: string | undefined;
  /** Token in the parent scope that waits for its end. */
  readonly owner: string | undefined;
  readonly variables: Variables;
  /** Place in the collection, of an iteration. */
  readonly index: number | undefined;
  /** What its event sub-processes wait for. */
  readonly subscriptions: readonly Subscription[];
  /** What has been done in it and can be compensated for, in order. */
  readonly compensable: readonly Compensable[];
}

/** A completed activity, and what compensates for it in the order of what was done. */
export interface Compensable {
  readonly activity: string;
  readonly handlers: readonly Undo[];
}

/** A handler that is still to be run. */
export interface Undo {
  /** Activity, or event sub-process, that compensates. */
  readonly handler: string;
  /** Variables of the repetitions in which it was done that is undone. */
  readonly variables?: Variables;
  /** Of an event sub-process: what was done around it, for it to undo. */
  readonly inner?: readonly Compensable[];
}

/**
 * A timer, message, signal or condition that can wake a token (a catch event's own, or a boundary event's) or begin an
 * event sub-process.
 */
export interface Subscription {
  readonly id: string;
  readonly kind: 'timer' | 'message' | 'signal' | 'conditional';
  /** Event that happens when it is triggered. */
  readonly elementId: string;
  /** Which of the definitions of the event it is of, when it has several. */
  readonly definition?: number;
  /** What has come, of an event that waits for several things at once: it no longer waits for this one. */
  readonly happened?: { readonly payload: Json };
  /** Whether a condition held when it was last looked at. */
  readonly held?: boolean;
  /** Of a timer cycle: what it says, when it was set going, and which occurrence this is. */
  readonly cycle?: { readonly text: string; readonly anchor: string; readonly due: string };
}

export interface Token {
  readonly id: string;
  readonly scopeId: string;
  readonly elementId: string;
  /** Sequence flow on which it came. */
  readonly flowId: string | undefined;
  readonly wait: Wait;
  readonly subscriptions: readonly Subscription[];
}

/** What a token waits for. `ready` exists only during a step. */
export type Wait =
  | {
      readonly kind: 'ready';
      /** Whether it begins its activity whatever its `startQuantity`: the others have been taken, or an operator says so. */
      readonly complete?: boolean;
    }
  | { readonly kind: 'job'; readonly jobId: string }
  | { readonly kind: 'task'; readonly taskId: string }
  | { readonly kind: 'event' }
  | { readonly kind: 'join' }
  /** Remembers for a complex gateway on which flows it has received a token since it began. */
  | { readonly kind: 'reset'; readonly received: readonly string[] }
  | { readonly kind: 'scope' }
  | {
      readonly kind: 'adHoc';
      /** Activities that are begun one after the other, when the one under way is done. */
      readonly left: readonly string[];
      /** Whether its condition has held: nothing more is begun by choice. */
      readonly over: boolean;
    }
  /** The end of an instance that it has called. */
  | { readonly kind: 'called'; readonly instanceId: string }
  | {
      readonly kind: 'iterations';
      readonly items: readonly Json[];
      /** Index of the next item to begin. */
      readonly next: number;
      readonly results: readonly Json[];
    }
  | {
      readonly kind: 'repetitions';
      /** Runs begun. */
      readonly runs: number;
      /** Whether another follows the one under way, decided as it ends. */
      readonly more: boolean;
    }
  | {
      readonly kind: 'compensation';
      /** Still to be run, the next at the end. */
      readonly left: readonly Undo[];
      /** Whether the flow has gone on without waiting for it. */
      readonly beside?: true;
    }
  | {
      readonly kind: 'incident';
      readonly incidentId: string;
      /**
       * Where a retry goes on: at the entry of the element, there with the tokens it has taken (`begin`), at its exit,
       * or with the parked job.
       */
      readonly resume: 'enter' | 'begin' | 'leave' | 'job';
      readonly jobId: string | undefined;
      /** What came, where outputs failed to take it over: a retry lets them try again. */
      readonly brought?: Variables;
    };

/** The state of an instance that does not exist yet; the `start` event brings it to life. */
export const newInstance = (
  id: string,
  startedAt: string,
  businessKey: string | undefined,
): InstanceState => ({
  id,
  businessKey,
  startedAt,
  status: 'running',
  errorCode: undefined,
  scopes: new Map(),
  tokens: new Map(),
});
