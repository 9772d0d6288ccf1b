import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Agency, at, refusal, startAgency, write } from './fixtures/agency.ts';
import { agencyId, dciClient, isSignedBy, senderId } from './fixtures/dci-client.ts';

const schema = {
  type: 'object',
  required: ['Number'],
  properties: {
    Number: { type: 'string', id: 1, unique: true, owner: true, personal: true },
    Surname: { type: 'string', id: 2, personal: true, filterable: true },
    Sex: { type: 'string', id: 3, enum: ['female', 'male'], personal: true },
    Born: { type: 'string', format: 'date', id: 4, personal: true, filterable: true },
    Score: { type: 'number', id: 5, filterable: true },
    District: { type: 'string', id: 6, filterable: true },
    House: { type: 'object', id: 7, properties: { rooms: { type: 'integer' } } },
    Status: { type: 'string', id: 8 },
  },
};
const mapping = (registry: string) => ({
  registry,
  regType: 'ns:org:RegistryType:Social',
  receiverId: 'social.example.org',
  maxRecords: 6,
  attributes: {
    number: 'Number',
    surname: 'Surname',
    sex: { field: 'Sex', values: { female: 'F', male: 'M' } },
    birth_date: 'Born',
    age: { field: 'Born', as: 'age' as const },
    poverty_score: 'Score',
    district: 'District',
    rooms: 'House.rooms',
    status: { field: 'Status', search: false },
    'programme.id': 'District',
  },
  identifiers: { UIN: 'number' },
  recordTypes: {
    Member: {
      '@context': 'https://schema.spdci.org/extensions/social/v1/Member.jsonld',
      '@type': 'Member',
      '@id': 'urn:uuid:$(@uuid)',
      member_identifier: [{ '@type': 'Identifier', identifier_type: 'UIN', identifier_value: '$(number)' }],
      demographic_info: {
        '@type': 'Person',
        name: { '@type': 'Name', surname: '$(surname)' },
        sex: '$(sex)',
        birth_date: '$(birth_date)',
      },
      poverty_score: '$(poverty_score)',
      dwelling: { rooms: '$(rooms)' },
    },
    Group: { '@type': 'Group', group_identifier: '$(number)', label: '$(surname) of $(district)' },
    DisabilitySupport: [{ human_assistance: { type: '$(status)' } }],
  },
  defaultRecordType: 'Member',
  questions: {
    enrolled: { where: { status: 'active' } },
    disabled: { where: {} },
    details: { recordType: 'Member' },
    support: { recordType: 'DisabilitySupport' },
  },
});

const people = [
  ['P1', 'Li', 'female', '1990-05-20', 4.5, 'North', 3, 'active'],
  ['P2', 'Wu', 'male', '1982-03-15', 2, 'South', 1, 'ended'],
  ['P3', 'Mo', 'female', '2012-09-22', 9.25, 'North', 5, 'active'],
  ['P4', 'Li', undefined, '2001-01-01', undefined, 'East', undefined, 'active'],
] as const;
const record = ([number, Surname, Sex, Born, Score, District, rooms, Status]: (typeof people)[number]) =>
  JSON.parse(
    JSON.stringify({
      Number: number,
      Surname,
      Sex,
      Born,
      Score,
      District,
      Status,
      House: rooms === undefined ? undefined : { rooms },
    }),
  );

let agency: Agency;
let code: string;
let client: ReturnType<typeof dciClient>;
const names = (records: readonly Record<string, unknown>[]) =>
  records.map((one) => (one.member_identifier as { identifier_value: string }[])[0]?.identifier_value);
const found = async (type: string, query: unknown, rest: object = {}) =>
  names(await client.find('social', type, query, { sort: [{ attribute_name: 'number' }], ...rest }));
const expression = (query: object) => ({
  type: 'ns:org:QueryType:expression',
  value: { expression: { collection: 'Member', query } },
});
const compare = (attribute_name: string, operator: string, attribute_value: unknown) => ({
  attribute_name,
  operator,
  attribute_value,
});

