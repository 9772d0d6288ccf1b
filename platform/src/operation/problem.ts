import { type Static, Type } from 'typebox';

/** One defect of a request: where it is (JSON pointer into the named part) and what is wrong. */
export const ProblemDetail = Type.Object({
  in: Type.Optional(
    Type.Union([Type.Literal('body'), Type.Literal('query'), Type.Literal('path'), Type.Literal('header')]),
  ),
  pointer: Type.String({ description: 'JSON pointer to the faulty value, empty for the whole part' }),
  detail: Type.String(),
});

/** RFC 9457 problem details, the error shape of every operation unless its published API dictates another. */
export const ProblemBody = Type.Object(
  {
    type: Type.String({ description: 'URI reference that names the kind of problem' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.Optional(Type.String()),
    instance: Type.Optional(
      Type.String({ description: 'Correlation id under which the refusal was logged' }),
    ),
    errors: Type.Optional(Type.Array(ProblemDetail)),
  },
  { $id: 'Problem', title: 'Problem' },
);

export type ProblemDetail = Static<typeof ProblemDetail>;
export type ProblemBody = Static<typeof ProblemBody>;

const titles: Record<number, string> = {
  400: 'Bad request',
  401: 'Not authenticated',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  408: 'Request timed out',
  409: 'Conflict',
  412: 'Precondition failed',
  413: 'Body too large',
  415: 'Unsupported media type',
  422: 'Unprocessable',
  429: 'Too many requests',
  500: 'Internal error',
  502: 'Bad answer from another party',
  503: 'Unavailable',
  504: 'No answer in time',
};

/**
 * A refusal with a status and a machine-readable type. Thrown by domain functions and adapters;
 * the surface turns it into problem details. `detail` and `errors` reach the caller: no personal data, no internals.
 */
export class Problem extends Error {
  readonly status: number;
  readonly type: string;
  readonly errors: readonly ProblemDetail[] | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;

  constructor(
    status: number,
    detail: string,
    options: { type?: string; errors?: readonly ProblemDetail[]; headers?: Record<string, string> } = {},
  ) {
    super(detail);
    this.name = 'Problem';
    this.status = status;
    this.type = options.type ?? 'about:blank';
    this.errors = options.errors;
    this.headers = options.headers;
  }

  toBody(instance?: string): ProblemBody {
    return {
      type: this.type,
      title: titles[this.status] ?? 'Error',
      status: this.status,
      detail: this.message,
      ...(instance === undefined ? {} : { instance }),
      ...(this.errors === undefined ? {} : { errors: [...this.errors] }),
    };
  }
}

export const badRequest = (detail: string, errors?: readonly ProblemDetail[]): Problem =>
  new Problem(400, detail, errors ? { errors } : {});
export const notFound = (what: string): Problem => new Problem(404, `${what} not found`);
export const forbidden = (detail: string): Problem => new Problem(403, detail);
export const conflict = (detail: string, type?: string): Problem =>
  new Problem(409, detail, type ? { type } : {});
