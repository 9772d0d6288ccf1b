import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { TSchema } from 'typebox';
import type { ProblemDetail } from './problem.ts';

const options = { allErrors: true, strict: false, validateFormats: true } as const;
const withFormats = (ajv: Ajv2020): Ajv2020 => {
  (addFormats as unknown as (target: Ajv2020) => void)(ajv);
  return ajv;
};

/** Bodies are taken literally: no coercion, nothing silently removed, nothing filled in. */
const strict = withFormats(new Ajv2020({ ...options }));
/** Path, query, headers and forms arrive as text: numbers, booleans and single-element lists are read from it. */
const coercing = withFormats(new Ajv2020({ ...options, coerceTypes: 'array', useDefaults: true }));

export type Part = NonNullable<ProblemDetail['in']>;
export type Validate = (value: unknown) => readonly ProblemDetail[] | undefined;

const maxErrors = 50;

const escapePointer = (segment: string): string => segment.replaceAll('~', '~0').replaceAll('/', '~1');

const toDetail = (part: Part, error: ErrorObject): ProblemDetail => {
  const parameters = error.params as Record<string, unknown>;
  const missing = error.keyword === 'required' ? parameters.missingProperty : undefined;
  const extra = error.keyword === 'additionalProperties' ? parameters.additionalProperty : undefined;
  const name = (missing ?? extra) as string | undefined;
  const allowed = error.keyword === 'enum' ? ` (${(parameters.allowedValues as unknown[]).join(', ')})` : '';
  return {
    in: part,
    pointer: name === undefined ? error.instancePath : `${error.instancePath}/${escapePointer(name)}`,
    detail:
      missing !== undefined
        ? 'is required'
        : extra !== undefined
          ? 'is not known here'
          : `${error.message ?? 'is not valid'}${allowed}`,
  };
};

/** Compiles a schema into a function that answers the defects of a value, or undefined when there are none. */
export function compileValidator(schema: TSchema, part: Part, coerce: boolean): Validate {
  const validate = (coerce ? coercing : strict).compile(JSON.parse(JSON.stringify(schema)));
  return (value) =>
    validate(value)
      ? undefined
      : (validate.errors ?? []).slice(0, maxErrors).map((error) => toDetail(part, error));
}
