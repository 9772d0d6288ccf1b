import { stdSerializers } from 'pino';

interface Known {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

/**
 * Whether the message of an error may quote data: a value that PostgreSQL could not read (class 22), a text that is
 * no JSON, what another application said in its refusal.
 */
function quotesData(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { name, code, cause, errors } = error as Known;
  return (
    name === 'SyntaxError' ||
    name === 'CallFailed' ||
    (typeof code === 'string' && /^22[0-9A-Z]{3}$/.test(code)) ||
    quotesData(cause) ||
    (Array.isArray(errors) && errors.some(quotesData))
  );
}

/** An error as it is logged: all that leads to the fault, without the data that met it. */
export function loggedError(error: Error): object {
  const written = stdSerializers.err(error);
  if (!quotesData(error)) return written;
  const { aggregateErrors: _, ...rest } = written;
  const frames = written.stack.split('\n').filter((line) => /^\s+at /.test(line));
  return { ...rest, message: '[removed]', stack: frames.join('\n') };
}
