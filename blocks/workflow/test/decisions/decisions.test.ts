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

const literal = (id: string, expression: string, requires: readonly string[] = []): string =>
  boxed(id, text('literalExpression', expression), requires);

/** A decision with any expression; what it requires: `d` a decision, `k:f` the function f, `i:n` an input. */
function boxed(id: string, expression: string, requires: readonly string[] = [], type = ''): string {
  const requirement = (one: string): string => {
    if (one.startsWith('k:')) {
      return `<knowledgeRequirement><requiredKnowledge href="#${one.slice(2)}"/></knowledgeRequirement>`;
    }
    return one.startsWith('i:')
      ? `<informationRequirement><requiredInput href="#${one.slice(2)}"/></informationRequirement>`
      : `<informationRequirement><requiredDecision href="#${one}"/></informationRequirement>`;
  };
  const variable = type === '' ? '' : `<variable name="${id}" typeRef="${type}"/>`;
  return `<decision id="${id}" name="${id}">${variable}${requires.map(requirement).join('')}${expression}</decision>`;
}

const knowledge = (id: string, parameters: readonly string[], body: string, more = ''): string =>
  `<businessKnowledgeModel id="${id}" name="${id}"><encapsulatedLogic${more}>${parameters
    .map((one) => `<formalParameter name="${one}"/>`)
    .join('')}${body}</encapsulatedLogic></businessKnowledgeModel>`;

const taken = async (id: string, variables: Variables, ...content: string[]): Promise<Json> =>
  takeDecision(await parse(...content), id, variables, now).value;

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

  it('ANY: contexts agree in whatever order their entries stand', async () => {
    const table = { hit: 'ANY', rules: ['> 0 => {a: 1, b: [2]}', '> 1 => {b: [2], a: 1}'] };
    expect(await take(table, { x: 2 })).toEqual({ a: 1, b: [2] });
  });

  it('a cell that calls what does not exist is a fault, not a cell that does not match', async () => {
    await expect(take({ rules: ['nofn(?) => 1'] }, { x: 2 })).rejects.toThrow('does not exist');
  });

  it('a decision ends, however much its expressions go through together', async () => {
    const loops = '<for iteratorVariable="i"><in>IN</in><return>OUT</return></for>';
    const of = (out: string) => loops.replace('IN', text('literalExpression', 'list')).replace('OUT', out);
    const inner = of(of(of(text('literalExpression', '1'))));
    const model = await parse(boxed('d', inner));
    const list = Array.from({ length: 500 }, (_, place) => place);
    expect(() => takeDecision(model, 'd', { list }, now)).toThrow('items');
  });

  it('PRIORITY: the output listed first', async () => {
    expect(await take({ hit: 'PRIORITY', outputs: ranked, rules: overlapping }, { x: 3 })).toBe('c');
  });

  it('PRIORITY: texts among the values end where they end', async () => {
    const outputs = [`<output id="o">${text('outputValues', '"a\\\\", "b, c", "d"')}</output>`];
    const rules = ['> 0 => "d"', '> 1 => "b, c"', '> 2 => "a\\\\"'];
    expect(await take({ hit: 'PRIORITY', outputs, rules }, { x: 3 })).toBe('a\\');
    expect(await take({ hit: 'PRIORITY', outputs, rules }, { x: 2 })).toBe('b, c');
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
    const most = { hit: 'COLLECT', aggregation: 'MAX', rules: ['> 10 => 1'] };
    expect(await take({ ...most, outputs }, { x: 1 })).toBe(0);
    expect(await take(most, { x: 1 })).toBeNull();
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

  it('compares a yes or no with the one that a cell names', async () => {
    const rules = ['head.alive => "same"', '- => "other"'];
    const said = (x: boolean, alive: boolean): Promise<Json> =>
      take({ hit: 'FIRST', rules }, { x, head: { alive } });
    expect([await said(false, false), await said(true, true)]).toEqual(['same', 'same']);
    expect([await said(false, true), await said(true, false)]).toEqual(['other', 'other']);
  });

  it('knows the functions of intervals in its cells', async () => {
    const rules = ['during(?, [x..10]) => "in"', 'starts(?, (10..20]) => "edge"', '- => "out"'];
    expect(await take({ hit: 'FIRST', rules }, { x: 5 })).toBe('in');
    expect(await take({ hit: 'FIRST', rules }, { x: 12 })).toBe('out');
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
    const java = document(knowledge('k', ['x'], text('literalExpression', 'x'), ' kind="Java"'));
    expect(await issuesOf(java)).toContainEqual('k: functions of kind Java are not supported');
    expect(await issuesOf(document('<decision id="d" name="d"/>'))).toContainEqual(
      'd: there is no expression of a known kind',
    );
    expect((await issuesOf('<nothing/>')).join()).toContain('cannot be read');
  });
});

