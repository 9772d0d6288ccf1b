import { createHash, randomBytes } from 'node:crypto';

/**
 * What a link carries: 128 random bits, and the application that knows them, so that whoever is given one knows whom to
 * ask. Only its hash is kept.
 */
export const newToken = (owner: string): string => `${randomBytes(16).toString('base64url')}@${owner}`;

export const hashOfToken = (token: string): Buffer => createHash('sha256').update(token).digest();

export const ownerOfToken = (token: string): string => token.slice(token.indexOf('@') + 1);
