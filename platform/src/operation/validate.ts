import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { TSchema } from 'typebox';
import { linearPattern } from './linear-pattern.ts';
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

type Check = ReturnType<Ajv2020['compile']>;

const defectsOf =
  (validate: Check, part: Part): Validate =>
  (value) =>
    validate(value)
      ? undefined
      : (validate.errors ?? []).slice(0, maxErrors).map((error) => toDetail(part, error));

const compiled = { strict: new WeakMap<TSchema, Check>(), coercing: new WeakMap<TSchema, Check>() };

/**
 * A function that answers the defects of a value, or undefined when there are none. The schema is compiled, once, when
 * the first value comes: a node has thousands of schemas, and most of its starts use few of them.
 */
export const compileValidator = (schema: TSchema, part: Part, coerce: boolean): Validate => {
  const kept = coerce ? compiled.coercing : compiled.strict;
  return (value) => {
    let check = kept.get(schema);
    if (!check) {
      check = (coerce ? coercing : strict).compile(JSON.parse(JSON.stringify(schema)));
      kept.set(schema, check);
    }
    return defectsOf(check, part)(value);
  };
};

// What compiles schemas tells patterns apart by their text.
const linear = Object.assign((source: string) => ({ ...linearPattern(source), toString: () => source }), {
  code: 'linear patterns are not written out as code',
}) as unknown as (source: string, flags: string) => RegExp;
const guarded = withFormats(
  new Ajv2020({ ...options, strictNumbers: true, logger: false, code: { regExp: linear as never } }),
);

const references = ['$ref', '$dynamicRef', '$recursiveRef', '$id', '$anchor', '$dynamicAnchor', '$schema'];
const mostKeywords = 2_000;
const mostUnique = 1_000;

/** Walks through schemas, not through names of properties and values that happen to be called like keywords. */
function assertHarmless(schema: unknown, seen: { keywords: number }): void {
  if (typeof schema !== 'object' || schema === null) return;
  if (Array.isArray(schema)) {
    for (const one of schema) assertHarmless(one, seen);
    return;
  }
  for (const [keyword, value] of Object.entries(schema)) {
    seen.keywords += 1;
    if (seen.keywords > mostKeywords) throw new Error(`has more than ${mostKeywords} keywords`);
    if (references.includes(keyword)) throw new Error(`${keyword} leads elsewhere: write what it stands for`);
    if (['enum', 'const', 'default', 'examples'].includes(keyword)) continue;
    if (['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions'].includes(keyword)) {
      if (typeof value === 'object' && value !== null) assertHarmless(Object.values(value), seen);
    } else assertHarmless(value, seen);
  }
  const { uniqueItems, maxItems } = schema as { uniqueItems?: unknown; maxItems?: unknown };
  if (uniqueItems === true && !(typeof maxItems === 'number' && maxItems <= mostUnique))
    throw new Error(`uniqueItems needs maxItems of at most ${mostUnique}`);
}

/**
 * The same for a schema that somebody else wrote: its patterns are matched in linear time, nothing in it refers to
 * another schema or stays behind, and no value takes it longer than its length warrants. Throws on one that could.
 */
export function compileForeignValidator(schema: unknown, part: Part): Validate {
  assertHarmless(schema, { keywords: 0 });
  const copy = JSON.parse(JSON.stringify(schema)) as object;
  try {
    return defectsOf(guarded.compile(copy), part);
  } finally {
    guarded.removeSchema(copy);
  }
}
