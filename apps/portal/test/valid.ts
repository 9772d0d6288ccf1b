import * as csstree from 'css-tree';
import { HtmlValidate } from 'html-validate';
import { expect } from 'vitest';

const validator = new HtmlValidate({ root: true, extends: ['html-validate:standard'] });

/** Whether a page is what the HTML standard allows: elements, attributes, nesting, ids. */
export async function expectValidHtml(html: string, where: string): Promise<void> {
  const { results } = await validator.validateString(html);
  const defects = results.flatMap(({ messages }) =>
    messages.map(({ line, column, message, ruleId }) => `${where} ${line}:${column} ${message} (${ruleId})`),
  );
  expect(defects).toEqual([]);
}

/**
 * What no CSS specification knows: syntax, properties, values. A custom property alone may be anything, among other
 * values it counts as a colour; vendors' own properties and values, and names of system colours, are left alone.
 */
export function cssDefects(css: string): string[] {
  const defects: string[] = [];
  const plain = css.replaceAll(/:\s*var\([^()]*\)(?=[;}])/g, ':inherit').replaceAll(/var\([^()]*\)/g, 'red');
  const ast = csstree.parse(plain, {
    // Its parser does not know conditions in nested parentheses.
    parseAtrulePrelude: false,
    onParseError: (error) => defects.push(error.message),
  });
  csstree.walk(ast, {
    visit: 'Declaration',
    enter(node) {
      const value = csstree.generate(node.value);
      if (this.atrule?.name === 'font-face' || node.property.startsWith('-')) return;
      if (/-webkit-|-moz-|windowText|ButtonText|Highlight/i.test(value)) return;
      const { error } = csstree.lexer.matchDeclaration(node);
      if (error) defects.push(`${node.property}: ${value} (${error.message.split('\n')[0]})`);
    },
  });
  return defects;
}
