import { describe, expect, test } from 'vitest';
import { sumAmounts } from '../src/mediated/amounts.ts';
import { toHistory } from '../src/mediated/history.ts';
import { createNames } from '../src/mediated/names.ts';
import { operationName } from '../src/mediated/operation-names.ts';
import { periodOf } from '../src/mediated/payments-received.ts';
import { assessmentIn, type ReviewDeclaration, reviewOf } from '../src/mediated/review.ts';
import { programmeOf, type RegisteredService, toSheet } from '../src/mediated/sheet.ts';
import { familyForm } from './fixtures/service.ts';

const text = (en: string) => ({ en });

describe('names from the directory', () => {
  const names = createNames({ 'LUMORA/GOV/MSP': text('Ministry of Social Protection') });

  test('are those of the settings, else the words of the id', () => {
    expect(names.party('LUMORA/GOV/MSP/cash-transfer')).toEqual({
      id: 'LUMORA/GOV/MSP/cash-transfer',
      agency: text('Ministry of Social Protection'),
      application: 'Cash transfer',
    });
    expect(names.member('LUMORA/GOV/XYZ/app')).toBe('XYZ');
  });

  test.each([
    ['registration-v1', 'POST', '/services/cash-transfer/applications', 'submitApplication'],
    ['consent-v1', 'GET', '/service/individual/record/consent-record/', 'listConsentRecords'],
    ['registry-data-v1', 'POST', '/data/persons/latest/read', 'readRecord'],
    ['workflow-v1', 'POST', '/processes/cash-transfer/start', 'start'],
    ['getOpenAPI', 'GET', '/', 'getOpenAPI'],
    ['rail-v1', 'POST', '/transfers', 'POST /transfers'],
  ])('%s %s %s is %s', (service, method, path, operation) => {
    expect(operationName(service, method, path)).toBe(operation);
  });
});

describe('a service', () => {
  const service: RegisteredService = {
    id: 'id',
    code: 'cash-transfer',
    name: 'Cash transfer',
    description: 'Money',
    isExecutable: true,
    owner: 'LUMORA/GOV/MSP/cash-transfer',
    consent: null,
    sheet: {
      name: { en: 'Cash transfer', fr: 'Transfert' },
      whoCanApply: text('Everybody'),
      cost: text('Free'),
      unknown: text('not shown'),
      programme: {
        sourceId: 's',
        programmeId: 'p',
        runProcess: 'r',
        retriedReasons: ['AM04'],
      },
    },
  };

  test('becomes a sheet of the parts it declares', () => {
    const sheet = toSheet(service, createNames({}));
    expect(sheet.title).toEqual({ en: 'Cash transfer', fr: 'Transfert' });
    expect(sheet.summary).toEqual(text('Money'));
    expect(sheet.sections).toEqual([{ code: 'whoCanApply', body: text('Everybody') }]);
    expect(sheet.facts).toEqual([{ code: 'cost', value: text('Free') }]);
  });

  test('names its programme, or has one of its own code', () => {
    expect(programmeOf(service)).toEqual({
      sourceId: 's',
      programmeId: 'p',
      runProcess: 'r',
      retriedReasons: ['AM04'],
    });
    expect(programmeOf({ ...service, sheet: {} })).toEqual({
      sourceId: 'cash-transfer',
      programmeId: 'cash-transfer',
      runProcess: 'cash-transfer-payment-run',
      retriedReasons: [],
    });
  });
});

describe('a file for officers', () => {
  const review: ReviewDeclaration = {
    indicators: { crowding: { label: text('People per room'), highest: 6 } },
    scale: { lowest: 0, highest: 100, borderline: 3 },
    verifications: [
      {
        question: text('Land?'),
        registry: text('Land register'),
        agency: text('Land Agency'),
        declared: 'string(application.hectares)',
        found: 'string(landOwned)',
        outcome: 'if landOwned > application.hectares then "contradicted" else "confirmed"',
      },
      {
        question: text('Broken?'),
        registry: text('Register'),
        agency: text('Agency'),
        outcome: 'if (',
      },
    ],
  };
  const answers = { roof: 'tin', hectares: 1.5 };
  const assessment = {
    score: 52,
    threshold: 54,
    why: 'borderline',
    entitled: false,
    amount: '35.00',
    currency: 'XLD',
    points: [
      { indicator: 'roof', points: 6 },
      { indicator: 'crowding', points: 4 },
      { indicator: 'crowding', points: 2 },
    ],
  };
  const variables = { assessment, contradictions: ['more-land-than-declared'], landOwned: 4 };
  const at = '2026-02-03T09:12:06.000Z';

  test('explains the score in the words of the form and of the service', () => {
    const { score, benefit, reasons } = reviewOf(review, familyForm, answers, variables, variables, at);
    expect(score).toMatchObject({
      total: 52,
      threshold: 54,
      qualifies: 'atOrAbove',
      outcome: 'borderline',
      borderline: 3,
    });
    expect(score?.indicators).toMatchObject([
      { answer: { en: 'Tin' }, points: 6 },
      { label: text('People per room'), answer: '–', points: 6, highest: 6 },
    ]);
    expect(benefit).toEqual({ amount: { amount: '35.00', currency: 'XLD' } });
    expect(reasons).toEqual(['contradiction', 'borderline']);
  });

  test('sets what registers said beside what was declared; a faulty expression confirms nothing', () => {
    const { verifications } = reviewOf(review, familyForm, answers, variables, variables, at);
    expect(verifications).toMatchObject([
      { outcome: 'contradicted', declared: '1.5', found: '4' },
      { outcome: 'unavailable' },
    ]);
  });

  test('without the evidence at hand claims no comparison', () => {
    const facts = { score: 52, threshold: 54, points: [] };
    const shown = reviewOf(review, familyForm, answers, facts, undefined, at);
    expect(shown.verifications).toEqual([]);
    expect(shown.score?.total).toBe(52);
  });

  test('a process without an assessment has none', () => {
    expect(assessmentIn({ anything: 1 })).toBeUndefined();
  });
});

describe('amounts and times', () => {
  test('sums keep every digit', () => {
    expect(sumAmounts(['0.10', '0.20', '9007199254740993.01'])).toBe('9007199254740993.31');
    expect(sumAmounts(['1', '2'])).toBe('3');
    expect(sumAmounts(['0.05'])).toBe('0.05');
    expect(sumAmounts([])).toBe('0');
  });

  test('a payment belongs to the month its id names, else to that of its last change', () => {
    expect(periodOf('2026-02-27PP', '2026-03-01T00:00:00Z')).toBe('2026-02');
    expect(periodOf('x', '2026-03-01T00:00:00Z')).toBe('2026-03');
  });

  test('history is newest first', () => {
    const events = [
      { at: '1', kind: 'submitted' },
      { at: '2', kind: 'with-officer' },
      { at: '3', kind: 'something-new' },
    ];
    expect(toHistory(events).map(({ code }) => code)).toEqual(['something-new', 'inReview', 'submitted']);
  });
});
