import type { Readable } from 'node:stream';
import type { MultipartValue } from '@fastify/multipart';
import { Problem } from '@govstack/platform';
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

/** Most bytes of all inputs of one form together, names and values; files are counted apart. */
const mostFieldBytes = 4 * 1024 * 1024;
const partLimits = { parts: 1004, headerSize: 8 * 1024 };
const fieldLimits = { ...partLimits, fields: 1000, fieldSize: mostFieldBytes / 2 };
/** Beside a file that comes as a stream: what follows it is parsed before anybody counts, so the limits alone must do. */
const fieldLimitsBesideStream = { ...partLimits, fields: 500, fieldSize: mostFieldBytes / 500 };

/** Gathers inputs, as many as a form may have. */
function fieldsTaken() {
  const body: Record<string, string | string[]> = {};
  let bytes = 0;
  return {
    body,
    add({ fieldname, value, valueTruncated }: MultipartValue): void {
      const text = String(value);
      bytes += Buffer.byteLength(fieldname) + Buffer.byteLength(text);
      if (valueTruncated || bytes > mostFieldBytes) throw new Problem(413, 'the form is too large');
      const before = body[fieldname];
      body[fieldname] = before === undefined ? text : [before, text].flat();
    },
  };
}

/** Reads a form; of one that is refused the rest goes by unread, so that the answer arrives. */
async function orLetGoBy<T>({ raw }: FastifyRequest, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    raw.unpipe();
    raw.resume();
    throw error;
  }
}

async function readToFile(request: FastifyRequest): Promise<SentForm> {
  const { body, add } = fieldsTaken();
  const limits = { ...fieldLimitsBesideStream, files: 1, fileSize: mostStreamedBytes };
  // Not `for await`: leaving that would end the file too.
  const parts = request.parts({ limits });
  for (let next = await parts.next(); !next.done; next = await parts.next()) {
    const part = next.value;
    if (part.type === 'file')
      return { body, files: new Map(), stream: { name: part.filename ?? '', bytes: part.file } };
    add(part);
  }
  return { body, files: new Map() };
}

async function readWhole(request: FastifyRequest): Promise<SentForm> {
  const { body, add } = fieldsTaken();
  const files = new Map<string, SentFile>();
  const limits = { ...fieldLimits, fileSize: mostFileBytes, files: mostFiles };
  for await (const part of request.parts({ limits })) {
    if (part.type === 'file') {
      const bytes = await part.toBuffer();
      files.set(part.fieldname, { name: part.filename ?? '', type: part.mimetype, bytes });
      continue;
    }
    add(part);
  }
  return { body, files };
}

/** A form without files, which has been read already within the limit of its route. */
export async function plainForm(request: FastifyRequest): Promise<SentForm> {
  if (request.isMultipart()) throw new Problem(415, 'files are not taken here');
  return { body: (request.body ?? {}) as FormBody, files: new Map() };
}

/** Reads a form up to its file, which must be its last input; the file itself is left to be read. */
export const streamedForm = (request: FastifyRequest): Promise<SentForm> =>
  request.isMultipart() ? orLetGoBy(request, readToFile(request)) : plainForm(request);

/** Reads a form with files. */
export const sentForm = (request: FastifyRequest): Promise<SentForm> =>
  request.isMultipart() ? orLetGoBy(request, readWhole(request)) : plainForm(request);
