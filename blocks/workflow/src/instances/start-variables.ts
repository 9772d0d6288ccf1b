import type { ProblemDetail } from '@govstack/platform/operation';
import type { Json, Variables } from '../feel/json.ts';
import { cannotBeStored, isRecord } from '../feel/json.ts';
import { asInstant } from '../model/duration.ts';
import { isVariableName } from '../model/mappings.ts';
import type { VariableDeclaration, VariableType } from '../model/model.ts';

export interface CodeValue {
  readonly code?: string;
  readonly value?: unknown;
}

const fits: Record<VariableType, (value: Json) => boolean> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: (value) => Number.isSafeInteger(value),
  boolean: (value) => typeof value === 'boolean',
  date: (value) =>
    typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) && asInstant(value) !== undefined,
  'date-time': (value) => typeof value === 'string' && value.includes('T') && asInstant(value) !== undefined,
  object: isRecord,
  list: (value) => Array.isArray(value),
};

/** In code/value pairs every value may be a text; where another type is declared, the text is read as JSON. */
function fromText(value: Json, type: VariableType | undefined): Json {
  const textual = type === undefined || type === 'string' || type === 'date' || type === 'date-time';
  if (typeof value !== 'string' || textual) return value;
  try {
    return JSON.parse(value) as Json;
  } catch {
    return value;
  }
}

export interface StartInput {
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly pairs: readonly CodeValue[];
}

/** Variables of a new instance, and everything that is wrong with them (WF-8.1-d). */
export function readStartVariables(
  declared: readonly VariableDeclaration[],
  input: StartInput,
): { readonly variables: Variables; readonly errors: readonly ProblemDetail[] } {
  const errors: ProblemDetail[] = [];
  const types = new Map(declared.map((one) => [one.name, one]));
  const given = new Map<string, { readonly value: Json; readonly pointer: string }>();
  input.pairs.forEach(({ code, value }, index) => {
    if (code === undefined) return;
    const read = fromText((value ?? null) as Json, types.get(code)?.type);
    given.set(code, { value: read, pointer: `/instanceValues/${index}` });
  });
  for (const [name, value] of Object.entries(input.variables ?? {})) {
    given.set(name, { value: value as Json, pointer: `/variables/${name}` });
  }
  for (const [name, { value, pointer }] of given) {
    const type = types.get(name)?.type;
    if (!isVariableName(name)) {
      errors.push({ in: 'body', pointer, detail: 'cannot be the name of a variable' });
    } else if (cannotBeStored(value)) {
      errors.push({ in: 'body', pointer, detail: 'contains characters that cannot be stored' });
    } else if (type !== undefined && value !== null && !fits[type](value)) {
      errors.push({ in: 'body', pointer, detail: `must be of type ${type}` });
    }
  }
  for (const { name, required } of declared) {
    if (required && (given.get(name)?.value ?? null) === null) {
      errors.push({ in: 'body', pointer: `/variables/${name}`, detail: 'is required to start this process' });
    }
  }
  return {
    variables: Object.fromEntries([...given].map(([name, { value }]) => [name, value])),
    errors,
  };
}
