import { createSecretKey, type KeyObject } from 'node:crypto';
import { badRequest } from '@govstack/platform';
import { open, seal } from '../keys/sealed-box.ts';

/** Tokens that lead to the next page of one list: nobody can read or make them, nor use them for another list. */
export interface PageTokens {
  write(position: readonly string[], list: unknown): string;
  /** Throws 400 for what is not a token of this list. */
  read(token: string, list: unknown): string[];
}

export function createPageTokens(secret: Buffer): PageTokens {
  const key: KeyObject = createSecretKey(secret);
  const context = (list: unknown): string => `page-token ${JSON.stringify(list)}`;
  return {
    write: (position, list) =>
      seal(key, Buffer.from(JSON.stringify(position)), context(list)).toString('base64url'),
    read(token, list) {
      try {
        return JSON.parse(open(key, Buffer.from(token, 'base64url'), context(list)).toString('utf8'));
      } catch {
        throw badRequest('The page token is not valid', [
          {
            in: 'query',
            pointer: '/nextPageToken',
            detail: 'is not a token that this mediator gave for this list',
          },
        ]);
      }
    },
  };
}
