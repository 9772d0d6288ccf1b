import type { Answers, EForm } from './forms/eform.ts';
import type { Language, Text } from './languages.ts';
import type { Money } from './rendering/formats.ts';

/** The signed-in person. Their access token travels in the request context, not here. */
export interface Viewer {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  /** Member the person works for; absent for citizens. */
  readonly agency?: string;
  /** What identity says of the person (name, national number, …). */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly language: Language;
}

/** One page of a list; `total` when the source counts. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly hasMore: boolean;
  readonly total?: number;
}

/** 1-based page number and size. */
export interface Paging {
  readonly page: number;
  readonly size: number;
}

export interface ServiceSummary {
  readonly id: string;
  readonly title: Text;
  readonly summary: Text;
  readonly agency: Text | string;
  readonly available: boolean;
}

/** Heading of a part of a sheet: `code` names one of the portal's, `title` gives its own. */
export type SheetPart = { readonly code: string } | { readonly title: Text };

/** What a person should know before applying. Each part is text the service's owner wrote. */
export interface ServiceSheet extends ServiceSummary {
  readonly intro: Text;
  readonly sections: readonly (SheetPart & { readonly body?: Text; readonly points?: readonly Text[] })[];
  readonly facts: readonly (SheetPart & { readonly value: Text })[];
  readonly steps: readonly { readonly title: Text; readonly body: Text }[];
}

/** The data agreement in the revision a person is asked to accept. */
export interface Agreement {
  readonly id: string;
  readonly revisionId: string;
  readonly controller: Text | string;
  readonly purpose: Text | string;
  readonly purposeDescription?: Text | string;
  readonly lawfulBasis: string;
  readonly attributes: readonly {
    readonly name: Text | string;
    readonly source?: Text | string;
    readonly why?: Text | string;
  }[];
  readonly retention?: Text;
  readonly policyUrl?: string;
  /** Given and still in force. */
  readonly given: boolean;
}

/** The form people fill in now. */
export interface CurrentForm {
  readonly eFormId: string;
  readonly form: EForm;
}

/** Unfinished answers. */
export interface Draft {
  /** Form the answers were given on. */
  readonly eFormId: string;
  readonly answers: Answers;
  readonly savedAt: string;
}

/** A defect the registration block found in a submission (docs/eform.md). */
export interface SubmissionDefect {
  readonly fieldId: string;
  readonly pointer: string;
  readonly code: string;
  readonly message: string;
}

export type SubmissionResult =
  | { readonly kind: 'accepted'; readonly applicationId: string; readonly reference: string }
  | { readonly kind: 'refused'; readonly defects: readonly SubmissionDefect[] };

/** Official codes of the registration specification, and our code for what has not been submitted. */
export type ApplicationStatus = 'DRAFT' | 'PENDING' | 'SENDBACK' | 'APPROVED' | 'REJECTED';

export interface ApplicationSummary {
  readonly id: string;
  readonly reference: string;
  readonly service: Text;
  readonly serviceId: string;
  readonly status: ApplicationStatus;
  readonly submittedAt?: string;
  readonly updatedAt: string;
}

/** `code` picks a sentence of the portal; `title` replaces it. */
export interface HistoryEvent {
  readonly at: string;
  readonly code: string;
  readonly title?: Text;
  readonly detail?: Text;
  readonly by?: Text | string;
}

/** What an applicant asked about a file after it was sent: an appeal, a complaint. */
export interface FileRequest {
  readonly id: string;
  readonly name: Text;
  readonly text: string;
  readonly state: 'open' | 'upheld' | 'dismissed' | 'answered';
  readonly madeAt: string;
  readonly answer?: Text;
  readonly answeredAt?: string;
}

/** A request that the applicant can make now, until a moment or always. */
export interface RequestOffer {
  readonly kind: string;
  readonly name: Text;
  readonly explanation: Text;
  readonly until?: string;
}

/** Why a request was not taken. */
export const requestRefusals = ['too-late', 'open', 'made-before', 'not-offered'] as const;
export type RequestRefusal = (typeof requestRefusals)[number];

export interface ApplicationView extends ApplicationSummary {
  readonly requests: readonly FileRequest[];
  readonly offers: readonly RequestOffer[];
  readonly history: readonly HistoryEvent[];
  readonly decision?: {
    readonly outcome: 'APPROVED' | 'REJECTED' | 'SENDBACK';
    readonly at: string;
    readonly reasons: readonly Text[];
    readonly benefit?: Money;
    readonly appeal?: Text;
  };
  readonly form?: EForm;
  readonly answers?: Answers;
}

