import type { FastifyInstance } from 'fastify';
import { Refusal } from '../http/operation.ts';
import { escapeHtml, htmlPage, pageHeaders } from '../http/page.ts';
import type { Mail, Mailbox, MailSummary } from './mailbox.ts';

const party = 'Lumora Post';
const pageSize = 50;

const timeOf = ({ at }: MailSummary): string =>
  `<time datetime="${at}">${at.slice(0, 16).replace('T', ' ')} UTC</time>`;

const withLinks = (text: string): string =>
  escapeHtml(text).replaceAll(
    /https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)]/g,
    (url) => `<a href="${url}">${url}</a>`,
  );

/** The sender's HTML in a frame of its own: no script, no forms, no access to this page. */
const frameOf = (html: string): string =>
  `<iframe title="The message" sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc="${escapeHtml(`<base target="_blank">${html}`)}"></iframe>`;

function mailPage(mail: Mail): string {
  const { subject, from, to, text, html, language, attachments } = mail;
  const lang = language === undefined ? '' : ` lang="${escapeHtml(language)}"`;
  const content = `<p><a href="/">All messages</a></p>
<dl>
<dt>From</dt><dd>${escapeHtml(from)}</dd>
<dt>To</dt><dd>${to.map(escapeHtml).join('<br>')}</dd>
<dt>Received</dt><dd>${timeOf(mail)}</dd>
${attachments.map(({ filename, size }) => `<dt>Attachment</dt><dd>${escapeHtml(filename ?? 'without a name')} (${size} bytes)</dd>`).join('\n')}
</dl>
<h2>Message</h2>
${html === undefined ? `<pre dir="auto"${lang}>${withLinks(text ?? '')}</pre>` : frameOf(html)}`;
  return htmlPage({ title: subject || 'Message without subject', party, content });
}

/** Pages that show the mail: `/` lists it, `/mail/{id}` shows one message. */
export function mailPages(server: FastifyInstance, mailbox: Mailbox): void {
  server.get<{ Querystring: { to?: string; before?: string } }>('/', async (request, reply) => {
    const to = String(request.query.to ?? '').trim() || undefined;
    const before = request.query.before === undefined ? undefined : String(request.query.before);
    const mails = mailbox.list({ to, before, limit: pageSize });
    const list = mails
      .map(
        (mail) =>
          `<li><a href="/mail/${mail.id}" dir="auto">${escapeHtml(mail.subject || 'Message without subject')}</a><br>${escapeHtml(mail.to.join(', '))}<br><span class="quiet">${timeOf(mail)}</span></li>`,
      )
      .join('\n');
    const older = new URLSearchParams({ ...(to ? { to } : {}), before: mails.at(-1)?.id ?? '' });
    const content = `<form action="/" method="get">
<label for="to">Show only messages to this address</label>
<input id="to" name="to" type="email" autocomplete="off" value="${escapeHtml(to ?? '')}">
<button>Show</button>
</form>
<h2>${to === undefined ? 'Messages' : `Messages to ${escapeHtml(to)}`}</h2>
${mails.length === 0 ? '<p>None yet.</p>' : `<ul class="list">${list}</ul>`}
${mails.length === pageSize ? `<p><a href="/?${escapeHtml(older.toString())}">Older messages</a></p>` : ''}`;
    return reply.headers(pageHeaders).send(htmlPage({ title: 'Mailboxes', party, content }));
  });
  server.get<{ Params: { id: string } }>('/mail/:id', async (request, reply) => {
    const mail = await mailbox.read(request.params.id);
    if (!mail) throw new Refusal(404, 'There is no such message');
    return reply.headers(pageHeaders).send(mailPage(mail));
  });
}
