import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toXml } from '../src/rails/file/xml-writer.ts';
import type { Db } from '../src/tables.ts';
import { all, at, textAt } from '../src/xml/read.ts';
import {
  fileApplication,
  fileService,
  filesOf,
  ordersIn,
  pain002,
  readXml,
  sha256,
} from './fixtures/file-bank.ts';
import {
  apiOf,
  approve,
  bankService,
  brokenBooks,
  handOver,
  instructionsOf,
  over,
  payees,
  reaches,
  refusal,
  source,
  startTreasury,
  type Treasury,
  treasury,
} from './fixtures/treasury.ts';

let t: Treasury;
let railFolder: string;
const railId = 'by-file';
const settings = { initiatingParty: 'Treasury & Co <1>', debtorAgent: 'TREAUS33' };
beforeAll(async () => {
  railFolder = await mkdtemp(join(tmpdir(), 'rail-'));
  t = await startTreasury({ escalateAfterSeconds: 0.3, railFolder });
  // The bank goes on to authorise runs; what is paid goes by file.
  await t.admin.putRail({
    params: { railId: 'bank' },
    body: { adapter: 'bank', service: bankService, name: 'Bank', modalities: ['04'], currencies: ['USD'] },
  });
  await t.admin.putRail({
    params: { railId },
    body: {
      adapter: 'file',
      service: fileService,
      name: 'Bank by file',
      modalities: ['00'],
      currencies: ['USD'],
      isDefault: true,
      batchSize: 3,
      settings,
    },
  });
});
afterAll(async () => {
  await t.stop();
  await rm(railFolder, { recursive: true, force: true });
});

const bankPayees = async (count: number): Promise<string[]> =>
  (await payees(t.node, count * 2)).filter((_, index) => index % 2 === 0);
const waiting = async () =>
  (await filesOf(t.node).listRailFiles({ params: { railId }, query: { waiting: true } })).body.items;
const fetch = async (fileId: string) =>
  (await filesOf(t.node).fetchRailFile({ params: { railId, fileId } })).body;
const load = (xml: string | Uint8Array) =>
  filesOf(t.node).loadRailReport({
    params: { railId },
    body: typeof xml === 'string' ? Buffer.from(xml) : xml,
  });
/** A run of which the files wait for the bank, and the files. */
async function ordered(count: number, amount: string) {
  const batchId = await handOver(t.node, await bankPayees(count), { amount });
  await approve(t.node, batchId);
  await expect
    .poll(async () => (await instructionsOf(t.node, batchId)).every((row) => row.state === 'submitted'), {
      timeout: 30_000,
    })
    .toBe(true);
  const rows = await instructionsOf(t.node, batchId);
  const files = await Promise.all(
    (await waiting()).map(async ({ fileId }) => ({ fileId, ...ordersIn(await fetch(fileId)) })),
  );
  const own = new Set(rows.map((row) => row.instructionId));
  return { batchId, rows, files: files.filter((file) => file.orders.some((one) => own.has(one.reference))) };
}
const statesOf = async (batchId: string) =>
  (await instructionsOf(t.node, batchId)).map((row) => row.state).sort();

