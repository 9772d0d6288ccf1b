import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';

const ObjectType = Type.Object({ object_type: Type.String() }, { additionalProperties: false });

const Entry = Type.Object(
  {
    objectType: ObjectType,
    serviceType: Type.Optional(Type.String()),
    GovStackInstance: Type.String(),
    memberClass: Type.String(),
    memberCode: Type.String(),
    applicationCode: Type.Optional(Type.String()),
    serviceCode: Type.Optional(Type.String()),
    serviceVersion: Type.Optional(Type.String()),
    endpointList: Type.Optional(
      Type.Object({
        member: Type.Array(Type.Object({ method: Type.String(), path: Type.String() })),
      }),
    ),
  },
  { additionalProperties: false },
);
const List = Type.Object({ member: Type.Array(Entry) });

const part = Type.String({ maxLength: 300 });
const Application = {
  GovStackInstance: part,
  memberClass: part,
  memberCode: part,
  applicationCode: part,
};
const identifier = Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_:.-]*$' });
const code = Type.String({ pattern: '^[A-Za-z0-9-]+$' });

/** The suite names the client in one header or the other, or not at all, and not always with an identifier. */
const Client = Type.Object({
  'information-mediator-client': Type.Optional(Type.String()),
  'x-govstack-client': Type.Optional(Type.String()),
});

/** The suite repeats its requests with the query doubled: the first value counts. */
const Repeatable = Type.Optional(
  Type.Unsafe<string | string[]>({ description: 'A text; when repeated, the first one counts' }),
);

const open = { caller: 'public' } as const;
const prefix = '/{GovStackInstance}/{memberClass}/{memberCode}/{applicationCode}';

/**
 * The directory as the official compliance suite asks for it: without `/r1`, in shapes of its own. Its refusals must
 * not be JSON objects, so they are JSON strings.
 */
export const directorySuite = defineSurface({
  name: 'directory-compliance',
  title: 'Information mediator: directory in the dialect of the compliance suite',
  version: '1.1.1',
  compliance: true,
  errorShape: ({ status, detail, title }) => ({
    status: status === 404 ? 400 : status,
    body: detail ?? title,
  }),
  operations: {
    listClients: defineOperation({
      id: 'listClients',
      method: 'GET',
      path: '/listClients',
      summary: 'Members and applications of the instance',
      access: open,
      query: Type.Object({ instanceId: Repeatable }),
      responses: { 200: List },
    }),
    listMethods: defineOperation({
      id: 'listMethods',
      method: 'GET',
      path: `${prefix}/listMethods`,
      summary: 'Services and endpoints of an application',
      access: open,
      params: Type.Object(Application),
      query: Type.Object({ serviceId: Repeatable }),
      responses: { 200: List },
    }),
    allowedMethods: defineOperation({
      id: 'allowedMethods',
      method: 'GET',
      path: `${prefix}/allowedMethods`,
      summary: 'What the caller may use of an application',
      access: open,
      params: Type.Object(Application),
      query: Type.Object({ serviceId: Repeatable }),
      headers: Client,
      responses: { 200: List },
    }),
    getOpenAPI: defineOperation({
      id: 'getOpenAPI',
      method: 'GET',
      path: `${prefix}/getOpenAPI`,
      summary: 'The description of a service, encoded as a string',
      access: open,
      params: Type.Object({
        GovStackInstance: identifier,
        memberClass: identifier,
        memberCode: code,
        applicationCode: code,
      }),
      query: Type.Object({ serviceCode: code }),
      responses: { 200: Type.String() },
    }),
  },
});
