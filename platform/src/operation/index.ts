export { Type, type Static, type TSchema, type TObject } from 'typebox';
export * from './operation.ts';
export * from './problem.ts';
export * from './surface.ts';
export { openApiDocument } from './openapi.ts';
export { CloudEvent, defineEvent, type EventSpec } from '../events/cloud-event.ts';
