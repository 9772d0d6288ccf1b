import { createHash } from 'node:crypto';
import { Problem } from '@govstack/platform';
import { input, type SignedInVisit } from '../site/visit.ts';
import { latest } from './clients.ts';
import { withDocuments } from './documents.ts';
import {
  asked,
  type FilterOperator,
  filterText,
  fits,
  lostFilters,
  operators,
  soughtValue,
} from './filters.ts';
import { type ListFilter, type RecordList, wholeList } from './list-store.ts';
import { placeOf } from './place.ts';
import { chosenIn, listAddress, placeInList } from './record-addresses.ts';
import { orNone, type PageError, refusedWith } from './refusals.ts';
import { registryRoles } from './roles.ts';
import { rowEntry } from './row-entry.ts';
import { fieldsOf, isScalar, kindOf, labelOf, linksOf, type Schema, type SchemaField } from './schema.ts';
import { frame, type OpenRegistry, openRegistry, type RegistryParts } from './shell.ts';
import { shownValue } from './shown-value.ts';

const access = { roles: registryRoles };
const pageSize = 25;
const firstColumns = 5;
const mostFilters = 10;

/** Under what a person's lists of a registry are kept. */
export const listKey = ({ place }: OpenRegistry): string => `${place.owner}/${place.code}`;

