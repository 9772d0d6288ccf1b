import type { Handlers } from '@govstack/platform';
import type { collectorOperations } from './collector-operations.ts';
import type { Reading } from './handlers.ts';

export const administerCollector = ({
  monitoring: { collector },
  reader,
}: Reading): Handlers<typeof collectorOperations> => ({
  async getCollector(who) {
    reader.administrator(who);
    const { destination, lastShippedAt, lastFailure, ...state } = collector.state();
    return {
      status: 200,
      body: {
        url: destination?.url ?? null,
        format: destination?.format ?? 'otlp',
        ships: [...(destination?.ships ?? [])],
        authorized: destination?.authorization !== undefined,
        ...state,
        lastShippedAt: lastShippedAt === undefined ? null : new Date(lastShippedAt).toISOString(),
        lastFailure: lastFailure ?? null,
      },
    };
  },
  async putCollector({ body, ...who }) {
    const by = reader.administrator(who);
    await collector.redirect({ ...body, authorization: body.authorization }, by);
    return { status: 204 };
  },
  async deleteCollector(who) {
    const by = reader.administrator(who);
    await collector.redirect(undefined, by);
    return { status: 204 };
  },
});
