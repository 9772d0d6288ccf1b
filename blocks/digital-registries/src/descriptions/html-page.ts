type Json = Record<string, unknown>;

const escaped = (text: unknown): string =>
  String(text).replaceAll(
    /[&<>"']/g,
    (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[character] ?? '',
  );

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:0 auto;padding:1rem;color:#0b0c0c}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid #b1b4b6}
code,pre{font:14px/1.4 ui-monospace,monospace}pre{background:#f3f2f1;padding:.6rem;overflow:auto}
section{margin:2rem 0}h3 code{background:#f3f2f1;padding:.1rem .4rem}`;

const example = (content: unknown): string => {
  const sent = (content as { 'application/json'?: { example?: unknown } } | undefined)?.['application/json'];
  return sent?.example === undefined
    ? ''
    : `<p>Example of a body:</p><pre tabindex="0">${escaped(JSON.stringify(sent.example, undefined, 2))}</pre>`;
};

/** The description of a registry's API as a page that needs nothing else: no script, no other address. */
export function descriptionPage(document: Json): string {
  const { info, tags, paths, components } = document as {
    info: { title: string; description?: string };
    tags: { name: string; description?: string }[];
    paths: Record<string, Record<string, Json>>;
    components: { schemas: Record<string, { properties?: Record<string, Json> }> };
  };
  const versions = tags.map((tag) => {
    const version = tag.name.slice('version '.length);
    const operations = Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item)
        .filter(([, operation]) => (operation.tags as string[])[0] === tag.name)
        .map(
          ([method, operation]) => `<section id="${escaped(operation.operationId)}">
<h3>${escaped(operation['x-service'])} <code>${escaped(method.toUpperCase())} ${escaped(path)}</code></h3>
<p>${escaped(operation.summary)}</p>
${example((operation.requestBody as { content?: unknown } | undefined)?.content)}
</section>`,
        ),
    );
    const fields = Object.entries(components.schemas[`Record-${version}`]?.properties ?? {}).map(
      ([name, field]) =>
        `<tr><th scope="row">${escaped(name)}</th><td>${escaped(field.type ?? '')}</td><td>${escaped(field.description)}</td><td><code>${escaped(JSON.stringify(field.example))}</code></td></tr>`,
    );
    return `<h2 id="v${escaped(version)}">Version ${escaped(version)}${tag.description ? ` (${escaped(tag.description)})` : ''}</h2>
<table><caption>Fields</caption><thead><tr><th scope="col">Field</th><th scope="col">Type</th><th scope="col">Description</th><th scope="col">Example</th></tr></thead><tbody>
${fields.join('\n')}
</tbody></table>
${operations.join('\n')}`;
  });
  const links = tags.map(({ name }) => {
    const version = escaped(name.slice('version '.length));
    return `<li><a href="#v${version}">Version ${version}</a></li>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(info.title)}: API</title><style>${style}</style></head>
<body><main><h1>${escaped(info.title)}</h1>
${info.description ? `<p>${escaped(info.description)}</p>` : ''}
<nav aria-label="Versions"><ul>${links.join('')}</ul></nav>
${versions.join('\n')}
</main></body></html>
`;
}
