import type { Json } from '../feel/json.ts';
import { NotCallable } from './descriptions.ts';

/** The body of an answer as variables take it: JSON, or a text. Throws `NotCallable`. */
export function readBody(bytes: Buffer, contentType: string | undefined, maxBytes: number): Json {
  if (bytes.length > maxBytes) {
    throw new NotCallable(`the answer has ${bytes.length} bytes; at most ${maxBytes} are taken`, false);
  }
  if (bytes.length === 0) return null;
  const text = bytes.toString('utf8');
  if (text.includes('\0') || text.includes('\\u0000')) {
    throw new NotCallable('the answer contains characters that cannot be stored', false);
  }
  if (!/[/+]json\b/i.test(contentType ?? '')) return text;
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new NotCallable('the answer is not well-formed JSON', false);
  }
}

/** Whether the same request may be answered better later. */
export const isTemporary = (status: number): boolean =>
  status === 408 || status === 425 || status === 429 || status >= 500;
