import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bankOf,
  credit,
  debit,
  linesOf,
  load,
  minor,
  reconciliationOf,
  sumOf,
  take,
  worklist,
} from './fixtures/statement.ts';
import {
  brokenBooks,
  instructionsOf,
  pay,
  payees,
  programme,
  refusal,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

let t: Treasury;
/** Two payments that the bank has made. */
let paid: string[];
beforeAll(async () => {
  t = await startTreasury();
  const ids = await payees(t.node, 3);
  const run = await pay(t.node, [ids[0] as string, ids[2] as string], { amount: '12.50' });
  paid = (await instructionsOf(t.node, run.batchId)).map((row) => row.instructionId);
});
afterAll(() => t.stop());

/** Another account from which something is paid. */
const paidFrom = (fundingAccount: string) =>
  t.admin.putProgramme({
    params: { sourceId: programme.sourceId, programmeId: fundingAccount.toLowerCase() },
    body: { name: 'Another', currency: 'USD', fundingAccount },
  });
const day = new Date().toISOString().slice(0, 10);
const refused = (file: string, format: Parameters<typeof load>[2]) => refusal(load(t.node, file, format));
const reasonOf = async (file: string, format: Parameters<typeof load>[2]) => {
  const { status, problem } = await refused(file, format);
  return { status, text: JSON.stringify(problem) };
};

interface CamtEntry {
  readonly direction: 'CRDT' | 'DBIT';
  readonly amount: string;
  readonly endToEndId?: string;
  readonly details?: string;
}
const entry = ({ direction, amount, endToEndId, details }: CamtEntry) => `
  <Ntry><Amt Ccy="USD">${amount}</Amt><CdtDbtInd>${direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
    <BookgDt><Dt>${day}</Dt></BookgDt>
    <NtryDtls>${
      details ??
      `<TxDtls><Refs><EndToEndId>${endToEndId ?? 'NOTPROVIDED'}</EndToEndId></Refs>
         <RmtInf><Ustrd>Grant &amp; help</Ustrd></RmtInf></TxDtls>`
    }</NtryDtls></Ntry>`;
const balance = (code: string, amount: string) => `
  <Bal><Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry></Tp><Amt Ccy="USD">${amount}</Amt>
    <CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>${day}</Dt></Dt></Bal>`;
const document = (message: string, body: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:${message}.001.08">${body}</Document>`;
const camt = (
  id: string,
  opening: string,
  closing: string,
  entries: string,
  account = '<IBAN>US00 TREASURY 01</IBAN>',
) =>
  document(
    'camt.053',
    `<BkToCstmrStmt><GrpHdr><MsgId>m</MsgId></GrpHdr><Stmt><Id>${id}</Id>
      <Acct><Id>${account}</Id><Ccy>USD</Ccy></Acct>${balance('OPBD', opening)}${balance('CLBD', closing)}${entries}
    </Stmt></BkToCstmrStmt>`,
  );

describe('a statement', () => {
  it('[PAY-5.3.3-b][PAY-6.8-b] as ISO 20022 camt.053 is read with its references, whatever form the bank gives them', async () => {
    const [one = '', two = ''] = paid;
    const file = camt(
      'C-1',
      '0.00',
      '975.00',
      entry({ direction: 'CRDT', amount: '1000.00', endToEndId: 'deposit-1' }) +
        entry({ direction: 'DBIT', amount: '12.5', endToEndId: one.replaceAll('-', '').toUpperCase() }) +
        entry({
          direction: 'DBIT',
          amount: '12.50',
          details: `<TxDtls><Refs><AcctSvcrRef>B-${two.slice(-12)}</AcctSvcrRef></Refs></TxDtls>`,
        }),
    );
    const statement = await take(t.node, file, 'camt.053');
    expect(statement).toMatchObject({ opening: '0.00', closing: '975.00', entryCount: 3, continuous: true });
    const lines = await linesOf(t.node, statement.statementId);
    expect(lines.map((line) => [line.class, line.paymentId])).toEqual([
      ['deposit', undefined],
      ['matched', one],
      ['matched', two],
    ]);
    expect(lines[0]?.description).toBe('Grant & help');
    // The same file again is the same statement; another one with its id is refused.
    expect(await load(t.node, file, 'camt.053')).toMatchObject({
      repeated: true,
      statements: [{ statementId: statement.statementId }],
    });
    const other = camt('C-1', '0.00', '1.00', entry({ direction: 'CRDT', amount: '1.00' }));
    expect((await refused(other, 'camt.053')).status).toBe(409);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.3.3-b] with transactions booked together has a line for each', async () => {
    const part = (amount: string, id: string) =>
      `<TxDtls><Refs><EndToEndId>${id}</EndToEndId></Refs><Amt Ccy="USD">${amount}</Amt></TxDtls>`;
    const body = (parts: string) => entry({ direction: 'DBIT', amount: '9.00', details: parts });
    const { statementId } = await take(
      t.node,
      camt('C-2', '975.00', '966.00', body(part('4.00', 'a') + part('5.00', 'b'))),
      'camt.053',
    );
    const lines = await linesOf(t.node, statementId);
    expect(lines.map((line) => [line.endToEndId, line.amount])).toEqual([
      ['a', '4.00'],
      ['b', '5.00'],
    ]);
    const wrong = camt('C-3', '966.00', '957.00', body(part('4.00', 'a') + part('4.00', 'b')));
    expect((await reasonOf(wrong, 'camt.053')).text).toContain('do not add up');
  });

  it('[PAY-5.3.3-b] as MT940 is read: balances, movements, charges and references', async () => {
    const date = day.slice(2).replaceAll('-', '');
    const file = [
      '{1:F01BANKUS33AXXX0000000000}{2:I940BANKUS33XXXXN}{4:',
      ':20:M-1',
      ':25:US00TREASURY01',
      ':28C:7/1',
      `:60F:C${date}USD966,`,
      `:61:${date}${date.slice(2)}D2,50NTRFNONREF//B-77`,
      ':86:EREF+11111111222233334444555555555555 Rent',
      `:61:${date}D0,30NCHGNONREF`,
      `:61:${date}C10,NTRFdeposit-2//X`,
      `:62F:C${date}USD973,20`,
      '-}',
    ].join('\r\n');
    const statement = await take(t.node, file, 'mt940');
    expect(statement).toMatchObject({
      bankStatementId: `M-1-${day.slice(0, 4)}-7.1`,
      opening: '966.00',
      closing: '973.20',
    });
    const lines = await linesOf(t.node, statement.statementId);
    expect(lines.map((line) => [line.direction, line.amount, line.class, line.endToEndId])).toEqual([
      ['debit', '2.50', 'missing-here', '11111111222233334444555555555555'],
      ['debit', '0.30', 'charge', undefined],
      ['credit', '10.00', 'deposit', 'deposit-2'],
    ]);
    expect((await reasonOf(file.replace(':62F:C', ':62F:D'), 'mt940')).text).toContain('closing balance');
    expect((await reasonOf(file.replace('D2,50NTRF', 'D2.50'), 'mt940')).text).toContain('cannot be read');
    expect((await reasonOf(file.replace(':25:', ':26:'), 'mt940')).text).toContain(':25: is missing');
  });

  it('[PAY-5.3.3-b] as MT940 is read in every form banks write: slashes in references, padded amounts, nothing moved, numbers of each year', async () => {
    await paidFrom('US00TREASURY06');
    const of = (year: string, opening: string, movements: readonly string[], closing: string) =>
      [
        ':20:SAME',
        ':25P:US00TREASURY06\nBANKUS33',
        ':28C:00001',
        `:60F:C${year}0105USD${opening}`,
        ...movements,
        `:62F:C${year}0105USD${closing}`,
      ].join('\n');
    const first = of(
      '25',
      '000000000000,00',
      [
        ':61:2501050105C000000000012,50NTRFINV/2025/7//BK/1',
        ':61:2501050105C2,NTRFNONREF\n:86:/EREF/A/12/REMI/Rent/',
        ':61:2501050105C3,NTRFNONREF\n:86:EREF+B/13SVWZ+Rent',
        ':61:2501050105D0,00NMSCNONREF\n:86:New terms',
      ],
      '17,50',
    );
    const { statementId, entryCount } = await take(t.node, first, 'mt940');
    expect(entryCount).toBe(3);
    const lines = await linesOf(t.node, statementId);
    expect(lines.map((line) => [line.amount, line.endToEndId, line.railReference])).toEqual([
      ['12.50', 'INV/2025/7', 'BK/1'],
      ['2.00', 'A/12', undefined],
      ['3.00', 'B/13', undefined],
    ]);
    const next = await take(t.node, of('26', '17,50', [], '17,50'), 'mt940');
    expect(next.bankStatementId).toBe('SAME-2026-00001');
    // What could be another amount is refused.
    for (const amount of ['12.50', '1.250,00', '12,505', '-12,50'])
      expect(
        (await refused(of('27', '17,50', [`:61:2701050105C${amount}NTRFx`], '30,00'), 'mt940')).status,
      ).toBe(400);
  });

  it('[PAY-5.3.3-b] of a part of the day goes on where the one before ended; a gap is told', async () => {
    const bank = bankOf();
    const morning = bank.statement([credit(500n)], { opening: minor('973.20') });
    const evening = bank.statement([]);
    expect(await take(t.node, morning)).toMatchObject({ continuous: true, entryCount: 1 });
    expect(await take(t.node, evening)).toMatchObject({ continuous: true, entryCount: 0, closing: '978.20' });
    const later = bank.statement([], { opening: minor('1000.00') });
    expect(await take(t.node, later)).toMatchObject({ continuous: false });
  });

  it('of a notification (camt.054) tells early, and books nothing', async () => {
    const before = await worklist(t.node);
    const file = document(
      'camt.054',
      `<BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>n</MsgId></GrpHdr><Ntfctn><Id>N-1</Id><CreDtTm>${day}T10:00:00Z</CreDtTm>
        <Acct><Id><Othr><Id>US00TREASURY01</Id></Othr></Id><Ccy>USD</Ccy></Acct>
        ${entry({ direction: 'DBIT', amount: '3.00', endToEndId: 'x' })}</Ntfctn></BkToCstmrDbtCdtNtfctn>`,
    );
    const { statementId, kind } = await take(t.node, file, 'camt.054');
    expect(kind).toBe('notification');
    expect((await linesOf(t.node, statementId)).map((line) => line.class)).toEqual(['told']);
    expect(await worklist(t.node)).toHaveLength(before.length);
    expect(await brokenBooks(t.node)).toEqual([]);
  });
});

it('[PAY-5.3.1-k] loaded by many at the same moment is loaded once', async () => {
  const file = bankOf('FLOAT-1').statement([credit(100n, 'many')], { id: 'many' });
  const loaded = await Promise.all(Array.from({ length: 6 }, () => load(t.node, file)));
  expect(loaded.filter((one) => !one.repeated)).toHaveLength(1);
  expect(new Set(loaded.map((one) => one.statements[0]?.statementId)).size).toBe(1);
  await take(t.node, file);
  expect((await worklist(t.node)).filter((one) => one.amount === '1.00')).toHaveLength(1);
});

it('[PAY-5.3.3-b] half taken over proves nothing: every proof is of a whole statement', async () => {
  const recon = reconciliationOf(t.node);
  await paidFrom('US00TREASURY07');
  const bank = bankOf('US00TREASURY07');
  const { accountId } = await take(t.node, bank.statement([]));
  const { statements } = await load(t.node, bank.statement(Array.from({ length: 1200 }, () => debit(1n))));
  const statementId = statements[0]?.statementId as string;
  for (let state = 'loaded'; state !== 'matched'; ) {
    await recon.makeProofs({});
    state = (await recon.getStatement({ params: { statementId } })).body.state;
  }
  const { items } = (await recon.listProofs({ query: { accountId, limit: 500 } })).body;
  expect(items[0]).toMatchObject({ closingBalance: '-12.00', debitsOpen: '12.00' });
  expect(items.filter((one) => !one.balances)).toEqual([]);
});

describe('a file that cannot be taken is refused whole, with the reason', () => {
  const good = camt('X-1', '0.00', '1.00', entry({ direction: 'CRDT', amount: '1.00' }));
  const lines = [debit(100n, 'a'), credit(300n, 'b')];
  const csv = (change: (text: string) => string = (text) => text) =>
    change(bankOf().statement(lines, { id: 'X-2' }));

  it.each([
    ['a document type', good.replace('?>', '?><!DOCTYPE Document [<!ENTITY a "b">]>'), 'document type'],
    [
      'an entity that reads a file',
      good.replace('?>', '?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>').replace('X-1', '&x;'),
      'document type',
    ],
    ['an entity nobody declared', good.replace('X-1', '&lol;'), 'well-formed'],
    ['an open element', good.replace('</Stmt>', ''), 'well-formed'],
    ['another encoding', good.replace('UTF-8', 'UTF-16'), 'UTF-8'],
    ['another message', good.replace('camt.053', 'pain.001'), 'not a camt.053'],
    [
      'endless nesting',
      good.replace('<GrpHdr>', `<GrpHdr>${'<a>'.repeat(50)}${'</a>'.repeat(50)}`),
      'nested',
    ],
    [
      'balances that do not add up',
      good.replace(
        '>1.00</Amt>\n    <CdtDbtInd>CRDT</CdtDbtInd><Dt>',
        '>2.00</Amt>\n    <CdtDbtInd>CRDT</CdtDbtInd><Dt>',
      ),
      'closing balance',
    ],
    [
      'entries in another currency',
      good.replace('<Ntry><Amt Ccy="USD">', '<Ntry><Amt Ccy="EUR">'),
      'another currency',
    ],
    ['no balances', good.replaceAll(/<Bal>[\s\S]*?<\/Bal>/g, ''), 'balance'],
    ['a negative amount', good.replace('<Ntry><Amt Ccy="USD">1.00', '<Ntry><Amt Ccy="USD">-1.00'), 'amount'],
    ['no statement', document('camt.053', '<BkToCstmrStmt/>'), 'no statement'],
    ['nothing', '', 'body'],
  ])('[PAY-5.3.1-k] XML with %s', async (_what, file, reason) => {
    const { status, text } = await reasonOf(file, 'camt.053');
    expect(status).toBe(400);
    expect(text).toContain(reason);
    expect(text).not.toContain('root:');
  });

  it.each([
    ['another header', csv((text) => text.replace('statementId', 'id')), 'the header must be'],
    ['a line too many', csv((text) => `${text}\n"a`), 'well-formed'],
    ['a broken amount', csv((text) => text.replace(',1.00,', ',1e2,')), 'amount'],
    ['a day that does not exist', csv((text) => text.replaceAll(day, '2026-02-30')), 'date'],
    ['a cut end', csv((text) => text.split('\n').slice(0, 2).join('\n')), 'closing balance'],
    ['a missing currency', csv((text) => text.replaceAll('USD', 'ZZZ')), 'not a known currency'],
    ['rows that disagree', csv((text) => text.replace(/2\.00(?=[^\n]*$)/, '3.00')), 'disagree'],
    ['a strange direction', csv((text) => text.replace('debit', 'out')), 'direction'],
  ])('[PAY-5.3.1-k] CSV with %s', async (_what, file, reason) => {
    const { status, text } = await reasonOf(file, 'csv');
    expect(status).toBe(400);
    expect(text).toContain(reason);
  });

  it('[PAY-5.3.1-k] of an account, or in a currency, from which nothing is paid here', async () => {
    expect((await reasonOf(bankOf('US00SOMEBODY').statement(lines), 'csv')).text).toContain(
      'nothing is paid',
    );
    expect((await reasonOf(bankOf('US00TREASURY01', 'EUR').statement(lines), 'csv')).text).toContain(
      'nothing is paid',
    );
    expect(sumOf(lines)).toBe(200n);
  });

  it('and leaves nothing behind', async () => {
    const { items } = (await reconciliationOf(t.node).listStatements({ query: {} })).body;
    expect(items.some((one) => one.bankStatementId.startsWith('X-'))).toBe(false);
    expect(await brokenBooks(t.node)).toEqual([]);
  });
});
