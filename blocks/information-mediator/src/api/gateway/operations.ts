import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { nextPageToken, paging, ServiceId } from '../identifiers-operations.ts';
import { Credential, Policy } from './policy.ts';

const access = { caller: 'application', person: 'optional' } as const;
const params = Type.Object({ service: ServiceId });

/** How requests to a service are let through; for those who administer its provider. A change counts at once. */
export const mediatorGateway = defineSurface({
  name: 'mediator-gateway-v1',
  title: 'Information mediator: gateway',
  version: '1.0.0',
  operations: {
    putPolicy: defineOperation({
      id: 'putPolicy',
      method: 'PUT',
      path: '/services/{service}/policy',
      summary: 'Set limits, validation, upstreams and circuit breaker of a service: these and nothing else',
      access,
      params,
      body: Policy,
      responses: { 204: null },
    }),
    deletePolicy: defineOperation({
      id: 'deletePolicy',
      method: 'DELETE',
      path: '/services/{service}/policy',
      summary: 'Let requests through as they are, with no credential',
      access,
      params,
      responses: { 204: null },
    }),
    putCredential: defineOperation({
      id: 'putCredential',
      method: 'PUT',
      path: '/services/{service}/credential',
      summary: 'Set what the mediator proves itself by to the provider; it is never given back',
      access,
      params,
      body: Type.Object(
        { credential: Type.Union([Credential, Type.Null()]) },
        { additionalProperties: false },
      ),
      responses: { 204: null },
    }),
    listPolicies: defineOperation({
      id: 'listPolicies',
      method: 'GET',
      path: '/policies',
      summary: 'Policies with the state of their upstreams on this node',
      access,
      query: Type.Object(paging),
      responses: {
        200: Type.Object({
          items: Type.Array(
            Type.Object({
              service: Type.String(),
              policy: Policy,
              credential: Type.Boolean({ description: 'The provider is given a credential' }),
              upstreams: Type.Array(
                Type.Object({
                  url: Type.String(),
                  healthy: Type.Boolean(),
                  open: Type.Boolean({ description: 'Nothing is sent to it now' }),
                  failures: Type.Integer(),
                }),
              ),
            }),
          ),
          nextPageToken,
        }),
      },
    }),
  },
});