export interface MessageSummary {
  readonly id: string;
  readonly subject: string;
  readonly sentAt: string;
  readonly channel: 'email' | 'sms' | 'portal';
  readonly status: string;
  readonly from: Text | string;
}

export interface Message extends MessageSummary {
  readonly body: string;
  /** Absent when the sender did not say. */
  readonly language?: string;
  readonly applicationId?: string;
}

export interface ReceivedPayment {
  readonly id: string;
  readonly programme: Text;
  readonly period: string;
  readonly amount: Money;
  readonly status: 'scheduled' | 'sent' | 'paid' | 'failed';
  readonly at?: string;
  /** Account with all but the last digits hidden. */
  readonly account: string;
  readonly rail?: Text | string;
  readonly reason?: string;
}

/** What a payee is given for a payment: who paid what for which reason, and its numbers. */
export interface PaymentReceipt {
  readonly number: string;
  readonly programme: Text;
  readonly payer: string;
  readonly paidAt: string;
  readonly amount: Money;
  readonly reason?: string;
  readonly account: string;
  readonly transactionId: string;
  readonly railReference?: string;
  /** The money came back after it was paid. */
  readonly returned: boolean;
  readonly hash: string;
}

export const complaintReasons = [
  'not-received',
  'wrong-amount',
  'wrong-account',
  'paid-twice',
  'late',
  'other',
] as const;
export type ComplaintReason = (typeof complaintReasons)[number];

export interface Complaint {
  readonly id: string;
  readonly reason: string;
  readonly state: string;
  readonly outcome?: string;
  readonly openedAt: string;
  readonly deadline: string;
}

/** A payment of the person with all there is about it. */
export interface PaymentView {
  readonly payment: ReceivedPayment;
  readonly receipt?: PaymentReceipt;
  readonly complaints: readonly Complaint[];
}

export const billStates = ['asking', 'unpaid', 'paid', 'expired', 'unknown', 'biller-down'] as const;

/** A bill that the person looked up. */
export interface Bill {
  readonly id: string;
  readonly number: string;
  readonly biller: string;
  /** `asking`: its biller has not answered yet; `unknown`: the biller knows no such bill. */
  readonly state: (typeof billStates)[number];
  readonly amount?: Money;
  readonly dueAt?: string;
  /** Until when it is known to be so; later it is looked up again. */
  readonly validUntil?: string;
  /** What the person approves, word for word, for the bill to be paid. */
  readonly consentText?: string;
}

export const billOutcomes = [
  'awaiting-confirmation',
  'confirmed',
  'declined',
  'insufficient-balance',
  'credential-mismatch',
  'transfer-failed',
  'expired',
  'cancelled',
] as const;

/** The payment of a bill at an institution that the person chose. */
export interface BillPayment {
  readonly id: string;
  readonly number: string;
  readonly biller: string;
  readonly institution: string;
  readonly amount: Money;
  readonly outcome: (typeof billOutcomes)[number];
  /** The person has accepted at the institution. */
  readonly accepted: boolean;
  readonly reference?: string;
  readonly billerAnswer?: 'pending' | 'acknowledged' | 'rejected';
  readonly approvedText: string;
  readonly approvedAt: string;
  readonly expiresAt: string;
}

/** One entry of a read log: somebody looked at the person's data. */
export interface DataUse {
  readonly id: string;
  readonly at: string;
  readonly reader: Text | string;
  readonly registry: Text | string;
  readonly purpose: Text | string;
  readonly fields: readonly (Text | string)[];
  readonly legalBasis: 'consent' | 'law';
  readonly consentId?: string;
}

export interface ConsentGiven {
  readonly id: string;
  readonly purpose: Text | string;
  readonly controller: Text | string;
  /** When the answer that counts now was given. */
  readonly changedAt: string;
  readonly inForce: boolean;
  readonly attributes: readonly (Text | string)[];
}

/** A task to decide, or the file of a decided one. */
export interface TaskSummary {
  /** Absent when nothing is left to decide. */
  readonly taskId?: string;
  readonly applicationId: string;
  readonly reference: string;
  readonly service: Text;
  readonly createdAt: string;
  /** What is to be done, in the words of the process. */
  readonly name?: string;
  readonly assignee?: 'viewer' | 'other';
  readonly status: ApplicationStatus;
  /** Known to some sources only. */
  readonly applicant?: string;
  readonly area?: Text;
  readonly reasons?: readonly string[];
  readonly score?: number;
}

export interface TaskFilter extends Paging {
  readonly state: 'open' | 'APPROVED' | 'REJECTED';
}

