import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { chainPages } from '../src/registries/chain.ts';
import { importPages } from '../src/registries/imports.ts';
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
