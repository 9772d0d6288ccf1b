import { cannotBeStored, type Json } from '../feel/json.ts';
import { NotCallable } from './descriptions.ts';

/** Reads an answer as far as it may be long. Throws `NotCallable`. */
export async function readAll(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length > maxBytes) throw new NotCallable(`the answer has more than ${maxBytes} bytes`, false);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function parse(text: string, contentType: string | undefined): Json {
  if (!/[/+]json\b/i.test(contentType ?? '')) return text;
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new NotCallable('the answer is not well-formed JSON', false);
  }
}

/** The body of an answer as variables take it: JSON, or a text. Throws `NotCallable`. */
export function readBody(bytes: Buffer, contentType: string | undefined, maxBytes: number): Json {
  if (bytes.length > maxBytes) {
    throw new NotCallable(`the answer has ${bytes.length} bytes; at most ${maxBytes} are taken`, false);
  }
  if (bytes.length === 0) return null;
  const body = parse(bytes.toString('utf8'), contentType);
  if (cannotBeStored(body)) {
    throw new NotCallable(
      'the answer contains characters that cannot be stored, or is nested too deeply',
      false,
    );
  }
  return body;
}

/** A value without some texts, wherever in it they are and however they were written. */
export function without(value: Json, texts: readonly string[]): Json {
  if (typeof value === 'string') return texts.reduce((text, one) => text.replaceAll(one, '…'), value);
  if (Array.isArray(value)) return value.map((one: Json) => without(one, texts));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [without(name, texts) as string, without(one, texts)]),
  );
}

/** Whether the same request may be answered better later. */
export const isTemporary = (status: number): boolean =>
  status === 408 || status === 425 || status === 429 || status >= 500;
