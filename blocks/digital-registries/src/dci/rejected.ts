/** What DCI says of one item of a message that cannot be answered. */
export type RejectionCode =
  | 'rjct.reference_id.invalid'
  | 'rjct.reference_id.duplicate'
  | 'rjct.timestamp.invalid'
  | 'rjct.search_criteria.invalid'
  | 'rjct.filter.invalid'
  | 'rjct.sort.invalid'
  | 'rjct.pagination.invalid'
  | 'rjct.search.too_many_records_found'
  | 'rjct.notify_types.invalid'
  | 'rjct.notify_details.invalid'
  | 'rjct.person_id.invalid'
  | 'rjct.event.already_subscribed'
  | 'rjct.subscription_code.invalid'
  | 'rjct.requester.invalid'
  | 'rjct.event.already_unsubscribed';

/** One item is refused; the others are answered. The message reaches the sender: no personal data. */
export class Rejected extends Error {
  readonly code: RejectionCode;

  constructor(code: RejectionCode, message: string) {
    super(message);
    this.name = 'Rejected';
    this.code = code;
  }
}
