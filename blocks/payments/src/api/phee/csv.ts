import { badRequest } from '@govstack/platform';
import { parse } from 'csv-parse';
import type { InstructionInput } from '../../batches/instruction-input.ts';
import { payeeKeys } from '../g2p/instruction.ts';

const needed = ['request_id', 'payee_identifier', 'amount', 'currency'] as const;

type Row = Readonly<Record<string, string | undefined>>;

/** The file of an upload: the body itself, or the first file of a form. */
export async function fileOf(contentType: string, body: Uint8Array): Promise<Uint8Array> {
  if (!contentType.toLowerCase().startsWith('multipart/')) return body;
  const form = await new Response(Buffer.from(body), { headers: { 'content-type': contentType } })
    .formData()
    .catch(() => {
      throw badRequest('The form is not well-formed');
    });
  for (const part of form.values()) {
    if (typeof part !== 'string') return new Uint8Array(await part.arrayBuffer());
  }
  throw badRequest('The form has no file');
}

function instructionOf(row: Row, line: number): InstructionInput {
  const fault = (column: string, detail: string) =>
    badRequest('The file is not valid', [{ in: 'body', pointer: `/${line}/${column}`, detail }]);
  const broken = Object.keys(row).find((column) => row[column]?.includes('\0'));
  if (broken !== undefined) throw fault(broken, 'must not contain the character U+0000');
  const text = (column: string, most: number): string => {
    const value = row[column]?.trim() ?? '';
    if (value === '') throw fault(column, 'is required');
    if (value.length > most) throw fault(column, `must NOT have more than ${most} characters`);
    return value;
  };
  const kind = row.payee_identifier_type?.trim() ?? '';
  if (kind !== '' && !payeeKeys.has(kind.toLowerCase()))
    throw fault('payee_identifier_type', 'must be functionalId: payees are named by it alone (5.3.4)');
  if ((row.account_number?.trim() ?? '') !== '')
    throw fault('account_number', 'must be empty: the account comes from the mapper (5.3.4)');
  const note = row.note?.trim() ?? '';
  if (note.length > 50) throw fault('note', 'must NOT have more than 50 characters');
  return {
    clientId: text('request_id', 50),
    payeeIdentity: text('payee_identifier', 36),
    amount: text('amount', 24),
    currency: text('currency', 3),
    narration: note === '' ? undefined : note,
    retryOf: undefined,
  };
}

export interface Upload {
  readonly instructions: readonly InstructionInput[];
  /** Programme that the rows name, if they do. */
  readonly programmeId: string | undefined;
}

/** Reads a file of instructions row by row. Throws a 400 that names row and column, and keeps nothing. */
export async function readUpload(file: Uint8Array, most: number): Promise<Upload> {
  const rows = parse(Buffer.from(file), {
    bom: true,
    columns: (names: string[]) => {
      const known = names.map((name) => name.trim().toLowerCase());
      const missing = needed.filter((name) => !known.includes(name));
      if (missing.length > 0) throw badRequest(`The file lacks the columns ${missing.join(', ')}`);
      return known;
    },
    max_record_size: 4096,
    skip_empty_lines: true,
  });
  const instructions: InstructionInput[] = [];
  const programmes = new Set<string>();
  try {
    for await (const row of rows as AsyncIterable<Row>) {
      if (instructions.length >= most)
        throw badRequest(`A batch has at most ${most} instructions; hand over several batches`);
      instructions.push(instructionOf(row, instructions.length));
      const programme = row.program_shortcode?.trim() ?? '';
      if (programme !== '') programmes.add(programme);
    }
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || !String(error.code).startsWith('CSV_'))
      throw error;
    throw badRequest(`The file is not well-formed after row ${instructions.length}`);
  }
  if (programmes.size > 1) throw badRequest('All rows of a file belong to one programme');
  const [programmeId] = programmes;
  return { instructions, programmeId };
}
