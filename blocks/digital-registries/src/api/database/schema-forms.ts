import { isWorkbook, type OperationSpec, preferred, workbookType } from '@govstack/platform';
import type { RegistrySchema } from '../../schema/compile.ts';
import { placed, readSchema } from '../../workbook/read-schema.ts';
import { writeSchema } from '../../workbook/write-schema.ts';

/** What a body says, whichever form it came in. What a workbook says wrong is told by its cells. */
export async function fromBody<Body extends { readonly schema: unknown }, T>(
  body: Body | Uint8Array,
  keep: (said: Body | { readonly schema: unknown }) => Promise<T>,
): Promise<T> {
  if (!(body instanceof Uint8Array)) return keep(body);
  const workbook = await readSchema(body);
  return keep({ schema: workbook.schema }).catch((error: unknown) => {
    throw placed(workbook, error);
  });
}

/** Whether an answer should be a workbook, of all that the operation can answer. */
export const wantsWorkbook = (
  { produces = [] }: OperationSpec,
  { accept }: { readonly accept?: string },
): boolean => isWorkbook(preferred(accept, produces));

export const workbookOf = async (schema: unknown, headers: Readonly<Record<string, string>> = {}) => ({
  status: 200 as const,
  body: await writeSchema(schema as RegistrySchema),
  headers: { ...headers, 'content-type': workbookType },
});
