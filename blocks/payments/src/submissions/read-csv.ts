import { pipeline, Readable } from 'node:stream';
import { badRequest } from '@govstack/platform';
import { CsvError, parse } from 'csv-parse';

const columns = ['requestId', 'payeeIdentity', 'amount', 'currency', 'descriptionText'];
const needed = columns.slice(0, 4);

function headings(names: readonly string[]): string[] {
  const unknown = names.filter((name) => !columns.includes(name));
  const missing = needed.filter((name) => !names.includes(name));
  if (unknown.length > 0 || missing.length > 0 || new Set(names).size !== names.length)
    throw badRequest(`The first line names the columns: ${needed.join(', ')}, and descriptionText or not`);
  return [...names];
}

/**
 * Rows of a CSV file (RFC 4180) whose first line names the columns, as objects of the JSON forms: `payeeIdentity` stands
 * for the credit party. An empty optional cell is none.
 */
export async function* readCsv(body: AsyncIterable<Uint8Array>): AsyncGenerator<unknown[]> {
  const parser = parse({ bom: true, columns: headings, max_record_size: 64 * 1024 });
  // What goes wrong on either side ends the loop below.
  pipeline(Readable.from(body, { objectMode: false }), parser, () => undefined);
  let rows: unknown[] = [];
  try {
    for await (const row of parser as AsyncIterable<Record<string, string>>) {
      const { payeeIdentity = '', descriptionText, ...rest } = row;
      rows.push({
        ...rest,
        creditParty: [{ key: 'functionalId', value: payeeIdentity }],
        ...(descriptionText ? { descriptionText } : {}),
      });
      if (rows.length < 100) continue;
      yield rows;
      rows = [];
    }
  } catch (error) {
    if (error instanceof CsvError) throw badRequest('The body is not a well-formed CSV file');
    throw error;
  }
  yield rows;
}
