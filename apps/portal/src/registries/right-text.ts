import type { Voice } from '../rendering/voice.ts';
import type { Comparison, Condition, Right, Subject } from './right-shape.ts';
import { labelOf } from './schema.ts';

/** To whom a right is given, in words. */
export function subjectText({ t }: Voice, subject: Subject): string {
  switch (subject.kind) {
    case 'application':
      return t('registries.rights.to.application', { name: subject.application });
    case 'person':
      return t('registries.rights.to.person', { name: subject.person });
    case 'group':
      return t('registries.rights.to.group', { name: subject.group });
    case 'role':
      if (subject.agency === undefined) return t('registries.rights.to.role', { name: subject.role });
      return t('registries.rights.to.roleIn', { name: subject.role, agency: subject.agency });
    case 'record-owner':
      return t(`registries.rights.to.${subject.delegates === true ? 'ownerAndDelegates' : 'owner'}`);
    case 'signed-in':
      return t('registries.rights.to.signedIn');
    case 'anonymous':
      return t('registries.rights.to.anonymous');
  }
}

const nameOf = (field: Comparison['field']): string => labelOf({ name: String(field), property: {} });

function otherSide({ t, formats }: Voice, value: Comparison['value']): string {
  if (Array.isArray(value)) return formats.list(value.map(String));
  if (typeof value !== 'object') return String(value ?? '');
  if ('field' in value) return nameOf(value.field);
  const [kind = '', name = ''] = value.caller.split(/:(.*)/s);
  return t(`registries.rights.caller.${kind}`, { name });
}

function comparisonText(voice: Voice, { field, caller, operator, value }: Comparison): string {
  const one = caller === undefined ? nameOf(field) : otherSide(voice, { caller });
  const says = operator === 'isNull' && value === false ? 'notNull' : operator;
  return voice.t(`registries.rights.says.${says}`, { one, other: otherSide(voice, value) });
}

/** Which records a right is about, each way of being one of them in a line; none: all. */
export const conditionTexts = (voice: Voice, condition: Condition | undefined): string[] =>
  (condition ?? []).map((all) =>
    all.map((one) => comparisonText(voice, one)).join(` ${voice.t('registries.rights.and')} `),
  );

/** Which fields, in words. */
export function fieldsText({ t, formats }: Voice, { fields, otherFields }: Right): string {
  if (!fields) return t('registries.rights.allFields');
  const named = (rules: typeof fields) => formats.list(rules.map(({ field }) => nameOf(field)));
  const hidden = fields.filter(({ show }) => show === 'hidden');
  if (otherFields === 'plain')
    return hidden.length === 0
      ? t('registries.rights.allFields')
      : t('registries.rights.allBut', { fields: named(hidden) });
  const seen = fields.filter(({ show }) => show !== 'hidden');
  return seen.length === 0 ? t('registries.rights.noFields') : named(seen);
}
