import { CallFailed } from '@govstack/platform';
import { type FileRequest, type RequestRefusal, requestRefusals } from '../backend.ts';
import type { FileView } from './applications.ts';

/** Appeals and complaints about a file, oldest first. */
export const toRequests = (file: FileView): FileRequest[] =>
  file.requests.map(({ requestId, name, text, state, made, answer, answered }) => ({
    id: requestId,
    name,
    text,
    state,
    madeAt: made,
    ...(answer === undefined ? {} : { answer }),
    ...(answered === undefined ? {} : { answeredAt: answered }),
  }));

const typePrefix = 'urn:govstack:registration:request-';

/** Why the registration block did not take a request; undefined for every other failure. */
export const refusalOf = (error: unknown): RequestRefusal | undefined =>
  error instanceof CallFailed && error.status === 409
    ? requestRefusals.find((code) => error.problem?.type === `${typePrefix}${code}`)
    : undefined;
