import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { CallFailed, type Client } from '@govstack/platform';
import { startTestNode, type TestNode } from '@govstack/platform/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { consentApi } from '../src/api/operations.ts';
import { consent } from '../src/block.ts';

const ministry = 'TEST/GOV/MSP/cash-transfer';
let node: TestNode;
let api: Client<typeof consentApi.operations>;
let foreign: Client<typeof consentApi.operations>;

beforeAll(async () => {
  node = await startTestNode({ blocks: [{ block: consent }] });
  api = node.client(consentApi, { as: ministry });
  foreign = node.client(consentApi, { as: 'TEST/GOV/CRA/civil-registry' });
});
afterAll(() => node.stop());

const refusal = async (call: Promise<unknown>): Promise<CallFailed> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CallFailed);
  return error as CallFailed;
};

const policyText = {
  name: 'Social protection',
  version: '1',
  url: 'https://policy.test/1',
  jurisdiction: 'Lumora',
  dataRetentionPeriodDays: 3650,
};
const agreementText = (policyId?: string) => ({
  version: '1',
  purpose: 'Decide on the cash transfer',
  lawfulBasis: 'Consent',
  dpia: 'https://dpia.test/1',
  dataAttributes: [{ name: 'income', sensitivity: true, category: 'tax' }],
  ...(policyId ? { policyId } : {}),
});

async function agreement() {
  const { policy } = (await api.createPolicy({ body: { policy: policyText } })).body;
  const created = (await api.createDataAgreement({ body: { dataAgreement: agreementText(policy.id) } })).body;
  return {
    policyId: policy.id as string,
    id: created.dataAgreement.id as string,
    revision: created.revision,
  };
}

async function person() {
  const externalId = randomUUID();
  const token = await node.token({ id: externalId });
  const { individual } = (
    await api.createIndividual({
      body: { individual: { externalId, externalIdType: 'sub', identityProviderId: 'idp' } },
      personToken: token,
    })
  ).body;
  return { id: individual.id as string, externalId, token };
}

async function give(agreementId: string, who: Awaited<ReturnType<typeof person>>) {
  const query = { individualId: who.id, dataAgreementId: agreementId };
  const draft = (await api.draftConsentRecord({ query, personToken: who.token })).body;
  return api.createConsentRecord({
    body: {
      consentRecord: draft.consentRecord,
      signature: {
        ...draft.signature,
        verificationMethod: 'authenticated-session',
        verificationSignedBy: who.externalId,
      },
    },
    personToken: who.token,
  });
}

describe('configuration', () => {
  it('[CON-6.1-a][CON-8.1-d] an agreement is made under a policy and comes with its revision', async () => {
    const { id, revision } = await agreement();
    const read = (await api.readDataAgreement({ params: { dataAgreementId: id } })).body;
    expect(read.dataAgreement).toMatchObject({
      id,
      lawfulBasis: 'consent',
      active: true,
      policy: { name: 'Social protection' },
    });
    expect(read.revision.id).toBe(revision.id);
    expect(JSON.parse(read.revision.serializedSnapshot)).toMatchObject({
      objectData: { policy: { version: '1' } },
    });
  });

  it('[CON-6.1-b][CON-8.1-b] a change makes a new revision; the old one and the agreements on it stay as they were', async () => {
    const { id, policyId, revision } = await agreement();
    await api.updatePolicy({ params: { policyId }, body: { policy: { ...policyText, version: '2' } } });
    const read = (await api.readDataAgreement({ params: { dataAgreementId: id } })).body;
    expect(read.dataAgreement.policy?.version).toBe('1');
    const changed = (
      await api.updateDataAgreement({
        params: { dataAgreementId: id },
        body: { dataAgreement: { ...agreementText(policyId), version: '2' } },
      })
    ).body;
    expect(changed.revision.predecessorHash).toBe(revision.serializedHashSha256);
  });

  it('[CON-8.1-c] a policy in use cannot be deleted; one that is not can', async () => {
    const { id, policyId } = await agreement();
    expect((await refusal(api.deletePolicy({ params: { policyId } }))).status).toBe(400);
    expect((await api.readPolicy({ params: { policyId } })).status).toBe(200);
    await api.deleteDataAgreement({ params: { dataAgreementId: id } });
    expect((await api.deletePolicy({ params: { policyId } })).status).toBe(200);
    expect((await refusal(api.readPolicy({ params: { policyId } }))).status).toBe(400);
  });

  it('[CON-8.4-b] unknown and malformed input is a 400', async () => {
    for (const id of ['invalid_id', '123!@#', randomUUID()]) {
      expect((await refusal(api.readDataAgreement({ params: { dataAgreementId: id } }))).status).toBe(400);
    }
    expect(
      (
        await refusal(
          api.createDataAgreement({ body: { dataAgreement: { ...agreementText(), lawfulBasis: 'whim' } } }),
        )
      ).status,
    ).toBe(400);
    expect((await refusal(api.createPolicy({ body: {} as never }))).status).toBe(400);
    expect((await refusal(api.listPolicies({ query: { limit: -1 } }))).status).toBe(400);
  });

  it('another organisation neither reads nor changes it', async () => {
    const { id, policyId } = await agreement();
    expect((await refusal(foreign.readPolicy({ params: { policyId } }))).status).toBe(400);
    expect((await refusal(foreign.deleteDataAgreement({ params: { dataAgreementId: id } }))).status).toBe(
      400,
    );
  });
});

