import { sql } from 'kysely';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mediatorMonitoring } from '../src/api/operations.ts';
import { eraseOldMonitoringData } from '../src/monitoring/retention.ts';
import { type MonitoringSettings, monitoringSettings } from '../src/monitoring/settings.ts';
import {
  consumer,
  echoService,
  engine,
  governance,
  grant,
  type Instance,
  own,
  provider,
  refusal,
  startInstance,
} from './fixtures/instance.ts';

const statistician = 'T/GOV/DGA/statistics';
const stranger = 'T/GOV/DGA/stranger';
let instance: Instance;

const monitoringAs = (application: string, on = instance) =>
  on.node.client(mediatorMonitoring, { as: application, service: `${own}/${mediatorMonitoring.name}` });

/** One exchange with known sizes: a body of `size` bytes each way. */
const exchange = async (
  { path = '/say/it', size = 20, headers = {}, service = echoService, client = consumer } = {},
  on = instance,
) => {
  const text = 'x'.repeat(size - '{"text":""}'.length);
  const answer = await on.node.mediator.exchange({
    client,
    service,
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ text }),
  });
  return { status: answer.status, id: answer.headers['x-road-request-id'] ?? '', size: answer.body.length };
};

const recordsAs = async (application: string, query: Record<string, unknown> = {}) =>
  (
    await monitoringAs(application).listOperationalRecords({
      query: { service: echoService, ...query },
    })
  ).body;

beforeAll(async () => {
  instance = await startInstance({
    settings: { monitoring: { withheldSeconds: 0, clients: [statistician] } },
  });
  await grant(instance);
  for (const application of [statistician, stranger])
    await instance.admin.putApplication({ params: { application }, body: { name: 'Other' } });
});
afterAll(() => instance.node.stop());

describe('an operational record', () => {
  it('[IM-6.7-a] says who asked whom for what, when, how much and how it ended, never what was said', async () => {
    const before = Date.now();
    const sent = await exchange({
      path: '/say/record?nin=123456',
      size: 100,
      headers: {
        'x-road-id': 'my-message',
        'x-road-userid': 'EE38001085718',
        'x-road-issue': 'case 7',
        'x-road-represented-party': 'COM/4711',
      },
    });
    const { records } = await recordsAs(governance);
    const [client, producer] = records.filter((one) => one.xRequestId === sent.id);
    expect(producer).toEqual({ ...client, securityServerType: 'Producer' });
    expect(client).toMatchObject({
      securityServerType: 'Client',
      clientXRoadInstance: 'T',
      clientMemberClass: 'GOV',
      clientMemberCode: 'MSP',
      clientSubsystemCode: 'service',
      serviceXRoadInstance: 'T',
      serviceMemberClass: 'GOV',
      serviceMemberCode: 'MOH',
      serviceSubsystemCode: 'echo',
      serviceCode: 'echo-v1',
      serviceType: 'REST',
      restMethod: 'POST',
      restPath: '/say/record',
      representedPartyClass: 'COM',
      representedPartyCode: '4711',
      messageId: 'my-message',
      messageIssue: 'case 7',
      requestSize: 100,
      responseSize: sent.size,
      succeeded: true,
      statusCode: 200,
    });
    expect(client).not.toHaveProperty('faultCode');
    const times = [client?.requestInTs, client?.requestOutTs, client?.responseInTs, client?.responseOutTs];
    expect(times).toEqual(times.toSorted());
    expect(client?.requestInTs).toBeGreaterThanOrEqual(before);
    expect(client?.monitoringDataTs).toBeGreaterThanOrEqual(Math.floor(before / 1000));
    const { rows } = await sql`select to_jsonb(r)::text as text from operational_record r`.execute(
      instance.db,
    );
    expect(JSON.stringify(rows)).not.toMatch(/123456|EE38001085718|xxxx/);
  });

  it('[IM-6.7-a] knows a user again without naming them', async () => {
    const ids = await Promise.all(
      ['EE1', 'EE2', 'EE1'].map((user) => exchange({ headers: { 'x-road-userid': user } })),
    );
    const { records } = await recordsAs(governance, { fields: ['xRequestId', 'messageUserId'] });
    const [one, other, again] = ids.map(
      ({ id }) => records.find(({ xRequestId }) => xRequestId === id)?.messageUserId,
    );
    expect(one).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(again).toBe(one);
    expect(other).not.toBe(one);
  });

  it('[IM-6.7-a] is left by what was refused too, with the reason', async () => {
    const refused = await exchange({ client: stranger });
    const { records } = await recordsAs(governance);
    expect(records.find((one) => one.xRequestId === refused.id)).toMatchObject({
      clientSubsystemCode: 'stranger',
      succeeded: false,
      statusCode: 403,
      faultCode: 'Server.ServerProxy.AccessDenied',
      faultString: expect.stringContaining('no right'),
    });
    expect(records.find((one) => one.xRequestId === refused.id)).not.toHaveProperty('requestOutTs');
  });
});

