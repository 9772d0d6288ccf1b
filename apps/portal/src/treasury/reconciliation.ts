import { itemClasses, type ResolutionName, resolutionNames } from '@govstack/payments/api';
import { Problem } from '@govstack/platform';
import { cursorIn, idIn } from '../site/ids.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import { programmeNames, programmesSeen } from './programmes.ts';
import { attempt, type PageError } from './refusals.ts';
import { access, frame, isCode, type TreasuryParts } from './shell.ts';
import { personBy } from './words.ts';

const size = 25;
const formats = ['camt.053', 'camt.054', 'mt940', 'csv'] as const;
const itemStates = ['open', 'proposed', 'resolved'] as const;
const ofDebits = ['match', 'charge', 'transfer', 'loss', 'accept'];
const ofCredits = ['match', 'transfer', 'releases', 'suspense'];
/** What can become of an item; of a line whose direction the item does not say, either. */
function resolutionsOf(of: string): readonly ResolutionName[] {
  return possibleFor(of).filter((one) => one !== 'accept' || of === 'amount-differs');
}
function possibleFor(of: string): readonly ResolutionName[] {
  if (of === 'missing-at-bank') return ['not-executed', 'acknowledged'];
  const possible = of === 'deposit' ? ofCredits : of === 'charge' ? ofDebits : [...ofDebits, ...ofCredits];
  return resolutionNames.filter((one) => possible.includes(one));
}
const suspenseStates = ['held', 'proposed', 'released'] as const;
/** Most bytes of a file of statements, which is taken whole or not at all. */
const mostBytes = 64 * 1024 * 1024;

const tabsOf = ['worklist', 'statements', 'proofs', 'suspense', 'settlement', 'fees'] as const;

/** The frame of a page about statements, settlement and what banks charge. */
export const reconciliationFrame = (
  parts: TreasuryParts,
  visit: SignedInVisit,
  part: (typeof tabsOf)[number],
) => ({
  ...frame(parts, visit, 'reconciliation'),
  part,
  subtabs: tabsOf.map((key) => ({
    key,
    href: key === 'worklist' ? '/treasury/reconciliation' : `/treasury/reconciliation/${key}`,
  })),
});

