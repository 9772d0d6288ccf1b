import { describe, expect, it } from 'vitest';
import { takeDecision } from '../../src/decisions/evaluate.ts';
import type { DecisionModel } from '../../src/decisions/model.ts';
import { parseDmn } from '../../src/decisions/parse-dmn.ts';
import type { Json, Variables } from '../../src/feel/json.ts';
import { collectIssues } from '../../src/model/issues.ts';

const now = '2026-01-01T00:00:00Z';
const xml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const text = (tag: string, value: string, more = ''): string =>
  `<${tag}${more}><text>${xml(value)}</text></${tag}>`;

interface Table {
  readonly hit?: string;
  readonly aggregation?: string;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly rules: readonly string[];
  readonly id?: string;
  readonly requires?: readonly string[];
  readonly type?: string;
}

/** Rules are written `test | test => output | output`. */
function decision(table: Table): string {
  const { hit = 'UNIQUE', inputs = ['x'], outputs = ['<output id="o"/>'], id = 'd', requires = [] } = table;
  const rules = table.rules.map((rule, index) => {
    const [tests = '', results = ''] = rule.split('=>');
    return `<rule id="${id}-r${index + 1}"><description>rule ${index + 1}</description>
      ${tests
        .split('|')
        .map((one) => text('inputEntry', one.trim()))
        .join('')}
      ${results
        .split('|')
        .map((one) => text('outputEntry', one.trim()))
        .join('')}</rule>`;
  });
  return `<decision id="${id}" name="${id}">
    ${requires.map((one) => `<informationRequirement><requiredDecision href="#${one}"/></informationRequirement>`).join('')}
    <decisionTable hitPolicy="${hit}"${table.aggregation ? ` aggregation="${table.aggregation}"` : ''}>
    ${inputs.map((one) => `<input>${text('inputExpression', one, table.type ? ` typeRef="${table.type}"` : '')}</input>`).join('')}
    ${outputs.join('')}${rules.join('')}</decisionTable></decision>`;
}

const document = (content: string): string =>
  `<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="defs" name="defs" namespace="n">${content}</definitions>`;

async function parse(...decisions: string[]): Promise<DecisionModel> {
  const issues = collectIssues();
  const model = await parseDmn([document(decisions.join(''))], issues);
  expect(issues.list).toEqual([]);
  return model;
}

const issuesOf = async (content: string): Promise<readonly string[]> => {
  const issues = collectIssues();
  await parseDmn([content], issues);
  return issues.list.map((issue) => `${issue.elementId}: ${issue.message}`);
};

async function take(table: Table, variables: Variables): Promise<Json> {
  return takeDecision(await parse(decision(table)), 'd', variables, now).value;
}

describe('hit policies', () => {
  const overlapping = ['< 10 => "a"', '< 20 => "b"', '< 10 => "c"'];

  it('UNIQUE: the one rule that matches; two are a fault', async () => {
    const rules = ['< 10 => "low"', '>= 10 => "high"'];
    expect(await take({ rules }, { x: 3 })).toBe('low');
    expect(await take({ rules }, { x: 10 })).toBe('high');
    await expect(take({ rules: overlapping }, { x: 3 })).rejects.toThrow('UNIQUE');
  });

  it('FIRST: the first rule in the table', async () => {
    expect(await take({ hit: 'FIRST', rules: overlapping }, { x: 3 })).toBe('a');
    expect(await take({ hit: 'FIRST', rules: overlapping }, { x: 15 })).toBe('b');
  });

  it('ANY: rules that match must agree', async () => {
    const rules = ['< 10 => "a"', '< 20 => "a"', '< 5 => "b"'];
    expect(await take({ hit: 'ANY', rules }, { x: 7 })).toBe('a');
    await expect(take({ hit: 'ANY', rules }, { x: 3 })).rejects.toThrow('disagree');
  });

  const ranked = ['<output id="o"><outputValues><text>"c","b","a"</text></outputValues></output>'];

  it('PRIORITY: the output listed first', async () => {
    expect(await take({ hit: 'PRIORITY', outputs: ranked, rules: overlapping }, { x: 3 })).toBe('c');
  });

  it('OUTPUT ORDER: every output, by priority', async () => {
    expect(await take({ hit: 'OUTPUT ORDER', outputs: ranked, rules: overlapping }, { x: 3 })).toEqual([
      'c',
      'b',
      'a',
    ]);
  });

  it('RULE ORDER and COLLECT: every output, in the order of the table', async () => {
    expect(await take({ hit: 'RULE ORDER', rules: overlapping }, { x: 3 })).toEqual(['a', 'b', 'c']);
    expect(await take({ hit: 'COLLECT', rules: overlapping }, { x: 3 })).toEqual(['a', 'b', 'c']);
    expect(await take({ hit: 'COLLECT', rules: overlapping }, { x: 30 })).toEqual([]);
  });

  it.each([
    ['SUM', 0.6],
    ['MIN', 0.1],
    ['MAX', 0.3],
    ['COUNT', 3],
  ])('COLLECT %s: one number over all outputs, exact in decimal', async (aggregation, expected) => {
    const rules = ['- => 0.1', '- => 0.2', '- => 0.3', '> 100 => 9'];
    expect(await take({ hit: 'COLLECT', aggregation, rules }, { x: 1 })).toBe(expected);
  });

  it('nothing matches: null, or the default output', async () => {
    expect(await take({ rules: ['> 10 => 1'] }, { x: 1 })).toBeNull();
    const outputs = ['<output id="o"><defaultOutputEntry><text>0</text></defaultOutputEntry></output>'];
    expect(await take({ outputs, rules: ['> 10 => 1'] }, { x: 1 })).toBe(0);
  });
});

