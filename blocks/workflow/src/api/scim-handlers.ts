import { type Caller, compileValidator } from '@govstack/platform';
import { type Handlers, Type } from '@govstack/platform/operation';
import { groupSchema, type ResourceSchema, userSchema } from '../provisioning/attributes.ts';
import { type Equality, readFilter } from '../provisioning/filter.ts';
import { applyPatch, type PatchOperation } from '../provisioning/patch.ts';
import {
  type Db,
  type Provisioner,
  type Provisioning,
  provision,
  provisionerOf,
} from '../provisioning/provisioner.ts';
import { mostValues, type Resource, readResource } from '../provisioning/read-resource.ts';
import { refusal } from '../provisioning/refusal.ts';
import {
  contentOfRole,
  createRole,
  findRole,
  listRoles,
  memberCounts,
  membersOf,
  type RoleRow,
  removeRole,
  rolesOf,
  saveRole,
} from '../provisioning/roles.ts';
import {
  contentOf,
  createUser,
  findUser,
  listUsers,
  type Page,
  removeUser,
  saveUser,
  type UserRow,
} from '../provisioning/users.ts';
import { discovery, listResponse, longestPage } from './scim-discovery.ts';
import type { scimApi } from './scim-operations.ts';
import {
  type Answer,
  assertVersion,
  names,
  type Selection,
  select,
  toGroup,
  toUser,
  wants,
} from './scim-views.ts';

interface ListQuery {
  readonly filter?: string;
  readonly startIndex?: number;
  readonly count?: number;
}

const patchOp = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const validPatch = compileValidator(
  Type.Object({
    schemas: Type.Array(Type.String()),
    Operations: Type.Array(
      Type.Object({ op: Type.String(), path: Type.Optional(Type.String({ maxLength: 2000 })) }),
      { minItems: 1, maxItems: 1000 },
    ),
  }),
  'body',
  false,
);

function operationsOf(body: unknown): readonly PatchOperation[] {
  const [defect] = validPatch(body) ?? [];
  if (defect) throw refusal('invalidSyntax', `${defect.pointer} ${defect.detail}`);
  const { schemas, Operations } = body as { schemas: string[]; Operations: PatchOperation[] };
  if (!schemas.includes(patchOp)) throw refusal('invalidSyntax', `schemas must name ${patchOp}`);
  return Operations;
}

const pageOf = ({ startIndex = 1, count = 100 }: ListQuery): Page => ({
  offset: Math.min(Math.max(startIndex, 1) - 1, Number.MAX_SAFE_INTEGER),
  limit: Math.min(Math.max(count, 0), longestPage),
});

const filterOf = ({ filter }: ListQuery, schema: ResourceSchema): readonly Equality[] =>
  filter === undefined ? [] : readFilter(filter, schema.id);

const listed = (resources: Answer[], total: number, { offset }: Page) => ({
  status: 200 as const,
  body: {
    schemas: [listResponse],
    totalResults: total,
    startIndex: offset + 1,
    itemsPerPage: resources.length,
    Resources: resources,
  },
});

/** One resource, under its version. */
const answered = <S extends number>(
  status: S,
  schema: ResourceSchema,
  selection: Selection,
  answer: Answer,
) => {
  const { location, version } = answer.meta;
  return {
    status,
    body: select(schema, selection, answer),
    headers: { etag: version, ...(status === 201 ? { location } : {}) },
  };
};

const seen = (ifNoneMatch: string | undefined, schema: ResourceSchema, query: Selection, answer: Answer) =>
  ifNoneMatch !== undefined && names(ifNoneMatch, answer.meta.version)
    ? { status: 304 as const, headers: { etag: answer.meta.version } }
    : answered(200, schema, query, answer);

/** As many of the groups, from the first, as have no more members together than an answer may hold. */
async function fitting(db: Db, rows: readonly RoleRow[]): Promise<readonly RoleRow[]> {
  const counts = await memberCounts(
    db,
    rows.map((row) => row.id),
  );
  let together = 0;
  const end = rows.findIndex((row, at) => {
    together += counts.get(row.id) ?? 0;
    return at > 0 && together > mostValues;
  });
  return end === -1 ? rows : rows.slice(0, end);
}

