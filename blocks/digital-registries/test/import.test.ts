import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Agency, at, query, refusal, startAgency, stranger, write } from './fixtures/agency.ts';
import { begin, bring, finished, reportOf, settled } from './fixtures/imports.ts';

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.node.stop());

const schema = {
  type: 'object',
  properties: {
    'National ID': { type: 'string', id: 1, unique: true, personal: true, pattern: '^[A-Z]\\d+$' },
    'Full name': { type: 'string', id: 2, personal: true, maxLength: 40 },
    Village: {
      type: 'string',
      id: 3,
      default: 'Unknown',
      triggers: [{ actions: [{ type: 'upper-case' }] }],
    },
    Age: { type: 'integer', id: 4, minimum: 0 },
    Born: { type: 'string', format: 'date', id: 5 },
    Married: { type: 'boolean', id: 6 },
    Income: { type: 'number', id: 7 },
    Seen: { type: 'string', format: 'date-time', id: 8 },
    Address: { type: 'object', id: 9, properties: { street: { type: 'string' } } },
    Code: {
      type: 'string',
      id: 10,
      triggers: [
        {
          conditions: [{ logic: '==', value: '' }],
          actions: [{ type: 'set-value', value: '{code}-{indexNoByCode}' }],
        },
      ],
    },
  },
  required: ['National ID'],
};
const simple = {
  type: 'object',
  properties: { ID: { type: 'string', id: 1, unique: true }, Name: { type: 'string', id: 2 } },
  required: ['ID'],
};
const db = () => agency.node.database('digital-registries');
const search = async (code: string, body: object = {}) =>
  (await agency.data.searchRecords({ params: at(code), body, headers: {} })).body.results;
const contents = async (code: string, body: object = {}) =>
  (await search(code, body)).map(({ content }) => content);
const csvOf = (rows: readonly (readonly (string | number)[])[]): string =>
  `ID,Name\n${rows.map((row) => `${row.join(',')}\n`).join('')}`;
const many = (count: number, from = 0): string =>
  csvOf(Array.from({ length: count }, (_, index) => [`R${from + index}`, `Name ${from + index}`]));

/** Waits until every change is in the chain, and answers what its verification says. */
async function chain() {
  await vi.waitFor(async () => {
    const { rows } = await sql<{ left: string }>`
      select count(*) as left
      from change_log c
      where not exists (select from change_seal s where s.change_seq = c.seq)`.execute(db());
    expect(rows[0]?.left).toBe('0');
  }, 30_000);
  return (await agency.database.verifyChanges({})).body;
}

