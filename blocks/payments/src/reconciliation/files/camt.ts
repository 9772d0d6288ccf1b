import type { CurrencyTable } from '../../money/currency.ts';
import { all, at, readElements, textAt, type XmlElement } from '../../xml/read.ts';
import {
  badFile,
  type Direction,
  type EntryCode,
  exponentOf,
  type ParsedEntry,
  type ParsedStatement,
  readAmount,
  readBalance,
  readDay,
  readInstant,
  readReference,
} from './parsed.ts';

const charges = new Set(['CHRG', 'COMM', 'FEES', 'COAT', 'COIN']);
const returns = new Set(['RRTN', 'RPCR', 'RRCT', 'RPBC', 'UPCT']);

function directionOf(element: XmlElement | undefined, place: string): Direction {
  const text = textAt(element, 'CdtDbtInd');
  if (text === 'CRDT') return 'credit';
  if (text === 'DBIT') return 'debit';
  throw badFile('CdtDbtInd must be CRDT or DBIT', place);
}

const dateOf = (element: XmlElement | undefined): string | undefined =>
  textAt(element, 'Dt') ?? textAt(element, 'DtTm');

function codeOf(entry: XmlElement, details: XmlElement | undefined): EntryCode | undefined {
  const code = at(details, 'BkTxCd') ?? at(entry, 'BkTxCd');
  const names = [
    textAt(code, 'Domn', 'Fmly', 'SubFmlyCd'),
    textAt(code, 'Domn', 'Fmly', 'Cd'),
    textAt(code, 'Prtry', 'Cd'),
  ];
  if (at(details, 'RtrInf') || textAt(entry, 'RvslInd') === 'true') return 'return';
  if (names.some((name) => name !== undefined && returns.has(name))) return 'return';
  return names.some((name) => name !== undefined && charges.has(name)) ? 'charge' : undefined;
}

/** Amount of one of several transactions of an entry, if it is told in the entry's currency. */
function detailAmount(
  details: XmlElement,
  currency: string,
  exponent: number,
  place: string,
): bigint | undefined {
  const amount = at(details, 'Amt') ?? at(details, 'AmtDtls', 'TxAmt', 'Amt');
  if (!amount || amount.attributes.Ccy !== currency) return undefined;
  return readAmount(amount.text.trim(), exponent, place);
}

/** An entry as lines: one, or one per transaction when all their amounts are told and add up. */
function entriesOf(entry: XmlElement, currency: string, exponent: number, place: string): ParsedEntry[] {
  const status = textAt(entry, 'Sts', 'Cd') ?? textAt(entry, 'Sts');
  if (status !== undefined && status !== 'BOOK') return [];
  const amount = at(entry, 'Amt');
  if (amount?.attributes.Ccy !== currency)
    throw badFile('an entry is in another currency than the account', place);
  const total = readAmount(amount.text.trim(), exponent, place);
  const direction = directionOf(entry, place);
  const bookedOn = readDay(dateOf(at(entry, 'BookgDt')), place);
  const value = dateOf(at(entry, 'ValDt'));
  const line = (details: XmlElement | undefined, part: bigint): ParsedEntry => {
    const references = at(details, 'Refs');
    return {
      entryReference: readReference(textAt(entry, 'NtryRef')),
      bookedOn,
      valueOn: value === undefined ? undefined : readDay(value, place),
      direction,
      amount: part,
      endToEndId: readReference(
        textAt(details, 'RtrInf', 'OrgnlEndToEndId') ?? textAt(references, 'EndToEndId'),
      ),
      railReference: readReference(
        textAt(references, 'AcctSvcrRef') ??
          textAt(references, 'TxId') ??
          textAt(references, 'InstrId') ??
          textAt(entry, 'AcctSvcrRef'),
      ),
      code: codeOf(entry, details),
      description: readReference(textAt(details, 'RmtInf', 'Ustrd') ?? textAt(entry, 'AddtlNtryInf')),
    };
  };
  const details = all(entry, 'NtryDtls').flatMap((one) => all(one, 'TxDtls'));
  if (details.length <= 1) return [line(details[0], total)];
  const parts = details.map((one) => detailAmount(one, currency, exponent, place));
  const known = parts.filter((part) => part !== undefined);
  if (known.length < parts.length) return [line(undefined, total)];
  if (known.reduce((sum, part) => sum + part, 0n) !== total)
    throw badFile('the transactions of an entry do not add up to it', place);
  return details.map((one, index) => line(one, known[index] as bigint));
}

