import type { HistoryEvent } from '../backend.ts';

interface FileEvent {
  readonly at: string;
  readonly kind: string;
}

/** Codes of the portal's sentences for the registration block's kinds of event. */
const codes: Readonly<Record<string, string>> = {
  submitted: 'submitted',
  resubmitted: 'resubmitted',
  'with-officer': 'inReview',
  'officer-decided': 'officerDecided',
  'officer-answered': 'officerAnswered',
  'sent-back': 'sentBack',
  approved: 'approved',
  rejected: 'rejected',
  'request-made': 'requestMade',
  'request-upheld': 'requestUpheld',
  'request-dismissed': 'requestDismissed',
  'request-answered': 'requestAnswered',
};

/** The history of a file, newest first. */
export const toHistory = (events: readonly FileEvent[]): HistoryEvent[] =>
  events.map(({ at, kind }) => ({ at, code: codes[kind] ?? kind })).reverse();
