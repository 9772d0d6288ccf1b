import type { ModdleElement } from 'bpmn-moddle';
import { readCatalogue } from '../../rendering/translations.ts';
import type { Voice } from '../../rendering/voice.ts';
import { kindOf, kinds } from './edits.ts';
import { fieldKeys, type ModellingLanguage } from './element-properties.ts';

/** Texts of the library that draws, by their English words. */
const drawingKeys = Object.keys((readCatalogue('en').modeller as { drawing: object }).drawing);
const kindNames = [
  'Process',
  'SequenceFlow',
  ...new Set(Object.values(kinds).flatMap((some) => some.map((kind) => kind.split('/')[0] as string))),
];

const inWords = (name: string): string => {
  const words = name.replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** A label from the catalogue; the name itself, in words, for what the block has learnt since. */
const labelled = (voice: Voice, path: string, name: string): string => {
  const plain = name.replace(/^\w+:/, '');
  const found = voice.firstOf(`modeller.${path}.${plain}`, 'modeller.unknown');
  return found === voice.t('modeller.unknown') ? inWords(plain) : found;
};

export const fieldLabel = (voice: Voice, key: string): string => labelled(voice, 'fields', key);
export const columnLabel = (voice: Voice, name: string): string => labelled(voice, 'columns', name);
export const choiceLabel = (voice: Voice, key: string, value: string): string =>
  key === 'loop' || key === 'timerKind' ? labelled(voice, key, value) : value;
/** `BoundaryEvent/Timer` in words. */
export const kindLabel = (voice: Voice, kind: string): string => {
  const [type = '', about] = kind.split('/');
  const base = labelled(voice, 'kinds', type);
  return about === undefined ? base : `${base} · ${labelled(voice, 'abouts', about)}`;
};

/** The name of an element, else what it is. */
export const nameFor = (voice: Voice, element: ModdleElement): string =>
  (element.get('name') as string | undefined) || `${kindLabel(voice, kindOf(element))} (${element.id})`;

/** Texts that the editor in the browser shows, in the language of the person. */
export const editorTexts = (voice: Voice, language: ModellingLanguage) => {
  const { fields, columns } = fieldKeys(language);
  const { t } = voice;
  const of = (keys: readonly string[], label: (voice: Voice, key: string) => string) =>
    Object.fromEntries(keys.map((key) => [key, label(voice, key)]));
  return {
    fields: of(fields, fieldLabel),
    columns: of(columns, columnLabel),
    loop: of(['none', 'parallel', 'sequential', 'standard'], (_, key) => choiceLabel(voice, 'loop', key)),
    timerKind: of(['duration', 'date', 'cycle'], (_, key) => choiceLabel(voice, 'timerKind', key)),
    drawing: voice.language === 'en' ? {} : of(drawingKeys, (_, key) => t(`modeller.drawing.${key}`)),
    add: t('modeller.editor.addRow'),
    remove: t('modeller.editor.removeRow'),
    kinds: of(kindNames, (_, key) => kindLabel(voice, key)),
    saved: t('modeller.editor.saved'),
    unsaved: t('modeller.editor.unsaved'),
    failed: t('modeller.editor.failed'),
    ready: t('modeller.editor.ready'),
    noFindings: t('modeller.findings.none'),
    error: t('modeller.findings.error'),
    warning: t('modeller.findings.warning'),
  };
};
