import type { ApplicationId, Caller, ServiceId } from '../caller/caller.ts';
import type { CloudEvent } from '../events/cloud-event.ts';

/** A request on its way to a service of another application. */
export interface MediatedRequest {
  /** The application the request is made for. */
  readonly client: ApplicationId;
  /** The application that actually sends it, when it acts for `client` (the directory must list it as operator). */
  readonly operator?: ApplicationId;
  readonly service: ServiceId;
  readonly method: string;
  /** Path inside the service with its query string, starting with a slash; passed on byte for byte. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly signal?: AbortSignal;
}

export interface MediatedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What a node's information mediator offers to the applications of that node. */
export interface MediatorPort {
  /** Carries one request: rights, evidence, dispatch. Mediator refusals come back as responses with `x-road-error`. */
  exchange(request: MediatedRequest): Promise<MediatedResponse>;
  /** Takes over an event durably; answers only when it is stored. Publishing the same id again changes nothing. */
  publish(from: ApplicationId, event: CloudEvent): Promise<void>;
}

/** How the mediator reaches the blocks of its own process. */
export interface LocalProviders {
  /** Calls a surface of a local block in memory. Undefined when no such block or surface is mounted here. */
  dispatch(
    block: string,
    surface: string,
    request: Pick<MediatedRequest, 'method' | 'path' | 'headers' | 'body' | 'signal'>,
    caller: Caller,
  ): Promise<MediatedResponse | undefined>;
}
