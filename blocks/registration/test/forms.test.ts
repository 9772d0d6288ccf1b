import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEForm } from '../src/forms/deploy.ts';
import type { EForm } from '../src/forms/eform.ts';
import { prune } from '../src/forms/prune.ts';
import { validateSubmission } from '../src/forms/validate.ts';
import { form, goodAnswers } from './form.ts';

const eform = readEForm(structuredClone(form)) as EForm;
const check = (answers: object) => validateSubmission(eform, answers as never, '2026-11-23');
const codes = (answers: object) => check(answers).defects.map((defect) => `${defect.code} ${defect.pointer}`);

describe('a submission', () => {
  it('that answers every question is accepted as it is', () => {
    expect(check(goodAnswers)).toEqual({ data: goodAnswers, defects: [] });
  });

  it('[RGN-6.3.3-d] is told every defect at once, each with its place', () => {
    const answers = {
      headNumber: 'x',
      roof: 'gold',
      ownsLand: 'no',
      rent: '12.5',
      phone: '0123',
      colour: 'red',
      members: [
        { name: '', born: '2026-11-24' },
        { name: 'B', born: '2026-02-30', shoe: 1 },
      ],
    };
    expect(codes(answers).sort()).toEqual(
      [
        'unknown /colour',
        'unknown /members/1/shoe',
        'pattern /headNumber',
        'option /roof',
        'type /ownsLand',
        'type /rent',
        'pattern /phone',
        'required /members/0/name',
        'range /members/0/born',
        'required /members/0/school',
        'type /members/1/born',
      ].sort(),
    );
  });

  it('must answer what applies and only what applies', () => {
    expect(codes({ ...goodAnswers, ownsLand: true })).toEqual(['required /hectares']);
    expect(codes({ ...goodAnswers, ownsLand: true, hectares: 1001 })).toEqual(['range /hectares']);
    expect(codes({ ...goodAnswers, members: [] })).toEqual(['required /members']);
    expect(
      codes({ ...goodAnswers, members: Array.from({ length: 4 }, () => goodAnswers.members[0]) }),
    ).toEqual(['count /members']);
  });

  it('loses hidden answers to the fixed point, also those that hang on hidden ones', () => {
    const hidden = { ...goodAnswers, ownsLand: false, hectares: 40, crop: 'maize' };
    expect(check(hidden)).toEqual({ data: goodAnswers, defects: [] });
    expect(check({ ...hidden, ownsLand: true }).data).toMatchObject({ hectares: 40, crop: 'maize' });
  });

  it('pruned twice is pruned once, whatever was sent', () => {
    const value = fc.oneof(fc.boolean(), fc.integer(), fc.string(), fc.constant(null), fc.constant([]));
    const ids = ['headNumber', 'roof', 'ownsLand', 'hectares', 'crop', 'rent', 'phone', 'members'];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...ids), value), (answers) => {
        const pruned = prune(eform, answers);
        expect(prune(eform, pruned)).toEqual(pruned);
        expect(Object.keys(pruned).every((key) => key in answers)).toBe(true);
      }),
    );
  });
});

describe('a form', () => {
  const faults = (change: (draft: { pages: { fields: Record<string, unknown>[] }[] }) => void): string => {
    const draft = structuredClone(form) as unknown as { pages: { fields: Record<string, unknown>[] }[] };
    change(draft);
    try {
      readEForm(draft);
      return '';
    } catch (error) {
      return JSON.stringify((error as { errors: unknown }).errors);
    }
  };
  it('with unknown properties, doubled ids, broken or clock-asking conditions is refused with the place', () => {
    expect(faults((draft) => Object.assign(draft.pages[0]?.fields[0] as object, { colour: 1 }))).toContain(
      '/pages/0/fields/0/colour',
    );
    expect(
      faults((draft) => Object.assign(draft.pages[0]?.fields[1] as object, { id: 'headNumber' })),
    ).toContain('used twice');
    expect(
      faults((draft) => Object.assign(draft.pages[0]?.fields[4] as object, { when: 'hectares >' })),
    ).toContain('/pages/0/fields/4/when');
    expect(
      faults((draft) =>
        Object.assign(draft.pages[0]?.fields[4] as object, { when: 'today() > date("2020-01-01")' }),
      ),
    ).toContain('clock');
    expect(
      faults((draft) => Object.assign(draft.pages[0]?.fields[1] as object, { options: undefined })),
    ).toContain('options');
  });
});
