/** Text made safe for HTML. */
export const escapeHtml = (text: string): string =>
  text.replaceAll(
    /[&<>"']/g,
    (character) =>
      ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[character] as string,
  );

const style = `
:root { color-scheme: light; --ink: #0b0c0c; --quiet: #505a5f; --line: #b1b4b6; --link: #1a5fa8; --soft: #f3f2f1; }
* { box-sizing: border-box; }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: #fff; }
header { background: #14324f; color: #fff; padding: .75rem 1rem; }
header p { margin: 0; } header .name { font-weight: 700; font-size: 1.2rem; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.2rem; }
a { color: var(--link); } a:focus, input:focus, button:focus { outline: 3px solid #ffdd00; outline-offset: 0; box-shadow: 0 0 0 5px #0b0c0c; }
label { display: block; font-weight: 700; } input { font: inherit; padding: .4rem; width: 100%; max-width: 25rem; border: 2px solid var(--ink); }
button { font: inherit; padding: .45rem 1rem; border: 0; background: #14324f; color: #fff; cursor: pointer; margin-block-start: .5rem; }
ul.list { list-style: none; padding: 0; margin: 1rem 0; } ul.list > li { border-top: 1px solid var(--line); padding: .75rem 0; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); font-size: .9rem; } dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; } dt { font-weight: 700; } dd { margin: 0; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--soft); padding: 1rem; font: inherit; }
iframe { width: 100%; height: 36rem; border: 1px solid var(--line); }
.bubble { background: var(--soft); border-radius: .75rem; padding: .6rem .9rem; max-width: 32rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.skip { position: absolute; left: -999rem; } .skip:focus { left: 0; background: #fff; padding: .5rem; }`;

export interface Page {
  readonly title: string;
  /** Name of the party, shown above. */
  readonly party: string;
  /** HTML. */
  readonly content: string;
}

/** A page that needs no script and works on a phone, with a screen reader and without colours. */
export const htmlPage = ({ title, party, content }: Page): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} – ${escapeHtml(party)}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to main content</a>
<header><p class="name">${escapeHtml(party)}</p><p>Simulator of an outside party. Nothing here reaches a real person.</p></header>
<main id="main" tabindex="-1">
<h1>${escapeHtml(title)}</h1>
${content}
</main>
</body>
</html>
`;

/** Headers of every page: no script, no content from elsewhere. */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
} as const;
