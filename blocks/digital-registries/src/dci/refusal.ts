import { Problem } from '@govstack/platform';
import { type ErrorCode, errorType } from '../api/dci/errors.ts';

/** The whole message is not taken. */
export const refusal = (status: number, code: ErrorCode, detail: string): Problem =>
  new Problem(status, detail, { type: `${errorType}${code}` });
