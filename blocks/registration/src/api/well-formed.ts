import { badRequest } from '@govstack/platform';

/** Throws 400 for words with half a character in them: neither the database nor the process could keep them. */
export function assertWellFormed(text: string, pointer: string): void {
  if (text.isWellFormed()) return;
  throw badRequest('The text has characters that cannot be stored', [
    { in: 'body', pointer, detail: 'must be well-formed text' },
  ]);
}
