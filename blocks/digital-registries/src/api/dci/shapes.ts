import { type Static, type TSchema, Type } from '@govstack/platform/operation';

/** Ids of messages, transactions, references and subscriptions. */
const id = Type.String({ maxLength: 99 });
const someId = Type.String({ minLength: 1, maxLength: 99 });
const text = (maxLength: number) => Type.String({ maxLength });
/** RFC 3339, with its zone. */
const timestamp = Type.String({ format: 'date-time', maxLength: 64 });
const locale = Type.Optional(Type.String({ pattern: '^[a-z]{3,3}$', description: 'ISO 639-3' }));
const Anything = Type.Record(Type.String(), Type.Unknown());
const words = <const W extends string>(...of: readonly W[]) =>
  Type.Unsafe<W>({ type: 'string', enum: [...of] });

export const Status = words('rcvd', 'pdng', 'succ', 'rjct');
const status = { status: Status, status_reason_message: Type.Optional(text(999)) };

export const Header = Type.Object({
  version: Type.Optional(text(20)),
  message_id: someId,
  message_ts: timestamp,
  action: text(40),
  sender_id: Type.String({ minLength: 1, maxLength: 200 }),
  sender_uri: Type.Optional(Type.String({ format: 'uri', maxLength: 2000 })),
  receiver_id: Type.Optional(text(200)),
  total_count: Type.Integer({ minimum: 0 }),
  is_msg_encrypted: Type.Optional(Type.Boolean()),
  meta: Type.Optional(Anything),
});
export type Header = Static<typeof Header>;

export const CallbackHeader = Type.Object({
  version: text(20),
  message_id: someId,
  message_ts: timestamp,
  action: text(40),
  ...status,
  status_reason_code: Type.Optional(
    words(
      'rjct.version.invalid',
      'rjct.message_id.duplicate',
      'rjct.message_ts.invalid',
      'rjct.action.invalid',
      'rjct.action.not_supported',
      'rjct.total_count.invalid',
      'rjct.total_count.limit_exceeded',
      'rjct.errors.too_many',
    ),
  ),
  total_count: Type.Integer(),
  completed_count: Type.Integer(),
  sender_id: text(400),
  receiver_id: text(200),
  is_msg_encrypted: Type.Boolean(),
});
export type CallbackHeader = Static<typeof CallbackHeader>;

/** A message that is encrypted, which no registry here takes: it comes through the mediator, which encrypts the way. */
export const Encrypted = Type.Object({
  header: Anything,
  ciphertext: Type.String(),
  encrypted_key: Type.String(),
  tag: Type.String(),
  iv: Type.String(),
});
export type Encrypted = Static<typeof Encrypted>;

const Pagination = Type.Object({
  page_size: Type.Integer({ minimum: 1 }),
  page_number: Type.Optional(Type.Integer({ minimum: 1 })),
});
const query = {
  query_type: Type.String({ maxLength: 40, description: '`idtype-value`, `expression` or `predicate`' }),
  query: Type.Unknown(),
};

export const SearchCriteria = Type.Object({
  version: Type.Optional(text(20)),
  reg_type: Type.Optional(text(200)),
  reg_event_type: Type.Optional(text(200)),
  reg_record_type: Type.Optional(text(200)),
  response_entity: Type.Optional(text(200)),
  ...query,
  sort: Type.Optional(
    Type.Array(
      Type.Object({
        attribute_name: text(200),
        sort_order: Type.Optional(words('asc', 'desc')),
      }),
      { maxItems: 100 },
    ),
  ),
  pagination: Type.Optional(Pagination),
  consent: Type.Optional(Anything),
  authorize: Type.Optional(Anything),
});
export type SearchCriteria = Static<typeof SearchCriteria>;

export const SearchItem = Type.Object({
  reference_id: id,
  timestamp,
  search_criteria: SearchCriteria,
  pagination: Type.Optional(Pagination),
  locale,
});
export type SearchItem = Static<typeof SearchItem>;

export const SearchRequest = Type.Object({
  transaction_id: someId,
  search_request: Type.Array(SearchItem, { minItems: 1 }),
});
export type SearchRequest = Static<typeof SearchRequest>;