describe('decision tables', () => {
  it('makes a context of several outputs', async () => {
    const outputs = ['<output id="o1" name="band"/>', '<output id="o2" name="amount"/>'];
    const rules = ['[1..3] | "poor" => "A" | x * 100', '- | - => "B" | 0'];
    const table = { hit: 'FIRST', inputs: ['x', 'class'], outputs, rules };
    expect(await take(table, { x: 2, class: 'poor' })).toEqual({ band: 'A', amount: 200 });
    expect(await take(table, { x: 2, class: 'rich' })).toEqual({ band: 'B', amount: 0 });
  });

  it('reads dates where the input says date', async () => {
    const rules = ['< date("2020-01-01") => "old"', '- => "new"'];
    const table = { hit: 'FIRST', type: 'date', rules };
    expect(await take(table, { x: '2019-06-01' })).toBe('old');
    expect(await take(table, { x: '2021-06-01' })).toBe('new');
  });

  it('matches no comparison with a missing value', async () => {
    expect(await take({ hit: 'FIRST', rules: ['< 10 => "low"', '- => "unknown"'] }, {})).toBe('unknown');
  });

  it('tells which rules matched and why', async () => {
    const model = await parse(
      decision({ hit: 'COLLECT', rules: ['> 1 => "a"', '> 9 => "b"', '> 2 => "c"'] }),
    );
    expect(takeDecision(model, 'd', { x: 5 }, now).rules).toEqual([
      { decision: 'd', rule: 'd-r1', annotation: 'rule 1', value: 'a' },
      { decision: 'd', rule: 'd-r3', annotation: 'rule 3', value: 'c' },
    ]);
  });
});

describe('decision requirement graphs', () => {
  const literal = (id: string, expression: string, requires: readonly string[] = []): string =>
    `<decision id="${id}" name="${id}">${requires
      .map((one) => `<informationRequirement><requiredDecision href="#${one}"/></informationRequirement>`)
      .join('')}<literalExpression><text>${xml(expression)}</text></literalExpression></decision>`;

  it('takes required decisions first and passes their results on', async () => {
    const model = await parse(
      literal('total', 'housing + work', ['housing', 'work']),
      decision({
        id: 'housing',
        hit: 'COLLECT',
        aggregation: 'SUM',
        inputs: ['roof'],
        rules: ['"thatch" => 10', '"tin" => 5'],
      }),
      literal('work', 'if employed then 1 else 20'),
    );
    const result = takeDecision(model, 'total', { roof: 'thatch', employed: false }, now);
    expect(result.value).toBe(30);
    expect(result.rules.map((rule) => rule.rule)).toEqual(['housing-r1']);
  });

  it('names inputs with spaces as the diagram does', async () => {
    const model = await parse(
      `<inputData id="i" name="Household size"/><decision id="d" name="d"><informationRequirement>
       <requiredInput href="#i"/></informationRequirement><literalExpression><text>Household size * 2</text>
       </literalExpression></decision>`,
    );
    expect(takeDecision(model, 'd', { 'Household size': 4 }, now).value).toBe(8);
  });

  it('refuses circles, unknown requirements, malformed cells and what it does not know', async () => {
    const circle = document(literal('a', 'b', ['b']) + literal('b', 'a', ['a']));
    expect(await issuesOf(circle)).toContainEqual('a: the decision requires itself');
    expect((await issuesOf(document(literal('a', '1', ['z'])))).join()).toContain('required decision z');
    expect((await issuesOf(document(decision({ rules: ['< => 1'] })))).join()).toContain(
      'd-r1: test: syntax error',
    );
    expect((await issuesOf(document(decision({ rules: ['1 => ('] })))).join()).toContain('d-r1: output');
    expect((await issuesOf(document(decision({ rules: ['1 | 2 => 1'] })))).join()).toContain('2 tests');
    expect((await issuesOf(document('<businessKnowledgeModel id="k" name="k"/>'))).join()).toContain(
      'not supported',
    );
    expect((await issuesOf('<nothing/>')).join()).toContain('cannot be read');
  });
});
