import { memberOfId, type Names } from '../mediated/names.ts';
import type { Voice } from '../rendering/voice.ts';
import type { SignedInVisit } from '../site/visit.ts';

export const runStates = [
  'received',
  'awaiting-approval',
  'approved',
  'held',
  'authorised',
  'processing',
  'completed',
  'partially-completed',
  'failed',
  'rejected',
  'cancelled',
] as const;

export const overStates: readonly string[] = [
  'completed',
  'partially-completed',
  'failed',
  'rejected',
  'cancelled',
];

/** Runs in which something happens without a person. */
export const movingStates: readonly string[] = ['received', 'approved', 'authorised', 'processing'];

export const paymentStates = [
  'received',
  'validated',
  'queued',
  'submitted',
  'unknown',
  'completed',
  'failed',
  'rejected',
  'returned',
  'cancelled',
] as const;

export const paidStates: readonly string[] = ['completed'];
/** Not paid although it was meant: what was withdrawn did not fail. */
export const failedStates: readonly string[] = ['failed', 'rejected', 'returned'];
export const closedStates: readonly string[] = [...paidStates, ...failedStates, 'cancelled'];

/** A person by their id, as proposals name them; logs name the application, too. */
export const personBy = (visit: SignedInVisit, names: Names, actor: string) =>
  actor.includes('/') ? whoDid(visit, names, actor) : { mine: actor === visit.viewer.id, person: actor };

/** Who did something, from how logs name them: `application`, `application for person`, or a part of the block. */
export function whoDid(visit: SignedInVisit, names: Names, actor: string) {
  const [application = '', person] = actor.split(' for ');
  const isApplication = application.split('/').length === 4;
  return {
    mine: person === visit.viewer.id,
    ...(person === undefined ? {} : { person }),
    ...(isApplication
      ? { application: names.application(application), agency: names.member(memberOfId(application)) }
      : { system: true }),
  };
}

const knownReasons = [
  'insufficient-budget',
  'content-changed-after-approval',
  'refused-by-payer-bank',
  'payer-bank-not-reachable',
  'rejected-by-approver',
  'screening-review',
  'resumed',
  'budget-released',
];

/** A reason of a run: what its code means, or what a person wrote, perhaps with what they did before it. */
export function reasonIn(voice: Voice, reason: string): string {
  if (knownReasons.includes(reason)) return voice.t(`treasury.reasons.${reason}`);
  const [, act, words] = /^(paused|stopped|(?:urgent|normal|low) priority): (.*)$/s.exec(reason) ?? [];
  if (act === undefined || words === undefined) return reason;
  return `${voice.t(`treasury.deeds.${act.split(' ').at(-1)}`)}: ${words}`;
}

/** Units of validity with their seconds, the largest first. */
export const units = { days: 86_400, hours: 3600, minutes: 60, seconds: 1 } as const;
export const unitNames = Object.keys(units) as (keyof typeof units)[];

/** A time in the largest unit that tells it exactly. */
export function validityOf(seconds: number): { validity: string; validityUnit: string } {
  const unit = unitNames.find((one) => seconds % units[one] === 0) ?? 'seconds';
  return { validity: String(seconds / units[unit]), validityUnit: unit };
}
