import { openApiDocument, readYaml, writeYaml } from '@govstack/platform';
import { startTestNode, type TestNode } from '@govstack/platform/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { notes, notesBlock } from './fixtures/notes-block/notes.ts';

let node: TestNode;
beforeAll(async () => {
  node = await startTestNode({ blocks: [{ block: notesBlock }] });
});
afterAll(() => node.stop());

const proofread = async (body: string, type: string, accept?: string) => {
  const {
    status,
    headers,
    body: answer,
  } = await node.mediator.exchange({
    client: 'TEST/GOV/MSP/reader',
    service: 'TEST/GOV/BLOCKS/notes/notes-v1',
    method: 'PUT',
    path: '/proof',
    headers: { 'content-type': type, ...(accept === undefined ? {} : { accept }) },
    body,
  });
  return { status, type: headers['content-type'], text: answer.toString('utf8') };
};

describe('an operation that speaks YAML', () => {
  it.each([
    ['text/yaml', undefined, 'application/json; charset=utf-8', '{"pages":["one"]}'],
    [
      'application/yaml; charset=utf-8',
      'application/yaml',
      'application/yaml; charset=utf-8',
      'pages:\n  - one\n',
    ],
    ['text/yaml', 'application/json;q=0.5, text/yaml', 'text/yaml; charset=utf-8', 'pages:\n  - one\n'],
    [
      'text/yaml',
      'text/yaml;q=0.5, */*, application/json',
      'application/json; charset=utf-8',
      '{"pages":["one"]}',
    ],
  ])('takes %s and answers Accept: %s', async (type, accept, answered, text) => {
    expect(await proofread('pages: [one]', type, accept)).toEqual({ status: 200, type: answered, text });
  });

  it('checks the value as it would check JSON', async () => {
    const { status, text } = await proofread('pages: one\nink: red\n', 'application/yaml');
    expect(status).toBe(400);
    expect(
      JSON.parse(text)
        .errors.map(({ pointer }: { pointer: string }) => pointer)
        .sort(),
    ).toEqual(['/ink', '/pages']);
  });

  it('is the only one: elsewhere the media type is refused', async () => {
    const { status } = await node.mediator.exchange({
      client: 'TEST/GOV/MSP/reader',
      service: 'TEST/GOV/BLOCKS/notes/notes-v1',
      method: 'POST',
      path: '/notes',
      headers: { 'content-type': 'application/yaml' },
      body: 'text: hello',
    });
    expect(status).toBe(415);
  });

  it('says so in its document', () => {
    const { paths } = openApiDocument(notes) as { paths: Record<string, Record<string, never>> };
    const { requestBody, responses } = paths['/proof']?.put as unknown as {
      requestBody: { content: object };
      responses: Record<string, { content: object }>;
    };
    const types = ['application/json', 'text/yaml', 'application/yaml'];
    expect(Object.keys(requestBody.content)).toEqual(types);
    expect(Object.keys(responses['200']?.content ?? {})).toEqual(types);
  });
});

describe('YAML', () => {
  it.each([
    ['code: 0070', { code: '0070' }],
    ['code: 12345678901234567890', { code: '12345678901234567890' }],
    ['code: 1e3', { code: '1e3' }],
    ['code: 7001', { code: 7001 }],
    ['on: yes', { on: 'yes' }],
    ['%YAML 1.1\n---\non: yes', { on: 'yes' }],
    ['a: &x [1]\nb: *x', { a: [1], b: [1] }],
    ['"<<": {a: 1}', { '<<': { a: 1 } }],
  ])('%j is read as it is written', (text, value) => {
    expect(readYaml(text)).toEqual(value);
  });

  const bomb = [
    'a0: &a0 [x]',
    ...Array.from({ length: 30 }, (_, level) => `a${level + 1}: &a${level + 1} [*a${level}, *a${level}]`),
  ].join('\n');

  it.each([
    ['an open bracket', 'a: [', /line 1/],
    ['the same key twice', 'a: 1\na: 2', /line 2.*unique/i],
    ['two documents', 'a: 1\n---\na: 2', /document/],
    ['a tag nobody knows', 'a: !!js/function x', /tag/],
    ['an alias of nothing', 'a: *b', /alias/i],
    ['aliases that multiply', bomb, /more than 2000000 values/],
    ['an alias of itself', 'a: &a [*a]', /deeper/],
    ['depth', '['.repeat(50_000), /nested too deep|line/],
    ['more depth than any configuration has', `${'['.repeat(102)}${']'.repeat(102)}`, /deeper than 100/],
    ['the character no database keeps', 'a: "\\0"', /U\+0000/],
  ])('with %s is refused, and says why', (_what, text, why) => {
    expect(() => readYaml(text)).toThrow(
      expect.objectContaining({
        status: 400,
        errors: [{ in: 'body', pointer: '', detail: expect.stringMatching(why) }],
      }),
    );
  });

  it('gives back every JSON value it was given', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const plain = JSON.parse(JSON.stringify(value).replaceAll('\\u0000', ''));
        expect(JSON.parse(JSON.stringify(readYaml(writeYaml(plain))))).toEqual(plain);
      }),
    );
  });
});
