import type { SignedInVisit } from '../site/visit.ts';
import { isApplication } from './application-id.ts';
import { instantOf } from './moments.ts';
import type { PageError } from './refusals.ts';
import { conditionOf } from './right-conditions.ts';
import type { RightInputs } from './right-inputs.ts';
import {
  type Condition,
  type FieldRule,
  type Right,
  rightMethods,
  type Subject,
  type shownAs,
  subjectKinds,
} from './right-shape.ts';
import type { SchemaField } from './schema.ts';
import { linesIn } from './text-lines.ts';

function subjectOf(inputs: RightInputs): Subject | undefined {
  const { application, person, role, agency, group } = inputs;
  const kind = subjectKinds.find((one) => one === inputs.kind);
  switch (kind) {
    case 'application':
      return isApplication(application) ? { kind, application } : undefined;
    case 'person':
      return person === '' ? undefined : { kind, person };
    case 'group':
      return group === '' ? undefined : { kind, group };
    case 'role':
      if (!/^[a-z][a-z-]{0,49}(:.{1,100})?$/.test(role)) return undefined;
      return { kind, role, ...(agency === '' ? {} : { agency }) };
    case 'record-owner':
      return { kind, ...(inputs.delegates ? { delegates: true } : {}) };
    case 'signed-in':
    case 'anonymous':
      return { kind };
    default:
      return undefined;
  }
}

/** Rules of fields as they were entered; what a rule says of when stays, the form does not show it. */
function rulesOf(
  inputs: RightInputs,
  fields: readonly SchemaField[],
  before: Right | undefined,
): FieldRule[] {
  return fields.flatMap(({ id, name }): FieldRule[] => {
    const shown = inputs.shown[id] as (typeof shownAs)[number] | undefined;
    const when = before?.fields?.find(({ field }) => field === name)?.when;
    const rest = when && shown !== 'hidden' ? { when } : {};
    if (shown === undefined || shown === 'hidden')
      return inputs.laterFields ? [{ field: name, show: 'hidden' }] : [];
    if (shown === 'write') return [{ field: name, ...rest }];
    return [{ field: name, show: shown, ...(shown === 'plain' ? { write: false } : {}), ...rest }];
  });
}

function needsOf(inputs: RightInputs): Right['needs'] {
  const roles = linesIn(inputs.personRoles);
  const [purposes, acr] = [linesIn(inputs.purposes), linesIn(inputs.acr)];
  const needs = {
    ...(inputs.consent ? { consent: true } : {}),
    ...(inputs.legalGround ? { legalGround: true } : {}),
    ...(purposes.length > 0 ? { purposes } : {}),
    ...(acr.length > 0 ? { acr } : {}),
    ...(roles.length > 0 || inputs.ownRights
      ? {
          person: {
            ...(roles.length > 0 ? { roles } : {}),
            ...(inputs.ownRights ? { ownRights: true } : {}),
          },
        }
      : {}),
  };
  return Object.keys(needs).length === 0 ? undefined : needs;
}

function parsedRows(text: string): Condition | undefined {
  try {
    const rows: unknown = JSON.parse(text);
    return Array.isArray(rows) ? (rows as Condition) : undefined;
  } catch {
    return undefined;
  }
}

/** The right that was entered, or what is wrong with it. */
export function readRight(
  { voice }: SignedInVisit,
  inputs: RightInputs,
  fields: readonly SchemaField[],
  timeZone: string,
  before: Right | undefined,
): { readonly right?: Right; readonly errors: readonly PageError[] } {
  const errors: PageError[] = [];
  const wrong = (key: string, href: string) =>
    errors.push({ text: voice.t(`registries.rights.${key}`), href });
  const subject = subjectOf(inputs);
  if (!subject)
    wrong(`subjectWrong.${inputs.kind || 'kind'}`, inputs.kind === '' ? '#kind' : `#${inputs.kind}`);
  const methods = rightMethods.filter((one) => inputs.methods.includes(one));
  if (methods.length === 0) wrong('chooseMethods', '#methods');
  const rules = inputs.scope === 'some' ? rulesOf(inputs, fields, before) : undefined;
  if (rules && !inputs.laterFields && rules.length === 0) wrong('chooseFields', '#fields');
  const table = conditionOf(inputs.lines, fields, voice);
  if (table.wrong) wrong('rowsWrong', '#rows');
  const rows = inputs.rowsText === '' ? table.rows : parsedRows(inputs.rowsText);
  if (inputs.rowsText !== '' && !rows) wrong('rowsTextWrong', '#rowsText');
  const moment = (name: 'from' | 'until'): string | undefined => {
    if (inputs[name] === '') return undefined;
    const instant = instantOf(inputs[name], timeZone);
    if (instant === undefined) wrong('momentWrong', `#${name}`);
    return instant;
  };
  const [from, until] = [moment('from'), moment('until')];
  if (errors.length > 0 || !subject) return { errors };
  const needs = needsOf(inputs);
  const right: Right = {
    subject,
    methods,
    ...(rules ? { fields: rules, ...(inputs.laterFields ? { otherFields: 'plain' as const } : {}) } : {}),
    ...(rows ? { rows } : {}),
    ...(needs ? { needs } : {}),
    ...(from === undefined ? {} : { from }),
    ...(until === undefined ? {} : { until }),
    ...(inputs.note === '' ? {} : { note: inputs.note }),
  };
  return { right, errors };
}
