import type { ModdleElement } from 'bpmn-moddle';
import type { DecisionModel } from '../decisions/model.ts';
import type { Issues } from './issues.ts';

/** What a deployment brings besides the XML. */
export interface Surroundings {
  /** Application the process acts for: `INSTANCE/CLASS/MEMBER/APPLICATION`. */
  readonly owner: string;
  /** Logical names that service tasks may use instead of addresses. */
  readonly bindings: Readonly<Record<string, string>>;
  readonly decisions: DecisionModel;
}

/** Passed to everything that reads a part of a BPMN document. */
export interface Reader extends Surroundings {
  readonly issues: Issues;
  /** Global tasks of the document by their ids. */
  readonly globalTasks: ReadonlyMap<string, ModdleElement>;
}

export const attribute = (element: ModdleElement, name: string): string | undefined => {
  const value = element.get(name) as string | undefined;
  return value === undefined || value === '' ? undefined : value;
};

export const child = (element: ModdleElement, name: string): ModdleElement | undefined =>
  element.get(name) as ModdleElement | undefined;

export const children = (element: ModdleElement, name: string): readonly ModdleElement[] =>
  (element.get(name) as readonly ModdleElement[] | undefined) ?? [];

/** Extension elements of one of our types, in document order. */
export const extensions = (element: ModdleElement, type: string): readonly ModdleElement[] => {
  const holder = child(element, 'extensionElements');
  return holder ? children(holder, 'values').filter((one) => one.$type === `govstack:${type}`) : [];
};

export const documentationOf = (element: ModdleElement): string | undefined =>
  children(element, 'documentation')
    .map((one) => attribute(one, 'text'))
    .find((text) => text !== undefined);

export const idOf = (element: ModdleElement | undefined): string => element?.id ?? '';
