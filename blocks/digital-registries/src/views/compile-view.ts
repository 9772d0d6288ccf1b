import { badRequest, type ProblemDetail } from '@govstack/platform';
import { fixedFilters, isSecret } from '../records/fixed-filter.ts';
import type { Filter } from '../records/list.ts';
import type { Registry } from '../schema/catalogue.ts';
import type { Field } from '../schema/field.ts';
import type {
  GroupsDefinition,
  Measure,
  RecordsDefinition,
  ViewDefinition,
  ViewField,
} from './definition.ts';
import { isClosed } from './findings.ts';

export interface FieldInput {
  readonly field: string;
  readonly as?: string | undefined;
}

export interface RecordsInput {
  readonly kind: 'records';
  readonly fields: readonly FieldInput[];
  readonly joins?: readonly { readonly field: string; readonly fields: readonly FieldInput[] }[] | undefined;
  readonly filter?: readonly Filter[] | undefined;
  readonly order?: { readonly field: string; readonly descending?: boolean | undefined } | undefined;
}

export interface GroupsInput {
  readonly kind: 'groups';
  readonly by: readonly FieldInput[];
  readonly measures: readonly {
    readonly function: Measure['function'];
    readonly field?: string | undefined;
    readonly as?: string | undefined;
  }[];
  readonly filter?: readonly Filter[] | undefined;
  readonly minimum?: number | undefined;
}

export type DefinitionInput = RecordsInput | GroupsInput;

/** The registry of the same owner that a link leads to, by code or id. */
export type FindRegistry = (key: string) => Promise<Registry | undefined>;

/** Smallest group that is shown of a registry with personal data. */
export const smallestCell = 5;

const numeric: ReadonlySet<Field['type']> = new Set(['integer', 'number']);
const ordered: ReadonlySet<Field['type']> = new Set([...numeric, 'text', 'date', 'date-time', 'time']);

/** Reads what an owner wants a view to be. Throws a 400 that points at every defect. */
export async function compileView(
  registry: Registry,
  input: DefinitionInput,
  findRegistry: FindRegistry,
): Promise<ViewDefinition> {
  const defects: ProblemDetail[] = [];
  const defect = (pointer: string, detail: string): void =>
    void defects.push({ in: 'body', pointer, detail });
  const names = new Set<string>();
  const named = (as: string, pointer: string): string => {
    if (names.has(as)) defect(pointer, `there is another ${as} in this view`);
    names.add(as);
    return as;
  };
  const fieldOf = (of: Registry, name: string, pointer: string): Field | undefined => {
    const field = of.fields.find((one) => one.name === name);
    if (!field) defect(pointer, 'is not a field of this registry');
    return field;
  };
  const viewFields = (of: Registry, wanted: readonly FieldInput[], at: string): ViewField[] =>
    wanted.flatMap(({ field: name, as }, index) => {
      const field = fieldOf(of, name, `${at}/${index}/field`);
      return field ? [{ field: field.id, as: named(as ?? name, `${at}/${index}/as`) }] : [];
    });
  const filter = fixedFilters(registry.fields, input.filter ?? [], '/filter', defects);

  async function records(wanted: RecordsInput): Promise<RecordsDefinition> {
    const fields = viewFields(registry, wanted.fields, '/fields');
    const joins = [];
    for (const [index, join] of (wanted.joins ?? []).entries()) {
      const at = `/joins/${index}`;
      const field = fieldOf(registry, join.field, `${at}/field`);
      if (!field) continue;
      const [link] = field.links;
      const other = link && (await findRegistry(link.registry));
      const target = other?.fields.find(({ id }) => id === link?.field);
      if (!other || !target) defect(`${at}/field`, 'does not lead to a published registry');
      else if (target.type !== field.type)
        defect(`${at}/field`, `leads to ${target.name}, which is of another type`);
      else if (!target.unique && !target.primaryKey)
        defect(`${at}/field`, `leads to ${target.name}, which is not unique there`);
      else if (isSecret(field) || isSecret(target)) defect(`${at}/field`, 'is secret: it cannot be followed');
      else
        joins.push({
          link: field.id,
          registry: other.id,
          target: target.id,
          fields: viewFields(other, join.fields, `${at}/fields`),
        });
    }
    const by = wanted.order && fieldOf(registry, wanted.order.field, '/order/field');
    if (by && !fields.some(({ field }) => field === by.id))
      defect('/order/field', 'is not shown by this view');
    if (by && (!ordered.has(by.type) || isSecret(by))) defect('/order/field', 'has no order');
    const order = by ? { field: by.id, descending: wanted.order?.descending ?? false } : null;
    return { kind: 'records', fields, joins, filter, order };
  }

  function groups(wanted: GroupsInput): GroupsDefinition {
    const by = viewFields(registry, wanted.by, '/by');
    for (const [index, { field: id }] of by.entries()) {
      const field = registry.fields.find((one) => one.id === id);
      if (!field || field.type === 'json' || field.type === 'file' || isSecret(field))
        defect(`/by/${index}/field`, 'cannot be grouped by: it is not a single value that can be read');
    }
    const measures = wanted.measures.flatMap((measure, index): Measure[] => {
      const at = `/measures/${index}`;
      const as = named(measure.as ?? [measure.function, measure.field].filter(Boolean).join(' '), `${at}/as`);
      if (measure.field === undefined) {
        if (measure.function !== 'count') defect(`${at}/field`, 'is required');
        return [{ function: 'count', field: null, as }];
      }
      const field = fieldOf(registry, measure.field, `${at}/field`);
      if (!field) return [];
      const { function: aggregate } = measure;
      const extreme = aggregate === 'min' || aggregate === 'max';
      if (isSecret(field)) defect(`${at}/field`, 'is secret');
      else if (extreme && isClosed(field))
        defect(`${at}/field`, `is personal: its ${aggregate} would be what one person said`);
      else if (aggregate !== 'count' && !(extreme ? ordered : numeric).has(field.type))
        defect(`${at}/field`, `has no ${aggregate}`);
      return [{ function: aggregate, field: field.id, as }];
    });
    return { kind: 'groups', by, measures, filter, minimum: wanted.minimum ?? 1 };
  }

  const definition = input.kind === 'records' ? await records(input) : groups(input);
  if (defects.length > 0) throw badRequest('The view is not valid', defects.slice(0, 100));
  return definition;
}
