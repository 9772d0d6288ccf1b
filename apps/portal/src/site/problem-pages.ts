import { CallFailed, Problem } from '@govstack/platform';
import type { FastifyError } from 'fastify';

/** Pages for what went wrong: each has a title, an explanation and a way on in every language. */
export const problemPages = [
  'bad-request',
  'expired',
  'forbidden',
  'not-found',
  'conflict',
  'too-large',
  'too-many',
  'unavailable',
  'failed',
] as const;

export type ProblemPage = (typeof problemPages)[number];

/** Which page a person sees for an error, and the status it goes out with. Details stay in the log. */
export function problemPageOf(error: unknown): { page: ProblemPage; status: number } {
  if (error instanceof CallFailed && error.temporary) return { page: 'unavailable', status: 503 };
  const status =
    error instanceof Problem || error instanceof CallFailed
      ? error.status
      : ((error as FastifyError).statusCode ?? 500);
  if (error instanceof CallFailed && error.mediatorError !== undefined)
    return { page: 'failed', status: 500 };
  switch (status) {
    case 400:
    case 415:
    case 422:
      return { page: 'bad-request', status };
    case 401:
      return { page: 'expired', status };
    case 403:
      return { page: 'forbidden', status };
    case 404:
    case 405:
      return { page: 'not-found', status: 404 };
    case 409:
    case 412:
      return { page: 'conflict', status: 409 };
    case 413:
      return { page: 'too-large', status };
    case 429:
      return { page: 'too-many', status };
    case 502:
    case 503:
    case 504:
      return { page: 'unavailable', status: 503 };
    default:
      return { page: 'failed', status: 500 };
  }
}
