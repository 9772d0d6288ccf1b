import { Type } from 'typebox';
import { type Operation, operation } from '../http/operation.ts';
import type { Delivery } from './deliver.ts';

/** Changes where notices go while the party runs. Served on the control port only. */
export const callbackControl = (delivery: Delivery): Operation =>
  operation({
    id: 'putCallback',
    method: 'PUT',
    path: '/control/callback',
    summary: 'Change where notices go; `{service}` stands for the service that the caller named',
    body: Type.Object(
      { url: Type.String({ pattern: '^https?://\\S+$', maxLength: 500 }) },
      { additionalProperties: false },
    ),
    responses: { 200: Type.Object({}) },
    handle: async ({ body }) => {
      delivery.redirect(body.url);
      return { status: 200, body: {} };
    },
  });
