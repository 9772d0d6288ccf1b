import { type TSchema, Type } from 'typebox';

/**
 * Content that is not JSON and is carried as it is: a file, a part of one. As a body it comes as `consumes` says
 * (`application/octet-stream`); as an answer it has the media type of the handler's `content-type` header.
 */
export const Bytes = (options: { readonly description?: string } = {}) =>
  Type.Unsafe<Uint8Array>({ type: 'string', format: 'binary', ...options });

export const isBytes = (schema: TSchema | null | undefined): boolean =>
  (schema as { readonly format?: string } | null | undefined)?.format === 'binary';

/** An answer declared as anything is JSON or bytes, as the handler gives it; its media type tells which. */
export const isAnything = (schema: TSchema | null | undefined): boolean =>
  schema !== null &&
  schema !== undefined &&
  !('type' in schema) &&
  !('anyOf' in schema) &&
  !('$ref' in schema);

export const octetStream = 'application/octet-stream';

/** The file of a spreadsheet (XLSX). */
export type WorkbookType = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';

/**
 * A second form of what is JSON otherwise. An operation that consumes it gets such a body as bytes, which it reads and
 * checks itself; one that produces it answers bytes under this type when `Accept` likes it best, and a client that
 * asked for that gets them in place of the declared answer.
 */
export const workbookType: WorkbookType = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';

export const isWorkbook = (type: string | undefined): type is WorkbookType =>
  type?.split(';')[0]?.trim().toLowerCase() === workbookType;

/** Files of forms and tables, which an operation may consume beside JSON: it gets their bytes and reads them itself. */
export const fileTypes = ['text/csv', 'multipart/form-data'] as const;
export type FileType = (typeof fileTypes)[number];

export const isFileType = (type: string | undefined): type is FileType =>
  fileTypes.some((one) => one === type?.split(';')[0]?.trim().toLowerCase());
