import type { Json, Variables } from '../feel/json.ts';
import type { JobRequest } from './event.ts';

/** What the surroundings must do so that the step becomes true; written in the transaction of the step. */
export type Command =
  | {
      readonly type: 'createJob';
      readonly jobId: string;
      readonly tokenId: string;
      readonly elementId: string;
      readonly request: JobRequest;
      readonly timeoutMs: number | undefined;
    }
  /** Try again at `dueAt`; `attempts`: how many of the allowed ones are used up. */
  | { readonly type: 'retryJob'; readonly jobId: string; readonly dueAt: string; readonly attempts: number }
  /** Keep the job without trying it, until an operator asks for it. */
  | { readonly type: 'parkJob'; readonly jobId: string }
  | { readonly type: 'removeJob'; readonly jobId: string }
  | {
      readonly type: 'callProcess';
      /** Id of the instance to be made. */
      readonly instanceId: string;
      readonly tokenId: string;
      readonly elementId: string;
      readonly process: string;
      readonly revision: number | undefined;
      readonly variables: Variables;
    }
  /** Stop a called instance that nobody waits for any more. */
  | {
      readonly type: 'stopCalled';
      readonly instanceId: string;
      readonly tokenId: string;
      readonly elementId: string;
    }
  | {
      readonly type: 'createTimer';
      readonly timerId: string;
      readonly tokenId: string;
      readonly elementId: string;
      readonly dueAt: string;
    }
  | { readonly type: 'removeTimer'; readonly timerId: string }
  | {
      readonly type: 'subscribe';
      readonly subscriptionId: string;
      readonly tokenId: string;
      readonly elementId: string;
      readonly message: string;
      readonly correlationKey: string;
    }
  | { readonly type: 'unsubscribe'; readonly subscriptionId: string }
  | {
      readonly type: 'awaitSignal';
      readonly subscriptionId: string;
      readonly tokenId: string;
      readonly elementId: string;
      readonly signal: string;
    }
  | { readonly type: 'forgetSignal'; readonly subscriptionId: string }
  /** Reach whatever of the same owner waits for the signal now, in other instances. */
  | { readonly type: 'throwSignal'; readonly signal: string; readonly payload: Variables }
  /** Give the instance of the same owner that waits for it a message, or begin a process with it. */
  | {
      readonly type: 'sendMessage';
      readonly messageId: string;
      readonly name: string;
      readonly correlationKey: string;
      readonly payload: Variables;
      /** Seconds. */
      readonly timeToLive: number;
    }
  /** Nothing here catches it: whoever called this instance may. */
  | { readonly type: 'escalateToCaller'; readonly code: string }
  | {
      readonly type: 'createTask';
      readonly taskId: string;
      readonly tokenId: string;
      readonly elementId: string;
      readonly name: string;
      readonly candidateRole: string | undefined;
      readonly formRef: string | undefined;
      readonly assignee: string | undefined;
      readonly dueAt: string | undefined;
      readonly excludedPersons: readonly string[];
      readonly inputs: Variables;
    }
  | {
      readonly type: 'endTask';
      readonly taskId: string;
      readonly outcome: 'completed' | 'cancelled';
      readonly completedBy: string | undefined;
    }
  | {
      readonly type: 'raiseIncident';
      readonly incidentId: string;
      readonly tokenId: string;
      readonly elementId: string;
      readonly jobId: string | undefined;
      readonly message: string;
    }
  | { readonly type: 'resolveIncident'; readonly incidentId: string };

export const historyEvents = [
  'entered',
  'completed',
  'cancelled',
  'triggered',
  'error',
  'escalated',
  'attempt-failed',
  'incident',
  'retried',
  'changed',
  'migrated',
  'delegated',
  'scheduled',
  'commented',
  'erased',
  'ignored',
] as const;

/** One line of the history of an instance. Carries no variable values. */
export type HistoryEntry = {
  readonly event: (typeof historyEvents)[number];
  readonly elementId: string;
  readonly tokenId?: string;
  /** Sequence flow on which the token came to the element. */
  readonly flowId?: string;
  /** Status, error code or reason. */
  readonly detail?: string;
  readonly data?: Json;
};
