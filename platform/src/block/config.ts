import type { Static, TObject, TSchema } from 'typebox';
import { compileValidator } from '../operation/validate.ts';

const variable = (block: string, setting: string): string =>
  `GOVSTACK_${block}_${setting.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')}`.replaceAll('-', '_').toUpperCase();

/**
 * Settings of a block from overrides and the environment. Unknown variables with the block's prefix and bad values
 * stop the start: a misspelt setting must not be ignored.
 */
export function readConfig<C extends TObject>(
  block: string,
  schema: C,
  overrides: Readonly<Record<string, unknown>> = {},
  environment: NodeJS.ProcessEnv = process.env,
  otherBlocks: readonly string[] = [],
): Static<C> {
  const values: Record<string, unknown> = {};
  const known = new Map(Object.keys(schema.properties).map((setting) => [variable(block, setting), setting]));
  for (const [name, value] of Object.entries(environment)) {
    const prefix = variable(block, '');
    const foreign = otherBlocks.some((other) => other !== block && name.startsWith(variable(other, '')));
    if (!name.startsWith(prefix) || name === variable(block, 'databaseUrl') || foreign) continue;
    const setting = known.get(name);
    if (setting === undefined)
      throw new Error(`unknown setting ${name}; known: ${[...known.keys()].join(', ') || 'none'}`);
    const property = (schema.properties as Record<string, TSchema & { type?: string }>)[setting];
    values[setting] =
      property?.type === 'object' || property?.type === 'array' ? JSON.parse(value ?? '') : value;
  }
  Object.assign(values, overrides);
  for (const [setting, property] of Object.entries(
    schema.properties as Record<string, TSchema & { default?: unknown }>,
  )) {
    if (values[setting] === undefined && property.default !== undefined)
      values[setting] = structuredClone(property.default);
  }
  const errors = compileValidator(schema, 'body', true)(values);
  if (errors) {
    const list = errors.map((error) => `${error.pointer || '/'} ${error.detail}`).join('; ');
    throw new Error(`settings of ${block} are not valid: ${list}`);
  }
  return values as Static<C>;
}
