import { type Static, Type } from '@govstack/platform/operation';

const Names = Type.Record(Type.String(), Type.String());

const ServiceId = Type.String({ pattern: '^[^/]+(/[^/]+){4}$' });

/** Where the building blocks are in the mediator's directory. */
const BlockServices = Type.Object({
  registration: ServiceId,
  consent: ServiceId,
  messaging: ServiceId,
  payments: ServiceId,
  workflow: ServiceId,
  messageLog: ServiceId,
});

const Registry = Type.Object({ service: ServiceId, name: Type.Optional(Names) });

/** Settings of the portal. What a country changes is here, not in the templates. */
export const PortalSettings = Type.Object({
  publicUrl: Type.String({ default: 'http://localhost:8080', description: 'Where people reach the portal' }),
  country: Type.Optional(Names),
  tagline: Type.Optional(Names),
  demonstration: Type.Boolean({
    default: false,
    description: 'Fictional country: mark every page, show behind the scenes',
  }),
  timeZone: Type.String({ default: 'UTC', description: 'IANA time zone in which dates are shown' }),
  issuer: Type.String({ default: 'http://localhost:8080/id', description: 'OpenID provider' }),
  clientId: Type.String({ default: 'portal' }),
  scope: Type.String({ default: 'openid profile email phone' }),
  resource: Type.Optional(Type.String({ description: 'RFC 8707 resource the access token is for' })),
  services: Type.Optional(BlockServices),
  mediator: Type.Optional(
    Type.String({
      pattern: '^[^/]+(/[^/]+){3}$',
      description: 'Application of the information mediator, for its console; without it there is none',
    }),
  ),
  registries: Type.Array(Registry, {
    default: [],
    description:
      'Data services of the applications that own registries: their read logs are shown to the person they are about, and the people of the owning agency work with them',
  }),
  names: Type.Record(Type.String(), Names, {
    default: {},
    description: 'What members and applications are called, by directory id',
  }),
  approverRole: Type.String({ default: 'payment-approver' }),
  idleMinutes: Type.Integer({ default: 30, minimum: 1 }),
  longestMinutes: Type.Integer({ default: 480, minimum: 1 }),
});

export type PortalSettings = Static<typeof PortalSettings>;

export type BlockServices = Static<typeof BlockServices>;
export type RegistrySettings = Static<typeof Registry>;

/** The member that administers payments; undefined when the portal has no payments block. */
export const treasuryOf = ({ services }: PortalSettings): string | undefined =>
  services?.payments.split('/').slice(0, 3).join('/');