describe('a payment order (pain.001)', () => {
  it('[PAY-5.4-a][PAY-6.5-b][PAY-9.1.3-b][PAY-6.1-i] carries a sub-batch with sums, unique ids and our references, and never changes', async () => {
    const batchId = await handOver(t.node, await bankPayees(5), { amount: '20.15' });
    await approve(t.node, batchId);
    await expect.poll(async () => (await waiting()).length).toBe(2);
    const files = await waiting();
    expect(files.map((file) => file.transfers).sort()).toEqual([2, 3]);
    const references: string[] = [];
    for (const { fileId, contentHash, controlSum, messageId } of files) {
      const xml = await fetch(fileId);
      expect(await fetch(fileId)).toBe(xml);
      expect(sha256(xml)).toBe(contentHash);
      const root = readXml(xml);
      expect(root.namespace).toBe('urn:iso:std:iso:20022:tech:xsd:pain.001.001.09');
      const initiation = at(root, 'CstmrCdtTrfInitn');
      const block = at(initiation, 'PmtInf');
      expect(all(initiation, 'PmtInf')).toHaveLength(1);
      const { orders } = ordersIn(xml);
      const sum = (orders.length * 20.15).toFixed(2);
      expect([textAt(initiation, 'GrpHdr', 'CtrlSum'), textAt(block, 'CtrlSum'), controlSum]).toEqual([
        sum,
        sum,
        sum,
      ]);
      expect([textAt(initiation, 'GrpHdr', 'NbOfTxs'), textAt(block, 'NbOfTxs')]).toEqual(
        Array.from({ length: 2 }, () => String(orders.length)),
      );
      expect(textAt(initiation, 'GrpHdr', 'MsgId')).toBe(messageId);
      for (const id of [messageId, textAt(block, 'PmtInfId'), ...orders.map((one) => one.endToEndId)])
        expect(id?.length).toBeLessThanOrEqual(35);
      expect(textAt(block, 'Dbtr', 'Nm')).toBe(settings.initiatingParty);
      expect(textAt(block, 'DbtrAgt', 'FinInstnId', 'BICFI')).toBe('TREAUS33');
      expect(orders.every((one) => one.institution === 'TESTUS33' && one.amount === '20.15')).toBe(true);
      references.push(...orders.map((one) => one.reference));
      // The order of elements is that of the schema.
      expect(block?.children.map((one) => one.name).slice(0, 9)).toEqual(
        'PmtInfId PmtMtd NbOfTxs CtrlSum ReqdExctnDt Dbtr DbtrAcct DbtrAgt ChrgBr'.split(' '),
      );
    }
    expect(references.sort()).toEqual(
      (await instructionsOf(t.node, batchId)).map((row) => row.instructionId).sort(),
    );
    expect(await waiting()).toEqual([]);
    const { items } = (
      await filesOf(t.node).listRailFiles({ params: { railId }, query: { direction: 'out' } })
    ).body;
    expect(items.every((one) => one.fetchedBy === fileApplication)).toBe(true);
    for (const { fileId } of files) {
      const { messageId, orders } = ordersIn(await fetch(fileId));
      await load(
        pain002(
          messageId,
          orders.map(({ endToEndId }) => ({ endToEndId, status: 'ACSC' })),
        ),
      );
    }
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
  });

  it('writes any text so that it is read as it was', () => {
    const text = 'A & B <c> "d" \u00e9 \u{1F600} ]]>';
    const xml = toXml(['x', [['y', `${text}\u0000\u0007`, { z: text }], undefined]]);
    const [child] = all(readXml(xml), 'y');
    expect(child?.text.trim()).toBe(text);
  });
});