describe('an import', () => {
  it('[REG-6.1-24] makes of CSV the records that the Data API would, with the same history', async () => {
    const code = await agency.publish(schema);
    const csv =
      '\ufeffNational ID,Full name,Village,Age,Born,Married,Income,Seen,Address,Remark\r\n' +
      'P1,"Li, Ana",north,30,1990-02-28,true,12.50,2026-01-02T03:04:05Z,"{""street"":""Main""}",x\r\n' +
      '\r\n' +
      'P2,"He said ""hi""\nthere",,,,,,,,\r\n';
    expect(await bring(agency, code, csv)).toMatchObject({
      state: 'finished',
      failure: null,
      rows: { read: 2, valid: 2, faulty: 0, created: 2 },
      report: { faults: 0 },
    });
    const [one, two] = await search(code);
    const content = {
      'National ID': 'P1',
      'Full name': 'Li, Ana',
      Village: 'NORTH',
      Age: 30,
      Born: '1990-02-28',
      Married: true,
      Income: 12.5,
      Seen: '2026-01-02T03:04:05.000Z',
      Address: { street: 'Main' },
    };
    expect(one?.content).toEqual({ ...content, Code: `${code.toUpperCase()}-1` });
    expect(two?.content).toEqual({
      'National ID': 'P2',
      'Full name': 'He said "hi"\nthere',
      Code: `${code.toUpperCase()}-2`,
    });
    expect(one?.number).toBe(`${code.toUpperCase()}1`);
    const created = (
      await agency.data.createRecord({
        params: at(code),
        body: write({ ...content, 'National ID': 'P9', Village: 'north' }),
      })
    ).body;
    const { rows } = await sql<{ record: string; scheme: number; after: Record<string, unknown> }>`
      select l.record, l.scheme, k.after
      from change_log l
      join change_content k on k.seq = l.seq
      where l.record in (${one?.uuid}::uuid, ${created.uuid}::uuid)
      order by l.seq`.execute(db());
    const own = { '1': '', '10': '' };
    expect({ ...rows[0]?.after, ...own }).toEqual({ ...rows[1]?.after, ...own });
    expect(rows[0]?.scheme).toBe(rows[1]?.scheme);
    expect((await chain()).brokenAt).toBeNull();
  });

  it('[REG-6.1-24] reads a JSON list, a JSON object on each line, and semicolons in other encodings', async () => {
    const code = await agency.publish(simple);
    const list = JSON.stringify(
      [
        { ID: 'J1', Name: 'a "[{,}]" \\ b' },
        { ID: 'J2', Name: null },
      ],
      null,
      1,
    );
    expect((await bring(agency, code, list, { format: 'json' })).rows.created).toBe(2);
    expect(
      (await bring(agency, code, '{"ID":"J3"}\n\n{"ID":"J4","Name":"x"}', { format: 'ndjson' })).rows.created,
    ).toBe(2);
    const arabic = Buffer.concat([
      Buffer.from('ID;Name\nJ5;'),
      Buffer.from([0xe1, 0xed, 0xe1, 0xec]),
      Buffer.from('\n'),
    ]);
    const options = { encoding: 'windows-1256' } as const;
    expect((await bring(agency, code, arabic, { options })).rows.created).toBe(1);
    expect(await contents(code)).toEqual([
      { ID: 'J1', Name: 'a "[{,}]" \\ b' },
      { ID: 'J2' },
      { ID: 'J3' },
      { ID: 'J4', Name: 'x' },
      { ID: 'J5', Name: 'ليلى' },
    ]);
  });

  it('[REG-6.1-24] proposes a field for each column, takes another mapping, and shows the first rows', async () => {
    const code = await agency.publish(schema);
    const csv = 'national_id,Name (full),Age in years,village,Other\nP1,Ana,30,North,z\n';
    const { id, parts } = await begin(agency, { registry: code }, csv);
    const preview = (await agency.transfer.previewImport({ params: { importId: id } })).body;
    expect(preview.columns.map(({ column, field }) => [column, field])).toEqual([
      ['national_id', 'National ID'],
      ['Name (full)', 'Full name'],
      ['Age in years', null],
      ['village', 'Village'],
      ['Other', null],
    ]);
    expect(preview.rows).toEqual([['P1', 'Ana', '30', 'North', 'z']]);
    expect(preview.fields[0]).toEqual({ name: 'National ID', type: 'text', required: true });
    const mapping = [
      { column: 'national_id', field: 'National ID' },
      { column: 'Age in years', field: 'Age' },
      { column: 'Other', field: 'Full name' },
    ];
    await agency.transfer.putImportMapping({ params: { importId: id }, body: { mapping } });
    await finished(agency, { id, parts });
    expect(await contents(code)).toMatchObject([
      { 'National ID': 'P1', Age: 30, 'Full name': 'z', Village: 'UNKNOWN' },
    ]);
    const wrong = [{ column: 'national_id', field: 'No such field' }];
    const again = await begin(agency, { registry: code }, csv);
    const put = agency.transfer.putImportMapping({
      params: { importId: again.id },
      body: { mapping: wrong },
    });
    expect((await refusal(put)).status).toBe(400);
  });

  it('[REG-6.1-24] all or nothing writes nothing when a row is faulty, and names every fault without personal values', async () => {
    const code = await agency.publish(schema);
    await agency.data.createRecord({ params: at(code), body: write({ 'National ID': 'P1' }) });
    const csv =
      'National ID,Full name,Age,Born,Village\n' +
      'P2,Ana,30,1990-01-01,=1+1\n' +
      'secret,Bo,-1,1990-02-30,South\n' +
      'P1,Cy,3,,\n' +
      'P2,Di,4,,\n' +
      ',Ed,many,31/12/1990,\n';
    const refused = await bring(agency, code, csv);
    expect(refused).toMatchObject({ state: 'refused', rows: { read: 5, valid: 1, faulty: 4, created: 0 } });
    const report = await reportOf(agency, refused.id);
    expect(report.map((line) => line.split(',').slice(0, 2).join())).toEqual([
      '3,National ID',
      '3,Age',
      '3,Born',
      '4,National ID',
      '5,National ID',
      '6,Age',
      '6,Born',
      '6,National ID',
    ]);
    expect(report.join('\n')).not.toContain('secret');
    expect(report.join('\n')).toContain('many');
    expect(report[3]).toContain('is in the registry already');
    expect(report[4]).toContain('is in row 2 too');
    expect(report[7]).toContain('is required');
    expect(await search(code)).toHaveLength(1);
    await expect
      .poll(async () => (await sql`select from pg_tables where schemaname = 'stage'`.execute(db())).rows)
      .toEqual([]);
  });

  it('[REG-6.1-24] good rows are written and the others reported; a dry run writes nothing until it is told to', async () => {
    const code = await agency.publish(simple);
    const csv = csvOf([
      ['A', 'x'],
      ['A', 'y'],
      ['', 'z'],
      ['B', 'w'],
    ]);
    const dry = await bring(agency, code, csv, { mode: 'good-rows', dryRun: true });
    expect(dry).toMatchObject({
      state: 'checked',
      rows: { read: 4, valid: 2, created: 0 },
      report: { faults: 2 },
    });
    expect(await search(code)).toHaveLength(0);
    await agency.transfer.resumeImport({ params: { importId: dry.id }, headers: {} });
    expect(await settled(agency, dry.id)).toMatchObject({
      state: 'finished',
      rows: { read: 4, valid: 2, faulty: 2, created: 2 },
      report: { faults: 2 },
    });
    expect(await contents(code)).toEqual([
      { ID: 'A', Name: 'x' },
      { ID: 'B', Name: 'w' },
    ]);
  });

  it('[REG-6.1-24] finds records by key and changes those that differ', async () => {
    const code = await agency.publish({
      ...simple,
      properties: { ...simple.properties, Fixed: { type: 'string', id: 3, readOnly: true } },
    });
    await bring(agency, code, 'ID,Name,Fixed\nA,x,1\nB,y,2\nC,z,3\n');
    const csv = 'ID,Name,Fixed\nA,x,1\nB,changed,2\nC,z,other\nD,new,4\n,w,5\n';
    const done = await bring(agency, code, csv, { mode: 'good-rows', upsertBy: ['ID'] });
    expect(done).toMatchObject({
      state: 'finished',
      rows: { read: 5, faulty: 2, created: 1, changed: 1, unchanged: 1 },
    });
    expect((await reportOf(agency, done.id)).map((line) => line.split(',').slice(0, 3).join())).toEqual([
      '4,Fixed,cannot be changed',
      '6,ID,is needed to find the record',
    ]);
    const found = await search(code);
    expect(found.map(({ content, rowVersion }) => [content.ID, content.Name, rowVersion])).toEqual([
      ['A', 'x', 1],
      ['B', 'changed', 2],
      ['C', 'z', 1],
      ['D', 'new', 1],
    ]);
  });

  it('[REG-6.1-24] refuses links that lead nowhere', async () => {
    const villages = await agency.publish(simple);
    await bring(agency, villages, many(3));
    const code = await agency.publish({
      type: 'object',
      properties: {
        ID: { type: 'string', id: 1 },
        Village: {
          type: 'string',
          id: 2,
          foreignKeys: [{ databaseKey: villages, values: [{ fieldKey: 1 }] }],
        },
      },
    });
    const done = await bring(agency, code, 'ID,Village\na,R0\nb,R9\nc,\n', { mode: 'good-rows' });
    expect(done.rows).toMatchObject({ created: 2, faulty: 1 });
    expect((await reportOf(agency, done.id))[0]).toMatch(
      /^3,Village,leads to a record of .* that is not there/,
    );
  });

  it('[REG-6.1-24] is undone: what it created goes, what it changed comes back, unless somebody changed it since', async () => {
    const code = await agency.publish(simple);
    await bring(
      agency,
      code,
      csvOf([
        ['A', 'old'],
        ['B', 'old'],
      ]),
    );
    const done = await bring(
      agency,
      code,
      csvOf([
        ['A', 'new'],
        ['B', 'new'],
        ['C', 'c'],
        ['D', 'd'],
      ]),
      {
        upsertBy: ['ID'],
      },
    );
    await agency.data.updateRecord({
      params: at(code),
      headers: {},
      body: { ...query({ ID: 'B' }), ...write({ Name: 'mine' }) },
    });
    await agency.data.updateRecord({
      params: at(code),
      headers: {},
      body: { ...query({ ID: 'D' }), ...write({ Name: 'mine' }) },
    });
    await agency.transfer.undoImport({ params: { importId: done.id }, headers: {} });
    expect(await settled(agency, done.id, ['undone'])).toMatchObject({ rows: { undone: 2, kept: 2 } });
    expect(await contents(code)).toEqual([
      { ID: 'A', Name: 'old' },
      { ID: 'B', Name: 'mine' },
      { ID: 'D', Name: 'mine' },
    ]);
    await agency.transfer.undoImport({ params: { importId: done.id }, headers: {} });
    expect((await settled(agency, done.id, ['undone'])).rows.undone).toBe(2);
    expect((await chain()).brokenAt).toBeNull();
  });

  it('[REG-6.1-24] is stopped and resumed; while it writes all or nothing, others write, and nobody sees half of it', async () => {
    const code = await agency.publish(simple);
    const { id, parts } = await begin(agency, { registry: code }, many(25_000), 100_000);
    expect(parts).toBeGreaterThan(3);
    const { rows: registries } = await sql<{
      id: string;
    }>`select id from registry where code = ${code}`.execute(db());
    /** Somebody has written what the last row says and may yet take it back: the import has to wait for that. */
    const withoutLastRow = async (work: () => Promise<void>): Promise<void> => {
      const takenBack = new Error('taken back');
      const attempt = db()
        .transaction()
        .execute(async (trx) => {
          await sql`
            insert into ${sql.id('reg', `r_${registries[0]?.id}`)} (uuid, no, schema_version, created_at, modified_at, f_1)
            values (gen_random_uuid(), 'held', '1.0', now(), now(), 'R24999')`.execute(trx);
          await work();
          throw takenBack;
        });
      await expect(attempt).rejects.toBe(takenBack);
    };
    await withoutLastRow(async () => {
      await agency.transfer.startImport({ params: { importId: id }, headers: {}, body: { parts } });
      await settled(agency, id, ['writing']);
      const cancelled = (await agency.transfer.cancelImport({ params: { importId: id } })).body;
      expect(cancelled).toMatchObject({ state: 'cancelled', rows: { created: 0 } });
    });
    await withoutLastRow(async () => {
      await agency.transfer.resumeImport({ params: { importId: id }, headers: {} });
      await vi.waitFor(async () => {
        const { rows } = (await agency.transfer.getImport({ params: { importId: id } })).body;
        expect(rows.created).toBe(20_000);
      }, 30_000);
      for (const ID of ['W1', 'W2', 'W3'])
        await agency.data.createRecord({ params: at(code), body: write({ ID }) });
      expect((await contents(code)).map((one) => one.ID)).toEqual(['W1', 'W2', 'W3']);
    });
    expect(await settled(agency, id, ['finished'])).toMatchObject({ rows: { created: 25_000 } });
    const { rows } = await sql<{ count: string }>`
      select count(*) as count
      from change_log
      where registry_id = ${registries[0]?.id}::bigint`.execute(db());
    expect(Number(rows[0]?.count)).toBe(25_003);
    expect((await chain()).brokenAt).toBeNull();
  });

  it('loses nothing when the registry is published anew meanwhile', async () => {
    const code = await agency.publish(simple);
    const { id, parts } = await begin(agency, { registry: code, mode: 'good-rows' }, many(25_000));
    await agency.transfer.startImport({ params: { importId: id }, headers: {}, body: { parts } });
    await settled(agency, id, ['writing', 'finished']);
    const next = {
      ...simple,
      properties: {
        ...simple.properties,
        ID: { type: 'string', id: 1, unique: true },
        Name: { type: 'array', id: 2 },
        More: { type: 'string', id: 3 },
      },
    };
    await agency.database.putDraft({ params: { code }, body: { schema: next } });
    await agency.database.publishDraft({ params: { code }, body: { acceptBreaking: true } });
    expect(await settled(agency, id)).toMatchObject({
      state: 'finished',
      rows: { created: 25_000, faulty: 0 },
    });
    const seen = await agency.data.readRecord({
      params: at(code, '1.0'),
      headers: {},
      body: query({ ID: 'R24999' }),
    });
    expect(seen.body.content).toEqual({ ID: 'R24999', Name: 'Name 24999' });
  });

  it('[REG-6.1-24] ends in a clear state when the database has no room, all or nothing having changed nothing, and is resumed', async () => {
    const code = await agency.publish(simple);
    const full = sql`
      create function no_room() returns trigger language plpgsql as $$
      begin
        if new.row_version = 1 and nextval('room') > 22000 then
          raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';
        end if;
        return new;
      end $$`;
    await sql`create sequence room`.execute(db());
    await full.execute(db());
    await sql`create trigger no_room before insert on change_log for each row execute function no_room()`.execute(
      db(),
    );
    const failed = await bring(agency, code, many(25_000)).finally(async () => {
      await sql`drop trigger no_room on change_log`.execute(db());
    });
    expect(failed).toMatchObject({
      state: 'failed',
      failure: 'The database has no room left',
      rows: { created: 0 },
    });
    expect(await search(code)).toHaveLength(0);
    await agency.transfer.resumeImport({ params: { importId: failed.id }, headers: {} });
    expect(await settled(agency, failed.id)).toMatchObject({ state: 'finished', rows: { created: 25_000 } });
  });
});

