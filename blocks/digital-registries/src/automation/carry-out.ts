import { Problem } from '@govstack/platform';
import type { Transaction } from 'kysely';
import type { Gate, Granted, Reader } from '../access/access.ts';
import type { SubjectHash } from '../history/read-log.ts';
import type { Row } from '../records/content.ts';
import { find, shownRows } from '../records/read.ts';
import { type RecordView, viewOf } from '../records/view.ts';
import { createRecords, updateOrCreate, updateRecord, updateRow } from '../records/write.ts';
import type { RegistryTables } from '../tables.ts';
import type { Assignment, Definition, RegistryTarget, ServiceTarget } from './definition.ts';
import type { Scope } from './expression.ts';

type Trx = Transaction<RegistryTables>;
type Content = Record<string, unknown>;

/** What carrying out needs, besides the transaction. */
export interface Hands {
  readonly gate: Gate;
  readonly hash: SubjectHash;
  readonly reader: Reader;
}

/** What was, or would be, sent to a target. */
export interface Sent {
  readonly target: string;
  readonly content: unknown;
}

/** Names under which something stands in every object. */
const inherited = new Set(['__proto__', 'constructor', 'prototype']);

/** Values by name, or by JSON Pointer into a body. */
export async function assigned(
  assignments: readonly Assignment[],
  scope: Scope,
  nested: boolean,
): Promise<Content> {
  const content: Content = {};
  for (const { to, value, pointer } of assignments) {
    let found: unknown;
    try {
      found = await value(scope);
    } catch (error) {
      if (error instanceof Problem && error.status === 422)
        throw new Problem(422, error.message, {
          type: error.type,
          errors: [{ in: 'body', pointer, detail: error.message }],
        });
      throw error;
    }
    if (!nested) {
      content[to] = found;
      continue;
    }
    const path = to
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    let at = content;
    for (const part of path.slice(0, -1)) {
      if (inherited.has(part)) break;
      if (typeof at[part] !== 'object' || at[part] === null) at[part] = {};
      at = at[part] as Content;
    }
    const last = path.at(-1) as string;
    if (!inherited.has(last)) at[last] = found;
  }
  return content;
}

/** What a record's expressions see, with looks into other registries that leave their trace. */
export async function scopeOf(
  trx: Trx,
  hands: Hands,
  record: RecordView | undefined,
  payload: unknown,
): Promise<Scope & { result: unknown }> {
  const { gate, hash, reader } = hands;
  return {
    content: record?.content ?? {},
    record: record ? { ...record, content: undefined } : {},
    payload,
    result: undefined,
    async look(registry, by, value, give) {
      const granted = await gate.open(reader, registry, 'latest', 'read');
      const field = granted.fields.find(({ name }) => name === give);
      const [row] = await find(trx, granted, { [by]: value }, { limit: 1 });
      if (!row || !field) return null;
      await shownRows(trx, granted, reader, 'read', [row], hash, [field]);
      return viewOf(granted, row).content[give] ?? null;
    },
  };
}

/** The record as the automation sees it, on record as read as far as it is looked at. */
export async function seenRecord(
  trx: Trx,
  { hash, reader }: Hands,
  granted: Granted,
  row: Row,
  { looksAt }: Definition,
): Promise<RecordView> {
  const fields = granted.fields.filter(({ name }) => looksAt.has(name));
  await shownRows(trx, granted, reader, 'read', [row], hash, fields);
  return viewOf({ fields }, row);
}

async function writeTarget(
  trx: Trx,
  { gate, reader }: Hands,
  target: RegistryTarget,
  content: Content,
): Promise<RecordView> {
  const method = target.action === 'create' ? 'create' : 'update';
  const granted = await gate.open(reader, target.registry, 'latest', method);
  if (target.action === 'create') {
    const written = Object.fromEntries(Object.entries(content).filter(([, value]) => value !== null));
    const [record] = await createRecords(trx, granted, reader, [written]);
    return record as RecordView;
  }
  const query = Object.fromEntries(target.match.map((name) => [name, content[name]]));
  for (const [name, value] of Object.entries(query))
    if (value === null || value === undefined)
      throw new Problem(422, `${name}, by which the record is found, has no value`);
  if (target.action === 'updateOrCreate')
    return (await updateOrCreate(trx, granted, reader, query, content)).record;
  const write = Object.fromEntries(Object.entries(content).filter(([name]) => !target.match.includes(name)));
  return updateRecord(trx, granted, reader, query, write, undefined);
}

/**
 * Writes what follows from a record into registries, and back into the record: all or nothing, in the transaction in
 * which the record is marked as done. Answers what was written.
 */
export async function writeTargets(
  trx: Trx,
  hands: Hands,
  definition: Definition,
  scope: Scope & { result: unknown },
  onWritten: (uuid: string) => void = () => undefined,
): Promise<Sent[]> {
  const sent: Sent[] = [];
  for (const target of definition.targets) {
    if (target.kind !== 'registry') continue;
    const content = await assigned(target.input, scope, false);
    const { content: made, ...record } = await writeTarget(trx, hands, target, content);
    sent.push({ target: target.registry, content });
    onWritten(record.uuid);
    // What follows can look at what came before.
    scope.result = { ...record, content: made };
  }
  return sent;
}

/** Writes the output part back into the record. Answers the version of the row then. */
export async function writeBack(
  trx: Trx,
  { reader }: Hands,
  granted: Granted,
  row: Row,
  definition: Definition,
  scope: Scope,
): Promise<number> {
  if (definition.output.length === 0) return row.row_version;
  const content = await assigned(definition.output, scope, false);
  return (await updateRow(trx, granted, reader, row, content)).rowVersion;
}

/** The request to an operation of another application. */
export async function requestOf(
  target: ServiceTarget,
  record: RecordView,
  scope: Scope,
): Promise<{ readonly path: string; readonly body: Content | undefined }> {
  const path = target.path
    .replaceAll('{uuid}', record.uuid)
    .replaceAll('{number}', encodeURIComponent(record.number));
  const body = target.input.length === 0 ? undefined : await assigned(target.input, scope, true);
  return { path, body };
}