describe('a status report (pain.002)', () => {
  it('[PAY-5.4-a][PAY-5.3.4-h][PAY-6.5-c] tells each payment: settled, refused with a reason, on its way', async () => {
    const { batchId, files } = await ordered(3, '20.25');
    const [file] = files;
    const [paid, refused, way] = (file?.orders ?? []).map((one) => one.endToEndId);
    const first = await load(
      pain002(file?.messageId as string, [
        { endToEndId: paid as string, status: 'ACCC', railReference: 'BK-77' },
        { endToEndId: refused as string, status: 'RJCT', reason: 'AC04' },
        { endToEndId: way as string, status: 'ACSP' },
      ]),
    );
    expect(first.body).toMatchObject({ repeated: false, completed: 1, failed: 1, pending: 1 });
    expect(await statesOf(batchId)).toEqual(['completed', 'failed', 'submitted']);
    await load(pain002(file?.messageId as string, [{ endToEndId: way as string, status: 'PDNG' }]));
    expect(await statesOf(batchId)).toEqual(['completed', 'failed', 'submitted']);
    await load(
      pain002(file?.messageId as string, [{ endToEndId: way as string, status: 'ACSC' }], { prefix: 'ns1' }),
    );
    const run = await reaches(t.node, batchId, ...over);
    expect(run.state).toBe('partially-completed');
    const rows = await instructionsOf(t.node, batchId);
    expect(rows.find((row) => row.state === 'failed')).toMatchObject({
      reasonCode: 'AC04',
      isoStatus: 'RJCT',
    });
    expect(rows.find((row) => row.railReference === 'BK-77')).toMatchObject({
      state: 'completed',
      isoStatus: 'ACCC',
    });
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.5-c] may speak of the whole group, or of the payment block; what it says of one payment counts before', async () => {
    const rejected = await ordered(2, '20.35');
    await load(pain002(rejected.files[0]?.messageId as string, [], { group: 'RJCT' }));
    await reaches(t.node, rejected.batchId, 'failed');
    expect((await instructionsOf(t.node, rejected.batchId)).map((row) => row.reasonCode)).toEqual([
      'AG01',
      'AG01',
    ]);
    const settled = await ordered(3, '20.45');
    const [file] = settled.files;
    const [odd] = file?.orders ?? [];
    await load(
      pain002(
        file?.messageId as string,
        [{ endToEndId: odd?.endToEndId as string, status: 'RJCT', reason: 'AC06' }],
        {
          group: 'PART',
          block: 'ACSC',
        },
      ),
    );
    await reaches(t.node, settled.batchId, 'partially-completed');
    expect(await statesOf(settled.batchId)).toEqual(['completed', 'completed', 'failed']);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.3.1-k] that rejects as a repeat what the bank may have taken fails nothing: a person decides', async () => {
    const { batchId, files } = await ordered(2, '20.50');
    const [file] = files;
    const id = file?.messageId as string;
    await load(pain002(id, [], { group: 'RJCT', groupReason: 'AM05' }));
    expect(await statesOf(batchId)).toEqual(['unknown', 'unknown']);
    const { items } = (await t.admin.listUnknowns({ query: { railId } })).body;
    expect(items.filter((one) => one.batchId === batchId)).toMatchObject([
      { reasonCode: 'AM05' },
      { reasonCode: 'AM05' },
    ]);
    const [taken, not] = (file?.orders ?? []).map((one) => one.endToEndId);
    await load(pain002(id, [{ endToEndId: taken as string, status: 'RJCT', reason: 'DU04' }]));
    await load(
      pain002(id, [
        { endToEndId: taken as string, status: 'ACSC' },
        { endToEndId: not as string, status: 'RJCT', reason: 'AC04' },
      ]),
    );
    await reaches(t.node, batchId, ...over);
    expect(await statesOf(batchId)).toEqual(['completed', 'failed']);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.3.1-k] is loaded once; one that contradicts what is final changes nothing and is a case', async () => {
    const { batchId, files } = await ordered(1, '20.55');
    const [file] = files;
    const said = (status: string) => (file?.orders ?? []).map(({ endToEndId }) => ({ endToEndId, status }));
    const xml = pain002(file?.messageId as string, said('ACSC'), { messageId: 'R1' });
    const answers = await Promise.all([load(xml), load(xml), load(xml)]);
    expect(answers.filter(({ body }) => !body.repeated)).toHaveLength(1);
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
    const other = pain002(file?.messageId as string, said('RJCT'), { messageId: 'R1' });
    expect((await refusal(load(other))).status).toBe(409);
    await load(pain002(file?.messageId as string, said('RJCT')));
    expect(await statesOf(batchId)).toEqual(['completed']);
    const { items } = (await t.admin.listCases({ query: { batchId } })).body;
    expect(items.map((one) => one.kind)).toEqual(['contradiction']);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.14-c] that is hostile, broken, strange or about another rail’s file is refused as a whole', async () => {
    const { batchId, files } = await ordered(1, '20.65');
    const [file] = files;
    const good = (file?.orders ?? []).map(({ endToEndId }) => ({ endToEndId, status: 'ACSC' }));
    const report = pain002(file?.messageId as string, good);
    const withType = (type: string) => report.replace('?>', `?>${type}`);
    const hostile: (string | Uint8Array)[] = [
      withType('<!DOCTYPE Document [<!ENTITY a "x">]>'),
      withType('<!DOCTYPE Document SYSTEM "http://127.0.0.1/x.dtd">'),
      report.replace('ACSC', '&a;'),
      report.replace('ACSC', '&#x0;'),
      report.slice(0, -12),
      `${report}<Document/>`,
      Buffer.from(report.replace('UTF-8', 'UTF-16'), 'utf16le'),
      report.replace('UTF-8', 'UTF-7'),
      Buffer.concat([Buffer.from(report), Buffer.from([0xff, 0xfe])]),
      '',
      'not XML',
      '<a>'.repeat(100),
      report.replace('pain.002.001.10', 'pain.001.001.09'),
      report.replace('ACSC', 'FINE'),
      report.replace(/<OrgnlMsgId>.*<.OrgnlMsgId>/, ''),
      pain002(randomUUID().replaceAll('-', ''), good),
    ];
    for (const xml of hostile) expect([400, 415]).toContain((await refusal(load(xml))).status);
    expect(await statesOf(batchId)).toEqual(['submitted']);
    const { items } = (
      await filesOf(t.node).listRailFiles({ params: { railId }, query: { direction: 'in' } })
    ).body;
    const before = items.length;
    await load(report);
    await reaches(t.node, batchId, 'completed');
    const after = (await filesOf(t.node).listRailFiles({ params: { railId }, query: { direction: 'in' } }))
      .body;
    expect(after.items).toHaveLength(before + 1);
  });
});