/** The id of a person's list of everything: one for all visits. */
function wholeId(person: string, registry: string): string {
  const hex = createHash('sha256').update(`${person} ${registry}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** All records of a registry as a grid: found, ordered, chosen, changed in place (REG-6.1-21-a, REG-6.1-22-a, REG-6.1-23). */
export function gridPages(parts: RegistryParts): void {
  const { site, clients, lists } = parts;

  const columnsOf = (list: RecordList, fields: readonly SchemaField[]): SchemaField[] => {
    const chosen = list.columns?.flatMap((id) => fields.find((field) => field.id === id) ?? []);
    if (chosen && chosen.length > 0) return chosen;
    const scalars = fields.filter(({ property }) => isScalar(kindOf(property)));
    return (scalars.length > 0 ? scalars : [...fields]).slice(0, firstColumns);
  };

  async function show(
    visit: SignedInVisit,
    registry: OpenRegistry,
    at: { readonly list: string; readonly page: number },
    errors: readonly PageError[] = [],
    entered: Readonly<Record<string, string>> = {},
  ) {
    const { place, fields } = registry;
    const { voice, viewer } = visit;
    const key = listKey(registry);
    const list = (at.list === '' ? undefined : await lists.find(viewer.id, key, at.list)) ?? wholeList;
    const cursor = at.page > 1 ? list.places[at.page - 2] : undefined;
    const page = cursor === undefined ? 1 : at.page;
    const order = fields.find(({ id }) => id === list.order);
    const found = (
      await clients.data(place.owner).searchRecords({
        params: latest(place),
        body: {
          filter: list.filters.flatMap((filter) => asked(filter, fields) ?? []),
          ...(list.words === undefined ? {} : { words: list.words }),
          order: { ...(order ? { field: order.name } : {}), descending: list.descending },
          pageSize,
          ...(cursor === undefined ? {} : { after: cursor }),
          countAll: true,
        },
      })
    ).body;
    const lost = lostFilters(voice, list.filters, fields);
    let id = list === wholeList ? '' : at.list;
    if (found.next !== undefined && list.places[page - 1] !== found.next) {
      id = id === '' ? wholeId(viewer.id, key) : id;
      const places = [...list.places];
      places[page - 1] = found.next;
      await lists.keep(viewer.id, key, { ...list, places }, id);
    }
    const columns = columnsOf(list, fields);
    const editing = registry.archived
      ? undefined
      : found.results.find(({ uuid }) => uuid === visit.query.edit);
    const mine = { list: id, page };
    return visit.show(
      'registries/records.njk',
      {
        ...frame(visit, registry, 'records'),
        archived: registry.archived,
        list: { ...list, id, page },
        saved: await lists.named(viewer.id, key),
        filters: list.filters.map((filter) => filterText(voice, filter, fields)),
        count: found.count,
        exact: found.count < 10_000,
        first: (page - 1) * pageSize + 1,
        last: (page - 1) * pageSize + found.results.length,
        address: listAddress(place.base, mine),
        previous: page > 1 ? listAddress(place.base, { ...mine, page: page - 1 }) : undefined,
        next: found.next === undefined ? undefined : listAddress(place.base, { ...mine, page: page + 1 }),
        searchable: fields.some(({ property }) => property.searchable === true),
        operators,
        fields: fields.map((field) => ({
          id: field.id,
          label: labelOf(field),
          shown: columns.some((one) => one.id === field.id),
          sortable: isScalar(kindOf(field.property)),
        })),
        columns: columns.map((field) => ({
          id: field.id,
          label: labelOf(field),
          numeric: ['integer', 'number'].includes(kindOf(field.property)),
          sortable: isScalar(kindOf(field.property)),
          sorted: list.order === field.id ? (list.descending ? 'descending' : 'ascending') : undefined,
        })),
        rows: found.results.map((record) => ({
          uuid: record.uuid,
          number: record.number,
          rowVersion: record.rowVersion,
          entry: record === editing ? rowEntry(voice, parts.timeZone, columns, record.content) : undefined,
          cells: columns.map((field) => ({
            ...withDocuments(
              shownValue(voice, field, record.content[field.name]),
              `${registry.place.base}/records/${record.uuid}`,
            ),
            label: labelOf(field),
            numeric: ['integer', 'number'].includes(kindOf(field.property)),
            follow:
              linksOf(field.property).length > 0 && record.content[field.name] !== undefined
                ? JSON.stringify([field.id, record.content[field.name]])
                : undefined,
          })),
        })),
        entered,
        errors: [...(lost === undefined ? [] : [{ text: lost, href: '#filters' }]), ...errors],
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/registries/:registry/records', access, async (visit) =>
    show(visit, await openRegistry(parts, visit), placeInList(visit.query.list, visit.query.page)),
  );

  /** The filter that was entered; undefined when there is none, an error when it cannot be. */
  function filterIn(
    visit: SignedInVisit,
    fields: readonly SchemaField[],
  ): ListFilter | PageError | undefined {
    const chosen = input(visit, 'filterField');
    if (chosen === '') return undefined;
    const field = fields.find(({ id }) => String(id) === chosen);
    const operator: FilterOperator = operators.find((one) => one === input(visit, 'filterOperator')) ?? 'eq';
    const { t } = visit.voice;
    if (!field || !fits(operator, kindOf(field.property)))
      return { text: t('registries.filter.misfit'), href: '#filterOperator' };
    if (operator === 'isNull' || operator === 'notNull') return { field: field.id, operator };
    const text = input(visit, 'filterValue').slice(0, 500);
    const value = text === '' ? undefined : soughtValue(field, text, visit.voice, parts.timeZone);
    if (value === undefined)
      return { text: t('registries.filter.wrongValue', { field: labelOf(field) }), href: '#filterValue' };
    return { field: field.id, operator, value };
  }

  site.action('/registries/:registry/lists', access, async (visit) => {
    const registry = await openRegistry(parts, visit);
    const { place, fields } = registry;
    const person = visit.viewer.id;
    const key = listKey(registry);
    const at = placeInList(input(visit, '_list'), input(visit, '_page'));
    const before = (at.list === '' ? undefined : await lists.find(person, key, at.list)) ?? wholeList;
    const { name: _, ...unnamed } = before;
    const goTo = async (list: RecordList) =>
      visit.goTo(
        listAddress(
          place.base,
          { list: await lists.keep(person, key, { ...list, places: [] }), page: 1 },
          '#found',
        ),
      );
    const [act, about = ''] = input(visit, '_action').split(':', 2);
    switch (act) {
      case 'drop':
        return goTo({
          ...unnamed,
          filters: before.filters.filter((_filter, index) => String(index) !== about),
        });
      case 'words': {
        const { words: _words, ...rest } = unnamed;
        return goTo(rest);
      }
      case 'order': {
        const field = fields.find(({ id }) => String(id) === about);
        if (!field) return goTo(unnamed);
        return goTo({
          ...unnamed,
          order: field.id,
          descending: before.order === field.id && !before.descending,
        });
      }
      case 'columns': {
        const ids = [visit.body.columns ?? []].flat().map(Number);
        const columns = fields.map(({ id }) => id).filter((id) => ids.includes(id));
        const order = fields.find(({ id }) => String(id) === input(visit, 'order'))?.id;
        const { columns: _columns, order: _order, ...rest } = unnamed;
        return goTo({
          ...rest,
          ...(columns.length > 0 ? { columns } : {}),
          ...(order === undefined ? {} : { order }),
          descending: input(visit, 'direction') === 'descending',
        });
      }
      case 'save': {
        const name = input(visit, 'name').slice(0, 100);
        if (name === '')
          return show(visit, registry, at, [
            {
              text: visit.voice.t('errors.required', { label: visit.voice.t('registries.records.viewName') }),
              href: '#name',
            },
          ]);
        visit.leaveNotice('viewSaved');
        return goTo({ ...before, name });
      }
      case 'forget':
        await lists.remove(person, key, at.list);
        return visit.goTo(`${place.base}/records`);
      default: {
        const filter = filterIn(visit, fields);
        const words = input(visit, 'words').slice(0, 200);
        if (filter && 'href' in filter)
          return show(visit, registry, at, [filter], {
            words,
            filterField: input(visit, 'filterField'),
            filterOperator: input(visit, 'filterOperator'),
            filterValue: input(visit, 'filterValue'),
          });
        const { words: _words, ...rest } = unnamed;
        return goTo({
          ...rest,
          ...(words === '' ? {} : { words }),
          filters: filter ? [...before.filters, filter].slice(-mostFilters) : before.filters,
        });
      }
    }
  });

  /** From a value to the records of the other registry that it leads to (REG-6.1-2-d). */
  site.action('/registries/:registry/follow', access, async (visit) => {
    const { place, fields } = await openRegistry(parts, visit);
    let sought: unknown;
    try {
      sought = JSON.parse(input(visit, 'follow'));
    } catch {
      throw new Problem(400, 'not a link');
    }
    const [id, value] = Array.isArray(sought) ? sought : [];
    const field = fields.find((one) => one.id === id);
    const link = field && linksOf(field.property)[0];
    if (!link || typeof value === 'object') throw new Problem(404, 'no such link');
    const data = clients.data(place.owner);
    const { registries } = (await data.listUsableRegistries({})).body;
    const other = registries.find(
      (one) => one.code === link.registry.toLowerCase() || String(one.id) === link.registry,
    );
    const schema = other && (await orNone(data.readSchema({ params: latest(other) })));
    if (!other || !schema || !fieldsOf(schema.body as unknown as Schema).some((one) => one.id === link.field))
      throw new Problem(404, 'the registry it leads to is not there');
    const target = placeOf(parts.owners(visit.viewer.agency), place.owner, other.code);
    const list = await lists.keep(visit.viewer.id, `${place.owner}/${other.code}`, {
      ...wholeList,
      filters: [{ field: link.field, operator: 'eq', value }],
    });
    return visit.goTo(listAddress(target.base, { list, page: 1 }));
  });

  /** Several records are deleted, after one more question. */
  site.action('/registries/:registry/selected', access, async (visit) => {
    const registry = await openRegistry(parts, visit);
    const { place } = registry;
    const at = placeInList(input(visit, '_list'), input(visit, '_page'));
    const chosen = chosenIn(visit).slice(0, pageSize);
    if (chosen.length === 0)
      return show(visit, registry, at, [
        { text: visit.voice.t('registries.records.chooseSome'), href: '#found' },
      ]);
    const ask = (records: readonly string[], errors: readonly PageError[] = []) =>
      visit.show(
        'registries/selected.njk',
        { ...frame(visit, registry, 'records'), back: listAddress(place.base, at), at, records, errors },
        errors.length > 0 ? 409 : 200,
      );
    if (input(visit, '_sure') !== 'yes') return ask(chosen);
    const refused: string[] = [];
    const errors: PageError[] = [];
    for (const id of chosen)
      try {
        await clients.data(place.owner).deleteRecord({ params: { ...latest(place), id } });
      } catch (error) {
        if (!refusedWith(error, 400, 403, 409)) throw error;
        refused.push(id);
        errors.push({ text: error.problem?.detail ?? error.message, href: '#main-content' });
      }
    if (refused.length > 0) return ask(refused, errors);
    visit.leaveNotice('recordsDeleted');
    return visit.goTo(listAddress(place.base, at));
  });
}
