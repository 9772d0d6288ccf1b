import type { Static, TSchema } from 'typebox';
import { type Operation, operation } from '../http/operation.ts';
import type { FaultSwitch } from './fault-switch.ts';

/** Reads and replaces what goes wrong on purpose. Served on the control port only. */
export function faultControl<S extends TSchema>(schema: S, faults: FaultSwitch<Static<S>>): Operation[] {
  return [
    operation({
      id: 'getFaults',
      method: 'GET',
      path: '/control/faults',
      summary: 'What goes wrong on purpose',
      responses: { 200: schema },
      handle: async () => ({ status: 200, body: faults.current() }),
    }),
    operation({
      id: 'postFaults',
      method: 'POST',
      path: '/control/faults',
      summary: 'Replace what goes wrong on purpose; an empty object ends all faults',
      body: schema,
      responses: { 200: schema },
      handle: async ({ body }) => {
        faults.set(body as Static<S>);
        return { status: 200, body };
      },
    }),
  ];
}