/** Handlers of the provisioning of persons and roles. */
export function scimHandlers(provisioning: Provisioning): Handlers<(typeof scimApi)['operations']> {
  const { db } = provisioning;
  const by = (caller: Caller): Provisioner => provisionerOf(provisioning, caller);
  const toAnswer = async (from: Db, who: Provisioner, row: UserRow): Promise<Answer> =>
    toUser(provisioning, who, row, (await rolesOf(from, [row.id])).get(row.id) ?? []);
  const membersOfOne = async (from: Db, { id }: RoleRow): Promise<readonly string[]> =>
    (await membersOf(from, [id])).get(id) ?? [];

  /** Changes a person, unless they are not as the client has seen them. */
  const changeUser = (
    who: Provisioner,
    id: string,
    ifMatch: string | undefined,
    change: (before: Resource) => Resource,
  ): Promise<Answer> =>
    provision(provisioning, who, async (trx, at) => {
      const before = await findUser(trx, who, id);
      assertVersion(ifMatch, (await toAnswer(trx, who, before)).meta.version);
      const user = change(contentOf(provisioning, before));
      return toAnswer(trx, who, await saveUser(trx, provisioning, who, before, user, at));
    });
  /** Changes a role, unless it is not as the client has seen it. */
  const changeGroup = (
    who: Provisioner,
    id: string,
    ifMatch: string | undefined,
    change: (before: Resource) => Resource,
  ): Promise<Answer> =>
    provision(provisioning, who, async (trx, at) => {
      const before = await findRole(trx, who, id);
      assertVersion(ifMatch, toGroup(who, before, []).meta.version);
      const had = await membersOfOne(trx, before);
      const role = change(contentOfRole(before, had));
      const row = await saveRole(trx, who, before, had, role, at);
      return toGroup(who, row, await membersOfOne(trx, row));
    });

  return {
    ...discovery,
    async listUsers({ query, caller }) {
      const who = by(caller);
      const page = pageOf(query);
      const { total, rows } = await listUsers(db, who, filterOf(query, userSchema), page);
      const roles = await rolesOf(
        db,
        rows.map((row) => row.id),
      );
      const answers = rows.map((row) => toUser(provisioning, who, row, roles.get(row.id) ?? []));
      return listed(
        answers.map((answer) => select(userSchema, query, answer)),
        total,
        page,
      );
    },
    async createUser({ body, query, caller }) {
      const who = by(caller);
      const user = readResource(userSchema, body);
      const answer = await provision(provisioning, who, async (trx, at) =>
        toAnswer(trx, who, await createUser(trx, provisioning, who, user, at)),
      );
      return answered(201, userSchema, query, answer);
    },
    async getUser({ params, query, headers, caller }) {
      const who = by(caller);
      const answer = await toAnswer(db, who, await findUser(db, who, params.id));
      return seen(headers['if-none-match'], userSchema, query, answer);
    },
    async replaceUser({ params, body, query, headers, caller }) {
      const user = readResource(userSchema, body);
      const answer = await changeUser(by(caller), params.id, headers['if-match'], () => user);
      return answered(200, userSchema, query, answer);
    },
    async patchUser({ params, body, query, headers, caller }) {
      const operations = operationsOf(body);
      const answer = await changeUser(by(caller), params.id, headers['if-match'], (before) =>
        applyPatch(userSchema, before, operations),
      );
      return answered(200, userSchema, query, answer);
    },
    async deleteUser({ params, headers, caller }) {
      const who = by(caller);
      await provision(provisioning, who, async (trx, at) => {
        const row = await findUser(trx, who, params.id);
        assertVersion(headers['if-match'], (await toAnswer(trx, who, row)).meta.version);
        await removeUser(trx, provisioning, who, row, at);
      });
      return { status: 204 };
    },
    async listGroups({ query, caller }) {
      const who = by(caller);
      const page = pageOf(query);
      const { total, rows } = await listRoles(db, who, filterOf(query, groupSchema), page);
      const withMembers = wants(groupSchema, query, 'members');
      const shown = withMembers ? await fitting(db, rows) : rows;
      const members = withMembers
        ? await membersOf(
            db,
            shown.map((row) => row.id),
          )
        : new Map();
      return listed(
        shown.map((row) => select(groupSchema, query, toGroup(who, row, members.get(row.id) ?? []))),
        total,
        page,
      );
    },
    async createGroup({ body, query, caller }) {
      const who = by(caller);
      const role = readResource(groupSchema, body);
      const answer = await provision(provisioning, who, async (trx, at) => {
        const row = await createRole(trx, provisioning, who, role, at);
        return toGroup(who, row, await membersOfOne(trx, row));
      });
      return answered(201, groupSchema, query, answer);
    },
    async getGroup({ params, query, headers, caller }) {
      const who = by(caller);
      const row = await findRole(db, who, params.id);
      const members = wants(groupSchema, query, 'members') ? await membersOfOne(db, row) : [];
      return seen(headers['if-none-match'], groupSchema, query, toGroup(who, row, members));
    },
    async replaceGroup({ params, body, query, headers, caller }) {
      const role = readResource(groupSchema, body);
      const answer = await changeGroup(by(caller), params.id, headers['if-match'], () => role);
      return answered(200, groupSchema, query, answer);
    },
    async patchGroup({ params, body, query, headers, caller }) {
      const operations = operationsOf(body);
      const answer = await changeGroup(by(caller), params.id, headers['if-match'], (before) =>
        applyPatch(groupSchema, before, operations),
      );
      return answered(200, groupSchema, query, answer);
    },
    async deleteGroup({ params, headers, caller }) {
      const who = by(caller);
      await provision(provisioning, who, async (trx, at) => {
        const row = await findRole(trx, who, params.id);
        assertVersion(headers['if-match'], toGroup(who, row, []).meta.version);
        await removeRole(trx, who, row, at);
      });
      return { status: 204 };
    },
  };
}
