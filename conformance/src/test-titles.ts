import { calleePath, type StaticText, staticText, walkSource } from './syntax.ts';

/** Titles of the tests and groups of a test file. Titles put together at run time count with their first part. */
export function testTitles(text: string): StaticText[] {
  const found: StaticText[] = [];
  walkSource(text, (node) => {
    if (node.type !== 'CallExpression') return;
    const [name = '', ...members] = calleePath(node.callee);
    if (!['it', 'test', 'describe', 'suite'].includes(name)) return;
    const title = staticText((node.arguments as unknown[])[0]);
    if (!title) return;
    // `each` and `for` replace `%s` and `$name` in the title.
    const tabular = members.includes('each') || members.includes('for');
    const [fixed = ''] = tabular ? title.text.split(/[%$]/) : [title.text];
    found.push({ text: fixed, complete: title.complete && fixed === title.text });
  });
  return found;
}
