import { Type } from '@govstack/platform/operation';

export const EventTypeName = Type.String({
  pattern: '^[A-Za-z][A-Za-z0-9_.-]{0,99}$',
  description: 'Name of an event type in its room',
});

/** An application, as the published document takes identifiers apart. */
const Party = Type.Object({
  instanceId: Type.String(),
  memberClass: Type.String(),
  memberCode: Type.String(),
  applicationCode: Type.String(),
});

export const partyOf = (application: string) => {
  const [instanceId = '', memberClass = '', memberCode = '', applicationCode = ''] = application.split('/');
  return { instanceId, memberClass, memberCode, applicationCode };
};

export const RetryOptions = Type.Object(
  {
    attempts: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    delayMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400_000 })),
    multiplier: Type.Optional(Type.Number({ minimum: 1, maximum: 10 })),
    maxDelayMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 604_800_000 })),
  },
  { additionalProperties: false, description: 'Over the default of the room’s mediator (IM-6.5-h)' },
);

const Options = Type.Object({
  TTL: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 31_536_000,
      description: 'Seconds in which an event must be delivered; 3600 unless said otherwise',
    }),
  ),
  FIFO: Type.Optional(
    Type.Boolean({ description: 'Events with the same key are delivered in the order of their numbers' }),
  ),
  endpoint: Type.Optional(
    Type.String({
      maxLength: 504,
      description:
        'Service of the subscriber that takes pushed events; its service named like the type if left out',
    }),
  ),
  maxQueue: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description: 'Waiting events after which further ones are dead letters',
    }),
  ),
  retry: Type.Optional(RetryOptions),
});

const Delivery = Type.Union([Type.Literal('PUSH'), Type.Literal('PULL')]);

export const SubscriptionBody = Type.Object({
  eventType: EventTypeName,
  delivery: Type.Optional(Delivery),
  options: Type.Optional(
    Type.Object({
      ...Options.properties,
      secret: Type.Optional(
        Type.String({
          pattern: '^whsec_[A-Za-z0-9+/]{32,88}={0,2}$',
          description: 'Signs pushes as Standard Webhooks has it: `whsec_` and base64; never given back',
        }),
      ),
    }),
  ),
});

export const SubscriptionItem = Type.Object({
  id: Type.String(),
  subscriberId: Party,
  eventType: Type.String(),
  delivery: Delivery,
  state: Type.Union([Type.Literal('ACTIVE'), Type.Literal('SUSPENDED')], {
    description: 'SUSPENDED: the subscriber answered 410 to a push; a PATCH lets it go on',
  }),
  options: Type.Object({ ...Options.properties, signed: Type.Boolean() }),
});

const deliveryStates = ['waiting', 'delivered', 'dead', 'expired', 'stopped'] as const;
type DeliveryState = (typeof deliveryStates)[number];

export const DeliveryItem = Type.Object({
  subscriberId: Party,
  state: Type.Unsafe<DeliveryState>({ type: 'string', enum: [...deliveryStates] }),
  attempts: Type.Integer(),
  lastError: Type.Union([Type.String(), Type.Null()]),
  deliveredAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
});

export const EventItem = Type.Object({
  id: Type.String(),
  sequence: Type.Integer({ description: 'Rises with every event of the type that has the same key' }),
  publisherId: Party,
  eventType: Type.String(),
  event: Type.Record(Type.String(), Type.Unknown()),
});

/** The state of a delivery as it is shown. */
export const deliveryItem = (row: {
  readonly subscriber: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly last_error: string | null;
  readonly delivered_at: string | null;
}) => ({
  subscriberId: partyOf(row.subscriber),
  state: row.state,
  attempts: row.attempts,
  lastError: row.last_error,
  deliveredAt: row.delivered_at,
});