/** What a registry of another agency answered about a statement of the applicant. */
export interface Verification {
  readonly id: string;
  readonly question: Text;
  readonly agency: Text | string;
  readonly registry: Text | string;
  readonly outcome: 'confirmed' | 'contradicted' | 'notFound' | 'unavailable';
  readonly declared?: Text | string;
  readonly found?: Text | string;
  readonly at: string;
}

export interface Score {
  readonly total: number;
  readonly threshold: number;
  /** Which side of the threshold qualifies. */
  readonly qualifies: 'atOrBelow' | 'atOrAbove';
  readonly outcome: 'eligible' | 'notEligible' | 'borderline';
  readonly lowest: number;
  readonly highest: number;
  /** Width on each side of the threshold within which a person always decides. */
  readonly borderline?: number;
  readonly model?: Text;
  readonly indicators: readonly {
    readonly label: Text | string;
    readonly answer: Text | string;
    readonly points: number;
    /** Most points the indicator can give, when the service says so. */
    readonly highest?: number;
  }[];
}

export interface ApplicationFile {
  readonly application: ApplicationSummary;
  readonly applicant: string;
  readonly reasons: readonly string[];
  /** Decisions the process offers now; none when it has been decided. */
  readonly outcomes: readonly Decision['outcome'][];
  /** The process asks for words instead of a decision. */
  readonly asksForAnswer: boolean;
  /** What is to be done, in the words of the process. */
  readonly task?: string;
  /** Why, as the process explains it. */
  readonly explanation?: Text;
  readonly requests: readonly FileRequest[];
  readonly form: EForm;
  readonly answers: Answers;
  readonly verifications: readonly Verification[];
  readonly score?: Score;
  readonly benefit?: { readonly amount: Money; readonly basis?: Text };
  readonly history: readonly HistoryEvent[];
  readonly decision?: {
    readonly outcome: ApplicationStatus;
    readonly reasons: readonly (Text | string)[];
    readonly by?: string;
    readonly at: string;
  };
}

export interface Decision {
  readonly outcome: 'APPROVED' | 'REJECTED' | 'SENDBACK';
  readonly reason: string;
}

export interface Figure {
  /** Key under `figures.` of the catalogue; `label` replaces it. */
  readonly code: string;
  readonly label?: Text;
  readonly value: { readonly count: number } | { readonly share: number } | { readonly money: Money };
}

/** Rows of numbers to be drawn. `months` draws columns over time, `bars` one bar per row. */
export interface Chart {
  readonly code: string;
  readonly title?: Text;
  readonly kind: 'bars' | 'months';
  readonly currency?: string;
  readonly rows: readonly {
    readonly label: Text | string;
    readonly value: number;
    readonly mark?: boolean;
  }[];
}

export interface Programme {
  readonly id: string;
  readonly name: Text;
  readonly agency: Text | string;
  readonly asOf: string;
  readonly figures: readonly Figure[];
  readonly charts: readonly Chart[];
}

/** A payment run as the payments block knows it. */
export interface RunOfProgramme {
  readonly programmeId: string;
  /** Id that the programme's system gave it. */
  readonly reference: string;
  readonly preparedAt: string;
}

/** What a person is asked to settle: payments that could not be made, whatever was tried. */
export interface FollowUp {
  readonly taskId: string;
  readonly unpaid: readonly {
    readonly reference: string;
    readonly amount: Money;
    /** Key under `failure.` of the catalogue. */
    readonly code: string;
  }[];
}

export interface PayingProgramme {
  readonly name: Text;
  /** Reasons of failure that pass: its process pays again by itself. */
  readonly retriedReasons: readonly string[];
}

/** One mediated exchange as the information mediator logged it. */
export interface Exchange {
  readonly id: string;
  readonly at: string;
  readonly client: Party;
  readonly operator?: Party;
  readonly provider: Party;
  /** Service code, such as `payments-g2p-v1`. */
  readonly service: string;
  readonly operation: string;
  /** The access right under which it was let through; absent when it was refused for want of one. */
  readonly right?: string;
  /** HTTP status; absent while there is no answer. */
  readonly status?: number;
  readonly durationMs?: number;
  readonly verified: boolean;
}

export interface Party {
  /** Application id `INSTANCE/CLASS/MEMBER/APPLICATION`. */
  readonly id: string;
  readonly agency: Text | string;
  readonly application: Text | string;
}

/**
 * Everything the pages need from the building blocks. One implementation calls them through the information mediator.
 * Refusals arrive as `Problem` or `CallFailed`; their status decides which page the person sees.
 * Writes take an idempotency key: repeating one changes nothing.
 */
