import { defineOperation, defineSurface, Type, type YamlType } from '@govstack/platform/operation';
import { Mapping } from './document.ts';

const owner = { caller: 'application', person: 'optional' } as const;
const yaml: readonly ('application/json' | YamlType)[] = [
  'application/json',
  'application/yaml',
  'text/yaml',
];
const byName = Type.Object({
  mapping: Type.String({
    pattern: '^[a-z][a-z0-9-]{0,59}$',
    description: 'Name of the mapping, part of the address under which clients reach the registry',
  }),
});
const bySender = Type.Object({
  senderId: Type.String({ minLength: 1, maxLength: 200, description: '`sender_id` of its messages' }),
});
const Warning = Type.Object({ pointer: Type.String(), detail: Type.String() });
const Verdict = Type.Object({
  warnings: Type.Array(Warning, { description: 'What works, and will be slow or useless' }),
});

const Sender = Type.Object(
  {
    application: Type.String({
      maxLength: 400,
      description: 'Who it is with the information mediator: it sees what this application may see',
    }),
    signature: Type.Optional(
      Type.Union([Type.Literal('demanded'), Type.Literal('waived')], {
        description: 'Whether its messages must be signed; `demanded` when left out',
      }),
    ),
    keys: Type.Optional(
      Type.Array(
        Type.Intersect([
          Type.Object({ kid: Type.String({ minLength: 1, maxLength: 100 }) }),
          Type.Record(Type.String(), Type.Unknown()),
        ]),
        {
          maxItems: 20,
          description: 'Public keys (RFC 7517): Ed25519, or RSA of at least 2048 bits',
        },
      ),
    ),
    callbacks: Type.Optional(
      Type.Array(Type.String({ maxLength: 2000 }), {
        maxItems: 20,
        description: 'Addresses under which it may be called back; nobody is called anywhere else',
      }),
    ),
    callbackService: Type.Optional(
      Type.String({
        maxLength: 500,
        description: 'Service behind the mediator that is called back when a message names no address',
      }),
    ),
  },
  { additionalProperties: false },
);

/** How an owner offers its registries to clients that speak other formats: mappings, and who may speak DCI. */
export const registryMappings = defineSurface({
  name: 'registry-mappings-v1',
  title: 'Mappings of registries onto other formats',
  version: '1.0.0',
  operations: {
    putMapping: defineOperation({
      id: 'putMapping',
      method: 'PUT',
      path: '/mappings/{mapping}',
      summary: 'Keep a mapping, in JSON or YAML; refused with every defect',
      access: owner,
      params: byName,
      consumes: yaml,
      body: Mapping,
      responses: { 200: Verdict },
    }),
    checkMapping: defineOperation({
      id: 'checkMapping',
      method: 'POST',
      path: '/mapping-checks',
      summary: 'Say what is wrong with a mapping, and keep nothing',
      access: owner,
      consumes: yaml,
      body: Mapping,
      responses: {
        200: Type.Object({ defects: Type.Array(Warning), warnings: Type.Array(Warning) }),
      },
    }),
    getMapping: defineOperation({
      id: 'getMapping',
      method: 'GET',
      path: '/mappings/{mapping}',
      summary: 'A mapping, as JSON or YAML',
      access: owner,
      params: byName,
      produces: yaml,
      responses: { 200: Mapping },
    }),
    listMappings: defineOperation({
      id: 'listMappings',
      method: 'GET',
      path: '/mappings',
      summary: 'Mappings of the owner',
      access: owner,
      responses: {
        200: Type.Object({
          mappings: Type.Array(Type.Object({ name: Type.String(), registry: Type.String() })),
        }),
      },
    }),
    deleteMapping: defineOperation({
      id: 'deleteMapping',
      method: 'DELETE',
      path: '/mappings/{mapping}',
      summary: 'Forget a mapping: clients find nothing there any more',
      access: owner,
      params: byName,
      responses: { 204: null },
    }),
    putSender: defineOperation({
      id: 'putSender',
      method: 'PUT',
      path: '/senders/{senderId}',
      summary: 'Register a system that speaks DCI',
      access: owner,
      params: bySender,
      body: Sender,
      responses: { 204: null },
    }),
    listSenders: defineOperation({
      id: 'listSenders',
      method: 'GET',
      path: '/senders',
      summary: 'Systems that speak DCI with the owner',
      access: owner,
      responses: {
        200: Type.Object({
          senders: Type.Array(Type.Object({ senderId: Type.String(), ...Sender.properties })),
        }),
      },
    }),
    deleteSender: defineOperation({
      id: 'deleteSender',
      method: 'DELETE',
      path: '/senders/{senderId}',
      summary: 'Forget a sender: its messages are refused from now on, its subscriptions end',
      access: owner,
      params: bySender,
      responses: { 204: null },
    }),
  },
});