describe('boxed expressions', () => {
  const formula = (value: string): string => text('literalExpression', value);
  const entry = (name: string, value: string, type = ''): string =>
    `<contextEntry><variable name="${name}"${type}/>${value}</contextEntry>`;

  it('contexts: each entry sees those before it; the last without a name is the result', async () => {
    const parts = entry('net', formula('gross * 0.8')) + entry('half', formula('net / 2'));
    expect(await taken('d', { gross: 100 }, boxed('d', `<context>${parts}</context>`))).toEqual({
      net: 80,
      half: 40,
    });
    const last = `<context>${parts}<contextEntry>${formula('half + 1')}</contextEntry></context>`;
    expect(await taken('d', { gross: 100 }, boxed('d', last))).toBe(41);
  });

  it('lists and relations', async () => {
    expect(await taken('d', { x: 2 }, boxed('d', `<list>${formula('x')}${formula('x + 1')}</list>`))).toEqual(
      [2, 3],
    );
    const row = (...cells: string[]): string => `<row>${cells.map(formula).join('')}</row>`;
    const relation = `<relation><column name="crop"/><column name="hectares"/>${row('"maize"', '1.5')}${row('"rice"', 'x')}</relation>`;
    expect(await taken('d', { x: 2 }, boxed('d', relation))).toEqual([
      { crop: 'maize', hectares: 1.5 },
      { crop: 'rice', hectares: 2 },
    ]);
  });

  it('conditional, filter, for, some and every', async () => {
    const part = (name: string, value: string): string => `<${name}>${formula(value)}</${name}>`;
    const evaluate = (expression: string): Promise<Json> =>
      taken('d', { ages: [4, 17, 30] }, boxed('d', expression));
    const choice = `${part('if', 'count(ages) > 2')}${part('then', '"large"')}${part('else', '"small"')}`;
    expect(await evaluate(`<conditional>${choice}</conditional>`)).toBe('large');
    expect(await evaluate(`<filter>${part('in', 'ages')}${part('match', 'item < 18')}</filter>`)).toEqual([
      4, 17,
    ]);
    const loop = (kind: string, body: string): string =>
      `<${kind} iteratorVariable="age">${part('in', 'ages')}${body}</${kind}>`;
    expect(await evaluate(loop('for', part('return', 'age + 1')))).toEqual([5, 18, 31]);
    expect(await evaluate(loop('some', part('satisfies', 'age > 18')))).toBe(true);
    expect(await evaluate(loop('every', part('satisfies', 'age > 18')))).toBe(false);
  });

  it('invocations bind the parameters of a business knowledge model, or of a function', async () => {
    const fee = knowledge('fee', ['amount', 'rate'], formula('amount * rate'));
    const binding = (name: string, value: string): string =>
      `<binding><parameter name="${name}"/>${formula(value)}</binding>`;
    const call = `<invocation>${formula('fee')}${binding('rate', '0.05')}${binding('amount', 'x')}</invocation>`;
    expect(await taken('d', { x: 200 }, fee, boxed('d', call, ['k:fee']))).toBe(10);
    expect(await taken('d', { x: 200 }, fee, literal('d', 'fee(x, 0.1) + 1', ['k:fee']))).toBe(21);
    const own = `<functionDefinition><formalParameter name="n"/>${formula('n * 2')}</functionDefinition>`;
    const within = `<context>${entry('twice', own)}<contextEntry>${formula('twice(x)')}</contextEntry></context>`;
    expect(await taken('d', { x: 21 }, boxed('d', within))).toBe(42);
    const half = literal('d', 'fee(x)', ['k:fee']);
    await expect(taken('d', { x: 200 }, fee, half)).rejects.toThrow('without its parameter rate');
    const unknown = `<invocation>${formula('fee')}${binding('other', '1')}</invocation>`;
    await expect(taken('d', {}, fee, boxed('d', unknown, ['k:fee']))).rejects.toThrow('parameter');
  });

  it('a table as business knowledge tells the rules that matched', async () => {
    const [, table = ''] = /(<decisionTable[\s\S]*<\/decisionTable>)/.exec(
      decision({ inputs: ['age'], rules: ['< 18 => "child"', '>= 18 => "adult"'] }),
    ) as RegExpExecArray;
    const model = await parse(knowledge('group', ['age'], table), literal('d', 'group(30)', ['k:group']));
    expect(takeDecision(model, 'd', {}, now)).toEqual({
      value: 'adult',
      rules: [{ decision: 'group', rule: 'd-r2', annotation: 'rule 2', value: 'adult' }],
    });
  });
});