/** Bank statements, what of them does not explain itself, the proof of the day, money that came back (PAY-5.3.3-b, PAY-6.6-i). */
export function reconciliationPages(parts: TreasuryParts): void {
  const { site, clients, names } = parts;
  const { reconciliation } = clients;
  const around = (visit: SignedInVisit, part: (typeof tabsOf)[number]) =>
    reconciliationFrame(parts, visit, part);
  const money = (amount: string, currency: string) => ({ amount, currency });

  site.page('/treasury/reconciliation', access, async (visit) => {
    const state = itemStates.find((one) => one === visit.query.state) ?? 'open';
    const of = itemClasses.find((one) => one === visit.query.class);
    const after = cursorIn(visit, 'after');
    const { items, next } = (
      await reconciliation.listWorklist({
        query: {
          state,
          ...(of === undefined ? {} : { class: of }),
          ...(after === undefined ? {} : { after }),
          limit: size,
        },
      })
    ).body;
    const kept = new URLSearchParams({ state, ...(of === undefined ? {} : { class: of }) });
    return visit.show('treasury/worklist.njk', {
      ...around(visit, 'worklist'),
      states: itemStates,
      state,
      classes: itemClasses,
      class: of,
      worklist: items.map((one) => ({ ...one, money: money(one.amount, one.currency) })),
      first: after === undefined ? undefined : `/treasury/reconciliation?${kept}`,
      next: next && `/treasury/reconciliation?${kept}&after=${next}`,
    });
  });

  const itemIn = async (visit: SignedInVisit) =>
    (await reconciliation.getWorklistItem({ params: { itemId: idIn(visit, 'item') } })).body;

  async function showItem(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const one = await itemIn(visit);
    const [suggested, rails, programmes, nameOf] = await Promise.all([
      one.state === 'open' && one.lineId !== undefined
        ? reconciliation.getSuggestions({ params: { itemId: one.itemId } }).then(({ body }) => body.items)
        : [],
      clients.admin.listRails({}),
      programmesSeen(parts, visit),
      programmeNames(parts),
    ]);
    return visit.show(
      'treasury/worklist-item.njk',
      {
        ...around(visit, 'worklist'),
        back: '/treasury/reconciliation',
        item: {
          ...one,
          railName: rails.body.items.find((rail) => rail.railId === one.rail)?.name ?? one.rail,
          money: money(one.amount, one.currency),
          proposer: one.proposedBy === undefined ? undefined : personBy(visit, names, one.proposedBy),
          resolver: one.resolvedBy === undefined ? undefined : personBy(visit, names, one.resolvedBy),
        },
        suggested,
        resolutions: resolutionsOf(one.class),
        rails: rails.body.items.map((rail) => ({ value: rail.railId, text: rail.name })),
        programmes: programmes.map((programme) => ({
          value: `${programme.sourceId}/${programme.programmeId}`,
          text: visit.voice.text(nameOf(programme.programmeId, programme.name)),
        })),
        entered: Object.fromEntries(
          ['resolution', 'note', 'paymentId', 'lineId', 'railId', 'programme', 'reference'].map((name) => [
            name,
            input(visit, name),
          ]),
        ),
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/treasury/reconciliation/items/:item', access, (visit) => showItem(visit));

  /** What a person says becomes of an item, as the form has it. */
  function resolutionIn(visit: SignedInVisit) {
    const { t } = visit.voice;
    const resolution = resolutionNames.find((one) => one === input(visit, 'resolution'));
    const note = input(visit, 'note').slice(0, 500);
    const [sourceId = '', programmeId = ''] = input(visit, 'programme').split('/');
    const programme = isCode(sourceId) && isCode(programmeId) ? { sourceId, programmeId } : undefined;
    const railId = input(visit, 'railId');
    const paymentId = input(visit, 'paymentId').slice(0, 50);
    const lineId = input(visit, 'lineId');
    const reference = input(visit, 'reference').slice(0, 50);
    const errors: PageError[] = [
      ...(resolution === undefined
        ? [{ text: t('treasury.reconciliation.resolutionMissing'), href: '#resolution' }]
        : []),
      ...(note === '' ? [{ text: t('treasury.cases.noteMissing'), href: '#note' }] : []),
      ...(resolution === 'releases' && (!programme || reference === '')
        ? [{ text: t('treasury.reconciliation.releaseMissing'), href: '#programme' }]
        : []),
    ];
    const body = resolution && {
      resolution,
      note,
      ...(paymentId === '' ? {} : { paymentId }),
      ...(isCode(railId) ? { railId } : {}),
      ...(lineId === '' ? {} : { lineId }),
      ...(resolution === 'releases' && programme
        ? { releases: [{ ...programme, reference }] }
        : programme
          ? { programme }
          : {}),
    };
    return { errors, body };
  }

  site.action('/treasury/reconciliation/items/:item', access, async (visit) => {
    const itemId = idIn(visit, 'item');
    const params = { itemId };
    const said = input(visit, 'note').slice(0, 500);
    const decision = said === '' ? {} : { note: said };
    const action = input(visit, '_action');
    let errors: readonly PageError[] | undefined;
    if (action === 'accept')
      errors = await attempt(visit, '#acts', () =>
        reconciliation.acceptResolution({ params, body: decision }),
      );
    else if (action === 'decline')
      errors = await attempt(visit, '#acts', () =>
        reconciliation.declineResolution({ params, body: decision }),
      );
    else {
      const { errors: faults, body } = resolutionIn(visit);
      errors =
        faults.length > 0 || body === undefined
          ? faults
          : await attempt(visit, '#resolution', () => reconciliation.proposeResolution({ params, body }));
    }
    if (errors) return showItem(visit, errors);
    visit.leaveNotice('itemDecided');
    return visit.goTo(`/treasury/reconciliation/items/${itemId}`);
  });

  async function showStatements(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const before = cursorIn(visit, 'before');
    const { items, next } = (
      await reconciliation.listStatements({
        query: { ...(before === undefined ? {} : { before }), limit: size },
      })
    ).body;
    const here = '/treasury/reconciliation/statements';
    return visit.show(
      'treasury/statements.njk',
      {
        ...around(visit, 'statements'),
        statementFormats: formats,
        format: input(visit, 'format'),
        statements: items.map((one) => ({
          ...one,
          openingMoney: money(one.opening, one.currency),
          closingMoney: money(one.closing, one.currency),
        })),
        newest: before === undefined ? undefined : here,
        next: next && `${here}?before=${next}`,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/treasury/reconciliation/statements', access, (visit) => showStatements(visit));

  site.upload('/treasury/reconciliation/statements', access, async (visit, file) => {
    const { t } = visit.voice;
    const format = formats.find((one) => one === input(visit, 'format'));
    if (!file || file.name === '' || format === undefined) {
      file?.bytes.resume();
      return showStatements(visit, [
        format === undefined
          ? { text: t('treasury.reconciliation.formatMissing'), href: '#format' }
          : { text: t('treasury.reconciliation.fileMissing'), href: '#file' },
      ]);
    }
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of file.bytes) {
      length += (chunk as Buffer).length;
      if (length > mostBytes) throw new Problem(413, 'the file is too large');
      chunks.push(chunk as Buffer);
    }
    let first = '';
    const errors = await attempt(visit, '#file', async () => {
      const { body } = await reconciliation.loadStatements({
        query: { format },
        body: Buffer.concat(chunks),
      });
      first = body.statements[0]?.statementId ?? '';
      visit.leaveNotice(body.repeated ? 'statementsKnown' : 'statementsLoaded');
    });
    if (errors) return showStatements(visit, errors);
    return visit.goTo(`/treasury/reconciliation/statements${first === '' ? '' : `/${first}`}`);
  });

  site.page('/treasury/reconciliation/statements/:statement', access, async (visit) => {
    const statementId = idIn(visit, 'statement');
    const asked = Number(visit.query.after ?? '');
    const after = Number.isSafeInteger(asked) && asked > 0 ? asked : undefined;
    const [statement, lines] = await Promise.all([
      reconciliation.getStatement({ params: { statementId } }),
      reconciliation.listStatementLines({
        params: { statementId },
        query: { ...(after === undefined ? {} : { after }), limit: size },
      }),
    ]);
    const one = statement.body;
    const base = `/treasury/reconciliation/statements/${statementId}`;
    return visit.show('treasury/statement.njk', {
      ...around(visit, 'statements'),
      back: '/treasury/reconciliation/statements',
      statement: {
        ...one,
        openingMoney: money(one.opening, one.currency),
        closingMoney: money(one.closing, one.currency),
        classes: one.classes.map((of) => ({ ...of, money: money(of.amount, one.currency) })),
      },
      lines: lines.body.items.map((line) => ({ ...line, money: money(line.amount, line.currency) })),
      first: after === undefined ? undefined : base,
      next: lines.body.next === undefined ? undefined : `${base}?after=${lines.body.next}`,
    });
  });

  site.page('/treasury/reconciliation/proofs', access, async (visit) => {
    const before = cursorIn(visit, 'before');
    const { items, next } = (
      await reconciliation.listProofs({
        query: { ...(before === undefined ? {} : { before }), limit: size },
      })
    ).body;
    const here = '/treasury/reconciliation/proofs';
    return visit.show('treasury/proofs.njk', {
      ...around(visit, 'proofs'),
      proofs: items.map((one) => ({
        ...one,
        rows: (
          [
            'ledgerBalance',
            'releasesNotSeen',
            'creditsOpen',
            'debitsOpen',
            'closingBalance',
            'difference',
          ] as const
        ).map((key) => ({ key, money: money(one[key], one.currency) })),
      })),
      newest: before === undefined ? undefined : here,
      next: next && `${here}?before=${next}`,
    });
  });

  site.action('/treasury/reconciliation/proofs', access, async (visit) => {
    await reconciliation.makeProofs({});
    visit.leaveNotice('proofsMade');
    return visit.goTo('/treasury/reconciliation/proofs');
  });

  async function showSuspense(
    visit: SignedInVisit,
    failed?: { readonly id: string; readonly errors: readonly PageError[] },
  ) {
    const state = suspenseStates.find((one) => one === visit.query.state) ?? 'held';
    const after = cursorIn(visit, 'after');
    const [list, programmes, nameOf] = await Promise.all([
      reconciliation.listSuspense({
        query: { state, ...(after === undefined ? {} : { after }), limit: size },
      }),
      programmesSeen(parts, visit),
      programmeNames(parts),
    ]);
    const { items, next } = list.body;
    const here = `/treasury/reconciliation/suspense?state=${state}`;
    return visit.show(
      'treasury/suspense.njk',
      {
        ...around(visit, 'suspense'),
        states: suspenseStates,
        state,
        entries: items.map((one) => ({
          ...one,
          money: money(one.amount, one.currency),
          programme: one.programmeId === undefined ? undefined : nameOf(one.programmeId),
          proposer: one.proposedBy === undefined ? undefined : personBy(visit, names, one.proposedBy),
          releaser: one.releasedBy === undefined ? undefined : personBy(visit, names, one.releasedBy),
        })),
        programmes: programmes.map((programme) => ({
          value: `${programme.sourceId}/${programme.programmeId}`,
          text: visit.voice.text(nameOf(programme.programmeId, programme.name)),
        })),
        first: after === undefined ? undefined : here,
        next: next && `${here}&after=${next}`,
        query: new URLSearchParams({ state, ...(after === undefined ? {} : { after }) }).toString(),
        failed: failed?.id,
        entered: { note: input(visit, 'note'), programme: input(visit, 'programme') },
        errors: failed?.errors ?? [],
      },
      failed ? 422 : 200,
    );
  }

  site.page('/treasury/reconciliation/suspense', access, (visit) => showSuspense(visit));

  site.action('/treasury/reconciliation/suspense/:entry', access, async (visit) => {
    const entryId = idIn(visit, 'entry');
    const params = { entryId };
    const note = input(visit, 'note').slice(0, 500);
    const decision = note === '' ? {} : { note };
    const href = `#note-${entryId}`;
    const [sourceId = '', programmeId = ''] = input(visit, 'programme').split('/');
    const action = input(visit, '_action');
    let errors: readonly PageError[] | undefined;
    if (action === 'accept')
      errors = await attempt(visit, href, () => reconciliation.acceptRelease({ params, body: decision }));
    else if (action === 'decline')
      errors = await attempt(visit, href, () => reconciliation.declineRelease({ params, body: decision }));
    else if (note === '') errors = [{ text: visit.voice.t('treasury.cases.noteMissing'), href }];
    else
      errors = await attempt(visit, href, () =>
        reconciliation.releaseSuspense({
          params,
          body: { note, ...(isCode(sourceId) && isCode(programmeId) ? { sourceId, programmeId } : {}) },
        }),
      );
    if (errors) return showSuspense(visit, { id: entryId, errors });
    visit.leaveNotice('itemDecided');
    return visit.goTo('/treasury/reconciliation/suspense');
  });
}