describe('silence', () => {
  it('[PAY-5.3.1-k][PAY-6.1-c] of a rail that is reached by files is pending, never failed, never sent again, and no case for days', async () => {
    const { batchId, rows } = await ordered(2, '20.75');
    for (const { instructionId } of rows)
      expect((await t.admin.askRail({ params: { instructionId } })).body).toEqual({
        said: 'pending',
        state: 'submitted',
        isoStatus: 'ACSP',
      });
    const asked = async () => {
      const { items } = (await t.admin.listUnknowns({ query: { railId } })).body;
      const own = items.filter((one) => one.batchId === batchId);
      return own.length === 2 && own.every((one) => one.asked >= 2 && one.sends === 1);
    };
    await expect.poll(asked).toBe(true);
    expect((await t.admin.listCases({ query: { batchId } })).body.items).toEqual([]);
    expect(await statesOf(batchId)).toEqual(['submitted', 'submitted']);
  });
});

describe('files', () => {
  it('[PAY-6.14-c] are for the treasury, the institution and its officers; to all others the rail does not exist', async () => {
    const list = (as: string, personToken?: string) =>
      filesOf(t.node, as).listRailFiles({
        params: { railId },
        query: {},
        ...(personToken === undefined ? {} : { personToken }),
      });
    const person = (agency: string, ...roles: string[]) => t.node.token({ id: 'someone', roles, agency });
    expect((await list(fileApplication)).status).toBe(200);
    expect((await list(`${treasury}/portal`)).status).toBe(200);
    const portal = 'TEST/GOV/PORTAL/app';
    expect((await list(portal, await person('TEST/COM/FILEBANK', 'rail-officer'))).status).toBe(200);
    for (const [as, token] of [
      [source, undefined],
      [portal, undefined],
      [portal, await person('TEST/COM/FILEBANK', 'teller')],
      [portal, await person('TEST/COM/OTHERBANK', 'rail-officer')],
      [fileApplication, await person('TEST/COM/OTHERBANK', 'rail-officer')],
    ] as const)
      expect((await refusal(list(as, token))).status).toBe(404);
  });

  it('[PAY-6.9-f] carry only accounts that they can carry; others are left out before anybody approves', async () => {
    await t.admin.putRail({
      params: { railId: 'by-file-agents' },
      body: {
        adapter: 'file',
        service: fileService,
        name: 'Another bank by file',
        modalities: ['04'],
        currencies: ['USD'],
        isDefault: true,
        rank: 1,
        settings: { ...settings, creditorAgentRequired: true },
      },
    });
    await apiOf(t.node).registerBeneficiary({
      headers: {},
      body: {
        requestID: 'proxies',
        beneficiaries: [
          { payeeIdentity: 'PX-1', paymentModality: '04', financialAddress: 'some body@example' },
          { payeeIdentity: 'PX-2', paymentModality: '04', financialAddress: 'somebody@example' },
          {
            payeeIdentity: 'PX-3',
            paymentModality: '04',
            bankingInstitutionCode: 'TESTUS33',
            financialAddress: 'anybody@example',
          },
        ],
      },
    });
    const batchId = await handOver(t.node, ['PX-1', 'PX-2', 'PX-3'], { amount: '20.85' });
    await reaches(t.node, batchId, 'awaiting-approval');
    expect((await instructionsOf(t.node, batchId)).map((row) => [row.state, row.reasonCode])).toEqual([
      ['rejected', 'AC01'],
      ['rejected', 'RC01'],
      ['validated', undefined],
    ]);
  });
});

