import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import nunjucks from 'nunjucks';

export type Render = (template: string, model: Readonly<Record<string, unknown>>) => string;

/** The template engine over our views and the components' macros. Everything inserted is escaped. */
export function createTemplates(): Render {
  const require = createRequire(import.meta.url);
  const components = join(dirname(require.resolve('govuk-frontend/package.json')), 'dist');
  const views = fileURLToPath(new URL('../../views/', import.meta.url));
  const environment = new nunjucks.Environment(new nunjucks.FileSystemLoader([views, components]), {
    autoescape: true,
    trimBlocks: true,
    lstripBlocks: true,
  });
  return (template, model) => environment.render(template, model);
}
