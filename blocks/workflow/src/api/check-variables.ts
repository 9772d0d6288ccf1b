import { Problem } from '@govstack/platform';
import type { Variables } from '../feel/json.ts';
import { cannotBeStored } from '../feel/json.ts';
import { isVariableName } from '../model/mappings.ts';

/** Variables that an operator gives. Throws 400, naming each that cannot be one. */
export function checkVariables(variables: Record<string, unknown> | undefined): Variables | undefined {
  for (const [name, value] of Object.entries(variables ?? {})) {
    const detail = !isVariableName(name)
      ? 'cannot be the name of a variable'
      : cannotBeStored(value)
        ? 'contains characters that cannot be stored'
        : undefined;
    if (detail !== undefined) {
      throw new Problem(400, 'The variables are not valid', {
        errors: [{ in: 'body', pointer: `/variables/${name}`, detail }],
      });
    }
  }
  return variables as Variables | undefined;
}
