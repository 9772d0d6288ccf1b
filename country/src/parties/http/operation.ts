import type { Static, TSchema } from 'typebox';

/** What goes wrong with a request, as RFC 9457 tells it. */
export class Refusal extends Error {
  readonly status: number;
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    detail: string,
    extra: { readonly errors?: Refusal['errors']; readonly headers?: Refusal['headers'] } = {},
  ) {
    super(detail);
    this.name = 'Refusal';
    this.status = status;
    this.errors = extra.errors ?? [];
    this.headers = extra.headers ?? {};
  }
}

/** A handler may answer, or leave the caller without an answer: the connection breaks after `hangMs`. */
export type Answer =
  | { readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }
  | { readonly hangMs: number };

type Value<S> = S extends TSchema ? Static<S> : undefined;

export interface OperationInput<P, Q, B> {
  readonly params: Value<P>;
  readonly query: Value<Q>;
  readonly body: Value<B>;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** An operation of a party: its contract, from which the OpenAPI document is made, and what it does. */
export interface Operation {
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  /** With `{name}` for parameters. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: TSchema;
  readonly query?: TSchema;
  /** Documented and checked; others pass. */
  readonly headers?: TSchema;
  readonly body?: TSchema;
  readonly bodyLimit?: number;
  readonly secured?: boolean;
  readonly responses: Readonly<Record<number, TSchema>>;
  readonly handle: (input: OperationInput<TSchema, TSchema, TSchema>) => Promise<Answer>;
}

/** Declares an operation with typed input. */
export function operation<
  P extends TSchema | undefined = undefined,
  Q extends TSchema | undefined = undefined,
  B extends TSchema | undefined = undefined,
>(
  spec: Omit<Operation, 'params' | 'query' | 'body' | 'handle'> & {
    readonly params?: P;
    readonly query?: Q;
    readonly body?: B;
    readonly handle: (input: OperationInput<P, Q, B>) => Promise<Answer>;
  },
): Operation {
  return spec as unknown as Operation;
}
