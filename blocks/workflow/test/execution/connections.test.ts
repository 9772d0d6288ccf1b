import { describe, expect, it } from 'vitest';
import { chain, compile, el, extensions, input, output } from './bpmn.ts';
import { drive } from './drive.ts';

const around = (task: string): string =>
  `<startEvent id="s"/>${task}<endEvent id="e"/>${chain('s', 't', 'e')}`;

const requestOf = async (task: string, variables = {}) => {
  const instance = drive(await compile(around(task)), variables);
  return [...instance.jobs.values()][0]?.request as unknown;
};

describe('a request over a connection', () => {
  const http = (...mappings: string[]): string =>
    el(
      'serviceTask',
      't',
      {
        'govstack:connection': 'weather',
        'govstack:method': 'POST',
        'govstack:path': '/stations/{id}/readings',
      },
      extensions(...mappings),
    );

  it('has its path, query, headers and body by mapping, and no way out of its path', async () => {
    const task = http(
      input('path.id', '= id'),
      input('query.unit', '= units'),
      input('header.X-Case', '= process.instanceId'),
      input('body.at.hour', '= 7'),
    );
    expect(await requestOf(task, { id: 'a/../b?c', units: ['C', 'F'] })).toEqual({
      kind: 'http',
      connection: 'weather',
      method: 'POST',
      path: '/stations/a%2F..%2Fb%3Fc/readings',
      query: { unit: ['C', 'F'] },
      headers: { 'x-case': 'i' },
      body: { at: { hour: 7 } },
    });
    const upwards = drive(await compile(around(task)), { id: '..', units: 'C' });
    expect([...upwards.incidents.values()][0]?.message).toMatch(/path parameter/);
  });

  it('names parts of mail, and its answer is mapped like any other', async () => {
    const task = el(
      'sendTask',
      't',
      { 'govstack:connection': 'post', 'govstack:send': 'mail' },
      extensions(
        input('to', '= address'),
        input('subject', 'Your case'),
        input('text', '= null'),
        output('= response.body.messageId', 'sent'),
      ),
    );
    expect(await requestOf(task, { address: 'a@example.org' })).toMatchObject({
      kind: 'mail',
      connection: 'post',
      body: { to: 'a@example.org', subject: 'Your case' },
    });
    const instance = drive(await compile(around(task)), { address: 'a@example.org' });
    instance.answer('t', { messageId: '<1@x>' }, 250);
    expect(instance.variables()).toMatchObject({ sent: '<1@x>' });
  });
});
