import type { ModdleElement } from 'bpmn-moddle';
import { variableBehind, variableOf } from './data.ts';
import { readExpression, readSource } from './issues.ts';
import { isVariableName, readVariable } from './mappings.ts';
import type { Activity, ImplicitThrow, MultiInstance, StandardLoop } from './model.ts';
import { readImplicitThrow } from './read-event.ts';
import { attribute, child, children, type Reader } from './reader.ts';

function readStandardLoop(element: ModdleElement, loop: ModdleElement, reader: Reader): StandardLoop {
  const condition = child(loop, 'loopCondition');
  const maximum = loop.get('loopMaximum') as number | undefined;
  if (maximum !== undefined && !(Number.isInteger(maximum) && maximum > 0)) {
    reader.issues.add(element, 'loopMaximum is a whole number above zero');
  }
  if (!condition && maximum === undefined) {
    reader.issues.add(element, 'a loop needs loopCondition or loopMaximum: it would never end');
  }
  return {
    kind: 'standard',
    testBefore: loop.get('testBefore') === true,
    maximum,
    condition: condition
      ? readExpression(reader.issues, element, 'loopCondition', attribute(condition, 'body') ?? '')
      : undefined,
  };
}

type Runs = Pick<MultiInstance, 'collection' | 'cardinality' | 'elementVariable'>;

/** Reads what there is a run for. */
function readRuns(element: ModdleElement, loop: ModdleElement, reader: Reader): Runs {
  const { issues } = reader;
  const list = child(loop, 'loopDataInputRef');
  const item = child(loop, 'inputDataItem');
  const cardinality = child(loop, 'loopCardinality');
  const given = attribute(loop, 'govstack:collection');
  const collection = given ?? (list && `=${variableBehind(element, list, reader)}`);
  const elementVariable =
    attribute(loop, 'govstack:elementVariable') ??
    (item ? variableOf(item, reader) : collection === undefined ? undefined : 'item');
  if (elementVariable !== undefined && !isVariableName(elementVariable)) {
    issues.add(element, `${elementVariable} cannot be the name of a variable`);
  }
  if ([given, list, cardinality].filter((one) => one !== undefined).length !== 1) {
    issues.add(element, 'multi-instance needs govstack:collection, loopDataInputRef or loopCardinality');
  }
  if (cardinality && elementVariable !== undefined) {
    issues.add(element, 'a run of loopCardinality has no item, only its loopCounter');
  }
  return {
    collection: collection === undefined ? undefined : readSource(issues, element, 'collection', collection),
    cardinality:
      cardinality && readExpression(issues, element, 'loopCardinality', attribute(cardinality, 'body') ?? ''),
    elementVariable,
  };
}

type Results = Pick<MultiInstance, 'resultVariable' | 'resultElement' | 'outputItem'>;

/** Reads what is collected of the runs. */
function readResults(element: ModdleElement, loop: ModdleElement, reader: Reader): Results {
  const { issues } = reader;
  const list = child(loop, 'loopDataOutputRef');
  const item = child(loop, 'outputDataItem');
  const given = readVariable(loop, 'govstack:resultVariable', reader);
  const resultVariable = given ?? (list && variableBehind(element, list, reader));
  const outputItem = item && variableOf(item, reader);
  const resultElement =
    attribute(loop, 'govstack:resultElement') ?? (outputItem === undefined ? undefined : `=${outputItem}`);
  if ((given !== undefined && list) || (resultVariable === undefined) !== (resultElement === undefined)) {
    issues.add(
      element,
      'govstack:resultVariable and govstack:resultElement belong together, or loopDataOutputRef and outputDataItem',
    );
  }
  return {
    resultVariable,
    resultElement:
      resultElement === undefined ? undefined : readSource(issues, element, 'result element', resultElement),
    outputItem,
  };
}

/** Reads what the runs throw as they end (BPMN 10.3.8, behaviour). */
function readBehaviour(element: ModdleElement, loop: ModdleElement, reader: Reader): ImplicitThrow[] {
  const { issues } = reader;
  const behaviour = attribute(loop, 'behavior') ?? 'All';
  const complex = children(loop, 'complexBehaviorDefinition');
  if (behaviour !== 'Complex' && complex.length > 0) {
    issues.add(element, 'complexBehaviorDefinition belongs to the behaviour Complex');
  }
  if (behaviour === 'All') return [];
  if (behaviour === 'None' || behaviour === 'One') {
    const name = behaviour === 'None' ? 'noneBehaviorEventRef' : 'oneBehaviorEventRef';
    const definition = child(loop, name);
    if (!definition) {
      issues.add(element, `the behaviour ${behaviour} needs ${name}`);
      return [];
    }
    const thrown = readImplicitThrow(element, definition, reader);
    return thrown ? [{ thrown, firstOnly: behaviour === 'One', condition: undefined }] : [];
  }
  if (complex.length === 0) issues.add(element, 'the behaviour Complex needs complexBehaviorDefinition');
  return complex.flatMap((one) => {
    const condition = child(one, 'condition');
    const event = child(one, 'event');
    const definitions = event ? children(event, 'eventDefinitions') : [];
    const text = (condition && attribute(condition, 'body')) ?? '';
    return definitions.flatMap((definition) => {
      const thrown = readImplicitThrow(element, definition, reader);
      const read = readExpression(issues, element, 'complexBehaviorDefinition', text);
      return thrown ? [{ thrown, firstOnly: false, condition: read }] : [];
    });
  });
}

/** Reads the loop or multi-instance marker of an activity. */
export function readLoop(element: ModdleElement, reader: Reader): Activity['loop'] {
  const loop = child(element, 'loopCharacteristics');
  if (!loop) return undefined;
  if (loop.$type !== 'bpmn:MultiInstanceLoopCharacteristics') return readStandardLoop(element, loop, reader);
  const completion = child(loop, 'completionCondition');
  return {
    kind: 'multiInstance',
    sequential: loop.get('isSequential') === true,
    ...readRuns(element, loop, reader),
    ...readResults(element, loop, reader),
    completion:
      completion &&
      readExpression(reader.issues, element, 'completionCondition', attribute(completion, 'body') ?? ''),
    throws: readBehaviour(element, loop, reader),
  };
}
