import type { ModdleElement } from 'bpmn-moddle';
import { isVariableName } from './mappings.ts';
import { attribute, child, children, idOf, type Reader } from './reader.ts';

/**
 * Variable behind a data object, a reference to one, a property, a data input or output: its name, else its id. All
 * references to a data object are the same variable. One that cannot be a name becomes an issue.
 */
export function variableOf(item: ModdleElement, reader: Reader): string {
  const object = child(item, 'dataObjectRef');
  const names = [object && attribute(object, 'name'), attribute(item, 'name'), idOf(object), idOf(item)];
  const name = names.find((one) => one !== undefined && isVariableName(one));
  if (name === undefined) reader.issues.add(item, `${names.find(Boolean)} cannot be the name of a variable`);
  return name ?? '';
}

/** Variable that fills a data input of an activity, or that a data output of it fills. */
export function variableBehind(activity: ModdleElement, item: ModdleElement, reader: Reader): string {
  for (const one of children(activity, 'dataInputAssociations')) {
    const [source] = children(one, 'sourceRef');
    if (source && idOf(child(one, 'targetRef')) === item.id) return variableOf(source, reader);
  }
  for (const one of children(activity, 'dataOutputAssociations')) {
    const target = child(one, 'targetRef');
    if (target && children(one, 'sourceRef').some(({ id }) => id === item.id))
      return variableOf(target, reader);
  }
  return variableOf(item, reader);
}
