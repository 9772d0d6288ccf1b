import type { FastifyRequest } from 'fastify';
import type { FormBody } from '../forms/entry.ts';

/** A file as the browser sent it; name and type are what the browser says. */
export interface SentFile {
  readonly name: string;
  readonly type: string;
  readonly bytes: Buffer;
}

export interface SentForm {
  readonly body: FormBody;
  readonly files: ReadonlyMap<string, SentFile>;
}

/** Most bytes of one file that pages take: what travels in memory through the mediator. */
export const mostFileBytes = 8 * 1024 * 1024;

/** Reads a form with files; one without files has been read already. */
export async function sentForm(request: FastifyRequest): Promise<SentForm> {
  if (!request.isMultipart()) return { body: (request.body ?? {}) as FormBody, files: new Map() };
  const body: Record<string, string | string[]> = {};
  const files = new Map<string, SentFile>();
  const limits = { fileSize: mostFileBytes, files: 4, fields: 1000, fieldSize: 2 * 1024 * 1024, parts: 1004 };
  for await (const part of request.parts({ limits })) {
    if (part.type === 'file') {
      const bytes = await part.toBuffer();
      files.set(part.fieldname, { name: part.filename ?? '', type: part.mimetype, bytes });
      continue;
    }
    const value = String(part.value);
    const before = body[part.fieldname];
    body[part.fieldname] = before === undefined ? value : [before, value].flat();
  }
  return { body, files };
}