export interface Backend {
  services(): Promise<readonly ServiceSummary[]>;
  service(serviceId: string): Promise<ServiceSheet>;

  agreement(viewer: Viewer, serviceId: string): Promise<Agreement | undefined>;
  giveConsent(viewer: Viewer, agreement: Agreement, key: string): Promise<void>;
  consents(viewer: Viewer): Promise<readonly ConsentGiven[]>;
  withdrawConsent(viewer: Viewer, consentId: string, key: string): Promise<void>;

  form(viewer: Viewer, serviceId: string): Promise<CurrentForm>;
  draft(viewer: Viewer, serviceId: string): Promise<Draft | undefined>;
  drafts(viewer: Viewer): Promise<readonly { readonly serviceId: string; readonly savedAt: string }[]>;
  /** Answers when it was saved. */
  saveDraft(viewer: Viewer, serviceId: string, draft: Omit<Draft, 'savedAt'>): Promise<string>;
  /** The draft, pruned, becomes an application; the draft is gone with it. */
  submit(
    viewer: Viewer,
    serviceId: string,
    draft: Omit<Draft, 'savedAt'>,
    key: string,
  ): Promise<SubmissionResult>;

  applications(viewer: Viewer, paging: Paging): Promise<Page<ApplicationSummary>>;
  application(viewer: Viewer, applicationId: string): Promise<ApplicationView>;
  /** Appeals or complains about one's own application, as the service offers it; answers why not. */
  makeRequest(
    viewer: Viewer,
    applicationId: string,
    request: { readonly kind: string; readonly text: string },
    key: string,
  ): Promise<RequestRefusal | undefined>;
  messages(viewer: Viewer, paging: Paging): Promise<Page<MessageSummary>>;
  message(viewer: Viewer, messageId: string): Promise<Message>;
  payments(viewer: Viewer, paging: Paging): Promise<Page<ReceivedPayment>>;
  payment(viewer: Viewer, paymentId: string): Promise<PaymentView>;
  complain(
    viewer: Viewer,
    paymentId: string,
    complaint: { readonly reason: ComplaintReason; readonly text: string },
    key: string,
  ): Promise<void>;
  /** Institutions at which a bill can be paid. */
  payerInstitutions(): Promise<readonly { readonly id: string; readonly name: string }[]>;
  /** Has the biller of a bill asked; answers the id under which its answer is found. */
  lookUpBill(number: string): Promise<string>;
  /** `language`: of the text to approve. */
  bill(id: string, language: Language): Promise<Bill>;
  /** Has a bill paid at an institution. `approvedText` is what was shown; `account` may be left to the institution. */
  payBill(order: {
    readonly billId: string;
    readonly institution: string;
    readonly account?: string;
    readonly approvedText: string;
  }): Promise<string>;
  billPayment(id: string): Promise<BillPayment>;
  /** The person's newest first, those before an id. */
  billPayments(before: string | undefined, limit: number): Promise<readonly BillPayment[]>;
  cancelBillPayment(id: string): Promise<void>;
  dataUses(viewer: Viewer, paging: Paging): Promise<Page<DataUse>>;

  tasks(viewer: Viewer, filter: TaskFilter): Promise<Page<TaskSummary>>;
  task(viewer: Viewer, taskId: string): Promise<ApplicationFile>;
  /** The file of an application of the viewer's agency, with nothing to decide. */
  file(viewer: Viewer, applicationId: string): Promise<ApplicationFile>;
  decide(viewer: Viewer, taskId: string, decision: Decision, key: string): Promise<void>;
  /** Says the words that a task asks for. */
  answer(viewer: Viewer, taskId: string, text: string, key: string): Promise<void>;

  programmes(viewer: Viewer): Promise<readonly Programme[]>;
  /** Services that pay, by the id of their programme at the payments block. */
  payingProgrammes(): Promise<ReadonlyMap<string, PayingProgramme>>;
  /** Has the list of payees drawn and checked, once per programme and month. */
  prepareRun(viewer: Viewer, programmeId: string, period: string, key: string): Promise<void>;
  /** What the process of a run asks this viewer to settle. */
  followUp(viewer: Viewer, run: RunOfProgramme): Promise<FollowUp | undefined>;
  /** Says how the payments that failed were settled; ends the follow-up. */
  settleRun(viewer: Viewer, run: RunOfProgramme, taskId: string, note: string, key: string): Promise<void>;

  /** Exchanges of one application's whole life, or of one action. */
  exchanges(
    viewer: Viewer,
    of: { readonly applicationId: string } | { readonly correlationId: string },
  ): Promise<readonly Exchange[]>;
}
