import type { FastifyInstance } from 'fastify';
import { escapeHtml, htmlPage, pageHeaders } from '../http/page.ts';
import type { SmsGateway } from './gateway.ts';

const party = 'Lumora Telecom';
const shown = 100;

/** Pages that show telephones: `/` lists them, `/phones/{number}` shows what one received. */
export function smsPages(server: FastifyInstance, gateway: SmsGateway): void {
  server.get('/', async (_request, reply) => {
    const numbers = gateway.numbers(shown);
    const list = numbers
      .map(
        ({ number, count }) =>
          `<li><a href="/phones/${encodeURIComponent(number)}">${escapeHtml(number)}</a> <span class="quiet">${count} ${count === 1 ? 'message' : 'messages'}</span></li>`,
      )
      .join('\n');
    const content = `<form action="/phones" method="get">
<label for="number">Telephone number</label>
<input id="number" name="number" type="tel" autocomplete="off">
<button>Show its messages</button>
</form>
<h2>Telephones that received messages</h2>
${numbers.length === 0 ? '<p>None yet.</p>' : `<ul class="list">${list}</ul>`}`;
    return reply.headers(pageHeaders).send(htmlPage({ title: 'Telephones', party, content }));
  });
  server.get<{ Querystring: { number?: string } }>('/phones', async (request, reply) => {
    const number = String(request.query.number ?? '').replaceAll(/[^0-9]/g, '');
    return reply.redirect(`/phones/${encodeURIComponent(`+${number}`)}`, 303);
  });
  server.get<{ Params: { number: string } }>('/phones/:number', async (request, reply) => {
    const { number } = request.params;
    const messages = gateway.messages(number, shown);
    const list = messages
      .map(
        ({ text, acceptedAt, status }) =>
          `<li><div class="bubble" dir="auto">${escapeHtml(text)}</div><p class="quiet"><time datetime="${acceptedAt}">${acceptedAt.slice(0, 16).replace('T', ' ')} UTC</time>${status === 'delivered' ? '' : ` – ${status}`}</p></li>`,
      )
      .join('\n');
    const content = `<p><a href="/">All telephones</a></p>
${messages.length === 0 ? '<p>No messages yet.</p>' : `<ul class="list">${list}</ul>`}`;
    return reply.headers(pageHeaders).send(htmlPage({ title: `Telephone ${number}`, party, content }));
  });
}
