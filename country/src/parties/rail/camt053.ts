import { toDecimal } from './amount.ts';
import type { Entry, Funds } from './book.ts';

const escaped = (text: string): string =>
  text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);

const side = (amount: bigint): string => (amount < 0n ? 'DBIT' : 'CRDT');
const absolute = (amount: bigint): bigint => (amount < 0n ? -amount : amount);
/** Fields of an id hold 35 characters: a UUID goes without its dashes. */
const shortened = (reference: string): string =>
  reference.length <= 35 ? reference : reference.replaceAll('-', '').slice(0, 35);

function balance(code: 'OPBD' | 'CLBD', amount: bigint, { currency }: Funds, at: string): string {
  return `<Bal><Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry></Tp><Amt Ccy="${currency}">${toDecimal(absolute(amount), currency)}</Amt><CdtDbtInd>${side(amount)}</CdtDbtInd><Dt><DtTm>${at}</DtTm></Dt></Bal>`;
}

/** Money that comes in for a reference that went out before is a return. */
function entryOf(entry: Entry, { currency, entries }: Funds): string {
  const back =
    entry.direction === 'credit' &&
    entries.some((other) => other.direction === 'debit' && other.reference === entry.reference);
  return `<Ntry><NtryRef>${entry.entry}</NtryRef><Amt Ccy="${currency}">${toDecimal(entry.amount, currency)}</Amt><CdtDbtInd>${entry.direction === 'credit' ? 'CRDT' : 'DBIT'}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><DtTm>${entry.bookedAt}</DtTm></BookgDt><AcctSvcrRef>${escaped(entry.railReference)}</AcctSvcrRef><NtryDtls><TxDtls><Refs><AcctSvcrRef>${escaped(entry.railReference)}</AcctSvcrRef><EndToEndId>${escaped(shortened(entry.reference))}</EndToEndId></Refs>${back ? '<RtrInf/>' : ''}</TxDtls></NtryDtls></Ntry>`;
}

/** A statement of an account as ISO 20022 camt.053, over some of its entries up to now. */
export function camt053(funds: Funds, entries: readonly Entry[], from: string, now: string): string {
  const [first] = entries;
  const closing = entries.at(-1)?.balance ?? funds.balance;
  const opening = first
    ? first.balance - (first.direction === 'credit' ? first.amount : -first.amount)
    : closing;
  const id = `${now.replaceAll(/\D/g, '').slice(0, 17)}-${entries.at(-1)?.entry ?? 0}`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>${id}</MsgId><CreDtTm>${now}</CreDtTm></GrpHdr><Stmt><Id>${id}</Id><CreDtTm>${now}</CreDtTm><FrToDt><FrDtTm>${from}</FrDtTm><ToDtTm>${now}</ToDtTm></FrToDt><Acct><Id><Othr><Id>${escaped(funds.account)}</Id></Othr></Id><Ccy>${funds.currency}</Ccy></Acct>${balance('OPBD', opening, funds, from)}${balance('CLBD', closing, funds, now)}${entries.map((entry) => entryOf(entry, funds)).join('\n')}</Stmt></BkToCstmrStmt></Document>
`;
}
