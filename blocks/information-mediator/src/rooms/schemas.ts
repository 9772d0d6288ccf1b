import { badRequest, type ProblemDetail } from '@govstack/platform';
import { Ajv, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

type Schema = Readonly<Record<string, unknown>>;

const options = { strict: false, allErrors: false, validateSchema: true, addUsedSchema: false } as const;
const withFormats = formats as unknown as (ajv: Ajv | Ajv2020) => void;

/** Makes a validator of a JSON Schema, draft 2020-12, or draft-07 when it says so. References lead nowhere outside. */
function compile(schema: Schema): ValidateFunction {
  const older = typeof schema.$schema === 'string' && /draft-0[67]/.test(schema.$schema);
  const ajv = older ? new Ajv(options) : new Ajv2020(options);
  withFormats(ajv);
  return ajv.compile(schema);
}

/** Refuses what is not a JSON Schema that can be checked here. */
export function assertSchema(schema: Schema): void {
  try {
    compile(schema);
  } catch (error) {
    throw badRequest('The schema cannot be used', [
      { in: 'body', pointer: '/schema', detail: (error as Error).message.slice(0, 300) },
    ]);
  }
}

const remembered = 500;

/** Validators of event types, each compiled once. */
export function openSchemas() {
  const validators = new Map<string, ValidateFunction>();
  /** What is wrong with an event; empty: nothing. Says where, never what stands there. */
  return (name: string, schema: Schema, event: unknown): ProblemDetail[] => {
    let validate = validators.get(name);
    if (!validate) {
      validate = compile(schema);
      validators.set(name, validate);
      if (validators.size > remembered) validators.delete(validators.keys().next().value as string);
    }
    if (validate(event)) return [];
    return (validate.errors ?? []).slice(0, 10).map(({ instancePath, message = 'is not valid' }) => ({
      in: 'body' as const,
      pointer: `/event${instancePath}`,
      detail: message,
    }));
  };
}