describe('consent', () => {
  it('[CON-8.2-d][CON-8.2-e][CON-9.3-b][CON-7.1-a] is drafted, signed and stored whole, and then holds', async () => {
    const { id } = await agreement();
    const who = await person();
    const { consentRecord, revision, signature } = (await give(id, who)).body;
    expect(consentRecord).toMatchObject({ state: 'signed', optIn: true, effective: true });
    expect(signature.payload).toBe(revision.serializedSnapshot);
    const seen = (
      await foreign.verifyConsentRecord({ params: { consentRecordId: consentRecord.id as string } })
    ).body;
    expect(seen.consentRecord.effective).toBe(true);
    await vi.waitFor(
      () =>
        expect(
          node.published.some(
            (event) => event.type === 'consent.given.v1' && event.subject === consentRecord.id,
          ),
        ).toBe(true),
      30_000,
    );
  });

  it('[CON-9.2-d][CON-8.2-k] given twice, also at the same moment, is one record', async () => {
    const { id } = await agreement();
    const who = await person();
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => give(id, who)));
    const ids = outcomes.flatMap((outcome) =>
      outcome.status === 'fulfilled' ? [outcome.value.body.consentRecord.id] : [],
    );
    expect(new Set([...ids, (await give(id, who)).body.consentRecord.id]).size).toBe(1);
  });

  it('[CON-6.2-c][CON-8.2-g] is withdrawn: no longer effective, signature void, announced', async () => {
    const { id } = await agreement();
    const who = await person();
    const { consentRecord } = (await give(id, who)).body;
    const consentRecordId = consentRecord.id as string;
    const withdrawn = (
      await api.updateConsentRecord({
        params: { consentRecordId },
        body: { consentRecord: { ...consentRecord, optIn: false } },
        personToken: who.token,
      })
    ).body;
    expect(withdrawn.consentRecord).toMatchObject({ optIn: false, state: 'unsigned', effective: false });
    expect(
      (await foreign.verifyConsentRecord({ params: { consentRecordId } })).body.consentRecord.effective,
    ).toBe(false);
    await vi.waitFor(
      () =>
        expect(
          node.published.some(
            (event) => event.type === 'consent.withdrawn.v1' && event.subject === consentRecordId,
          ),
        ).toBe(true),
      30_000,
    );
    const again = (await give(id, who)).body.consentRecord;
    expect(again).toMatchObject({ id: consentRecordId, effective: true });
  });

  it('[CON-9.3-a] with another payload, hash, method or signature is refused and nothing is stored', async () => {
    const { id } = await agreement();
    const who = await person();
    const draft = (
      await api.draftConsentRecord({
        query: { individualId: who.id, dataAgreementId: id },
        personToken: who.token,
      })
    ).body;
    const good = {
      ...draft.signature,
      verificationMethod: 'authenticated-session',
      verificationSignedBy: who.externalId,
    };
    const wrong = [
      { ...good, payload: draft.signature.payload.replace('"optIn":true', '"optIn":false') },
      { ...good, verificationPayloadHash: '00' },
      { ...good, verificationMethod: 'fingerprint' },
      { ...good, verificationMethod: 'ES256', verificationSignedBy: '{}', signature: 'AAAA' },
    ];
    for (const signature of wrong) {
      const body = { consentRecord: draft.consentRecord, signature };
      expect((await refusal(api.createConsentRecord({ body, personToken: who.token }))).status).toBe(400);
    }
    const none = await api.listConsentRecords({
      headers: { 'x-consentbb-individualid': who.id },
      query: {},
      personToken: who.token,
    });
    expect(none.body.consentRecords).toEqual([]);
  });

  it("can be signed with the person's own key", async () => {
    const { id } = await agreement();
    const who = await person();
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const draft = (
      await api.draftConsentRecord({
        query: { individualId: who.id, dataAgreementId: id },
        personToken: who.token,
      })
    ).body;
    const signature = {
      ...draft.signature,
      verificationMethod: 'ES256',
      verificationSignedBy: JSON.stringify(keys.publicKey.export({ format: 'jwk' })),
      signature: sign('sha256', Buffer.from(draft.signature.payload), {
        key: keys.privateKey,
        dsaEncoding: 'ieee-p1363',
      }).toString('base64url'),
    };
    const stored = await api.createConsentRecord({
      body: { consentRecord: draft.consentRecord, signature },
      personToken: who.token,
    });
    expect(stored.body.consentRecord.state).toBe('signed');
  });

  it('[CON-6.1-e] cannot be given to a terminated agreement; what was given stays', async () => {
    const { id } = await agreement();
    const who = await person();
    const { consentRecord } = (await give(id, who)).body;
    await api.deleteDataAgreement({ params: { dataAgreementId: id } });
    expect((await refusal(give(id, await person()))).status).toBe(400);
    const seen = await foreign.verifyConsentRecord({
      params: { consentRecordId: consentRecord.id as string },
    });
    expect(seen.body.consentRecord.effective).toBe(true);
  });

  it('[CON-9.2-e] on a revision that is no longer the current one is refused', async () => {
    const { id, revision } = await agreement();
    const who = await person();
    await api.updateDataAgreement({
      params: { dataAgreementId: id },
      body: { dataAgreement: { ...agreementText(), version: '2' } },
    });
    const query = { individualId: who.id, dataAgreementId: id, revisionId: revision.id };
    expect((await refusal(api.draftConsentRecord({ query, personToken: who.token }))).status).toBe(400);
  });

  it('a change of the agreement ends it unless the new version is declared compatible', async () => {
    const { id } = await agreement();
    const who = await person();
    const consentRecordId = (await give(id, who)).body.consentRecord.id as string;
    const change = (version: string, compatibleWithVersion?: string) =>
      api.updateDataAgreement({
        params: { dataAgreementId: id },
        body: {
          dataAgreement: {
            ...agreementText(),
            version,
            ...(compatibleWithVersion ? { compatibleWithVersion } : {}),
          },
        },
      });
    await change('2', '1');
    expect(
      (await foreign.verifyConsentRecord({ params: { consentRecordId } })).body.consentRecord.effective,
    ).toBe(true);
    await change('3');
    expect(
      (await foreign.verifyConsentRecord({ params: { consentRecordId } })).body.consentRecord.effective,
    ).toBe(false);
  });

  it('[CON-5.1.1] of one person is out of reach of another', async () => {
    const { id } = await agreement();
    const who = await person();
    const other = await person();
    const { consentRecord } = (await give(id, who)).body;
    const headers = { 'x-consentbb-individualid': who.id };
    expect(
      (await refusal(api.listConsentRecords({ headers, query: {}, personToken: other.token }))).status,
    ).toBe(403);
    const body = { consentRecord: { ...consentRecord, optIn: false } };
    const params = { consentRecordId: consentRecord.id as string };
    expect((await refusal(api.updateConsentRecord({ params, body, personToken: other.token }))).status).toBe(
      403,
    );
  });

  it('[CON-9.2-c] an individual exists once and can be found', async () => {
    const who = await person();
    const individual = { externalId: who.externalId, externalIdType: 'sub', identityProviderId: 'idp' };
    expect((await refusal(api.createIndividual({ body: { individual } }))).status).toBe(400);
    const found = await api.listIndividuals({
      query: { externalId: who.externalId },
      personToken: who.token,
    });
    expect(found.body.individuals.map((one) => one.id)).toEqual([who.id]);
  });
});

