import { defineOperation, defineSurface, type ErrorShape, Type } from '@govstack/platform/operation';

const scim = ['application/scim+json', 'application/json'] as const;
const provisioner = { caller: 'application' } as const;
const id = Type.Object({ id: Type.String({ minLength: 1, maxLength: 200 }) });

const selection = {
  attributes: Type.Optional(
    Type.String({ maxLength: 2000, description: 'The only attributes to answer, separated by commas' }),
  ),
  excludedAttributes: Type.Optional(
    Type.String({ maxLength: 2000, description: 'Attributes not to answer, separated by commas' }),
  ),
};
const list = Type.Object({
  filter: Type.Optional(
    Type.String({ description: 'attribute eq "value", joined with `and`; others answer 400 invalidFilter' }),
  ),
  startIndex: Type.Optional(Type.Integer({ default: 1, description: 'Of the first resource, from 1' })),
  count: Type.Optional(Type.Integer({ default: 100, description: 'At most; never more than 200' })),
  ...selection,
});
const ifMatch = Type.Object({
  'if-match': Type.Optional(Type.String({ maxLength: 1000, description: 'Version that is to be changed' })),
});
const ifNoneMatch = Type.Object({
  'if-none-match': Type.Optional(
    Type.String({ maxLength: 1000, description: 'Version that is known already' }),
  ),
});

const schemas = Type.Array(Type.String());
const Resource = Type.Object(
  { schemas, id: Type.Optional(Type.String()) },
  { description: 'As /Schemas describes it' },
);
const ListResponse = Type.Object({
  schemas,
  totalResults: Type.Integer(),
  startIndex: Type.Integer(),
  itemsPerPage: Type.Integer(),
  Resources: Type.Array(Resource),
});
const Sent = Type.Object(
  { schemas },
  { description: 'As /Schemas describes it; what is not kept is left out' },
);
const PatchOp = Type.Object({
  schemas,
  Operations: Type.Array(
    Type.Object({
      op: Type.String(),
      path: Type.Optional(Type.String()),
      value: Type.Optional(Type.Unknown()),
    }),
  ),
});
const requirements = ['WF-6.5'];
/** Room for groups of ten thousand. */
const bodyLimit = 4 * 1024 * 1024;

const writes = { access: provisioner, requirements, consumes: scim, produces: scim, bodyLimit } as const;
const checked = { ...writes, bodyCheckedBy: 'handler' } as const;
const reads = { access: provisioner, requirements, produces: scim, method: 'GET' } as const;

const listUsers = defineOperation({
  ...reads,
  id: 'listUsers',
  path: '/Users',
  summary: 'Persons of the agency of the calling application',
  query: list,
  responses: { 200: ListResponse },
});
const createUser = defineOperation({
  ...checked,
  id: 'createUser',
  method: 'POST',
  path: '/Users',
  summary: 'Provision a person',
  description:
    '`userName` is the subject by which access tokens name the person. 409 when there is one. A person who was removed and comes again keeps their id.',
  body: Sent,
  query: Type.Object(selection),
  responses: { 201: Resource },
});
const getUser = defineOperation({
  ...reads,
  id: 'getUser',
  path: '/Users/{id}',
  summary: 'A person',
  params: id,
  query: Type.Object(selection),
  headers: ifNoneMatch,
  responses: { 200: Resource, 304: null },
});
const replaceUser = defineOperation({
  ...checked,
  id: 'replaceUser',
  method: 'PUT',
  path: '/Users/{id}',
  summary: 'Replace what is known of a person; 412 when the version is another one by now',
  params: id,
  query: Type.Object(selection),
  headers: ifMatch,
  body: Sent,
  responses: { 200: Resource },
});
const patchUser = defineOperation({
  ...checked,
  id: 'patchUser',
  method: 'PATCH',
  path: '/Users/{id}',
  summary: 'Change attributes of a person: `active` false takes all rights away at once',
  params: id,
  query: Type.Object(selection),
  headers: ifMatch,
  body: PatchOp,
  responses: { 200: Resource },
});
const deleteUser = defineOperation({
  id: 'deleteUser',
  access: provisioner,
  requirements,
  method: 'DELETE',
  path: '/Users/{id}',
  summary: 'Remove a person, who has no rights from then on, whatever their token says',
  params: id,
  headers: ifMatch,
  responses: { 204: null },
});

