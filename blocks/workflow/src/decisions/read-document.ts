import type { ModdleElement } from 'bpmn-moddle';
import { DmnModdle } from 'dmn-moddle';
import dmn from 'dmn-moddle/resources/dmn/json/dmn13.json' with { type: 'json' };
import type { Issues } from '../model/issues.ts';

/** Versions of DMN after the one the parser knows; what is read here is written alike in all. */
const versions: readonly (readonly [string, string])[] = [
  'http://www.omg.org/spec/DMN/20180521/',
  'https://www.omg.org/spec/DMN/20211108/',
  'https://www.omg.org/spec/DMN/20230324/',
].flatMap((version) => [
  [`${version}MODEL/`, 'https://www.omg.org/spec/DMN/20191111/MODEL/'] as const,
  [`${version}DMNDI/`, 'https://www.omg.org/spec/DMN/20191111/DMNDI/'] as const,
]);

const part = (name: string): object => ({ name, type: 'ChildExpression', xml: { serialize: 'property' } });
const boxed = (name: string, parts: readonly string[], attributes: readonly string[] = []): object => ({
  name,
  superClass: ['Expression'],
  properties: [
    ...attributes.map((attribute) => ({ name: attribute, isAttr: true, type: 'String' })),
    ...parts.map(part),
  ],
});

/** DMN 1.3 and the boxed expressions that DMN 1.4 added. */
const language = {
  ...dmn,
  types: [
    ...dmn.types,
    {
      name: 'ChildExpression',
      superClass: ['DMNElement'],
      properties: [
        { name: 'typeRef', isAttr: true, type: 'String' },
        { name: 'value', type: 'Expression' },
      ],
    },
    boxed('Conditional', ['if', 'then', 'else']),
    boxed('Filter', ['in', 'match']),
    boxed('For', ['in', 'return'], ['iteratorVariable']),
    boxed('Some', ['in', 'satisfies'], ['iteratorVariable']),
    boxed('Every', ['in', 'satisfies'], ['iteratorVariable']),
  ],
};

/** The root of a DMN document. What cannot be read becomes an issue. */
export async function readDefinitions(xml: string, issues: Issues): Promise<ModdleElement | undefined> {
  let text = xml;
  for (const [version, known] of versions) text = text.replaceAll(version, known);
  try {
    const { rootElement, warnings } = await new DmnModdle({ dmn: language }).fromXML(text);
    for (const warning of warnings) {
      if (warning.element?.$type.startsWith('dmndi:')) continue;
      issues.add(
        warning.element ?? 'dmn',
        `the DMN document is not valid: ${warning.message.split('\n')[0]}`,
      );
    }
    return rootElement;
  } catch (error) {
    issues.add('dmn', `the DMN document cannot be read: ${(error as Error).message.split('\n')[0]}`);
    return undefined;
  }
}