describe('proof', () => {
  it('[CON-4.3-d][CON-6.1-f][CON-8.3-a] an auditor sees every revision and that nothing was altered, or that it was', async () => {
    const { id } = await agreement();
    const who = await person();
    const { consentRecord } = (await give(id, who)).body;
    const params = { consentRecordId: consentRecord.id as string };
    await api.updateConsentRecord({
      params,
      body: { consentRecord: { ...consentRecord, optIn: false } },
      personToken: who.token,
    });
    const personToken = await node.token({ id: 'auditor', roles: ['auditor'] });
    const report = (await api.auditConsentRecord({ params, personToken })).body;
    expect(report.revisions).toHaveLength(2);
    expect(report.intact).toBe(true);
    expect((await refusal(api.auditConsentRecord({ params, personToken: who.token }))).status).toBe(403);
    await sql`update revision set serialized_snapshot = replace(serialized_snapshot, '"optIn":false', '"optIn":true') where object_id = ${params.consentRecordId}`.execute(
      node.database('consent'),
    );
    expect((await api.auditConsentRecord({ params, personToken })).body.intact).toBe(false);
  });

  it('[CON-4.4-c][CON-5.1.2-a][CON-UC-AT-001] every change and every question is on record with who asked', async () => {
    const { id } = await agreement();
    const who = await person();
    const { consentRecord } = (await give(id, who)).body;
    await foreign.verifyConsentRecord({ params: { consentRecordId: consentRecord.id as string } });
    const { rows } = await sql<{ action: string; application: string; person: string | null }>`
      select action, application, person from audit_entry where object_id = ${consentRecord.id} order by at, id`.execute(
      node.database('consent'),
    );
    expect(rows).toEqual([
      { action: 'consent.give', application: ministry, person: who.externalId },
      { action: 'consent.verify', application: 'TEST/GOV/CRA/civil-registry', person: null },
    ]);
  });
});
