import { badRequest } from '@govstack/platform';
import { uuidIn } from '../../uuid.ts';
import { all, at, readDocument, textAt, type XmlElement } from '../../xml/read.ts';
import type { Outcome, RailResult } from '../port.ts';

/** What an ISO 20022 payment status means here: only settled and rejected are final, all else is on its way. */
const outcomes: Readonly<Record<string, Outcome | 'partly'>> = {
  ACCC: 'succeeded',
  ACSC: 'succeeded',
  RJCT: 'failed',
  CANC: 'failed',
  RCVD: 'pending',
  ACCP: 'pending',
  ACTC: 'pending',
  ACSP: 'pending',
  ACWC: 'pending',
  ACWP: 'pending',
  ACFC: 'pending',
  PDNG: 'pending',
  BLCK: 'pending',
  PATC: 'pending',
  PART: 'partly',
};

/** Reasons (ISO 20022 external codes) of a bank that takes something for a repeat: the first may have been carried out. */
const duplicates: ReadonlySet<string> = new Set(['AM05', 'DUPL', 'DU01', 'DU02', 'DU03', 'DU04', 'DU05']);

interface Said {
  readonly outcome: Outcome | 'partly';
  readonly reasonCode: string | undefined;
}

export interface StatusReport {
  readonly messageId: string;
  /** MsgId of the file it is about. */
  readonly originalMessageId: string;
  readonly transactionCount: number;
  /** What the report says of each reference of that file, and of references it names itself. */
  resultsFor(references: readonly string[]): RailResult[];
}

function saidIn(element: XmlElement, statusName: string): Said | undefined {
  const status = textAt(element, statusName);
  if (status === undefined) return undefined;
  const outcome = Object.hasOwn(outcomes, status) ? outcomes[status] : undefined;
  if (outcome === undefined) throw badRequest(`${status.slice(0, 20)} is not a payment status of ISO 20022`);
  const codes = all(element, 'StsRsnInf')
    .map((reason) => textAt(reason, 'Rsn', 'Cd') ?? textAt(reason, 'Rsn', 'Prtry'))
    .filter((code) => code !== undefined);
  const duplicate = outcome === 'failed' ? codes.find((code) => duplicates.has(code)) : undefined;
  if (duplicate !== undefined) return { outcome: 'unknown', reasonCode: duplicate };
  return { outcome, reasonCode: codes[0]?.slice(0, 35) };
}

const required = (text: string | undefined, name: string): string => {
  if (text === undefined || text.length > 35)
    throw badRequest(`${name} is missing or longer than 35 characters`);
  return text;
};

/**
 * Reads a payment status report (ISO 20022 pain.002). A transaction's own status counts before that of its payment
 * information, and that before the group's. What is rejected as a repeat is unknown, for a person to decide. Throws a 400
 * that says what is wrong.
 */
export function readStatusReport(bytes: Uint8Array): StatusReport {
  const root = readDocument(bytes, (detail) => {
    throw badRequest(`The payment status report cannot be read: ${detail}`);
  });
  if (
    root.name !== 'Document' ||
    !/^urn:iso:std:iso:20022:tech:xsd:pain\.002\.001\.(0[3-9]|1[0-9])$/.test(root.namespace)
  )
    throw badRequest('The file is not a payment status report (ISO 20022 pain.002.001.03 or later)');
  const report = at(root, 'CstmrPmtStsRpt');
  const group = at(report, 'OrgnlGrpInfAndSts');
  if (!report || !group) throw badRequest('The payment status report names no original message');
  const ofGroup = saidIn(group, 'GrpSts');
  const own = new Map<string, RailResult[]>();
  let ofAll = ofGroup;
  for (const block of all(report, 'OrgnlPmtInfAndSts')) {
    // A file has one payment information block: its status is that of all transactions of the file.
    ofAll = saidIn(block, 'PmtInfSts') ?? ofAll;
    for (const transaction of all(block, 'TxInfAndSts')) {
      const id = required(textAt(transaction, 'OrgnlEndToEndId'), 'OrgnlEndToEndId');
      const reference = uuidIn(id) ?? id;
      const said = saidIn(transaction, 'TxSts');
      if (!said) continue;
      if (said.outcome === 'partly') throw badRequest('A transaction cannot be accepted in part');
      const railReference = textAt(transaction, 'AcctSvcrRef');
      const result: RailResult = {
        reference,
        outcome: said.outcome,
        ...(said.reasonCode === undefined ? {} : { reasonCode: said.reasonCode }),
        ...(railReference === undefined ? {} : { railReference: railReference.slice(0, 50) }),
      };
      const before = own.get(reference);
      if (before) before.push(result);
      else own.set(reference, [result]);
    }
  }
  return {
    messageId: required(textAt(report, 'GrpHdr', 'MsgId'), 'MsgId'),
    originalMessageId: required(textAt(group, 'OrgnlMsgId'), 'OrgnlMsgId'),
    transactionCount: own.size,
    resultsFor(references) {
      const rest = references.filter((reference) => !own.has(reference));
      const general = ofAll;
      return [
        ...[...own.values()].flat(),
        ...(general === undefined || general.outcome === 'partly'
          ? []
          : rest.map(
              (reference): RailResult => ({
                reference,
                outcome: general.outcome as Outcome,
                ...(general.reasonCode === undefined ? {} : { reasonCode: general.reasonCode }),
              }),
            )),
      ];
    },
  };
}
