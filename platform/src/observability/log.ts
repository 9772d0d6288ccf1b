import { type DestinationStream, type Logger, pino } from 'pino';
import { loggedError } from './error.ts';

/** Keys that may hold personal data or secrets; they never reach a log, wherever they stand. */
const censored = [
  'authorization',
  'cookie',
  'password',
  'token',
  'body',
  'headers.authorization',
  'headers.cookie',
  'req.headers',
  'res.headers',
  '*.authorization',
  '*.password',
  '*.token',
  'err.detail',
  'err.parameters',
  'err.query',
  'err.where',
  'err.responseBody',
  'err.problem',
];

/** Structured log of a node: one JSON object a line, UTC time, no personal data. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: loggedError },
    redact: { paths: censored, censor: '[removed]' },
  };
  return destination ? pino(options, destination) : pino(options);
}