describe('a folder', () => {
  it('[PAY-6.16.1-b] gets an order from one node only: what another is putting there is left alone', async () => {
    const putRail = (delivery: 'fetch' | 'folder') =>
      t.admin.putRail({
        params: { railId: 'two-nodes' },
        body: {
          adapter: 'file',
          service: fileService,
          name: 'Bank of two nodes',
          modalities: ['00'],
          currencies: ['USD'],
          isDefault: true,
          rank: 2,
          batchSize: 1,
          settings: { ...settings, delivery },
        },
      });
    await putRail('fetch');
    const batchId = await handOver(t.node, await bankPayees(2), { amount: '20.90' });
    await approve(t.node, batchId);
    const db = t.node.database('payments') as unknown as Db;
    const written = async () => {
      const { rows } = await sql<{ id: string; message_id: string }>`
        select id, message_id from rail_file where rail_id = 'two-nodes' and direction = 'out' order by id`.execute(
        db,
      );
      return rows;
    };
    await expect.poll(async () => (await written()).length).toBe(2);
    const [first, second] = (await written()) as [{ id: string; message_id: string }, { message_id: string }];
    const out = () => readdir(join(railFolder, 'rail-two-nodes', 'out')).catch(() => []);
    await db.transaction().execute(async (other) => {
      await sql`select from rail_file where id = ${first.id} for update`.execute(other);
      await putRail('folder');
      await expect.poll(out).toContain(`${second.message_id}.xml`);
      expect(await out()).toEqual([`${second.message_id}.xml`]);
    });
    await expect.poll(out).toContain(`${first.message_id}.xml`);
  });

  it('[PAY-6.16.1-b][PAY-6.5-a] gives orders and takes reports; what cannot be taken is put aside and is a case', async () => {
    await t.admin.putRail({
      params: { railId: 'by-folder' },
      body: {
        adapter: 'file',
        service: fileService,
        name: 'Bank by folder',
        modalities: ['00'],
        currencies: ['USD'],
        isDefault: true,
        rank: 1,
        settings: { ...settings, delivery: 'folder' },
      },
    });
    const batchId = await handOver(t.node, await bankPayees(2), { amount: '20.95' });
    await approve(t.node, batchId);
    const folder = join(railFolder, 'rail-by-folder');
    const names = (name: string) => readdir(join(folder, name)).catch(() => []);
    await expect.poll(() => names('out')).toHaveLength(1);
    const [name = ''] = await names('out');
    const { messageId, orders } = ordersIn(await readFile(join(folder, 'out', name), 'utf8'));
    expect(name).toBe(`${messageId}.xml`);
    await writeFile(join(folder, 'in', 'bad.xml'), '<!DOCTYPE x><x/>');
    await writeFile(
      join(folder, 'in', 'good.xml'),
      pain002(
        messageId,
        orders.map(({ endToEndId }) => ({ endToEndId, status: 'ACSC' })),
      ),
    );
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
    await expect.poll(() => names('in'), { timeout: 5_000 }).toEqual([]);
    expect([await names('loaded'), await names('refused')]).toEqual([['good.xml'], ['bad.xml']]);
    const { items } = (await t.admin.listCases({ query: { state: 'open' } })).body;
    expect(items.filter((one) => one.rail === 'by-folder').map((one) => one.kind)).toEqual([
      'rail-file-refused',
    ]);
    expect(await brokenBooks(t.node)).toEqual([]);
  });
});
