import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';

const ErrorEntry = Type.Object({ errorCode: Type.String(), errorMessage: Type.String() });
const ClientAnswer = Type.Object({
  responseTime: Type.String(),
  response: Type.Object({ clientId: Type.Optional(Type.String()) }),
  errors: Type.Array(ErrorEntry),
});

/** The published envelope. Field rules are checked by the domain, which answers with the published error codes. */
const Envelope = Type.Object({
  requestTime: Type.Unknown(),
  request: Type.Object({
    clientId: Type.Optional(Type.Unknown()),
    clientName: Type.Optional(Type.Unknown()),
    relyingPartyId: Type.Optional(Type.Unknown()),
    logoUri: Type.Optional(Type.Unknown()),
    redirectUris: Type.Optional(Type.Unknown()),
    postLogoutRedirectUris: Type.Optional(Type.Unknown()),
    authContextRefs: Type.Optional(Type.Unknown()),
    publicKey: Type.Optional(Type.Unknown()),
    userClaims: Type.Optional(Type.Unknown()),
    grantTypes: Type.Optional(Type.Unknown()),
    clientAuthMethods: Type.Optional(Type.Unknown()),
    status: Type.Optional(Type.Unknown()),
  }),
});

/** Registration of relying parties, as published. */
export const clientManagement = defineSurface({
  name: 'identity-client-mgmt-v1',
  title: 'Identity: client management',
  version: '1.0.2',
  operations: {
    createOidcClient: defineOperation({
      id: 'createOidcClient',
      method: 'POST',
      path: '/client-mgmt/oidc-client',
      summary: 'Register an OpenID Connect client',
      access: { caller: 'application' },
      body: Envelope,
      responses: { 200: ClientAnswer },
    }),
    updateOidcClient: defineOperation({
      id: 'updateOidcClient',
      method: 'PUT',
      path: '/client-mgmt/oidc-client/{client_id}',
      summary: 'Change an OpenID Connect client; its key and relying party stay',
      access: { caller: 'application' },
      params: Type.Object({ client_id: Type.String() }),
      body: Envelope,
      responses: { 200: ClientAnswer },
    }),
  },
});

const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const Role = Type.String({
  pattern: "^[a-z][a-z-]{0,49}(:[A-Za-z0-9'()+,\\-.=?_]{1,100})?$",
  description: 'With a colon: a role for one application of the agency, `administrator:CODE`',
});

export const PersonRecord = Type.Object(
  {
    aliases: Type.Object(
      {
        'national-number': Type.Optional(text(200)),
        login: Type.Optional(text(200)),
        email: Type.Optional(text(200)),
        phone: Type.Optional(text(200)),
      },
      { additionalProperties: false, description: 'Ways to name the person; unique per kind' },
    ),
    attributes: Type.Object(
      {
        given_name: text(200),
        family_name: text(200),
        birthdate: Type.Optional(Type.String({ format: 'date' })),
        gender: Type.Optional(text(20)),
        locale: Type.Optional(text(35)),
        email: Type.Optional(text(200)),
        phone_number: Type.Optional(text(30)),
        national_number: Type.Optional(text(50)),
      },
      { additionalProperties: false },
    ),
    pin: Type.Optional(Type.String({ minLength: 4, maxLength: 64 })),
    appointments: Type.Optional(
      Type.Array(Type.Object({ agency: text(200), role: Role }), {
        maxItems: 20,
      }),
    ),
    persona: Type.Optional(
      Type.Object({
        label: Type.Record(Type.String(), text(300)),
        position: Type.Integer({ minimum: 0, maximum: 1000 }),
      }),
    ),
  },
  { additionalProperties: false },
);

/** Enrolment of persons and officers by the identity authority. */
export const enrolment = defineSurface({
  name: 'identity-enrolment-v1',
  title: 'Identity: enrolment',
  version: '1.0.0',
  operations: {
    enrolPersons: defineOperation({
      id: 'enrolPersons',
      method: 'PUT',
      path: '/persons',
      summary: 'Enrol persons, or update those who are known by one of the aliases; all or none',
      access: { caller: 'application' },
      bodyLimit: 8 * 1024 * 1024,
      body: Type.Object(
        { persons: Type.Array(PersonRecord, { minItems: 1, maxItems: 500 }) },
        { additionalProperties: false },
      ),
      responses: { 200: Type.Object({ subjects: Type.Array(Type.String()) }) },
    }),
  },
});

/** What the signed-in person may know of themself. */
export const ownIdentity = defineSurface({
  name: 'identity-person-v1',
  title: 'Identity: own attributes',
  version: '1.0.0',
  operations: {
    readOwnAttributes: defineOperation({
      id: 'readOwnAttributes',
      method: 'GET',
      path: '/person',
      summary: 'Attributes of the person behind the access token',
      access: { caller: 'application', person: 'required' },
      responses: { 200: PersonRecord.properties.attributes },
    }),
  },
});
