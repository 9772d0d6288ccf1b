import { type Caller, notFound } from '@govstack/platform';
import type { Handlers } from '@govstack/platform/operation';
import { groupSchema, type ResourceSchema, userSchema } from '../provisioning/attributes.ts';
import type { scimApi } from './scim-operations.ts';

export const listResponse = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
/** Most resources of a page. */
export const longestPage = 200;

const kinds: readonly ResourceSchema[] = [userSchema, groupSchema];

const at = ({ service }: Caller, path: string): string => `/r1/${service}/${path}`;

const typeOf = (schema: ResourceSchema, caller: Caller) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
  id: schema.name,
  name: schema.name,
  endpoint: `/${schema.name}s`,
  description: schema.description,
  schema: schema.id,
  meta: { resourceType: 'ResourceType', location: at(caller, `ResourceTypes/${schema.name}`) },
});

const schemaOf = ({ id, name, description, attributes }: ResourceSchema, caller: Caller) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
  id,
  name,
  description,
  attributes,
  meta: { resourceType: 'Schema', location: at(caller, `Schemas/${id}`) },
});

const listed = <T>(resources: T[]) => ({
  schemas: [listResponse],
  totalResults: resources.length,
  startIndex: 1,
  itemsPerPage: resources.length,
  Resources: resources,
});

const find = (what: string, is: (schema: ResourceSchema) => boolean): ResourceSchema => {
  const schema = kinds.find(is);
  if (!schema) throw notFound(what);
  return schema;
};

type Discovery = Pick<
  Handlers<(typeof scimApi)['operations']>,
  'getServiceProviderConfig' | 'listResourceTypes' | 'getResourceType' | 'listSchemas' | 'getSchema'
>;

/** What this service provider can do (RFC 7644, 4). */
export const discovery: Discovery = {
  async getServiceProviderConfig({ caller }) {
    const config = {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
      patch: { supported: true },
      bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
      filter: { supported: true, maxResults: longestPage },
      changePassword: { supported: false },
      sort: { supported: false },
      etag: { supported: true },
      authenticationSchemes: [
        {
          type: 'oauthbearertoken',
          name: 'Client assertion',
          description: 'The information mediator knows the application by its signed client assertion',
          specUri: 'https://www.rfc-editor.org/info/rfc7523',
          primary: true,
        },
      ],
      meta: { resourceType: 'ServiceProviderConfig', location: at(caller, 'ServiceProviderConfig') },
    };
    return { status: 200, body: config };
  },
  listResourceTypes: async ({ caller }) => ({
    status: 200,
    body: listed(kinds.map((schema) => typeOf(schema, caller))),
  }),
  getResourceType: async ({ params, caller }) => ({
    status: 200,
    body: typeOf(
      find('ResourceType', ({ name }) => name === params.id),
      caller,
    ),
  }),
  listSchemas: async ({ caller }) => ({
    status: 200,
    body: listed(kinds.map((schema) => schemaOf(schema, caller))),
  }),
  getSchema: async ({ params, caller }) => ({
    status: 200,
    body: schemaOf(
      find('Schema', ({ id }) => id === params.id),
      caller,
    ),
  }),
};
