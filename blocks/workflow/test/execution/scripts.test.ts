import { afterAll, describe, expect, it } from 'vitest';
import type { Json, Variables } from '../../src/feel/json.ts';
import { createScripts } from '../../src/scripts/scripts.ts';
import { chain, compile, el, extensions, input, output } from './bpmn.ts';
import { drive } from './drive.ts';

const limits = { timeMs: 400, memoryBytes: 8 * 1024 * 1024, resultBytes: 10_000 };
const scripts = createScripts(1, limits);
afterAll(() => scripts.stop());

const run = (code: string, variables: Variables = {}) =>
  scripts.run({ owner: 'o', code, variables, now: '2026-03-04T05:06:07Z' });
const resultOf = async (code: string, variables: Variables = {}): Promise<Json> => {
  const outcome = await run(code, variables);
  if (outcome.kind !== 'result') throw new Error(JSON.stringify(outcome));
  return outcome.value;
};

describe('a script in JavaScript', () => {
  it('[WF-6.1-f] translates what it is given', async () => {
    const message = { Person: { Names: ['Ada', 'Lovelace'], Born: '1815-12-10' } };
    const code = `const { Names, Born } = message.Person;
      return { name: Names.join(' '), year: Number(Born.slice(0, 4)), keys: Object.keys(variables), class: variables.class };`;
    expect(await resultOf(code, { message, class: 3 })).toEqual({
      name: 'Ada Lovelace',
      year: 1815,
      keys: ['message', 'class'],
      class: 3,
    });
    expect(await resultOf('')).toBeNull();
  });

  it('knows no time but that of the step, in UTC, and no randomness', async () => {
    expect(
      await resultOf('return [new Date().toISOString(), Date.now(), new Date(2026, 0, 1).toISOString()]'),
    ).toEqual(['2026-03-04T05:06:07.000Z', Date.parse('2026-03-04T05:06:07Z'), '2026-01-01T00:00:00.000Z']);
    expect(await resultOf('return new Date(5).constructor.now() === Date.now()')).toBe(true);
    expect(await resultOf('return Object.getPrototypeOf(Date) === Function.prototype')).toBe(true);
    expect(await resultOf('return [Date.UTC(2026, 0), new Date(0) instanceof Date, typeof Date()]')).toEqual([
      Date.UTC(2026, 0),
      true,
      'string',
    ]);
    expect(await run('return Math.random()')).toMatchObject({ kind: 'failed' });
  });

  it('throws BPMN errors by code, and everything else with its line', async () => {
    expect(await run("throw new BpmnError('NOT_ELIGIBLE', 'too young')")).toEqual({
      kind: 'bpmnError',
      code: 'NOT_ELIGIBLE',
      message: 'too young',
    });
    expect(await run('const a = 1;\nreturn a.b.c;')).toEqual({
      kind: 'failed',
      message: expect.stringMatching(/^line 2: TypeError/),
    });
    expect(await run('return Promise.resolve(1)')).toMatchObject({ kind: 'failed' });
    expect(await run('const a = {}; a.a = a; return a')).toMatchObject({ kind: 'failed' });
  });

  it('ends in words that can be stored, and not too many of them', async () => {
    expect(await run("throw new Error('a\\0b\\ud800')")).toEqual({
      kind: 'failed',
      message: 'line 1: Error: a\ufffdb\ufffd',
    });
    for (const code of ["throw 'x'.repeat(1e6)", "throw new BpmnError('x'.repeat(5000), 'y')"]) {
      const outcome = await run(code);
      expect(JSON.stringify(outcome).length).toBeLessThan(1100);
    }
    for (const code of [
      "return { a: '\\ud800' }",
      'let a = []; for (let i = 0; i < 600; i++) a = [a]; return a',
    ])
      expect(await run(code)).toMatchObject({
        kind: 'failed',
        message: expect.stringMatching(/cannot be stored/),
      });
    expect(await resultOf("return '\\\\ud800 \\ud83d\\ude00'")).toBe('\\ud800 \u{1f600}');
  });

  it('has its turn, however many scripts of others are waiting', async () => {
    const order: string[] = [];
    const queued = (owner: string): Promise<unknown> =>
      scripts
        .run({ owner, code: '', variables: {}, now: '2026-03-04T05:06:07Z' })
        .then(() => order.push(owner));
    await Promise.all([...['a', 'a', 'a', 'a', 'b'].map(queued)]);
    expect(order).toEqual(['a', 'a', 'b', 'a', 'a']);
  });

  it('is compiled beside the event loop', async () => {
    let turns = 0;
    const counting = setInterval(() => {
      turns += 1;
    }, 1);
    const nested = `return ${'('.repeat(200)}${'1,'.repeat(10_000)}1${')'.repeat(200)}`;
    await compile(
      `<startEvent id="s"/>${el('scriptTask', 't', { scriptFormat: 'application/javascript', 'govstack:resultVariable': 'r' }, `<script>${nested}</script>`)}<endEvent id="e"/>${chain('s', 't', 'e')}`,
    );
    clearInterval(counting);
    expect(turns).toBeGreaterThan(20);
  });

  it('reaches nothing outside: no process, no network, no modules, no timers', async () => {
    const names = ['require', 'fetch', 'setTimeout', 'console', 'WebAssembly', 'Worker', 'performance'];
    expect(await resultOf(`return [${names.map((name) => `typeof ${name}`)}]`)).toEqual(
      names.map(() => 'undefined'),
    );
    expect(await resultOf('return new Function("return typeof process")()')).toBe('undefined');
    expect(await resultOf('return typeof globalThis.constructor.constructor("return this")().process')).toBe(
      'undefined',
    );
  });

  it('leaves nothing for the next one', async () => {
    await run(
      'globalThis.leak = 1; Object.prototype.leak = 2; Array.prototype.toJSON = () => 3; JSON.parse = 4; return 1',
    );
    expect(await resultOf('return [typeof leak, typeof {}.leak, [1], JSON.parse("5")]')).toEqual([
      'undefined',
      'undefined',
      [1],
      5,
    ]);
    const own = await resultOf('return JSON.parse(\'{"__proto__": {"polluted": true}}\')');
    expect(Object.hasOwn(own as object, '__proto__')).toBe(true);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(await resultOf('Object.prototype.toJSON = () => undefined; return { a: 1 }')).toBeNull();
  });

  it.each([
    ['an endless loop', 'for (;;) {}'],
    ['an endless loop that catches', 'for (;;) { try { for (;;) {} } catch {} }'],
    ['an endless loop behind a closed function', '}); for (;;) {} (function () {'],
    ['memory without end', "const a = []; for (;;) a.push(new Array(100000).fill('x'))"],
    ['recursion without end', 'const f = () => f() + 1; return f()'],
    ['a text nested too deeply', "return JSON.parse('['.repeat(100000))"],
    ['a result that is too large', "return 'x'.repeat(20000)"],
    ['a backtracking expression', "return /^(a+)+$/.test('a'.repeat(50) + 'b')"],
    ['a number without end', 'return String(2n ** (2n ** 30n))'],
  ])('[WF-6.1-f] is stopped, and the next one runs: %s', async (_what, code) => {
    const outcome = await run(code);
    expect(['limit', 'failed']).toContain(outcome.kind);
    expect(await resultOf('return 1')).toBe(1);
  });
});