beforeAll(async () => {
  agency = await startAgency();
  code = await agency.publish(schema);
  await agency.data.createRecords({
    params: at(code),
    body: { write: people.map((one) => ({ content: record(one) })) },
  });
  client = dciClient(agency);
  const { warnings } = (
    await client.mappings.putMapping({ params: { mapping: 'social' }, body: mapping(code) })
  ).body;
  expect(warnings).toEqual([]);
  await client.register();
});
afterAll(() => agency.node.stop());

describe('a search', () => {
  it('[REG-10.5-b] answers records in the words of the other system, by what the mapping says', async () => {
    const [one] = await client.find('social', 'idtype-value', { type: 'spdci:UIN', value: 'P1' });
    expect(one).toEqual({
      '@context': 'https://schema.spdci.org/extensions/social/v1/Member.jsonld',
      '@type': 'Member',
      '@id': expect.stringMatching(/^urn:uuid:[0-9a-f-]{36}$/),
      member_identifier: [{ '@type': 'Identifier', identifier_type: 'UIN', identifier_value: 'P1' }],
      demographic_info: {
        '@type': 'Person',
        name: { '@type': 'Name', surname: 'Li' },
        sex: 'F',
        birth_date: '1990-05-20',
      },
      poverty_score: 4.5,
      dwelling: { rooms: 3 },
    });
    // What is not known is left out, with what stands around it.
    const [poor] = await client.find('social', 'idtype-value', { type: 'UIN', value: 'P4' });
    expect(poor).not.toHaveProperty('poverty_score');
    expect(poor).not.toHaveProperty('dwelling');
    expect(poor?.demographic_info).not.toHaveProperty('sex');
    const group = { reg_record_type: 'spdci-extensions-dci:Group' };
    expect(await client.find('social', 'idtype-value', { type: 'UIN', value: 'P1' }, group)).toEqual([
      { '@type': 'Group', group_identifier: 'P1', label: 'Li of North' },
    ]);
    expect(await client.find('social', 'idtype-value', { type: 'UIN', value: 'P9' })).toEqual([]);
  });

  it('takes expressions and predicates with every operator, joined and nested', async () => {
    expect(
      await found('expression', expression({ $and: [{ poverty_score: { $lt: 5 } }, { sex: { $eq: 'F' } }] })),
    ).toEqual(['P1']);
    expect(
      await found('expression', expression({ $or: [{ district: 'East' }, { surname: { $eq: 'Mo' } }] })),
    ).toEqual(['P3', 'P4']);
    expect(await found('expression', expression({ $not: { sex: { $eq: 'F' } } }))).toEqual(['P2', 'P4']);
    expect(await found('expression', expression({ poverty_score: { $gte: 2, $le: '4.5' } }))).toEqual([
      'P1',
      'P2',
    ]);
    expect(await found('expression', expression({ surname: { $in: ['Wu', 'Mo'] } }))).toEqual(['P2', 'P3']);
    expect(await found('expression', expression({ surname: { $nin: ['Wu', 'Mo'] } }))).toEqual(['P1', 'P4']);
    expect(await found('expression', expression({ sex: { $ne: 'M' } }))).toEqual(['P1', 'P3', 'P4']);
    expect(await found('expression', expression({ rooms: { $gt: 1 } }))).toEqual(['P1', 'P3']);
    expect(await found('expression', { 'programme.id': { eq: 'North' } })).toEqual(['P1', 'P3']);
    const year = new Date().getUTCFullYear();
    expect(
      await found('predicate', [{ seq_num: 1, expression1: compare('age', 'lt', String(year - 2002)) }]),
    ).toEqual(['P3']);
    expect(
      await found('predicate', [{ expression1: compare('birth_date', 'ge', '2001-01-01T00:00:00Z') }]),
    ).toEqual(['P3', 'P4']);
    expect(
      await found('predicate', [
        {
          seq_num: 1,
          expression1: compare('district', 'eq', 'North'),
          condition: 'or',
          expression2: compare('district', 'in', ['South', 'East']),
        },
        { seq_num: 2, expression1: compare('sex', 'eq', 'F'), condition: 'not' },
      ]),
    ).toEqual(['P2', 'P4']);
    expect(
      await found('predicate', [
        {
          expression1: {
            expression1: compare('surname', 'eq', 'Li'),
            condition: 'and',
            expression2: compare('sex', 'eq', 'F'),
          },
          condition: 'or',
          expression2: compare('surname', 'eq', 'Wu'),
        },
      ]),
    ).toEqual(['P1', 'P2']);
  });

  it('finds whom a condition is true of, whatever it is made of', async () => {
    type Node =
      | { and: Node[] }
      | { or: Node[] }
      | { not: Node }
      | { attribute: 'surname' | 'poverty_score'; op: 'eq' | 'lt' | 'ge'; value: string | number };
    const leaf: fc.Arbitrary<Node> = fc.oneof(
      fc.record({
        attribute: fc.constant('surname' as const),
        op: fc.constant('eq' as const),
        value: fc.constantFrom('Li', 'Wu', 'No'),
      }),
      fc.record({
        attribute: fc.constant('poverty_score' as const),
        op: fc.constantFrom('lt' as const, 'ge' as const),
        value: fc.constantFrom(2, 4.5, 9),
      }),
    );
    const { node } = fc.letrec<{ node: Node }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        leaf,
        fc.record({ and: fc.array(tie('node'), { minLength: 1, maxLength: 3 }) }),
        fc.record({ or: fc.array(tie('node'), { minLength: 1, maxLength: 3 }) }),
        fc.record({ not: tie('node') }),
      ),
    }));
    const depth = (one: Node): number =>
      'and' in one
        ? 1 + Math.max(...one.and.map(depth))
        : 'or' in one
          ? 1 + Math.max(...one.or.map(depth))
          : 'not' in one
            ? 1 + depth(one.not)
            : 1;
    const asked = (one: Node): object =>
      'and' in one
        ? { $and: one.and.map(asked) }
        : 'or' in one
          ? { $or: one.or.map(asked) }
          : 'not' in one
            ? { $not: asked(one.not) }
            : { [one.attribute]: { [`$${one.op}`]: one.value } };
    const holds = (one: Node, [, surname, , , score]: (typeof people)[number]): boolean => {
      if ('and' in one)
        return one.and.every((part) =>
          holds(part, people.find((p) => p[1] === surname && p[4] === score) as never),
        );
      if ('or' in one)
        return one.or.some((part) =>
          holds(part, people.find((p) => p[1] === surname && p[4] === score) as never),
        );
      if ('not' in one)
        return !holds(one.not, people.find((p) => p[1] === surname && p[4] === score) as never);
      if (one.attribute === 'surname') return surname === one.value;
      return (
        score !== undefined && (one.op === 'lt' ? score < Number(one.value) : score >= Number(one.value))
      );
    };
    await fc.assert(
      fc.asyncProperty(
        node.filter((one) => depth(one) < 9),
        async (one) => {
          const expected = people.filter((person) => holds(one, person)).map(([number]) => number);
          expect(await found('expression', expression(asked(one)))).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('sorts, pages, counts, and says when there is too much', async () => {
    const all = expression({ surname: { $ne: 'Nobody' } });
    const page = async (page_number: number, sort_order: string) => {
      const criteria = {
        sort: [{ attribute_name: 'poverty_score', sort_order }, { attribute_name: 'number' }],
        pagination: { page_size: 3, page_number },
      };
      const [result] = await client.ask('social', client.item('expression', all, criteria));
      return [names(result?.data?.reg_records as never), result?.pagination];
    };
    expect(await page(1, 'asc')).toEqual([
      ['P2', 'P1', 'P3'],
      { page_size: 3, page_number: 1, total_count: 4 },
    ]);
    expect(await page(2, 'asc')).toEqual([['P4'], { page_size: 3, page_number: 2, total_count: 4 }]);
    expect((await page(1, 'desc'))[0]).toEqual(['P3', 'P1', 'P2']);
    expect(await found('expression', all, { sort: [{ attribute_name: 'age' }] })).toEqual([
      'P3',
      'P4',
      'P1',
      'P2',
    ]);
    await client.mappings.putMapping({
      params: { mapping: 'narrow' },
      body: { ...mapping(code), maxRecords: 3 },
    });
    expect(await client.reject('narrow', 'expression', all)).toBe('rjct.search.too_many_records_found');
  });

  it('rejects each request for its own reason, and answers the others', async () => {
    const invalid = 'rjct.search_criteria.invalid';
    const uin = { type: 'UIN', value: 'P1' };
    for (const [type, query] of [
      ['graphql', '{ member }'],
      ['idtype-value', { type: 'MOBILE', value: '1' }],
      ['idtype-value', { type: 'constructor', value: '1' }],
      ['idtype-value', { type: 'UIN' }],
      ['expression', expression({})],
      ['expression', expression({ Surname: { $eq: 'Li' } })],
      ['expression', expression({ 'surname" or true --': { $eq: 'Li' } })],
      ['expression', expression({ surname: { $where: '1' } })],
      ['expression', expression({ $where: 'true' })],
      ['expression', expression({ status: { $eq: 'active' } })],
      ['expression', expression({ poverty_score: { $lt: 'poor' } })],
      ['expression', expression({ birth_date: { $gt: 'yesterday' } })],
      ['expression', expression({ sex: { $lt: 'M' } })],
      ['expression', { value: { expression: 'query { member }' } }],
      ['predicate', []],
      ['predicate', [{ expression1: compare('surname', 'like', 'L%') }]],
      [
        'predicate',
        [
          {
            expression1: compare('surname', 'eq', 'Li'),
            condition: 'xor',
            expression2: compare('surname', 'eq', 'Li'),
          },
        ],
      ],
      ['predicate', [{ condition: 'and' }]],
    ] as const)
      expect(await client.reject('social', type, query), JSON.stringify(query)).toBe(invalid);
    let deep: object = { surname: 'Li' };
    for (let level = 0; level < 20; level += 1) deep = { $not: deep };
    expect(await client.reject('social', 'expression', expression(deep))).toBe(invalid);
    expect(await client.reject('social', 'idtype-value', uin, { reg_type: 'ns:org:RegistryType:CRVS' })).toBe(
      invalid,
    );
    expect(await client.reject('social', 'idtype-value', uin, { reg_record_type: 'Farmer' })).toBe(invalid);
    expect(await client.reject('social', 'idtype-value', uin, { sort: [{ attribute_name: 'rooms' }] })).toBe(
      'rjct.sort.invalid',
    );
    expect(await client.reject('social', 'idtype-value', uin, { pagination: { page_size: 1001 } })).toBe(
      'rjct.pagination.invalid',
    );
    const twice = client.item('idtype-value', uin);
    const results = await client.ask(
      'social',
      twice,
      twice,
      { ...twice, reference_id: '' },
      { ...twice, reference_id: 'later', timestamp: '2999-01-01T00:00:00Z' },
    );
    expect(results.map((one) => one.status_reason_code)).toEqual([
      undefined,
      'rjct.reference_id.duplicate',
      'rjct.reference_id.invalid',
      'rjct.timestamp.invalid',
    ]);
  });
});

describe('a message', () => {
  const query = () => client.search(client.item('idtype-value', { type: 'UIN', value: 'P1' }));
  const send = (body: object, mapping = 'social', api = client.api) =>
    api.searchNow({ params: { mapping }, headers: {}, body: body as never });
  const errorOf = async (body: object, mapping?: string, api?: typeof client.api) =>
    (await refusal(send(body, mapping, api))).responseBody as {
      message: { ack_status: string; error: { code: string } };
    };

  it('is taken when its sender signed it with either algorithm; the answer is signed by the registry', async () => {
    const { keys } = (await client.api.signingKeys({ params: { mapping: 'social' }, headers: {} })).body;
    for (const algorithm of ['ed25519', 'RS256'] as const) {
      const { body } = await send(client.envelope('search', query(), {}, algorithm));
      expect(body.header).toMatchObject({
        action: 'on-search',
        status: 'succ',
        receiver_id: senderId,
        sender_id: 'social.example.org',
      });
      expect(isSignedBy(keys, body)).toBe(true);
      expect(isSignedBy(keys, { ...body, message: { ...body.message, transaction_id: 'other' } })).toBe(
        false,
      );
    }
  });

  it('is refused, with the code of the reason, and nothing is read', async () => {
    const reads = async () => (await agency.data.queryUsage({ body: { identifier: 'P1' } })).body.length;
    const before = await reads();
    const good = client.envelope('search', query());
    const changed = { ...good, message: { ...good.message, transaction_id: 'changed' } };
    const head = client.header('search');
    const message = query();
    for (const [code, body] of [
      ['err.signature.missing', { ...good, signature: 'unsigned' }],
      ['err.signature.missing', { header: good.header, message: good.message }],
      ['err.signature.invalid', { ...good, signature: 'invalid-signature' }],
      ['err.signature.invalid', changed],
      ['err.signature.invalid', { ...good, signature: good.signature.replace('ed25519"', 'RS256"') }],
      [
        'err.signature.invalid',
        { signature: client.signed(head, message, 'ed25519', -3600), header: head, message },
      ],
      [
        'err.signature.invalid',
        { signature: client.signed(head, message, 'ed25519', 100_000), header: head, message },
      ],
      ['err.version.not_supported', client.envelope('search', query(), { version: '2.0.0' })],
      ['err.sender_id.invalid', client.envelope('search', query(), { sender_id: 'somebody.example.org' })],
      ['err.receiver_id.invalid', client.envelope('search', query(), { receiver_id: 'other.example.org' })],
      ['err.encryption.invalid', client.envelope('search', query(), { is_msg_encrypted: true })],
      ['err.request.bad', { ...good, message: undefined }],
      ['err.request.bad', client.envelope('search', { ...query(), transaction_id: 'x'.repeat(100) })],
      ['err.request.bad', client.envelope('search', query(), { message_ts: '2024-01-15T10:30:00' })],
      [
        'err.request.bad',
        client.envelope(
          'search',
          client.search(client.item('idtype-value', {}, { pagination: { page_size: 0 } })),
        ),
      ],
      [
        'err.request.bad',
        client.envelope(
          'search',
          client.search({ ...client.item('idtype-value', {}), locale: 'en' } as never),
        ),
      ],
    ] as const) {
      const { message } = await errorOf(body);
      expect(message, JSON.stringify(body)).toMatchObject({ ack_status: 'ERR', error: { code } });
    }
    expect((await errorOf(client.envelope('search', query()), 'nothing')).message.error.code).toBe(
      'err.request.not_found',
    );
    const other = dciClient(agency, 'TEST/GOV/MSP/other').api;
    expect((await errorOf(client.envelope('search', query()), 'social', other)).message.error.code).toBe(
      'err.sender_id.invalid',
    );
    expect(await reads()).toBe(before);
  });

  it('with a header that is wrong, or that came before, is answered with the reason', async () => {
    const reason = async (action: string, rest: object) =>
      (await send(client.envelope(action, query(), rest))).body.header.status_reason_code;
    expect(await reason('subscribe', {})).toBe('rjct.action.invalid');
    expect(await reason('search', { total_count: 3 })).toBe('rjct.total_count.invalid');
    expect(await reason('search', { message_ts: '2001-01-01T00:00:00Z' })).toBe('rjct.message_ts.invalid');
    const once = client.envelope('search', query());
    expect((await send(once)).body.header.status).toBe('succ');
    const again = (await send(once)).body;
    expect(again.header).toMatchObject({ status: 'rjct', status_reason_code: 'rjct.message_id.duplicate' });
    expect(again.message.search_response).toEqual([]);
  });

  it('needs no signature where the owner says that the verified caller stands for it', async () => {
    const unsigned = () => ({ header: client.header('search'), message: query() });
    await client.mappings.putMapping({
      params: { mapping: 'trusting' },
      body: { ...mapping(code), signature: 'caller' },
    });
    expect((await send(unsigned(), 'trusting')).body.header.status).toBe('succ');
    expect((await errorOf({ ...unsigned(), signature: 'keyId="x"' }, 'trusting')).message.error.code).toBe(
      'err.signature.invalid',
    );
    await client.register({ signature: 'waived' });
    expect((await send(unsigned())).body.header.status).toBe('succ');
    await client.register();
    expect((await errorOf(unsigned())).message.error.code).toBe('err.signature.missing');
  });
});

describe('questions', () => {
  const ask = (query: object, query_type = 'expression') => ({
    transaction_id: client.id(),
    criteria: { query_type, query },
  });

  it('are answered yes or no, or by records of their own type', async () => {
    const enrolled = async (query: object) => {
      const { transaction_id, criteria } = ask(query);
      const body = client.envelope('search', { transaction_id, enrolled_criteria: criteria });
      return (await client.api.enrolled({ params: { mapping: 'social' }, headers: {}, body })).body.message
        .enrolled_response[0];
    };
    expect(await enrolled({ number: { eq: 'P1' } })).toMatchObject({
      status: 'succ',
      enrolled_status: 'yes',
    });
    expect(await enrolled({ number: { eq: 'P2' } })).toMatchObject({ status: 'succ', enrolled_status: 'no' });
    expect(await enrolled({ number: { eq: 'P1' }, 'programme.id': { eq: 'South' } })).toMatchObject({
      enrolled_status: 'no',
    });
    expect(await enrolled({ nobody: { eq: 'P1' } })).toMatchObject({
      status: 'rjct',
      status_reason_code: 'rjct.search_criteria.invalid',
    });
    const { transaction_id, criteria } = ask({ type: 'UIN', value: 'P1' }, 'idtype-value');
    const disabled = () => client.envelope('search', { transaction_id, disabled_criteria: criteria });
    const params = { mapping: 'social' };
    const answer = (await client.api.disabled({ params, headers: {}, body: disabled() })).body.message;
    expect(answer.disabled_response[0]).toMatchObject({
      reference_id: transaction_id,
      disabled_status: 'yes',
    });
    const details = (await client.api.disabilityDetails({ params, headers: {}, body: disabled() })).body
      .message;
    expect(names(details.search_response[0]?.data?.reg_records as never)).toEqual(['P1']);
    const support = (await client.api.disabilitySupport({ params, headers: {}, body: disabled() })).body
      .message;
    expect(support.search_response[0]?.data?.reg_records).toEqual([
      [{ human_assistance: { type: 'active' } }],
    ]);
  });

  it('about earlier transactions are answered to who made them', async () => {
    const good = client.item('idtype-value', { type: 'UIN', value: 'P1' });
    const bad = client.item('idtype-value', { type: 'MOBILE', value: '1' });
    const message = client.search(good, bad);
    await client.api.searchNow({
      params: { mapping: 'social' },
      headers: {},
      body: client.envelope('search', message, { total_count: 2 }),
    });
    const status = async (attribute_type: string, attribute_value: string | string[]) => {
      const request = {
        transaction_id: client.id(),
        txnstatus_request: {
          reference_id: client.id(),
          txn_type: 'search' as const,
          attribute_type: attribute_type as never,
          attribute_value,
        },
      };
      const { body } = await client.api.txnStatusNow({
        params: { mapping: 'social' },
        headers: {},
        body: client.envelope('txn-status', request),
      });
      expect(body.header.action).toBe('txn-on-status');
      return body.message.txnstatus_response.txn_status.search_response.map((one) => [
        one.reference_id,
        one.status,
        one.data,
      ]);
    };
    expect(await status('transaction_id', message.transaction_id)).toEqual([
      [good.reference_id, 'succ', undefined],
      [bad.reference_id, 'rjct', undefined],
    ]);
    expect(await status('reference_id_list', [bad.reference_id, 'unknown'])).toEqual([
      [bad.reference_id, 'rjct', undefined],
      ['unknown', 'rjct', undefined],
    ]);
    expect(await status('correlation_id', 'unknown')).toEqual([]);
  });
});

describe('another agency', () => {
  const ministry = 'TEST/GOV/MSP/spmis';

  it('[REG-6.1-6-f][REG-6.1-6-c][REG-6.1-8-a][REG-6.1-8-e] sees what it is granted, under consent where that is needed, and leaves a trace', async () => {
    const secret = await agency.publish({ ...schema, 'x-requires': 'consent' });
    await agency.data.createRecord({ params: at(secret), body: write(record(people[0])) });
    const theirs = dciClient(agency, ministry);
    await theirs.mappings.putMapping({ params: { mapping: 'secret' }, body: mapping(secret) });
    await theirs.register();
    const by = (rest: object = {}) =>
      theirs.ask('secret', theirs.item('idtype-value', { type: 'UIN', value: 'P1' }, rest));
    const ungranted = await refusal(by());
    expect((ungranted.responseBody as { message: { error: { code: string } } }).message.error.code).toBe(
      'err.request.not_found',
    );
    await agency.database.putAccess({
      params: { code: secret },
      body: { application: ministry, methods: ['list'], fields: ['Number', 'Score'] },
    });
    expect((await by())[0]).toMatchObject({
      status: 'rjct',
      status_reason_code: 'rjct.search_criteria.invalid',
      status_reason_message: expect.stringMatching(/consent/i),
    });
    const consent = {
      '@type': 'Consent',
      '@id': 'consent-17',
      purpose: { text: 'Cash transfer', code: 'CT' },
    };
    const [result] = await by({ consent });
    expect(result?.data?.reg_records).toEqual([
      {
        '@context': expect.any(String),
        '@type': 'Member',
        '@id': expect.any(String),
        member_identifier: [{ '@type': 'Identifier', identifier_type: 'UIN', identifier_value: 'P1' }],
        poverty_score: 4.5,
      },
    ]);
    // A field that is not granted is no attribute: it cannot be probed either.
    const probe = await theirs.ask(
      'secret',
      theirs.item('expression', expression({ surname: 'Li' }), { consent }),
    );
    expect(probe[0]).toMatchObject({ status: 'rjct', status_reason_code: 'rjct.search_criteria.invalid' });
    const [usage] = (await agency.data.queryUsage({ body: { identifier: 'P1' } })).body;
    expect(usage).toMatchObject({
      registry: secret,
      readerApplication: ministry,
      fields: ['Number'],
      consentReference: 'consent-17',
      purpose: 'CT',
    });
    await client.register();
  });

  it('cannot administer mappings and senders of the owner', async () => {
    const { registryMappings } = await import('../src/api/operations.ts');
    const theirs = agency.node.client(registryMappings, {
      as: ministry,
      service: `${agencyId}/registry-mappings-v1`,
    });
    for (const call of [
      () => theirs.listMappings({}),
      () => theirs.putMapping({ params: { mapping: 'mine' }, body: mapping(code) }),
      () => theirs.putSender({ params: { senderId }, body: { application: ministry } }),
      () => theirs.deleteSender({ params: { senderId } }),
      () => theirs.deleteMapping({ params: { mapping: 'social' } }),
    ])
      expect((await refusal(call())).status).toBe(403);
  });
});
