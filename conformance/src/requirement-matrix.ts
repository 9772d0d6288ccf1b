import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { moduleReferences } from './module-references.ts';
import { type Requirement, readRequirements } from './requirement-tables.ts';
import { inside, roomOf } from './rooms.ts';
import { sourceFiles } from './source-files.ts';
import type { StaticText } from './syntax.ts';
import type { TestResult, TestResults } from './test-results.ts';
import { testTitles } from './test-titles.ts';

/** `not run`: the last results do not know the test. */
export type ProofState = 'passed' | 'failed' | 'not run';

/** A test (or a group of tests) whose title claims a requirement. */
export interface Proof {
  readonly file: string;
  readonly title: string;
  readonly state: ProofState;
}

/** `proven`: every claiming test passed. `claimed`: at least one has not run. `open`: no test claims it. */
export type RowState = 'proven' | 'failed' | 'claimed' | 'open';

export interface Row extends Requirement {
  readonly state: RowState;
  readonly proofs: readonly Proof[];
}

export interface Matrix {
  readonly rows: readonly Row[];
  /** Claims of ids that no requirement has. */
  readonly unknown: readonly string[];
}

/** What a title claims: the words between the square brackets it starts with, `[A-1][B-2] …` or `[A-1, B-2] …`. */
export function claimedIds(title: string): string[] {
  const [brackets = ''] = /^\s*(\[[^\]]*\]\s*)*/.exec(title) ?? [];
  return [...brackets.matchAll(/[^[\]\s,;]+/g)].map(([word]) => word);
}

const says = (title: string, claim: StaticText): boolean =>
  claim.complete ? title === claim.text : title.startsWith(claim.text);

function stateOf(file: string, claim: StaticText, results: readonly TestResult[]): ProofState {
  const ran = results.filter(
    (result) => result.file === file && result.title.some((part) => says(part, claim)),
  );
  if (ran.some((result) => result.state !== 'passed')) return 'failed';
  return ran.length > 0 ? 'passed' : 'not run';
}

function rowState(proofs: readonly Proof[]): RowState {
  if (proofs.length === 0) return 'open';
  if (proofs.some((proof) => proof.state === 'failed')) return 'failed';
  return proofs.every((proof) => proof.state === 'passed') ? 'proven' : 'claimed';
}

/** Test files of every package and service: `…/test/**` and a name that ends in `.test.ts`. */
export const testFiles = (root: string): string[] =>
  sourceFiles(root, ['.test.ts']).filter((file) => inside(`${roomOf(file).folder}/test`, file));

/** A test file and the modules beside it that it imports: tests that share a slow start may stand in such modules. */
function testTexts(root: string, file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const beside = moduleReferences(text)
    .filter(({ kind, complete, target }) => kind === 'code' && complete && target.startsWith('./'))
    .map(({ target }) => join(root, dirname(file), target))
    .filter((path) => existsSync(path));
  return [text, ...beside.map((path) => readFileSync(path, 'utf8'))];
}

/** Requirement → tests that claim it → what became of them in the last run. */
export function readMatrix(root: string, results?: TestResults): Matrix {
  const requirements = readRequirements(join(root, 'conformance/requirements'));
  const proofs = new Map(requirements.map(({ id }) => [id, [] as Proof[]]));
  const unknown: string[] = [];
  for (const file of testFiles(root)) {
    for (const title of testTexts(root, file).flatMap(testTitles)) {
      const ids = new Set(claimedIds(title.text));
      if (ids.size === 0) continue;
      const proof = { file, title: title.text, state: stateOf(file, title, results?.tests ?? []) };
      for (const id of ids) {
        const found = proofs.get(id);
        if (found) found.push(proof);
        else unknown.push(`${file}: [${id}] is in no requirement table: ${title.text}`);
      }
    }
  }
  const rows = requirements.map((requirement) => {
    const found = proofs.get(requirement.id) ?? [];
    return { ...requirement, state: rowState(found), proofs: found };
  });
  return { rows, unknown };
}
