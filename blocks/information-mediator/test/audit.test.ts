import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mediatorAdmin, mediatorLog } from '../src/api/operations.ts';
import {
  consumer,
  echoService,
  governance,
  type Instance,
  own,
  refusal,
  startInstance,
} from './fixtures/instance.ts';

let instance: Instance;
beforeAll(async () => {
  instance = await startInstance();
  for (const surface of [mediatorAdmin, mediatorLog])
    await instance.admin.putRight({
      params: { service: `${own}/${surface.name}`, subject: consumer },
      body: {},
    });
});
afterAll(() => instance.node.stop());

const adminAs = (as: string) =>
  instance.node.client(mediatorAdmin, { as, service: `${own}/${mediatorAdmin.name}` });
const acts = async (query: Record<string, string> = {}, as = governance, personToken?: string) =>
  (
    await instance.node
      .client(mediatorLog, { as, service: `${own}/${mediatorLog.name}` })
      .listAdministrativeActs({ query, ...(personToken === undefined ? {} : { personToken }) })
  ).body.items;
const person = (id: string, agency: string, roles = ['administrator']) =>
  instance.node.token({ id, roles, agency });

describe('the audit log', () => {
  it('[IM-6.6-e][IM-8.5-a] holds every act with who, when, what, about what and outcome', async () => {
    const before = Date.now();
    await instance.admin.putMember({ params: { member: 'T/COM/NEW' }, body: { name: 'New' } });
    const [act] = await acts({ operation: 'putMember' });
    expect(act).toMatchObject({
      application: governance,
      person: null,
      agency: 'T/GOV/DGA',
      surface: 'mediator-admin-v1',
      operation: 'putMember',
      subject: { member: 'T/COM/NEW' },
      outcome: 'done',
      refusal: null,
    });
    expect(Date.parse(act?.at ?? '')).toBeGreaterThanOrEqual(before - 1);
    const { body } = await instance.log.getExchange({ params: { exchangeId: act?.exchangeId ?? '' } });
    expect(body.service).toBe(`${own}/mediator-admin-v1`);
  });

  it('[IM-6.6-e] holds what a person did, and what was refused: for lack of authority, as invalid, as unknown', async () => {
    const personToken = await person('officer-7', 'T/GOV/MSP');
    const admin = adminAs(consumer);
    await refusal(
      admin.putApplication({
        params: { application: 'T/GOV/MOH/theirs' },
        body: { name: 'Theirs' },
        personToken,
      }),
    );
    await refusal(
      admin.putApplication({
        params: { application: consumer },
        body: { name: 5 as never },
        personToken,
      }),
    );
    await admin.putApplication({
      params: { application: consumer },
      body: { name: 'Ours' },
      personToken,
    });
    expect(
      (await acts({ person: 'officer-7' })).map(({ outcome, status, subject, agency }) => [
        outcome,
        status,
        subject.application,
        agency,
      ]),
    ).toEqual([
      ['done', expect.any(Number), consumer, 'T/GOV/MSP'],
      ['refused', 400, consumer, 'T/GOV/MSP'],
      ['refused', 403, 'T/GOV/MOH/theirs', 'T/GOV/MSP'],
    ]);
    expect((await acts({ person: 'officer-7', outcome: 'refused' }))[1]?.refusal).toBe(
      'This belongs to another agency',
    );
  });

  it('[IM-6.6-e] holds an act whose process was cut off, without an outcome', async () => {
    await instance.db
      .insertInto('audit')
      .values({
        at: new Date().toISOString(),
        exchange_id: '00000000-0000-7000-8000-000000000000',
        application: governance,
        person: null,
        agency: 'T/GOV/DGA',
        surface: 'mediator-admin-v1',
        operation: 'deleteRight',
        subject: JSON.stringify({}),
      })
      .execute();
    expect(await acts({ outcome: 'unknown' })).toMatchObject([{ operation: 'deleteRight', status: null }]);
  });

  it('[IM-6.6-e] what cannot be put on record is not done', async () => {
    await sql`alter table audit rename to audit_away`.execute(instance.db);
    try {
      const error = await refusal(
        instance.admin.putMember({ params: { member: 'T/COM/UNSEEN' }, body: { name: 'Unseen' } }),
      );
      expect(error.status).toBe(500);
    } finally {
      await sql`alter table audit_away rename to audit`.execute(instance.db);
    }
    const members = (await instance.admin.listMembers({ query: {} })).body.items;
    expect(members.map(({ id }) => id)).not.toContain('T/COM/UNSEEN');
  });

  it('[IM-6.6-e] cannot be changed', async () => {
    for (const change of ['update audit set operation = $$x$$', 'delete from audit_outcome'])
      await expect(sql.raw(change).execute(instance.db)).rejects.toThrow('append-only');
  });

  it('[IM-8.5-a] everybody sees the acts of their own: an agency, an application; paged', async () => {
    const auditor = await person('auditor', 'T/GOV/MSP', ['auditor']);
    const seen = await acts({}, consumer, auditor);
    expect(seen.length).toBeGreaterThan(0);
    expect(new Set(seen.map(({ agency }) => agency))).toEqual(new Set(['T/GOV/MSP']));
    const own_ = await acts({}, consumer);
    expect(new Set(own_.map(({ application }) => application))).toEqual(new Set([consumer]));
    const all = await acts({ pageSize: '200' });
    expect(all.length).toBeGreaterThan(seen.length);
    const first = (await instance.log.listAdministrativeActs({ query: { pageSize: 2 } })).body;
    const second = (
      await instance.log.listAdministrativeActs({
        query: { pageSize: 2, pageToken: first.nextPageToken ?? '' },
      })
    ).body;
    expect([...first.items, ...second.items].map(({ sequence }) => sequence)).toEqual(
      all.slice(0, 4).map(({ sequence }) => sequence),
    );
    expect(
      (await refusal(acts({ operation: 'putMember' }, consumer, await person('c', 'T/GOV/MSP', ['citizen']))))
        .status,
    ).toBe(403);
  });

  it('reading leaves no act', async () => {
    const before = (await acts()).length;
    await instance.admin.listRights({ query: { service: echoService } });
    expect(await acts()).toHaveLength(before);
  });
});