const listGroups = defineOperation({
  ...reads,
  id: 'listGroups',
  path: '/Groups',
  summary: 'Roles of the agency of the calling application',
  description: 'A page ends earlier where its groups would have more than ten thousand members together.',
  query: list,
  responses: { 200: ListResponse },
});
const createGroup = defineOperation({
  ...checked,
  id: 'createGroup',
  method: 'POST',
  path: '/Groups',
  summary: 'Provision a role; `displayName` is its name in processes and settings',
  body: Sent,
  query: Type.Object(selection),
  responses: { 201: Resource },
});
const getGroup = defineOperation({
  ...reads,
  id: 'getGroup',
  path: '/Groups/{id}',
  summary: 'A role with the persons who have it',
  params: id,
  query: Type.Object(selection),
  headers: ifNoneMatch,
  responses: { 200: Resource, 304: null },
});
const replaceGroup = defineOperation({
  ...checked,
  id: 'replaceGroup',
  method: 'PUT',
  path: '/Groups/{id}',
  summary: 'Replace a role and who has it; 412 when the version is another one by now',
  params: id,
  query: Type.Object(selection),
  headers: ifMatch,
  body: Sent,
  responses: { 200: Resource },
});
const patchGroup = defineOperation({
  ...checked,
  id: 'patchGroup',
  method: 'PATCH',
  path: '/Groups/{id}',
  summary: 'Give the role to persons, take it from persons, rename it',
  params: id,
  query: Type.Object(selection),
  headers: ifMatch,
  body: PatchOp,
  responses: { 200: Resource },
});
const deleteGroup = defineOperation({
  id: 'deleteGroup',
  access: provisioner,
  requirements,
  method: 'DELETE',
  path: '/Groups/{id}',
  summary: 'Remove a role from everyone who has it',
  params: id,
  headers: ifMatch,
  responses: { 204: null },
});

const getServiceProviderConfig = defineOperation({
  ...reads,
  id: 'getServiceProviderConfig',
  path: '/ServiceProviderConfig',
  summary: 'What of SCIM is supported',
  responses: { 200: Resource },
});
const listResourceTypes = defineOperation({
  ...reads,
  id: 'listResourceTypes',
  path: '/ResourceTypes',
  summary: 'Kinds of resources',
  responses: { 200: ListResponse },
});
const getResourceType = defineOperation({
  ...reads,
  id: 'getResourceType',
  path: '/ResourceTypes/{id}',
  summary: 'A kind of resources',
  params: id,
  responses: { 200: Resource },
});
const listSchemas = defineOperation({
  ...reads,
  id: 'listSchemas',
  path: '/Schemas',
  summary: 'Attributes of the resources',
  responses: { 200: ListResponse },
});
const getSchema = defineOperation({
  ...reads,
  id: 'getSchema',
  path: '/Schemas/{id}',
  summary: 'Attributes of a kind of resources',
  params: id,
  responses: { 200: Resource },
});

/** Errors as RFC 7644, 3.12 words them. */
const errorShape: ErrorShape = ({ status, type, detail, title, errors }) => {
  const first = errors?.[0];
  const more = first ? `: ${first.in ?? ''} ${first.pointer} ${first.detail}` : '';
  const scimType = type !== 'about:blank' ? type : status === 400 && !errors ? 'invalidSyntax' : undefined;
  return {
    status,
    headers: { 'content-type': 'application/scim+json; charset=utf-8' },
    body: {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: String(status),
      ...(scimType === undefined ? {} : { scimType }),
      detail: `${detail ?? title}${more}`,
    },
  };
};

/** Provisioning of persons and roles by an agency's IAM system: SCIM 2.0 (RFC 7643, RFC 7644). */
export const scimApi = defineSurface({
  name: 'scim-v2',
  title: 'Workflow provisioning (SCIM 2.0)',
  version: '2.0.0',
  description:
    'Users are persons who work for the agency of the calling application, groups their roles in workflow. Only applications that a setting names may provision, each for its own agency.',
  errorShape,
  operations: {
    listUsers,
    createUser,
    getUser,
    replaceUser,
    patchUser,
    deleteUser,
    listGroups,
    createGroup,
    getGroup,
    replaceGroup,
    patchGroup,
    deleteGroup,
    getServiceProviderConfig,
    listResourceTypes,
    getResourceType,
    listSchemas,
    getSchema,
  },
});
