import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newInstance } from '../../src/execution/state.ts';
import { step } from '../../src/execution/step.ts';
import { compile, el, flow, script, service, timerOf } from './bpmn.ts';
import { type Drive, drive } from './drive.ts';

/** A block-structured process: every split has its join, so every run must end with no token left. */
type Block =
  | { readonly kind: 'service' | 'user' | 'script' | 'timer' | 'plain' }
  | {
      readonly kind: 'sequence' | 'parallel' | 'subProcess' | 'bounded' | 'handled' | 'repeat' | 'loop';
      readonly parts: readonly Block[];
    }
  | {
      readonly kind: 'exclusive' | 'inclusive';
      readonly parts: readonly Block[];
      readonly take: readonly boolean[];
    };

const leaf: fc.Arbitrary<Block> = fc.record({
  kind: fc.constantFrom('service', 'user', 'script', 'timer', 'plain'),
});

const block: fc.Arbitrary<Block> = fc.letrec<{ block: Block }>((tie) => ({
  block: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.record({
      kind: fc.constantFrom('sequence', 'parallel', 'subProcess', 'bounded', 'handled', 'repeat', 'loop'),
      parts: fc.array(tie('block'), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({
      kind: fc.constantFrom('exclusive', 'inclusive'),
      parts: fc.array(tie('block'), { minLength: 2, maxLength: 3 }),
      take: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
    }),
  ),
})).block;

interface Drawn {
  readonly xml: string;
  readonly first: string;
  readonly last: string;
}

/** Draws blocks as BPMN, and counts how often each element must be completed in one run. */
class Drawing {
  next = 0;
  readonly expected = new Map<string, number>();

  id(kind: string, times: number): string {
    this.next += 1;
    const id = `${kind}${this.next}`;
    this.expected.set(id, times);
    return id;
  }

  sequence(parts: readonly Block[], times: number): Drawn {
    const drawn = parts.map((part) => this.draw(part, times));
    const flows = drawn.slice(1).map((one, index) => flow((drawn[index] as Drawn).last, one.first));
    return {
      xml: drawn.map((one) => one.xml).join('') + flows.join(''),
      first: (drawn[0] as Drawn).first,
      last: (drawn[drawn.length - 1] as Drawn).last,
    };
  }

  draw(one: Block, times: number): Drawn {
    const single = (id: string, xml: string): Drawn => ({ xml, first: id, last: id });
    switch (one.kind) {
      case 'service': {
        const id = this.id('service', times);
        return single(id, service(id));
      }
      case 'user': {
        const id = this.id('user', times);
        return single(id, el('userTask', id));
      }
      case 'script': {
        const id = this.id('script', times);
        return single(id, script(id, '1', 'x'));
      }
      case 'plain': {
        const id = this.id('plain', times);
        return single(id, el('task', id));
      }
      case 'timer': {
        const id = this.id('timer', times);
        return single(id, el('intermediateCatchEvent', id, {}, timerOf('PT1H')));
      }
      case 'sequence':
        return this.sequence(one.parts, times);
      case 'subProcess':
      case 'handled':
      case 'bounded': {
        const id = this.id('sub', times);
        const start = this.id('start', times);
        const body = this.sequence(one.parts, times);
        // A boundary event that never happens must not disturb.
        const boundary = one.kind === 'bounded' ? `late${id}` : undefined;
        const late = boundary
          ? `${el('boundaryEvent', boundary, { attachedToRef: id }, timerOf('P9D'))}
             ${el('endEvent', `end${boundary}`)}${flow(boundary, `end${boundary}`)}`
          : '';
        // Nor must an event sub-process.
        const handler =
          one.kind === 'handled'
            ? `<subProcess id="lateh${id}" triggeredByEvent="true">${el('startEvent', `hs${id}`, {}, timerOf('P9D'))}
               ${el('endEvent', `he${id}`)}${flow(`hs${id}`, `he${id}`)}</subProcess>`
            : '';
        const inside = this.whole(start, body, times) + handler;
        return single(id, el('subProcess', id, {}, inside) + late);
      }
      case 'repeat': {
        const id = this.id('sub', times * 3 + times);
        const start = this.id('start', times * 3);
        const body = this.sequence(one.parts, times * 3);
        const loop = `<multiInstanceLoopCharacteristics isSequential="${one.parts.length > 1}"
          govstack:collection="= [1, 2, 3]"/>`;
        return single(id, el('subProcess', id, {}, loop + this.whole(start, body, times * 3)));
      }
      case 'loop': {
        const id = this.id('sub', times * 2 + times);
        const start = this.id('start', times * 2);
        const body = this.sequence(one.parts, times * 2);
        const loop = '<standardLoopCharacteristics loopMaximum="2"/>';
        return single(id, el('subProcess', id, {}, loop + this.whole(start, body, times * 2)));
      }
      case 'parallel':
        return this.split(
          'parallelGateway',
          one.parts,
          one.parts.map(() => true),
          times,
        );
      case 'inclusive':
        return this.split('inclusiveGateway', one.parts, one.take, times);
      case 'exclusive': {
        const chosen = one.take.findIndex((take, index) => take && index < one.parts.length - 1);
        const taken = one.parts.map((_, index) => index === (chosen < 0 ? one.parts.length - 1 : chosen));
        return this.split('exclusiveGateway', one.parts, taken, times);
      }
    }
  }

  whole(start: string, body: Drawn, times: number): string {
    const end = this.id('end', times);
    return `${el('startEvent', start)}${body.xml}${el('endEvent', end)}${flow(start, body.first)}${flow(body.last, end)}`;
  }

  /** The last part is behind the default flow, taken when no condition holds. */
  split(type: string, parts: readonly Block[], take: readonly boolean[], times: number): Drawn {
    const last = parts.length - 1;
    const conditional = type !== 'parallelGateway';
    const held = parts.map((_, index) => index < last && take[index] === true);
    const fallback = !held.includes(true);
    const runs = (index: number): number => {
      if (!conditional) return times;
      return (index === last ? fallback : held[index]) ? times : 0;
    };
    const fork = this.id('fork', times);
    const join = this.id('join', times);
    const drawn = parts.map((part, index) => this.draw(part, runs(index)));
    const flows = drawn.map((one, index) => {
      const isDefault = conditional && index === last;
      const condition = conditional && !isDefault ? { condition: String(held[index]) } : {};
      return flow(fork, one.first, { id: `${fork}-${index}`, ...condition }) + flow(one.last, join);
    });
    const attributes: Record<string, string> = conditional ? { default: `${fork}-${last}` } : {};
    return {
      xml: `${el(type, fork, attributes)}${el(type, join)}${drawn.map((one) => one.xml).join('')}${flows.join('')}`,
      first: fork,
      last: join,
    };
  }
}

/** Lets the world act in an order that the random numbers choose, until nothing is open. */
function playToEnd(run: Drive, choices: readonly number[]): void {
  for (let turn = 0; turn < 2000; turn += 1) {
    const open: (() => void)[] = [
      ...[...run.jobs.keys()].map((jobId) => () => {
        const answer = { status: 200, headers: {}, body: {}, temporary: false };
        run.send({ type: 'jobAnswered', jobId, attempt: 1, answer });
      }),
      ...[...run.tasks.keys()].map((taskId) => () => {
        run.send({ type: 'taskCompleted', taskId, form: {}, completedBy: 'officer' });
      }),
      ...[...run.timers.values()]
        .filter((timer) => !timer.elementId.startsWith('late'))
        .map((timer) => () => {
          (run.timers as Map<string, unknown>).delete(timer.timerId);
          run.send({ type: 'triggered', subscriptionId: timer.timerId, payload: null });
        }),
    ];
    if (open.length === 0) return;
    open[(choices[turn % choices.length] ?? 0) % open.length]?.();
  }
  throw new Error('the run does not end');
}

async function played(one: Block, choices: readonly number[]): Promise<{ run: Drive; drawing: Drawing }> {
  const drawing = new Drawing();
  const body = drawing.draw(one, 1);
  const model = await compile(
    `<startEvent id="s"/>${body.xml}<endEvent id="e"/>${flow('s', body.first)}${flow(body.last, 'e')}`,
  );
  const run = drive(model, {}, { maxMoves: 10_000 });
  playToEnd(run, choices);
  return { run, drawing };
}

const choices = fc.array(fc.nat(100), { minLength: 1, maxLength: 20 });

describe('block-structured processes, in any order of events', () => {
  it('[WF-5.3.1] end with no token, job, task or timer left', async () => {
    await fc.assert(
      fc.asyncProperty(block, choices, async (one, order) => {
        const { run } = await played(one, order);
        expect(run.state.status).toBe('completed');
        expect(run.state.tokens.size).toBe(0);
        expect(run.state.scopes.size).toBe(1);
        expect([run.jobs.size, run.tasks.size, run.timers.size, run.incidents.size]).toEqual([0, 0, 0, 0]);
      }),
      { numRuns: 150 },
    );
  });

  it('pass every element exactly as often as its splits and joins say', async () => {
    await fc.assert(
      fc.asyncProperty(block, choices, async (one, order) => {
        const { run, drawing } = await played(one, order);
        const passed = Object.groupBy(run.completed, (id) => id);
        for (const [id, times] of drawing.expected)
          expect([id, passed[id]?.length ?? 0]).toEqual([id, times]);
        expect(passed.e).toHaveLength(1);
      }),
      { numRuns: 150 },
    );
  });

  it('give the same state and commands when the same events are replayed', async () => {
    await fc.assert(
      fc.asyncProperty(block, choices, async (one, order) => {
        const drawing = new Drawing();
        const body = drawing.draw(one, 1);
        const content = `<startEvent id="s"/>${body.xml}<endEvent id="e"/>${flow('s', body.first)}${flow(body.last, 'e')}`;
        const run = drive(await compile(content), {}, { maxMoves: 10_000 });
        playToEnd(run, order);
        // Compiled anew: nothing may hide in the model.
        const model = await compile(content);
        let ids = 0;
        let state = newInstance('i', '2026-01-01T00:00:00Z', 'key-1');
        const commands = run.events.flatMap((event) => {
          const result = step(model, state, event, {
            now: '2026-01-01T00:00:00Z',
            newId: () => `id${++ids}`,
            maxMoves: 10_000,
            maxIterations: 100,
            retries: [],
          });
          state = result.state;
          return result.commands;
        });
        expect(state).toEqual(run.state);
        expect(commands).toEqual(run.commands);
      }),
      { numRuns: 60 },
    );
  });

  it('leave nothing behind when stopped at any moment', async () => {
    await fc.assert(
      fc.asyncProperty(block, choices, fc.nat(10), async (one, order, moment) => {
        const drawing = new Drawing();
        const body = drawing.draw(one, 1);
        const run = drive(
          await compile(
            `<startEvent id="s"/>${body.xml}<endEvent id="e"/>${flow('s', body.first)}${flow(body.last, 'e')}`,
          ),
        );
        for (let turn = 0; turn < moment && run.jobs.size > 0; turn += 1) {
          const jobs = [...run.jobs.keys()];
          const jobId = jobs[(order[turn % order.length] ?? 0) % jobs.length] as string;
          const answer = { status: 200, headers: {}, body: {}, temporary: false };
          run.send({ type: 'jobAnswered', jobId, attempt: 1, answer });
        }
        if (run.state.status !== 'running') return;
        run.send({ type: 'stop' });
        expect(run.state.status).toBe('stopped');
        expect(run.state.tokens.size).toBe(0);
        expect([run.jobs.size, run.tasks.size, run.timers.size]).toEqual([0, 0, 0]);
      }),
      { numRuns: 60 },
    );
  });
});
