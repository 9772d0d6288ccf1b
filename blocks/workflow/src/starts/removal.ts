import { type Actor, nameOf } from '../history/actor.ts';

/** Ends a trigger: its row stays as the log of who defined and who removed it. */
export const removalBy = (actor: Actor, at: string) => ({
  removed_at: at,
  removed_by: nameOf(actor),
  removed_through: actor.application,
  removed_for: actor.organisation,
});