describe('who may read operational records', () => {
  const clientsIn = (records: readonly { clientSubsystemCode?: string }[]): string[] =>
    [...new Set(records.map((one) => one.clientSubsystemCode ?? ''))].toSorted();

  it('[IM-6.7-d] owner, governance and the central monitoring client see all records', async () => {
    await exchange({ client: stranger });
    await exchange();
    for (const application of [own, governance, statistician])
      expect(clientsIn((await recordsAs(application)).records)).toEqual(['service', 'stranger']);
  });

  it('[IM-6.7-c] [IM-6.7-d] an ordinary client sees what it took part in, as client, provider or sender', async () => {
    await instance.say('for another', consumer, engine);
    expect(clientsIn((await recordsAs(stranger)).records)).toEqual(['stranger']);
    expect(clientsIn((await recordsAs(consumer)).records)).toEqual(['service']);
    expect(clientsIn((await recordsAs(provider)).records)).toEqual(['service', 'stranger']);
    const sent = (await recordsAs(engine)).records;
    expect([...new Set(sent.map(({ operator }) => operator))]).toEqual([engine]);
  });

  it('[IM-6.7-d] an administrator sees their agency’s, a person without role nothing', async () => {
    const as = async (agency: string, roles: string[]) =>
      monitoringAs(stranger).listOperationalRecords({
        query: { service: echoService },
        personToken: await instance.node.token({ id: 'p', roles, agency }),
      });
    expect(clientsIn((await as('T/GOV/MSP', ['administrator'])).body.records)).toEqual(['service']);
    expect(clientsIn((await as('T/GOV/MOH', ['auditor'])).body.records)).toEqual(['service', 'stranger']);
    expect((await refusal(as('T/GOV/MOH', ['clerk']))).status).toBe(403);
  });

  it('an application that is not registered sees nothing', async () => {
    const failed = await refusal(monitoringAs('T/GOV/MSP/nobody').listOperationalRecords({ query: {} }));
    expect(failed.mediatorError).toBe('Server.ClientProxy.UnknownMember');
  });
});

