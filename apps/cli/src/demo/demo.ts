import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { generateHouseholds, readHouseholdsCsv, writeHouseholdsCsv } from '@govstack/country';
import { applications, inParallel } from '@govstack/country/seed';
import { CallFailed } from '@govstack/platform';
import { registrationApi } from '@govstack/registration/api';
import { folder, readOptions, wholeNumber } from '../arguments.ts';
import { startStack } from '../stack/start-stack.ts';
import { createApplicant } from './apply.ts';
import { payCycle } from './pay.ts';
import { staffSignIn } from './sign-in.ts';
import { enrolled, figuresOf, invariantsOf, messagesOf, stopIfStuck } from './summary.ts';

const lanes = 24;
const cycle = '2026-12';
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** `demo cash-transfer`: the whole service over a list of households. Killed and begun again, it goes on. */
export async function demo(argv: readonly string[], root: string): Promise<number> {
  const { positional, options } = readOptions(argv, { households: 'value', data: 'value' });
  if (positional[0] !== 'cash-transfer') throw new Error('there is one demonstration: cash-transfer');
  const households = wholeNumber(options.households, 'households', 1000, 1, 1_000_000);
  const dataDir = folder(options.data, `.govstack/demo-${households}`);
  mkdirSync(dataDir, { recursive: true });
  const stages: [string, number][] = [];
  let began = performance.now();
  const say = (message: string): void => void process.stderr.write(`${message}\n`);
  const stage = (name: string): void => {
    stages.push([name, (performance.now() - began) / 1000]);
    began = performance.now();
  };

  const list = join(dataDir, `households-${households}.csv`);
  if (!existsSync(list)) await writeHouseholdsCsv(generateHouseholds({ count: households }), list);
  const stack = await startStack({ dataDir, root, port: 0, households, demonstration: false, progress: say });
  try {
    stage('start and load the registers');
    const apply = createApplicant(stack);
    let applied = 0;
    await inParallel(readHouseholdsCsv(list), lanes, async (line) => {
      if (!('row' in line)) throw new Error(`line ${line.line} of ${list} is not valid`);
      await apply(line.row);
      applied += 1;
      if (applied % 500 === 0) say(`${applied} of ${households} households have applied`);
    });
    stage('apply');

    const tokenOf = await staffSignIn(stack);
    const registration = stack
      .as(stack.service.application)
      .client(registrationApi, `${applications.registration}/registration-v1`);
    let decided = 0;
    for (let quiet = 0; ; ) {
      const personToken = await tokenOf('officer', '2468');
      const { body: tasks } = await registration.listTasks({ query: { maxResult: 200 }, personToken });
      await inParallel(tasks, 8, async ({ taskId }) => {
        const { data } = (await registration.readTask({ params: { taskId }, personToken })).body;
        const { assessment, contradictions } = data as {
          assessment: { entitled: boolean; score: number };
          contradictions: string[];
        };
        const approve = assessment.entitled && contradictions.length === 0;
        const reason =
          contradictions.length > 0
            ? `The registries say otherwise: ${contradictions.join(', ')}`
            : `${assessment.score} points; 54 are needed`;
        await registration
          .completeTask({
            params: { taskId },
            personToken,
            body: { data: { decision: { status: approve ? 'APPROVED' : 'REJECTED', reason } } },
          })
          .catch((error: unknown) => {
            if (!(error instanceof CallFailed) || error.status !== 409) throw error;
          });
        decided += 1;
      });
      const figures = await figuresOf(stack);
      if (figures.pending === 0) break;
      if (tasks.length === 0) await stopIfStuck(stack, figures.pending);
      quiet = tasks.length === 0 ? quiet + 1 : 0;
      if (quiet % 20 === 19)
        say(
          `${figures.processed} of ${households} applications are decided, ${decided} of them by an officer`,
        );
      if (tasks.length === 0) await pause(250);
    }
    stage('verify, score, decide, enrol');
    const figures = await figuresOf(stack);
    const beneficiaries = await enrolled(stack);

    const run = await payCycle(stack, cycle, tokenOf, say);
    stage('pay, send receipts');
    const messages = await messagesOf(stack);
    const invariants = await invariantsOf(stack);
    const { certificate } = run;
    const paid = certificate.byState.find((one) => one.state === 'completed') ?? { count: 0, amount: '0.00' };
    invariants.push(
      {
        name: 'everybody is decided',
        holds: figures.approved + figures.rejected === households,
        detail: `${figures.approved} approved, ${figures.rejected} rejected`,
      },
      {
        name: 'approved = enrolled',
        holds: figures.approved === beneficiaries.size,
        detail: `${beneficiaries.size} enrolled, each once`,
      },
      {
        name: 'enrolled = on the run',
        holds: certificate.total.count === beneficiaries.size,
        detail: `${certificate.total.count} instructions`,
      },
      {
        name: 'money in = money out',
        holds: certificate.moneyIn === certificate.moneyOut,
        detail: `${certificate.moneyIn} in, ${certificate.moneyOut} out`,
      },
    );
    stage('check the invariants');

    const print = (text = ''): void => void process.stdout.write(`${text}\n`);
    print();
    print(`households on the list      ${households}`);
    print(`applied                     ${applied}`);
    print(`verified and scored         ${figures.approved + figures.rejected}`);
    print(`eligible                    ${figures.approved}`);
    print(`enrolled                    ${beneficiaries.size}`);
    print(`paid in ${cycle}             ${paid.count} (${paid.amount} XLD)`);
    for (const [reason, count] of run.failures) print(`not paid: ${`${reason} `.padEnd(18)}${count}`);
    if (run.handedOver)
      print('                            a person of the programme is asked to settle them');
    print(
      `messages by state           ${Object.entries(messages)
        .map(([state, count]) => `${count} ${state}`)
        .join(', ')}`,
    );
    print();
    for (const account of certificate.accounts)
      print(
        `${account.kind.padEnd(18)} ${account.owner.padEnd(24)} in ${account.incoming.padStart(14)}  out ${account.outgoing.padStart(14)}`,
      );
    print();
    for (const one of invariants) print(`${one.holds ? 'holds ' : 'BROKEN'}  ${one.name}: ${one.detail}`);
    print();
    for (const [name, seconds] of stages) print(`${name.padEnd(32)}${seconds.toFixed(1).padStart(8)} s`);
    const paying = stages.find(([name]) => name.startsWith('pay'))?.[1] ?? 1;
    print(`payees per second in the run    ${(certificate.total.count / paying).toFixed(0).padStart(8)}`);
    return invariants.every((one) => one.holds) ? 0 : 1;
  } finally {
    await stack.stop();
  }
}
