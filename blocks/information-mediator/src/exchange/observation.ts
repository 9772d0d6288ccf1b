/** What is known of an exchange when it has ended, without its payload (IM-6.7-a). Times are milliseconds since 1970. */
export interface ObservedExchange {
  /** On the consumer's server, on the provider's, or both at once when one server serves the two. */
  readonly side: 'client' | 'producer' | 'both';
  readonly exchangeId: string;
  readonly messageId: string;
  readonly client: string;
  readonly operator: string | undefined;
  readonly service: string;
  /** Whether the service is registered here: labels of metrics are registered ones only. */
  readonly known: boolean;
  readonly method: string;
  readonly path: string;
  readonly correlationId: string;
  /** `X-Road-UserId`, `X-Road-Issue`, `X-Road-Represented-Party` as the client sent them. */
  readonly userId: string | undefined;
  readonly issue: string | undefined;
  readonly representedParty: string | undefined;
  /** Security server at the other end; undefined when it is this one. */
  readonly peer: string | undefined;
  readonly requestIn: number;
  /** Undefined when the request was not passed on. */
  readonly requestOut: number | undefined;
  readonly responseIn: number | undefined;
  readonly responseOut: number;
  readonly requestSize: number;
  readonly responseSize: number;
  readonly status: number;
  /** Error type and message when the mediator refused. */
  readonly fault: { readonly type: string; readonly message: string } | undefined;
}
