import type { Readable } from 'node:stream';
import type { MultipartValue } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import type { FormBody } from '../forms/entry.ts';

/** A file as the browser sent it; name and type are what the browser says. */
export interface SentFile {
  readonly name: string;
  readonly type: string;
  readonly bytes: Buffer;
}

/** A file as it comes; who reads it sees `truncated` at its end when it was longer than pages take. */
export interface SentStream {
  readonly name: string;
  readonly bytes: Readable & { readonly truncated?: boolean };
}

export interface SentForm {
  readonly body: FormBody;
  readonly files: ReadonlyMap<string, SentFile>;
  readonly stream?: SentStream;
}

/** Most bytes of one file that pages take: what travels in memory through the mediator. */
export const mostFileBytes = 8 * 1024 * 1024;

/** Most files of one form; browsers send those that nobody chose, too. */
const mostFiles = 12;

/** Most bytes of a file that is read as it comes, and kept by nobody here. */
const mostStreamedBytes = 4 * 1024 ** 3;
const fieldLimits = { fields: 1000, fieldSize: 2 * 1024 * 1024, parts: 1004 };

function addField(body: Record<string, string | string[]>, { fieldname, value }: MultipartValue): void {
  const before = body[fieldname];
  body[fieldname] = before === undefined ? String(value) : [before, String(value)].flat();
}

/** Reads a form up to its file, which must be its last input; the file itself is left to be read. */
export async function streamedForm(request: FastifyRequest): Promise<SentForm> {
  if (!request.isMultipart()) return sentForm(request);
  const body: Record<string, string | string[]> = {};
  const limits = { ...fieldLimits, files: 1, fileSize: mostStreamedBytes };
  // Not `for await`: leaving that would end the file too.
  const parts = request.parts({ limits });
  for (let next = await parts.next(); !next.done; next = await parts.next()) {
    const part = next.value;
    if (part.type === 'file')
      return { body, files: new Map(), stream: { name: part.filename ?? '', bytes: part.file } };
    addField(body, part);
  }
  return { body, files: new Map() };
}

/** Reads a form with files; one without files has been read already. */
export async function sentForm(request: FastifyRequest): Promise<SentForm> {
  if (!request.isMultipart()) return { body: (request.body ?? {}) as FormBody, files: new Map() };
  const body: Record<string, string | string[]> = {};
  const files = new Map<string, SentFile>();
  const limits = { ...fieldLimits, fileSize: mostFileBytes, files: mostFiles };
  for await (const part of request.parts({ limits })) {
    if (part.type === 'file') {
      const bytes = await part.toBuffer();
      files.set(part.fieldname, { name: part.filename ?? '', type: part.mimetype, bytes });
      continue;
    }
    addField(body, part);
  }
  return { body, files };
}
