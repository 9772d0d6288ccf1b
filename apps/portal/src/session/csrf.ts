import { createHmac, timingSafeEqual } from 'node:crypto';

/** Anti-forgery token of a session: other sites can send our cookie, but cannot know this. */
export const csrfToken = (secret: Uint8Array, sessionId: string): string =>
  createHmac('sha256', secret).update(sessionId).digest('base64url');

export function csrfMatches(secret: Uint8Array, sessionId: string, presented: string): boolean {
  const expected = Buffer.from(csrfToken(secret, sessionId));
  const given = Buffer.from(presented);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