describe('a script task in JavaScript', () => {
  const task = (more = '', inner = ''): string =>
    `<startEvent id="s"/>${el('scriptTask', 't', { scriptFormat: 'application/javascript', 'govstack:resultVariable': 'r' }, `${extensions(output('= result.a', 'a'), more)}<script>return 1</script>`)}
     <endEvent id="e"/>${chain('s', 't', 'e')}${inner}`;
  const catcher = `<boundaryEvent id="b" attachedToRef="t"><errorEventDefinition errorRef="err"/></boundaryEvent>
    <endEvent id="caught"/>${chain('b', 'caught')}`;
  const roots = '<error id="err" errorCode="NO"/>';

  it('[WF-6.1-e] is a job with the variables it sees, or its inputs only, and the time of the step', async () => {
    const all = drive(await compile(task()), { x: 1 });
    expect([...all.jobs.values()][0]?.request).toMatchObject({
      kind: 'script',
      code: 'return 1',
      variables: { x: 1, process: { instanceId: 'i' } },
      now: '2026-01-01T00:00:00Z',
    });
    all.answer('t', { a: 5 });
    expect(all.variables()).toEqual({ x: 1, a: 5, r: { a: 5 } });
    expect(all.completed).toContain('e');
    const some = drive(await compile(task(input('y', '= x + 1'))), { x: 1 });
    expect([...some.jobs.values()][0]?.request).toMatchObject({ variables: { y: 2 } });
  });

  it('raises BPMN errors; everything else is an incident whose retry runs what the definition says by then', async () => {
    const model = await compile(task('', catcher), { roots });
    const caught = drive(model);
    const [jobId = ''] = [...caught.jobs.keys()];
    caught.send({ type: 'jobThrew', jobId, attempt: 1, code: 'NO', message: '' });
    expect(caught.completed).toContain('caught');
    expect(caught.jobs.size).toBe(0);
    const failed = drive(model);
    const [first = ''] = [...failed.jobs.keys()];
    const message = 'line 1: TypeError: x';
    failed.send({ type: 'jobFailed', jobId: first, attempt: 1, message, temporary: false });
    const [incident] = [...failed.incidents.values()];
    expect(incident).toMatchObject({ elementId: 't', message });
    expect(failed.jobs.size).toBe(0);
    failed.send({
      type: 'retry',
      incidentId: incident?.incidentId ?? '',
      variables: undefined,
      request: undefined,
    });
    failed.answer('t', { a: 1 });
    expect(failed.completed).toContain('e');
  });
});
