import type { DataMethod, Granted, PartialField } from '../access/access.ts';
import type { Field } from '../schema/field.ts';
import { fieldContext, type Vault } from './vault.ts';

/** Fields with what opens those that are secret. */
export const armed = (fields: readonly Field[], vault: Vault | undefined): Field[] =>
  fields.map((field) => (field.secret && vault ? { ...field, vault } : field));

const writing: ReadonlySet<DataMethod> = new Set(['create', 'update', 'delete', 'import']);

/** A secret field that is shown in part: what the statement selected is sealed. */
const openedInPart = (partial: PartialField, vault: Vault): PartialField => ({
  ...partial,
  value(stored) {
    if (!Array.isArray(stored) || typeof stored[1] !== 'string') return undefined;
    const sealed = Buffer.from(stored[1].replace('\\x', ''), 'hex');
    return partial.value([stored[0], vault.open(fieldContext(partial.field.id), sealed)]);
  },
});

/**
 * What a reader sees of secret fields. With the key of the registry, or as a person with the right, their values; else
 * they do not exist when reading, and can be written all the same.
 */
export function disclose(granted: Granted, method: DataMethod, mayOpen: boolean): Granted {
  const { fields, asked, partial } = granted;
  const { vault } = granted.registry;
  if (!vault) return granted;
  const open = <F extends Field>(field: F): F =>
    field.secret ? { ...field, vault, disclosed: true } : field;
  const plain = <F extends Field>(field: F): boolean => !field.secret;
  if (mayOpen)
    return {
      ...granted,
      fields: fields.map(open),
      ...(asked ? { asked: asked.map(open) } : {}),
      ...(partial
        ? { partial: partial.map((one) => (one.field.secret ? openedInPart(one, vault) : one)) }
        : {}),
    };
  return {
    ...granted,
    ...(partial ? { partial: partial.filter(({ field }) => plain(field)) } : {}),
    ...(writing.has(method)
      ? {}
      : {
          fields: fields.filter(plain),
          ...(asked ? { asked: asked.filter(plain) } : {}),
          concealed: fields.filter(({ secret }) => secret),
        }),
  };
}
