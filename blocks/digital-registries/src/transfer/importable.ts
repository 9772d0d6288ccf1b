import { conflict, forbidden } from '@govstack/platform';
import type { Granted } from '../access/access.ts';

/**
 * A registry as files can fill it: without what is secret, which would lie in the open until the import is over. Whoever
 * has rights on some records only writes them one by one.
 */
export function importable(granted: Granted): Granted {
  const { registry } = granted;
  if (granted.rows !== undefined)
    throw forbidden('Your rights are on some records only: nothing is imported');
  const open = registry.fields.filter(({ secret }) => !secret);
  if (open.length === registry.fields.length) return granted;
  const needed = registry.fields.find((field) => field.secret && field.required);
  if (needed) throw conflict(`${needed.name} is secret and required: records cannot come from a file`);
  return {
    ...granted,
    fields: granted.fields.filter(({ secret }) => !secret),
    registry: { ...registry, fields: open },
  };
}