describe('what an import does not take', () => {
  it('refuses parts that are not whole, and starts only what is', async () => {
    const code = await agency.publish(simple);
    const { transfer } = agency;
    const { id } = (await transfer.createImport({ body: { registry: code, format: 'csv' } })).body;
    const put = (part: number, body: string, sha256?: string) =>
      transfer.putImportPart({
        params: { importId: id, part },
        headers: sha256 === undefined ? {} : { 'x-content-sha256': sha256 },
        body: Buffer.from(body),
      });
    const start = (parts: number) =>
      transfer.startImport({ params: { importId: id }, headers: {}, body: { parts } });
    expect((await refusal(put(1, 'ID\nA\n', '0'.repeat(64)))).status).toBe(400);
    expect((await refusal(start(1))).status).toBe(409);
    const right = createHash('sha256').update('ID\nA\n').digest('hex');
    expect((await put(1, 'ID\nA\n', right)).body).toEqual({ part: 1, bytes: 5, sha256: right });
    await put(1, 'ID\nA\n', right);
    await put(3, 'C\n');
    expect((await refusal(start(2))).status).toBe(409);
    await put(2, 'B\n');
    await start(3);
    expect((await settled(agency, id)).rows.created).toBe(3);
    expect((await start(3)).body.state).toBe('finished');
    expect((await refusal(put(4, 'D\n'))).status).toBe(409);
  });

  it('says why a file cannot be read', async () => {
    const code = await agency.publish(simple);
    const failures = [
      [Buffer.from('ID\n\xff\xfe', 'latin1'), {}, /not text in utf-8/],
      ['ID\n"A', {}, /has no end/],
      ['', {}, undefined],
      ['{"ID":"A"}', { format: 'json' }, /not a JSON list/],
      ['[{"ID":"A"}', { format: 'json' }, /not a JSON list/],
      ['PK no zip', { format: 'xlsx' }, /not a workbook/],
      ['Nothing,like it\n1,2\n', {}, /names no field/],
      ['ID,ID\n1,2\n', { mapping: [{ column: 'ID', field: 'ID' }] }, /two columns/],
      ['Name\n2\n', { mapping: [{ column: 'ID', field: 'ID' }] }, /no column ID/],
    ] as const;
    for (const [file, asked, reason] of failures) {
      if (reason === undefined) {
        const empty = await begin(agency, { registry: code }, file);
        expect((await refusal(finished(agency, { ...empty, parts: 1 }))).status).toBe(409);
        continue;
      }
      const { state, failure } = await bring(agency, code, file, asked as object);
      expect([state, failure]).toEqual(['failed', expect.stringMatching(reason)]);
    }
    const lines = await bring(agency, code, '{"ID":"A"}\n[1]\nno\n{"Odd":1}', {
      format: 'ndjson',
      mode: 'good-rows',
    });
    expect(lines.rows).toMatchObject({ created: 1, faulty: 3 });
  });

  it('shows an import to nobody else, and lets nobody write who may not', async () => {
    const code = await agency.publish(simple);
    const { id } = (await agency.transfer.createImport({ body: { registry: code, format: 'csv' } })).body;
    const other = agency.transferAs(stranger);
    const params = { importId: id };
    expect((await refusal(other.createImport({ body: { registry: code, format: 'csv' } }))).status).toBe(404);
    await agency.database.putAccess({
      params: { code },
      body: { application: stranger, methods: ['read', 'list'] },
    });
    expect((await refusal(other.createImport({ body: { registry: code, format: 'csv' } }))).status).toBe(403);
    for (const call of [
      () => other.getImport({ params }),
      () => other.cancelImport({ params }),
      () => other.readImportReport({ params: { ...params, part: 1 } }),
      () => other.undoImport({ params, headers: {} }),
    ])
      expect((await refusal(call())).status).toBe(404);
    expect((await other.listImports({ query: {} })).body.imports).toEqual([]);
    const mine = (await agency.transfer.listImports({ query: { registry: code } })).body.imports;
    expect(mine.map((one) => one.id)).toEqual([id]);
    const unknown = agency.transfer.createImport({
      body: { registry: code, format: 'csv', upsertBy: ['Nope'] },
    });
    expect((await refusal(unknown)).status).toBe(400);
  });

  it('[REG-6.1-24] keeps times in UTC and keys in one form, as the Data API does', async () => {
    const code = await agency.publish({
      type: 'object',
      properties: {
        ID: { type: 'string', id: 1, unique: true },
        At: { type: 'string', format: 'time', id: 2 },
      },
    });
    const composed = 'Jos\u00e9';
    const csv = `ID,At\n${composed},10:00:00.50+02:00\n${composed.normalize('NFD')},10:00:00\n`;
    const ended = await bring(agency, code, csv, { mode: 'good-rows' });
    expect(ended.rows).toMatchObject({ created: 1, faulty: 1 });
    expect(await contents(code)).toEqual([{ ID: composed, At: '08:00:00.5Z' }]);
  });
});
