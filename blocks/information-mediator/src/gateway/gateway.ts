import type { DirectoryService } from '../directory/snapshot.ts';
import type { Refusal } from '../exchange/errors.ts';
import type { HeaderList } from '../exchange/headers.ts';

/** A request that its caller has a right to, on its way to the provider. */
export interface GatewayRequest {
  readonly client: string;
  readonly service: DirectoryService;
  readonly method: string;
  /** With its query, as it will be passed on. */
  readonly path: string;
  readonly headers: HeaderList;
  /** Undefined when it is larger than the gateway looks at. */
  readonly body: Buffer | undefined;
}

/** How an admitted request goes on. */
export interface Admission {
  /** Base URL to call instead of the service's target: one of several upstreams. */
  readonly target?: string;
  /** Added to the request on the internal hop: an API key, a token. */
  readonly headers: HeaderList;
  /** Added to the answer: what is left of a limit. */
  readonly responseHeaders: HeaderList;
  /** Whether the answer may pass; only asked for bodies the gateway looks at. */
  check(response: {
    readonly status: number;
    readonly headers: HeaderList;
    readonly body: Buffer;
  }): Refusal | undefined;
  /** Told once what came of it: an HTTP status, or that the provider did not answer. */
  settle(outcome: { readonly status: number | undefined; readonly milliseconds: number }): void;
}

/** What stands between an allowed request and its provider: limits, validation, upstreams and their health. */
export interface Gateway {
  admit(
    request: GatewayRequest,
  ): Promise<Admission | { readonly refusal: Refusal; readonly headers: HeaderList }>;
}
