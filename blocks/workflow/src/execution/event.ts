import type { Json, Variables } from '../feel/json.ts';
import type { HttpMethod, ProcessModel } from '../model/model.ts';

/** The answer of an operation, whatever its status. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json;
  /** Whether the same call may be answered better later. */
  readonly temporary: boolean;
}

/** Something that happens to an instance from outside. One event is one transaction. */
export type EngineEvent =
  | {
      readonly type: 'start';
      readonly variables: Variables;
      /** Start event at which it begins; the plain one unless given, with what that event brings. */
      readonly at?: { readonly elementId: string; readonly brought: Variables };
    }
  | {
      readonly type: 'jobAnswered';
      readonly jobId: string;
      /** Attempts made, this one included. */
      readonly attempt: number;
      readonly answer: Answer;
    }
  | {
      /** The work of a job has ended in a BPMN error. */
      readonly type: 'jobThrew';
      readonly jobId: string;
      readonly attempt: number;
      readonly code: string;
      readonly message: string;
    }
  | {
      /** No answer of the operation: refused by the mediator, not reachable, not described. */
      readonly type: 'jobFailed';
      readonly jobId: string;
      readonly attempt: number;
      readonly message: string;
      readonly temporary: boolean;
    }
  | {
      /** A called instance has ended. */
      readonly type: 'returned';
      readonly instanceId: string;
      readonly status: 'completed' | 'failed' | 'stopped';
      readonly errorCode: string | undefined;
      readonly variables: Variables;
    }
  | {
      /** A called instance has let an escalation out, and goes on. */
      readonly type: 'escalatedBelow';
      readonly instanceId: string;
      readonly code: string;
    }
  | {
      /** The process could not be called. */
      readonly type: 'callRefused';
      readonly instanceId: string;
      readonly message: string;
    }
  | {
      /** A timer is due, or a message has arrived. */
      readonly type: 'triggered';
      readonly subscriptionId: string;
      readonly payload: Json;
    }
  | {
      readonly type: 'taskCompleted';
      readonly taskId: string;
      readonly form: Variables;
      /** Who did it: id of a person, or of an application. */
      readonly completedBy: string;
    }
  | {
      readonly type: 'retry';
      readonly incidentId: string;
      /** Variables corrected by the operator, before trying again. */
      readonly variables: Variables | undefined;
      /** Request of the parked job, if there is one. */
      readonly request: JobRequest | undefined;
    }
  | {
      /** An operator sets variables, as seen from a scope; undefined: the process. */
      readonly type: 'setVariables';
      readonly scopeId: string | undefined;
      readonly variables: Variables;
    }
  | { readonly type: 'moveToken'; readonly tokenId: string; readonly elementId: string }
  /** An operator begins an activity of an ad-hoc sub-process, for which this token waits. */
  | { readonly type: 'activate'; readonly tokenId: string; readonly elementId: string }
  | { readonly type: 'cancelToken'; readonly tokenId: string }
  | {
      /** The instance goes over to the model of the step, from another revision of its process. */
      readonly type: 'migrate';
      readonly previous: ProcessModel;
      /** Ids of elements and flows that are others now. */
      readonly elements: ReadonlyMap<string, string>;
    }
  /** It takes longer than its process allows. Nothing moves. */
  | { readonly type: 'overdue' }
  | { readonly type: 'stop' };

/** What a job does, ready to be done. */
export type JobRequest = ServiceRequest | ConnectionRequest | ScriptRequest;

/** Something to be sent over a connection of the owner. */
export type ConnectionRequest = {
  readonly connection: string;
  readonly query: ServiceRequest['query'];
  readonly headers: ServiceRequest['headers'];
  /** Of mail and SMS the parts by name. */
  readonly body: Json | undefined;
} & (
  | {
      readonly kind: 'http';
      readonly method: HttpMethod;
      /** Below the address of the connection. */
      readonly path: string;
    }
  | { readonly kind: 'mail' | 'sms' }
);

/** A script in JavaScript, ready to be run. */
export interface ScriptRequest {
  readonly kind: 'script';
  readonly code: string;
  readonly variables: Variables;
  /** The time the script is told: that of the step. */
  readonly now: string;
}

/** A call of an operation of another application, ready to be made. */
export interface ServiceRequest {
  /** Left out, as in rows from before there were other kinds. */
  readonly kind?: undefined;
  /** `INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE`. */
  readonly service: string;
  /** operationId in the OpenAPI document of the service. */
  readonly operation: string;
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | readonly string[]>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json | undefined;
}
