import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { chainPages } from '../src/registries/chain.ts';
import { exportPages } from '../src/registries/exports.ts';
import { gridPages } from '../src/registries/grid.ts';
import { importPages } from '../src/registries/imports.ts';
import { type RecordList, wholeList } from '../src/registries/list-store.ts';
import { registryPages } from './support/registry-pages.ts';

const properties = { Well: { type: 'string', id: 1 }, Village: { type: 'string', id: 2 } };

test('a chain whose signatures cannot be read fails as a page, while it is still being verified', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  const verifying = Promise.withResolvers<unknown>();
  const visit = registryPages(chainPages, properties, {
    listCheckpoints: () => Promise.reject(new Error('no checkpoints')),
    verifyChain: () => verifying.promise,
  });
  const shown = visit('POST /registries/:registry/log/chain', { body: { _action: 'verify' } });
  const failed = shown.then(
    () => undefined,
    (error: Error) => error.message,
  );
  // Long enough for the process to notice a rejection that nobody handles.
  for (let turn = 0; turn < 5; turn += 1) await setImmediate();
  verifying.resolve({});
  expect(await failed).toBe('no checkpoints');
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

test('a form that is sent again with another file makes another import; one that fails ends only its own', async () => {
  const made = new Map<string, string>();
  const parts: string[] = [];
  const cancelled: string[] = [];
  const visit = registryPages(importPages, properties, {
    // As the operation does: what is sent again under one key is done once.
    createImport: ({ idempotencyKey = `none ${made.size}` }: { idempotencyKey?: string }) => {
      const id = made.get(idempotencyKey) ?? `import-${made.size + 1}`;
      made.set(idempotencyKey, id);
      return { id };
    },
    putImportPart: ({ params, body }: { params: { importId: string }; body: Buffer }) => {
      parts.push(`${params.importId}: ${body}`);
    },
    cancelImport: ({ params }: { params: { importId: string } }) => void cancelled.push(params.importId),
  });
  const send = (bytes: Readable) =>
    visit('POST /registries/:registry/imports', {
      body: { _key: '0190a2b4-7c3d-7e2f-8a1b-0123456789ab' },
      file: { name: 'wells.csv', bytes },
    });
  const first = await send(Readable.from([Buffer.from('one')]));
  expect(first.location).toBe('/registries/wells/imports/import-1');
  const second = await send(Readable.from([Buffer.from('two')]));
  expect(second.location).toBe('/registries/wells/imports/import-2');
  expect(parts).toEqual(['import-1: one', 'import-2: two']);
  const cut = Readable.from([Buffer.from('three')]);
  await send(Object.assign(cut, { truncated: true }));
  expect(cancelled).toEqual(['import-3']);
});

describe('a saved list with a filter by a field that is no more', () => {
  const list = '0190a2b4-7c3d-4e2f-8a1b-0123456789ab';
  const gone = { field: 7, operator: 'eq', value: 'North' };
  const there = { field: 2, operator: 'eq', value: 'Ure' };
  const kept = (...filters: RecordList['filters']) => ({ [list]: { ...wholeList, filters } });
  const told = [
    {
      text: 'The list can no longer be filtered so: Field 7 is North. The field is gone, or you may no longer see it.',
      href: expect.any(String),
    },
  ];

  async function exported(lists: Readonly<Record<string, RecordList>>, which: string) {
    const files: unknown[] = [];
    const exportRecords = ({ body }: { body: unknown }) => {
      files.push(body);
      return 'file';
    };
    const visit = registryPages(exportPages, properties, { exportRecords }, lists);
    const body = { _list: list, which, format: 'csv' };
    return { files, shown: await visit('POST /registries/:registry/exports', { body }) };
  }

  test('is not exported as if it had none', async () => {
    for (const lists of [kept(gone), kept(there, gone)]) {
      const { files, shown } = await exported(lists, 'list');
      expect(files).toEqual([]);
      expect(shown).toMatchObject({ status: 422, model: { errors: told } });
    }
    expect((await exported(kept(gone), 'all')).files).toEqual([{ registry: 'wells', format: 'csv' }]);
    expect((await exported(kept(there), 'list')).files).toMatchObject([
      { filter: [{ field: 'Village', operator: 'eq', value: 'Ure' }] },
    ]);
  });

  test('says in the grid that it is not filtered so', async () => {
    const open = (lists: Readonly<Record<string, RecordList>>) =>
      registryPages(
        gridPages,
        properties,
        { searchRecords: () => ({ results: [], count: 0 }) },
        lists,
      )('GET /registries/:registry/records', { query: { list } });
    expect((await open(kept(there, gone))).model?.errors).toEqual(told);
    expect((await open(kept(there))).model?.errors).toEqual([]);
  });
});
