/**
 * Random commands to the ledger and to a model of it, compared after each; every invariant after each thousand.
 *
 *   node_modules/.bin/node blocks/payments/bench/ledger-model.ts [STEPS, 100000] [SEED]
 */
import { randomBytes } from 'node:crypto';
import { checkInvariants } from '../src/ledger/invariants.ts';
import { commandsFrom, startModel } from '../test/fixtures/ledger-model.ts';
import { startStage } from './pipeline/stage.ts';

const [steps = 100_000, seed = randomBytes(4).readUInt32BE()] = process.argv.slice(2).map(Number);
const round = 1000;

const stage = await startStage({ workers: false });
const outcomes = new Map<string, number>();
const broken = new Set<string>();
const started = performance.now();
try {
  for (let done = 0; done < steps; done += round) {
    const model = await startModel(stage.db, 1000n);
    for (const one of commandsFrom(seed + done, round)) {
      const outcome = await model.step(one);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    // Causes are made up here (I9).
    for (const { id, holds } of await checkInvariants(stage.db)) if (!holds && id !== 'I9') broken.add(id);
  }
  process.stdout.write(
    [
      `${steps} steps, seed ${seed}, ${Math.round((performance.now() - started) / 1000)} s`,
      [...outcomes].map(([outcome, count]) => `${outcome} ${count}`).join(', '),
      'differences from the model: 0 (the first would have ended this)',
      `invariants broken: ${[...broken].join(', ') || 0}`,
      '',
    ].join('\n'),
  );
} finally {
  await stage.stop();
}