function balance(
  statement: XmlElement,
  codes: readonly string[],
  which: 'first' | 'last',
  currency: string,
  exponent: number,
): { amount: bigint; on: string | undefined } | undefined {
  const found = codes
    .map((code) =>
      all(statement, 'Bal')
        .filter((one) => textAt(one, 'Tp', 'CdOrPrtry', 'Cd') === code)
        .at(which === 'first' ? 0 : -1),
    )
    .find((one) => one !== undefined);
  if (!found) return undefined;
  const amount = at(found, 'Amt');
  if (amount?.attributes.Ccy !== currency)
    throw badFile('a balance is in another currency than the account', 'Bal');
  return {
    amount: readBalance(amount.text.trim(), exponent, directionOf(found, 'Bal'), 'Bal'),
    on: dateOf(at(found, 'Dt')),
  };
}

/** What the head of a statement says, once its entries were read. */
function statementOf(
  element: XmlElement,
  kind: ParsedStatement['kind'],
  currency: string,
  entries: readonly ParsedEntry[],
  currencies: CurrencyTable,
): ParsedStatement {
  const statementId = textAt(element, 'Id');
  const account = textAt(element, 'Acct', 'Id', 'IBAN') ?? textAt(element, 'Acct', 'Id', 'Othr', 'Id');
  if (statementId === undefined || statementId.length > 35)
    throw badFile('the statement has no usable Id', 'Stmt/Id');
  if (account === undefined) throw badFile('the statement names no account', 'Stmt/Acct');
  const exponent = exponentOf(currencies, currency, 'Stmt/Acct/Ccy');
  const opening = balance(element, ['OPBD', 'PRCD', 'ITBD'], 'first', currency, exponent);
  const closing = balance(element, ['CLBD', 'ITBD'], 'last', currency, exponent);
  if (kind === 'statement' && (!opening || !closing))
    throw badFile('the statement has no booked opening and closing balance', 'Stmt/Bal');
  const days = entries.map((entry) => entry.bookedOn).sort();
  return {
    kind,
    statementId,
    account,
    currency,
    opening: opening?.amount ?? 0n,
    closing: closing?.amount ?? 0n,
    from: readInstant(
      textAt(element, 'FrToDt', 'FrDtTm') ?? closing?.on ?? days[0] ?? textAt(element, 'CreDtTm'),
      'start',
      'Stmt/FrToDt',
    ),
    to: readInstant(
      textAt(element, 'FrToDt', 'ToDtTm') ?? closing?.on ?? days.at(-1) ?? textAt(element, 'CreDtTm'),
      'end',
      'Stmt/FrToDt',
    ),
    entries,
  };
}

/** Reads bank-to-customer statements (ISO 20022 camt.053) or notifications (camt.054), entry by entry. */
export function readCamt(
  text: string,
  message: 'camt.053' | 'camt.054',
  currencies: CurrencyTable,
  most: number,
): ParsedStatement[] {
  const [kind, name] =
    message === 'camt.053' ? (['statement', 'Stmt'] as const) : (['notification', 'Ntfctn'] as const);
  const refuse = (detail: string): never => {
    throw badFile(detail);
  };
  const statements: ParsedStatement[] = [];
  let entries: ParsedEntry[] = [];
  let count = 0;
  readElements(text, refuse, (element, parents) => {
    const parent = parents.at(-1);
    if (parents.length === 0 && !element.namespace.includes(`:${message}.`))
      throw badFile(`the file is not a ${message} message`);
    if (element.name === 'Ntry' && parent?.name === name) {
      count += 1;
      if (count > most) throw badFile(`a file has at most ${most} entries`);
      const currency = textAt(parent, 'Acct', 'Ccy') ?? at(element, 'Amt')?.attributes.Ccy ?? '';
      const exponent = exponentOf(currencies, currency, `Ntry[${count}]`);
      entries.push(...entriesOf(element, currency, exponent, `Ntry[${count}]`));
      return true;
    }
    if (element.name === name && parents.length === 2) {
      const currency =
        textAt(element, 'Acct', 'Ccy') ??
        at(element, 'Bal', 'Amt')?.attributes.Ccy ??
        at(element, 'Amt')?.text ??
        '';
      statements.push(statementOf(element, kind, currency, entries, currencies));
      entries = [];
      return true;
    }
    return false;
  });
  return statements;
}