describe('decision services', () => {
  const service = `<decisionService id="s" name="s"><outputDecision href="#grant"/>
    <inputDecision href="#size"/><inputData href="#base"/></decisionService>`;
  const parts = [
    '<inputData id="base" name="base"/>',
    literal('size', '1'),
    literal('grant', 'base * size', ['i:base', 'size']),
    service,
  ];

  it('take their input decisions from the caller', async () => {
    expect(await taken('s', { base: 10, size: 4 }, ...parts)).toBe(40);
    expect(await taken('grant', { base: 10, size: 4 }, ...parts)).toBe(10);
  });

  it('are functions of input data, then input decisions', async () => {
    expect(await taken('d', {}, ...parts, literal('d', 's(10, 4) + s(base: 1, size: 2)', ['k:s']))).toBe(42);
  });
});

describe('item definitions', () => {
  const types = `<itemDefinition id="tp" name="person"><itemComponent name="born"><typeRef>date</typeRef></itemComponent></itemDefinition>
    <itemDefinition id="tl" name="people" isCollection="true"><typeRef>person</typeRef></itemDefinition>`;
  const people = '<inputData id="p" name="people"><variable name="people" typeRef="people"/></inputData>';

  it('read the texts of variables as dates, and pass dates on from decision to decision', async () => {
    const years = literal('years', 'for p in people return p.born.year', ['i:p']);
    expect(await taken('years', { people: [{ born: '1990-04-01' }] }, types, people, years)).toEqual([1990]);
    const due = [literal('start', 'date("2026-01-31")'), literal('d', 'start + duration("P1M")', ['start'])];
    expect(await taken('d', {}, ...due)).toBe('2026-02-28');
  });

  it('one value is a list of one; a value of another type is a fault', async () => {
    const years = literal('years', 'count(people)', ['i:p']);
    expect(await taken('years', { people: { born: '1990-04-01' } }, types, people, years)).toBe(1);
    await expect(taken('years', { people: ['Ann'] }, types, people, years)).rejects.toThrow(
      'not of its type',
    );
    await expect(
      taken('d', {}, boxed('d', text('literalExpression', '"ten"'), [], 'number')),
    ).rejects.toThrow('not of its type number');
  });
});