const ReasonCode = Type.Optional(Type.String({ pattern: '^rjct\\.', maxLength: 99 }));

export const SearchResult = Type.Object({
  reference_id: id,
  timestamp,
  ...status,
  status_reason_code: ReasonCode,
  data: Type.Optional(
    Type.Object({
      version: text(20),
      reg_type: Type.Optional(text(200)),
      reg_record_type: Type.Optional(text(200)),
      reg_records: Type.Array(Type.Unknown()),
    }),
  ),
  pagination: Type.Optional(
    Type.Object({ page_size: Type.Integer(), page_number: Type.Integer(), total_count: Type.Integer() }),
  ),
  locale,
});
export type SearchResult = Static<typeof SearchResult>;

const correlated = { transaction_id: id, correlation_id: id };
export const SearchResponse = Type.Object({ ...correlated, search_response: Type.Array(SearchResult) });

export const SubscribeCriteria = Type.Object({
  version: Type.Optional(text(20)),
  reg_type: Type.Optional(text(200)),
  reg_event_type: text(200),
  frequency: Type.Optional(Type.Object({ start_time: timestamp, end_time: timestamp, frequency: text(100) })),
  filter_type: Type.Optional(text(40)),
  filter: Type.Unknown(),
  notify_record_type: text(200),
  consent: Type.Optional(Anything),
  authorize: Type.Optional(Anything),
});
export type SubscribeCriteria = Static<typeof SubscribeCriteria>;

export const SubscribeRequest = Type.Object({
  transaction_id: someId,
  subscribe_request: Type.Array(
    Type.Object({ reference_id: id, timestamp, subscribe_criteria: SubscribeCriteria, locale }),
    { minItems: 1 },
  ),
});
export type SubscribeRequest = Static<typeof SubscribeRequest>;

export const UnsubscribeRequest = Type.Object({
  transaction_id: someId,
  timestamp,
  subscription_codes: Type.Array(id, { minItems: 1, maxItems: 1000 }),
});
export type UnsubscribeRequest = Static<typeof UnsubscribeRequest>;

export const StatusRequest = Type.Object({
  transaction_id: someId,
  txnstatus_request: Type.Object({
    reference_id: id,
    txn_type: words('search', 'subscribe', 'receipt'),
    attribute_type: words('transaction_id', 'reference_id_list', 'correlation_id'),
    attribute_value: Type.Union([id, Type.Array(id, { maxItems: 1000 })]),
    locale,
  }),
});
export type StatusRequest = Static<typeof StatusRequest>;

export const StatusResponse = Type.Object({
  ...correlated,
  txnstatus_response: Type.Object({
    txn_type: words('search', 'subscribe', 'receipt'),
    txn_status: SearchResponse,
  }),
});

const Question = Type.Object({
  ...query,
  response_entity: Type.Optional(text(200)),
  consent: Type.Optional(Anything),
  authorize: Type.Optional(Anything),
});
export type Question = Static<typeof Question>;
export const EnrolledRequest = Type.Object({ transaction_id: someId, enrolled_criteria: Question });
export const DisabledRequest = Type.Object({ transaction_id: someId, disabled_criteria: Question });

const yesNo = words('yes', 'no');
const outcome = { reference_id: id, timestamp, ...status, status_reason_code: ReasonCode };
export const EnrolledResponse = Type.Object({
  ...correlated,
  enrolled_response: Type.Array(Type.Object({ ...outcome, enrolled_status: yesNo })),
});
export const DisabledResponse = Type.Object({
  ...correlated,
  disabled_response: Type.Array(Type.Object({ ...outcome, disabled_status: yesNo })),
});

/** The envelope of every request: signature, header, message. */
export const request = <M extends TSchema>(message: M) =>
  Type.Object({
    signature: Type.Optional(text(4000)),
    header: Header,
    message: Type.Union([message, Encrypted]),
  });

/** The envelope of every answer and callback. */
export const answer = <M extends TSchema>(message: M) =>
  Type.Object({ signature: text(4000), header: CallbackHeader, message });

export const Acknowledgement = Type.Object({
  message: Type.Object({
    ack_status: words('ACK', 'NACK', 'ERR'),
    timestamp,
    correlation_id: id,
  }),
});