describe('collecting operational records', () => {
  it('[IM-6.7-a] page by page gives each once, whatever the size of a page', async () => {
    const sent = await Promise.all(Array.from({ length: 25 }, () => exchange()));
    const all = (await recordsAs(governance)).records;
    for (const limit of [2, 3, 7]) {
      const seen: string[] = [];
      for (let next: Record<string, unknown> | undefined = {}; next; ) {
        const { records, recordsCount, nextRecordsFrom, nextRecordsAfter } = await recordsAs(governance, {
          ...next,
          recordsTo: all.at(-1)?.monitoringDataTs,
          limit,
        });
        expect(recordsCount).toBe(records.length);
        expect(records.length).toBeLessThanOrEqual(limit);
        for (const one of records) seen.push(`${one.xRequestId} ${one.securityServerType}`);
        next =
          nextRecordsFrom === undefined
            ? undefined
            : {
                recordsFrom: nextRecordsFrom,
                ...(nextRecordsAfter ? { recordsAfter: nextRecordsAfter } : {}),
              };
      }
      expect(seen).toEqual(all.map((one) => `${one.xRequestId} ${one.securityServerType}`));
      for (const { id } of sent) expect(seen).toContain(`${id} Producer`);
    }
  });

  it('withholds the newest seconds and says when they can be had', async () => {
    const other = await startInstance({ settings: { monitoring: { withheldSeconds: 60 } } });
    await grant(other);
    await exchange({}, other);
    const before = Math.floor(Date.now() / 1000);
    const { body } = await monitoringAs(governance, other).listOperationalRecords({ query: {} });
    expect(body.records).toEqual([]);
    expect(body.nextRecordsFrom).toBeGreaterThanOrEqual(before - 60);
    expect(body.nextRecordsFrom).toBeLessThanOrEqual(Math.floor(Date.now() / 1000) - 59);
    await other.node.stop();
  });

  it('gives the fields asked for, also as CSV', async () => {
    const fields = ['xRequestId', 'securityServerType', 'statusCode'];
    const { id } = await exchange();
    const { records } = await recordsAs(governance, { fields });
    expect(Object.keys(records[0] ?? {}).toSorted()).toEqual(fields.toSorted());
    const { body, headers } = await monitoringAs(governance).listOperationalRecordsCsv({
      query: {
        service: echoService,
        fields: fields as never,
      },
    });
    expect(headers['content-type']).toBe('text/csv; charset=utf-8');
    const lines = body.split('\r\n');
    expect(lines[0]).toBe('xRequestId,securityServerType,statusCode');
    expect(lines).toContain(`${id},Client,200`);
    expect(lines).toContain(`${id},Producer,200`);
    for (const query of [{ fields: ['payload'] }, { recordsFrom: 2, recordsTo: 1 }, { limit: 10_001 }])
      expect((await refusal(recordsAs(governance, query))).status).toBe(400);
  });
});

describe('while records cannot be written', () => {
  it('exchanges go on; as many wait as the setting says, the oldest are lost and counted', async () => {
    const other = await startInstance({
      settings: { monitoring: { withheldSeconds: 0, bufferRecords: 4 } },
    });
    await grant(other);
    const metric = async (name: string): Promise<number> => {
      const text = (await other.node.server('information-mediator').inject('/metrics')).body;
      return Number(new RegExp(`^govstack_operational_records_${name} (\\d+)$`, 'm').exec(text)?.[1]);
    };
    await sql`alter table operational_record rename to mislaid`.execute(other.db);
    const [waiting, lost] = [await metric('waiting'), await metric('lost_total')];
    const ids: string[] = [];
    for (let count = 0; count < 6; count += 1) ids.push((await exchange({}, other)).id);
    expect([await metric('waiting'), await metric('lost_total')]).toEqual([4, lost + waiting + 2]);
    await sql`alter table mislaid rename to operational_record`.execute(other.db);
    const { records } = (
      await monitoringAs(governance, other).listOperationalRecords({
        query: { service: echoService, fields: ['xRequestId'] },
      })
    ).body;
    // Each as Client and as Producer.
    expect(records.map(({ xRequestId }) => xRequestId)).toEqual(ids.slice(2).flatMap((id) => [id, id]));
    await other.node.stop();
  });
});

it('[IM-6.7-a] records go when their days are over, sums of their hours stay longer', async () => {
  const settings = Value.Default(monitoringSettings, {}) as MonitoringSettings;
  const { id } = await exchange();
  await recordsAs(governance);
  const later = (days: number) => new Date(Date.now() + days * 86_400_000);
  const left = async () => {
    const records = await sql<{ id: string }>`
      select exchange_id as id from operational_record where exchange_id = ${id}`.execute(instance.db);
    const sums = await sql`select from exchange_statistics where service = ${echoService}`.execute(
      instance.db,
    );
    return [records.rows.length, sums.rows.length > 0];
  };
  await eraseOldMonitoringData(instance.db, settings, later(7));
  expect(await left()).toEqual([1, true]);
  await eraseOldMonitoringData(instance.db, settings, later(9));
  expect(await left()).toEqual([0, true]);
  await eraseOldMonitoringData(instance.db, settings, later(402));
  expect(await left()).toEqual([0, false]);
});
