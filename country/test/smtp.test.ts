import { createTransport, type SendMailOptions, type Transporter } from 'nodemailer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { call, type Program, startProgram, temporaryFolder } from './party.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let post: Program;
let transport: Transporter;
let httpUrl: string;
const running: Program[] = [];
const start = async (): Promise<void> => {
  post = await startProgram('smtp', ['--data', folder.path]);
  running.push(post);
  httpUrl = post.addresses.httpUrl as string;
  transport = createTransport(post.url);
};
beforeEach(async () => {
  folder = await temporaryFolder();
  await start();
});
afterEach(async () => {
  transport.close();
  await Promise.all(running.splice(0).map((program) => program.kill('SIGKILL')));
  await folder.remove();
});

const send = (more: SendMailOptions = {}) =>
  transport.sendMail({
    from: 'no-reply@lumora.example',
    to: 'amara.solvane@post.example',
    subject: 'Votre demande – طلبكم',
    text: 'Follow it at https://portal.example/a?b=1&c=2.',
    headers: { 'content-language': 'fr' },
    ...more,
  });
const list = async (query = '') =>
  (
    await call<{ messages: { id: string; to: string[]; subject: string }[] }>(
      'GET',
      `${httpUrl}/messages${query}`,
    )
  ).body.messages;
const setFaults = (faults: object) => call('POST', `${post.controlUrl}/control/faults`, faults);

describe('the post', () => {
  it('receives a message by SMTP and lets it be read', async () => {
    await send({ attachments: [{ filename: 'receipt.txt', content: 'paid' }] });
    await send({ to: 'someone.else@post.example' });
    const messages = await list('?to=Amara.Solvane@post.example');
    expect(messages).toMatchObject([
      { to: ['amara.solvane@post.example'], subject: 'Votre demande – طلبكم' },
    ]);
    const { body } = await call('GET', `${httpUrl}/messages/${messages[0]?.id}`);
    expect(body).toMatchObject({
      from: 'no-reply@lumora.example',
      language: 'fr',
      attachments: [{ filename: 'receipt.txt', size: 4 }],
    });
    expect(String(body.text).trim()).toBe('Follow it at https://portal.example/a?b=1&c=2.');
    expect((await call('GET', `${httpUrl}/messages/none`)).status).toBe(404);
  });

  it('lists in pages, newest first', async () => {
    for (const subject of ['one', 'two', 'three']) await send({ subject });
    const first = await list('?limit=2');
    expect(first.map(({ subject }) => subject)).toEqual(['three', 'two']);
    expect((await list(`?limit=2&before=${first[1]?.id}`)).map(({ subject }) => subject)).toEqual(['one']);
  });

  it('keeps after a kill what it accepted', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, at) => send({ subject: `message ${at}` })));
    await post.kill('SIGKILL');
    await start();
    const messages = await list();
    expect(new Set(messages.map(({ subject }) => subject)).size).toBe(20);
    expect((await call('GET', `${httpUrl}/messages/${messages[0]?.id}`)).status).toBe(200);
  });

  it('refuses addresses for good and everything for now, when told to', async () => {
    await setFaults({ refused: ['bounce'] });
    await expect(send({ to: 'bounce.one@post.example' })).rejects.toMatchObject({ responseCode: 550 });
    await setFaults({ busy: { share: 1 } });
    await expect(send({ messageId: '<one@lumora.example>' })).rejects.toMatchObject({ responseCode: 451 });
    await send({ messageId: '<one@lumora.example>' });
    expect(await list()).toHaveLength(1);
  });

  it('shows the mailboxes as pages in which nothing of the sender runs', async () => {
    await send();
    await send({ subject: '<script>', html: '<p>Hello</p><script>alert(1)</script>' });
    const inbox = await (await fetch(`${httpUrl}/?to=amara.solvane@post.example`)).text();
    expect(inbox).toContain('&lt;script&gt;');
    expect(inbox).toMatch(/<html lang="en">[\s\S]*<label for="to">[\s\S]*<main|<main[\s\S]*<label for="to">/);
    const [html, text] = await list();
    const withHtml = await fetch(`${httpUrl}/mail/${html?.id}`);
    expect(withHtml.headers.get('content-security-policy')).toContain("default-src 'none'");
    const page = await withHtml.text();
    expect(page).toContain('sandbox="allow-popups allow-popups-to-escape-sandbox"');
    expect(page).not.toContain('<script>');
    const plain = await (await fetch(`${httpUrl}/mail/${text?.id}`)).text();
    expect(plain).toContain('<a href="https://portal.example/a?b=1&amp;c=2">');
    expect(plain).toContain('lang="fr"');
  });
});
