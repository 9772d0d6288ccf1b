import { type Access, defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { dciErrors } from './errors.ts';
import * as dci from './shapes.ts';

const params = Type.Object({
  mapping: Type.String({
    minLength: 1,
    maxLength: 60,
    description: 'Name of the mapping under which the owner offers a registry',
  }),
});
const registry = '/{mapping}/registry';

/** The operations of DCI 1.0.0, for those who may call them so. */
export function dciOperations<const A extends Access>(access: A) {
  const headers = Type.Object({ authorization: Type.Optional(Type.String({ maxLength: 8000 })) });
  const post = { method: 'POST', access, params, headers } as const;
  const acknowledged = { 202: dci.Acknowledgement };
  return {
    search: defineOperation({
      ...post,
      id: 'search',
      path: `${registry}/search`,
      summary: 'Search; the answer comes to on-search at sender_uri',
      body: dci.request(dci.SearchRequest),
      responses: acknowledged,
    }),
    searchNow: defineOperation({
      ...post,
      id: 'searchNow',
      path: `${registry}/sync/search`,
      summary: 'Search now',
      description:
        'Each request of the message is answered or rejected on its own. Records are those that the application behind the sender may see; fields it may not see are neither shown nor searched by.',
      body: dci.request(dci.SearchRequest),
      responses: { 200: dci.answer(dci.SearchResponse) },
    }),
    subscribe: defineOperation({
      ...post,
      id: 'subscribe',
      path: `${registry}/subscribe`,
      summary: 'Be told of changes; the answer comes to on-subscribe, changes to notify',
      body: dci.request(dci.SubscribeRequest),
      responses: acknowledged,
    }),
    unsubscribe: defineOperation({
      ...post,
      id: 'unsubscribe',
      path: `${registry}/unsubscribe`,
      summary: 'End subscriptions; the answer comes to on-unsubscribe',
      body: dci.request(dci.UnsubscribeRequest),
      responses: acknowledged,
    }),
    txnStatus: defineOperation({
      ...post,
      id: 'txnStatus',
      path: `${registry}/txn/status`,
      summary: 'What became of earlier requests; the answer comes to txn/on-status',
      body: dci.request(dci.StatusRequest),
      responses: acknowledged,
    }),
    txnStatusNow: defineOperation({
      ...post,
      id: 'txnStatusNow',
      path: `${registry}/sync/txn/status`,
      summary: 'What became of earlier requests',
      body: dci.request(dci.StatusRequest),
      responses: { 200: dci.answer(dci.StatusResponse) },
    }),
    enrolled: defineOperation({
      ...post,
      id: 'enrolled',
      path: `${registry}/sync/enrolled`,
      summary: 'Whether a person is a beneficiary (beneficiary registries)',
      body: dci.request(dci.EnrolledRequest),
      responses: { 200: dci.answer(dci.EnrolledResponse) },
    }),
    disabled: defineOperation({
      ...post,
      id: 'disabled',
      path: `${registry}/sync/disabled`,
      summary: 'Whether a person is registered as disabled (disability registries)',
      body: dci.request(dci.DisabledRequest),
      responses: { 200: dci.answer(dci.DisabledResponse) },
    }),
    disabilityDetails: defineOperation({
      ...post,
      id: 'disabilityDetails',
      path: `${registry}/sync/get-disability-details`,
      summary: 'What is known about a person’s disability',
      body: dci.request(dci.DisabledRequest),
      responses: { 200: dci.answer(dci.SearchResponse) },
    }),
    disabilitySupport: defineOperation({
      ...post,
      id: 'disabilitySupport',
      path: `${registry}/sync/get-disability-support`,
      summary: 'Which support a person has or needs',
      body: dci.request(dci.DisabledRequest),
      responses: { 200: dci.answer(dci.SearchResponse) },
    }),
    signingKeys: defineOperation({
      id: 'signingKeys',
      method: 'GET',
      access,
      headers,
      params,
      path: '/{mapping}/.well-known/jwks.json',
      summary: 'Keys with which the registry signs its answers and callbacks (RFC 7517)',
      responses: { 200: Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.Unknown())) }) },
    }),
  };
}

/** Registries for clients of the Digital Convergence Initiative: `…/{application}/dci-v1/{mapping}` is their base address. */
export const dciApi = defineSurface({
  name: 'dci-v1',
  title: 'Registries as the Digital Convergence Initiative (SPDCI) addresses them',
  version: '1.0.0',
  description:
    'One surface for social, civil, beneficiary, farmer and disability registries: which is which, and what its attributes and records are called, is said in mappings.',
  errorShape: dciErrors,
  operations: dciOperations({ caller: 'application' }),
});
