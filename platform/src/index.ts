export * from './block/block.ts';
export { readConfig } from './block/config.ts';
export * from './caller/caller.ts';
export {
  type CallerVerifier,
  callerSigner,
  callerTokenHeader,
  callerVerifier,
} from './caller/caller-token.ts';
export { type IdentityTrust, type Person, type PersonVerifier, personVerifier } from './caller/person.ts';
export { newId } from './context/ids.ts';
export { drawRandom } from './context/random.ts';
export {
  currentContext,
  newContext,
  newTraceparent,
  type RequestContext,
  validCorrelationId,
  withContext,
} from './context/request-context.ts';
export * from './database/index.ts';
export { type EventHandler, eventsSurface, hear } from './events/inbox.ts';
export { announce } from './events/outbox.ts';
export { once } from './idempotency/idempotency.ts';
export type { JobSpec, Jobs, SendOptions } from './jobs/jobs.ts';
export {
  CallFailed,
  type CallInput,
  type CallResult,
  type Client,
  contextHeaders,
  createClient,
  operationPath,
} from './mediation/client.ts';
export {
  clientAssertionHeader,
  type HttpMediatorOptions,
  httpMediator,
  signClientAssertion,
} from './mediation/http-mediator.ts';
export type { LocalProviders, MediatedRequest, MediatedResponse, MediatorPort } from './mediation/port.ts';
export type { ListenOptions } from './node/listener.ts';
export {
  type BlockSetup,
  type GovstackNode,
  mediationFor,
  type NodeOptions,
  startNode,
} from './node/node.ts';
export { type ReservedPort, reservePort } from './node/reserve-port.ts';
export { createLogger } from './observability/log.ts';
export * from './operation/index.ts';
export { compileForeignValidator, compileValidator } from './operation/validate.ts';
export {
  AddressRefused,
  checkedAddress,
  checkedConnections,
  type OutsidePlaces,
  type Resolve,
} from './outside/checked-connections.ts';
