import { CallFailed } from '@govstack/platform';
import { type TestNode, testAdminUrl } from '@govstack/platform/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chain, el } from '../execution/bpmn.ts';
import { adminOf, apiOf, definition, startWorkflow } from './node.ts';

const iam = 'TEST/GOV/MSP/iam';
const other = 'TEST/GOV/NLA/iam';
const core = 'urn:ietf:params:scim:schemas:core:2.0';
const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const messages = 'urn:ietf:params:scim:api:messages:2.0';

let node: TestNode;
beforeAll(async () => {
  node = await startWorkflow({}, { config: { provisioners: [iam, other] } });
  await apiOf(node).addProcess({
    body: definition(
      `<startEvent id="s"/>${el('userTask', 'review', {
        name: 'Review',
        'govstack:candidateRole': 'assessor',
      })}<endEvent id="e"/>${chain('s', 'review', 'e')}`,
      { key: 'reviewing' },
    ),
  });
});
afterAll(() => node.stop());

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: read as a client reads it
  readonly body: any;
}

/** A request as an IAM client sends it. */
async function scim(
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
  client = iam,
): Promise<Answer> {
  const answer = await node.mediator.exchange({
    client,
    service: 'TEST/GOV/BLOCKS/workflow/scim-v2',
    method,
    path,
    headers: {
      accept: 'application/scim+json',
      ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  if (answer.body.length > 0) expect(answer.headers['content-type']).toContain('application/scim+json');
  const text = answer.body.toString('utf8');
  return { status: answer.status, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) };
}
const query = (values: Readonly<Record<string, string>>) => `?${new URLSearchParams(values)}`;
const patch = (...Operations: object[]) => ({ schemas: [`${messages}:PatchOp`], Operations });

let persons = 0;
async function provisioned(more: object = {}, client = iam) {
  persons += 1;
  const userName = `subject-${persons}`;
  const sent = { schemas: [`${core}:User`], userName, active: true, ...more };
  const { status, body } = await scim('POST', '/Users', sent, {}, client);
  expect(status).toBe(201);
  return { id: body.id as string, userName, body };
}
const group = async (displayName: string, ...members: string[]) => {
  const { status, body } = await scim('POST', '/Groups', {
    schemas: [`${core}:Group`],
    displayName,
    members: members.map((value) => ({ value })),
  });
  expect(status).toBe(201);
  return body.id as string;
};

const tokenOf = (id: string, roles: string[] = [], agency = 'TEST/GOV/MSP') =>
  node.token({ id, roles, agency });
const opened = async (): Promise<string> => {
  const started = await apiOf(node).start({ params: { processId: 'reviewing' }, body: {} });
  const { tasks } = (await apiOf(node).listUserTasks({ query: { instanceId: started.body.id } })).body;
  return tasks[0]?.id as string;
};
/** What the person gets of a task in the portal: a status. */
const reads = async (taskId: string, personToken: string): Promise<number> =>
  apiOf(node, 'TEST/GOV/DGA/portal')
    .readUserTask({ params: { taskId }, personToken })
    .then(({ status }) => status, statusOf);
const supervises = async (personToken: string): Promise<boolean | number> =>
  adminOf(node, 'TEST/GOV/DGA/portal')
    .listAllProcesses({ query: {}, personToken })
    .then(({ body }) => body.processes.length > 0, statusOf);
const statusOf = (error: unknown): number => {
  expect(error).toBeInstanceOf(CallFailed);
  return (error as CallFailed).status;
};
const refused = (answer: Answer, status: number, scimType?: string) => {
  expect(answer.body).toMatchObject({ schemas: [`${messages}:Error`], status: String(status) });
  expect([answer.status, answer.body.scimType]).toEqual([status, scimType]);
};

/** What the database has of a person, as somebody sees it who can read it. */
async function rowOf(id: string): Promise<string> {
  const url = new URL(testAdminUrl());
  url.pathname = `/${node.databasePrefix}workflow`;
  const intruder = new pg.Client({ connectionString: url.href });
  await intruder.connect();
  try {
    const { rows } = await intruder.query(
      'select provisioned_user::text as kept from provisioned_user where id = $1',
      [id],
    );
    return rows[0].kept;
  } finally {
    await intruder.end();
  }
}

describe('provisioning', () => {
  it('[WF-6.5] [WF-5.1.2-a] [WF-5.1.2-b] gives rights and takes them as Entra ID sends it; the log says who', async () => {
    const taskId = await opened();
    persons += 1;
    const userName = `Entra-${persons}`;
    const token = await tokenOf(userName);
    expect(await reads(taskId, token)).toBe(403);
    // Looked for, not found, made.
    const looked = await scim('GET', `/Users${query({ filter: `userName eq "${userName}"` })}`);
    expect(looked.body).toEqual({
      schemas: [`${messages}:ListResponse`],
      totalResults: 0,
      startIndex: 1,
      itemsPerPage: 0,
      Resources: [],
    });
    const made = await scim('POST', '/Users', {
      schemas: [`${core}:User`, enterprise],
      externalId: 'object-1',
      userName,
      active: true,
      emails: [{ primary: true, type: 'work', value: 'ana@agency.example' }],
      meta: { resourceType: 'User' },
      name: { formatted: 'Ana Lima', familyName: 'Lima', givenName: 'Ana' },
      [enterprise]: { department: 'Payments' },
      roles: [],
    });
    expect(made.status).toBe(201);
    const { id } = made.body;
    expect(made.body).toMatchObject({
      schemas: [`${core}:User`],
      externalId: 'object-1',
      userName,
      active: true,
      name: { familyName: 'Lima' },
      meta: {
        resourceType: 'User',
        location: `/r1/TEST/GOV/BLOCKS/workflow/scim-v2/Users/${id}`,
        version: made.headers.etag,
      },
    });
    expect(made.headers.location).toBe(made.body.meta.location);
    expect(made.body).not.toHaveProperty(enterprise);
    const found = await scim(
      'GET',
      `/Users${query({ filter: `userName eq "${userName.toUpperCase()}" and externalId eq "object-1"` })}`,
    );
    expect(found.body.Resources).toMatchObject([{ id }]);

    const roleId = await group('assessor');
    const filter = 'displayName eq "Assessor"';
    const roles = await scim('GET', `/Groups${query({ excludedAttributes: 'members', filter })}`);
    expect(roles.body.Resources).toMatchObject([{ id: roleId, displayName: 'assessor' }]);
    const given = patch({ op: 'Add', path: 'members', value: [{ $ref: null, value: id }] });
    expect((await scim('PATCH', `/Groups/${roleId}`, given)).body.members).toMatchObject([{ value: id }]);
    expect(await reads(taskId, token)).toBe(200);
    const belongs = `id eq "${roleId}" and members eq "${id}"`;
    expect((await scim('GET', `/Groups${query({ filter: belongs })}`)).body.totalResults).toBe(1);
    expect((await scim('GET', `/Users/${id}`)).body.groups).toMatchObject([
      { value: roleId, display: 'assessor' },
    ]);

    const changed = await scim(
      'PATCH',
      `/Users/${id}`,
      patch(
        { op: 'Replace', path: 'emails[type eq "work"].value', value: 'lima@agency.example' },
        { op: 'Add', path: 'emails[type eq "home"].value', value: 'ana@home.example' },
        { op: 'Replace', path: 'name.familyName', value: 'Costa' },
        { op: 'Add', path: `${enterprise}:department`, value: 'Audit' },
        { op: 'Replace', value: { displayName: 'Ana Costa', 'name.formatted': 'Ana Costa' } },
      ),
    );
    expect(changed.body).toMatchObject({
      displayName: 'Ana Costa',
      name: { familyName: 'Costa', givenName: 'Ana', formatted: 'Ana Costa' },
      emails: [
        { type: 'work', value: 'lima@agency.example', primary: true },
        { type: 'home', value: 'ana@home.example' },
      ],
    });

    // Deactivated: also what the token says counts for nothing.
    const full = await tokenOf(userName, ['assessor', 'administrator']);
    expect(await supervises(full)).toBe(true);
    const off = await scim('PATCH', `/Users/${id}`, patch({ op: 'Replace', path: 'active', value: 'False' }));
    expect(off.body.active).toBe(false);
    expect([await reads(taskId, full), await supervises(full)]).toEqual([403, 403]);
    await scim('PATCH', `/Users/${id}`, patch({ op: 'Replace', path: 'active', value: 'True' }));
    expect(await reads(taskId, token)).toBe(200);
    const taken = patch({ op: 'Remove', path: 'members', value: [{ value: id }] });
    await scim('PATCH', `/Groups/${roleId}`, taken);
    expect(await reads(taskId, token)).toBe(403);

    const { changes } = (
      await adminOf(node, 'TEST/GOV/DGA/portal').listChanges({
        query: {},
        personToken: await tokenOf('auditor', ['administrator']),
      })
    ).body;
    const about = changes.filter((one) => one.detail.includes(id));
    expect(about.map((one) => [one.action, one.detail])).toEqual([
      ['role-taken', `role assessor from person ${id}`],
      ['person-activated', `person ${id}`],
      ['person-deactivated', `person ${id}`],
      ['person-changed', `person ${id}`],
      ['role-given', `role assessor to person ${id}`],
      ['person-provisioned', `person ${id}`],
    ]);
    expect(about.every((one) => one.actor === iam && one.organisation === 'TEST/GOV/MSP')).toBe(true);
    expect(JSON.stringify(changes)).not.toMatch(/Ana|Lima|example/);
  });

  it('[WF-6.5] gives rights and takes them as Okta sends it, supervision too, until the person is removed', async () => {
    const { id, userName } = await provisioned({
      externalId: '00u1',
      name: { givenName: 'B', familyName: 'C' },
    });
    const token = await tokenOf(userName);
    expect(await supervises(token)).toBe(false);
    const roleId = await group('administrator');
    const members = [{ value: id, display: 'b@c.example' }];
    await scim('PATCH', `/Groups/${roleId}`, patch({ op: 'add', path: 'members', value: members }));
    expect(await supervises(token)).toBe(true);
    // The name of a role is what the role is.
    const renamed = patch({ op: 'replace', value: { id: roleId, displayName: 'clerk' } });
    expect((await scim('PATCH', `/Groups/${roleId}`, renamed)).body.displayName).toBe('clerk');
    expect(await supervises(token)).toBe(false);
    const whole = { schemas: [`${core}:Group`], id: roleId, displayName: 'administrator', members };
    expect((await scim('PUT', `/Groups/${roleId}`, whole)).status).toBe(200);
    expect(await supervises(token)).toBe(true);
    await scim('PATCH', `/Groups/${roleId}`, patch({ op: 'remove', path: `members[value eq "${id}"]` }));
    expect(await supervises(token)).toBe(false);
    await scim('PATCH', `/Groups/${roleId}`, patch({ op: 'replace', path: 'members', value: members }));
    expect(await supervises(token)).toBe(true);

    const user = { schemas: [`${core}:User`], id, userName, externalId: '00u1', active: true };
    // Another case gives nobody rights, and takes them away.
    const shouted = await tokenOf(userName.toUpperCase(), []);
    expect(await supervises(shouted)).toBe(false);
    const replaced = await scim('PUT', `/Users/${id}`, { ...user, emails: [] });
    expect(replaced.body).not.toHaveProperty('name');
    await scim('PATCH', `/Users/${id}`, patch({ op: 'replace', value: { active: false } }));
    expect(await supervises(token)).toBe(403);
    expect(await supervises(await tokenOf(userName.toUpperCase(), ['administrator']))).toBe(403);
    // What is not said is as it was.
    await scim('PUT', `/Users/${id}`, { schemas: [`${core}:User`], userName });
    expect(await supervises(token)).toBe(403);
    await scim('PUT', `/Users/${id}`, user);
    expect(await supervises(token)).toBe(true);

    expect((await scim('DELETE', `/Users/${id}`)).status).toBe(204);
    refused(await scim('GET', `/Users/${id}`), 404);
    refused(await scim('DELETE', `/Users/${id}`), 404);
    expect((await scim('GET', `/Groups/${roleId}`)).body).not.toHaveProperty('members');
    expect(await supervises(await tokenOf(userName, ['administrator']))).toBe(403);
    const again = await scim('POST', '/Users', user);
    expect([again.status, again.body.groups]).toEqual([201, undefined]);
    expect(await supervises(await tokenOf(userName, ['administrator']))).toBe(true);
    await scim('DELETE', `/Groups/${roleId}`);
    refused(await scim('GET', `/Groups/${roleId}`), 404);
  });

  it('[WF-6.5] makes tasks of a deactivated person everybody’s again, and hands them none', async () => {
    const taskId = await opened();
    const { id, userName } = await provisioned();
    const params = { taskId };
    const portal = apiOf(node, 'TEST/GOV/DGA/portal');
    await portal.claimUserTask({ params, body: {}, personToken: await tokenOf(userName, ['assessor']) });
    const colleague = await tokenOf('colleague', ['assessor']);
    expect(await portal.claimUserTask({ params, body: {}, personToken: colleague }).catch(statusOf)).toBe(
      409,
    );
    await scim('PATCH', `/Users/${id}`, patch({ op: 'replace', path: 'active', value: false }));
    const { body } = await portal.claimUserTask({ params, body: {}, personToken: colleague });
    expect(body.assignee).toBe('colleague');
    const delegated = portal.delegateUserTask({ params, body: { to: userName }, personToken: colleague });
    expect(await delegated.catch(statusOf)).toBe(403);
  });

  it('[WF-6.5] is for applications that the settings name, each for its own agency', async () => {
    const { id, userName } = await provisioned();
    refused(await scim('GET', '/Users', undefined, {}, 'TEST/GOV/MSP/cash-transfer'), 403);
    refused(await scim('GET', `/Users/${id}`, undefined, {}, other), 404);
    refused(await scim('DELETE', `/Users/${id}`, undefined, {}, other), 404);
    expect((await scim('GET', '/Users', undefined, {}, other)).body.totalResults).toBe(0);
    const theirs = await scim(
      'POST',
      '/Groups',
      { schemas: [`${core}:Group`], displayName: 'thief', members: [{ value: id }] },
      {},
      other,
    );
    refused(theirs, 400, 'invalidValue');
    // The same person, provisioned by another agency, has rights in that one only.
    const there = await scim('POST', '/Users', { schemas: [`${core}:User`], userName }, {}, other);
    const role = {
      schemas: [`${core}:Group`],
      displayName: 'administrator',
      members: [{ value: there.body.id }],
    };
    expect((await scim('POST', '/Groups', role, {}, other)).status).toBe(201);
    expect(await supervises(await tokenOf(userName))).toBe(false);
    await scim(
      'PATCH',
      `/Users/${there.body.id}`,
      patch({ op: 'replace', value: { active: false } }),
      {},
      other,
    );
    expect(await supervises(await tokenOf(userName, ['administrator']))).toBe(true);
  });

  it('[WF-6.5] changes the version that was seen only, and answers what is known with 304', async () => {
    const { id, userName, body } = await provisioned();
    const at = `/Users/${id}`;
    const known = body.meta.version as string;
    expect((await scim('GET', at, undefined, { 'if-none-match': known })).status).toBe(304);
    const off = patch({ op: 'replace', path: 'displayName', value: 'D' });
    const changed = await scim('PATCH', at, off, { 'if-match': known });
    expect([changed.status, changed.headers.etag === known]).toEqual([200, false]);
    const user = { schemas: [`${core}:User`], userName };
    refused(await scim('PUT', at, user, { 'if-match': known }), 412);
    refused(await scim('DELETE', at, undefined, { 'if-match': known }), 412);
    expect((await scim('PUT', at, user, { 'if-match': `"x", ${changed.headers.etag}` })).status).toBe(200);
    // Roles are part of what is seen of a person; what changes nothing makes no version.
    const before = (await scim('GET', at)).headers.etag;
    const roleId = await group('versioned', id);
    expect((await scim('GET', at)).headers.etag).not.toBe(before);
    const version = (await scim('GET', `/Groups/${roleId}`)).headers.etag;
    const same = patch({ op: 'add', path: 'members', value: [{ value: id }] });
    expect((await scim('PATCH', `/Groups/${roleId}`, same)).headers.etag).toBe(version);
  });

  it('[WF-6.5] lists in bounded pages, with the attributes that are wanted', async () => {
    const ids = [];
    for (let n = 0; n < 3; n += 1) ids.push((await provisioned({}, other)).id);
    const page = (values: Readonly<Record<string, string>>) =>
      scim('GET', `/Users${query(values)}`, undefined, {}, other);
    const { totalResults } = (await page({ count: '0' })).body;
    const startIndex = String(totalResults - 2);
    const some = (await page({ startIndex, count: '2', attributes: 'externalId' })).body;
    expect([some.startIndex, some.itemsPerPage]).toEqual([totalResults - 2, 2]);
    expect(some.Resources.map((one: object) => Object.keys(one))).toEqual([
      ['schemas', 'id', 'userName'],
      ['schemas', 'id', 'userName'],
    ]);
    expect(some.Resources.map((one: { id: string }) => one.id)).toEqual(ids.slice(0, 2));
    expect((await page({ startIndex: '-5', count: '-1' })).body).toMatchObject({
      startIndex: 1,
      itemsPerPage: 0,
    });
    expect((await page({ count: '100000' })).body.itemsPerPage).toBe(totalResults);
    const past = { startIndex: '9007199254740993', count: '1' };
    expect((await page(past)).body.Resources).toEqual([]);
  });

  it.each([
    ['another operator', '/Users', 'userName sw "a"', 'invalidFilter'],
    ['or', '/Users', 'userName eq "a" or userName eq "b"', 'invalidFilter'],
    ['an attribute that lies sealed', '/Users', 'emails.value eq "a"', 'invalidFilter'],
    ['an attribute of nothing', '/Groups', 'constructor eq "a"', 'invalidFilter'],
    ['half a filter', '/Groups', 'displayName eq', 'invalidFilter'],
    ['an open text', '/Groups', 'displayName eq "a', 'invalidFilter'],
    ['a text that is none', '/Groups', 'displayName eq "\\x"', 'invalidFilter'],
  ])('[WF-6.5] refuses to filter by %s', async (_what, path, filter, scimType) => {
    refused(await scim('GET', `${path}${query({ filter })}`), 400, scimType);
  });

  it('[WF-6.5] refuses what it cannot do, says which kind of error it is, and changes nothing', async () => {
    const { id, userName, body } = await provisioned({ displayName: 'Same' });
    const roleId = await group('unchanged', id);
    const user = { schemas: [`${core}:User`], userName };
    refused(await scim('POST', '/Users', { ...user, userName: userName.toUpperCase() }), 409, 'uniqueness');
    refused(await scim('POST', '/Users', { userName: 'x' }), 400, 'invalidSyntax');
    refused(await scim('POST', '/Users', '{'), 400, 'invalidSyntax');
    refused(await scim('POST', '/Users', { schemas: [`${core}:User`] }), 400, 'invalidValue');
    refused(await scim('POST', '/Users', { ...user, userName: 5 }), 400, 'invalidValue');
    refused(await scim('PUT', `/Users/${id}`, { ...user, userName: 'somebody-else' }), 400, 'mutability');
    refused(
      await scim('POST', '/Groups', { schemas: [`${core}:Group`], displayName: 'Unchanged' }),
      409,
      'uniqueness',
    );
    refused(await scim('GET', '/Users/not-an-id'), 404);
    const operations: readonly (readonly [kind: string, at: string, operation: object])[] = [
      ['invalidPath', 'Users', { op: 'replace', path: 'constructor', value: 'x' }],
      ['invalidPath', 'Users', { op: 'replace', path: '__proto__', value: { active: true } }],
      ['invalidPath', 'Users', { op: 'replace', path: 'name.__proto__', value: 'x' }],
      ['invalidPath', 'Users', { op: 'replace', path: 'name[given eq "x"]', value: 'x' }],
      ['invalidFilter', 'Users', { op: 'remove', path: 'emails[toString eq "x"]' }],
      ['noTarget', 'Users', { op: 'remove' }],
      ['noTarget', 'Users', { op: 'replace', path: 'emails[type eq "fax"].value', value: 'x' }],
      ['mutability', 'Users', { op: 'replace', path: 'groups', value: [] }],
      ['mutability', 'Users', { op: 'replace', path: 'id', value: 'x' }],
      ['mutability', 'Users', { op: 'replace', path: 'userName', value: 'x' }],
      ['invalidValue', 'Users', { op: 'remove', path: 'userName' }],
      ['invalidValue', 'Users', { op: 'replace', path: 'active', value: 'no' }],
      ['invalidSyntax', 'Users', { op: 'move', path: 'active', value: true }],
      ['invalidValue', 'Groups', { op: 'add', path: 'members', value: [{ value: roleId }] }],
      ['invalidValue', 'Groups', { op: 'add', path: 'members', value: [{ value: id, type: 'Group' }] }],
      ['invalidValue', 'Groups', { op: 'add', path: 'members', value: ['x'] }],
      ['invalidValue', 'Groups', { op: 'replace', path: 'displayName', value: 'a\nb' }],
    ];
    for (const [kind, at, operation] of operations) {
      const first =
        at === 'Users'
          ? { op: 'replace', path: 'displayName', value: 'Another' }
          : { op: 'remove', path: 'members' };
      refused(
        await scim('PATCH', `/${at}/${at === 'Users' ? id : roleId}`, patch(first, operation)),
        400,
        kind,
      );
    }
    const now = (await scim('GET', `/Users/${id}`)).body;
    expect({ ...now, groups: undefined, meta: undefined }).toEqual({
      ...body,
      groups: undefined,
      meta: undefined,
    });
    expect((await scim('GET', `/Groups/${roleId}`)).body.members).toMatchObject([{ value: id }]);
  });

  it('[WF-6.5] keeps names and addresses sealed, and nothing of who is removed but who it was', async () => {
    const { id } = await provisioned({ displayName: 'Zuleika Quist', externalId: 'quist-1' });
    const kept = await rowOf(id);
    expect(kept).not.toMatch(/Zuleika|5a756c65696b61/i);
    await scim('DELETE', `/Users/${id}`);
    expect(await rowOf(id)).not.toContain('quist-1');
  });

  it('[WF-6.5] two who provision the same at the same time do it once', async () => {
    const user = { schemas: [`${core}:User`], userName: 'raced' };
    const made = await Promise.all([1, 2, 3].map(() => scim('POST', '/Users', user)));
    expect(made.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    const id = made.find(({ status }) => status === 201)?.body.id;
    const roleId = await group('raced');
    const give = patch({ op: 'add', path: 'members', value: [{ value: id }] });
    const given = await Promise.all([1, 2, 3].map(() => scim('PATCH', `/Groups/${roleId}`, give)));
    expect(given.map(({ body }) => body.members.length)).toEqual([1, 1, 1]);
    expect(given.map(({ headers }) => headers.etag)).toEqual(Array(3).fill('W/"2"'));
  });

  it('[WF-6.5] tells what it can do', async () => {
    const config = (await scim('GET', '/ServiceProviderConfig')).body;
    expect(config).toMatchObject({
      schemas: [`${core}:ServiceProviderConfig`],
      patch: { supported: true },
      filter: { supported: true, maxResults: 200 },
      etag: { supported: true },
      bulk: { supported: false },
    });
    const types = (await scim('GET', '/ResourceTypes')).body.Resources;
    expect(types).toMatchObject([
      { id: 'User', endpoint: '/Users', schema: `${core}:User` },
      { id: 'Group', endpoint: '/Groups', schema: `${core}:Group` },
    ]);
    for (const { schema } of types) {
      const { body } = await scim('GET', `/Schemas/${schema}`);
      expect(body).toMatchObject({ id: schema, attributes: expect.any(Array) });
    }
    expect((await scim('GET', '/Schemas')).body.totalResults).toBe(2);
    refused(await scim('GET', '/Schemas/none'), 404);
  });
});
