import { Problem } from '@govstack/platform';

/** The reason in a body that may be left out. Throws 400 when the body is anything but a reason. */
export function givenReason(body: unknown): string | undefined {
  if (body === undefined) return undefined;
  const { reason, ...rest } = (typeof body === 'object' && body !== null ? body : { body }) as {
    readonly reason?: unknown;
  };
  if (Object.keys(rest).length > 0) throw new Problem(400, 'The body carries a `reason`, nothing else');
  if (reason === undefined) return undefined;
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > 1000 || reason.includes('\0')) {
    throw new Problem(400, 'The reason is a text of at most 1,000 letters');
  }
  return reason;
}
