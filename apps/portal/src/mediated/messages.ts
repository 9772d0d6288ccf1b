import { notFound } from '@govstack/platform';
import type { Backend, Message, Viewer } from '../backend.ts';
import type { Catalogue } from './catalogue.ts';
import type { Clients } from './clients.ts';
import type { Names } from './names.ts';

const mostFiles = 50;

/** Messages about the person's applications, found by the application they refer to. */
export function createMessages(
  clients: Clients,
  catalogue: Catalogue,
  names: Names,
): Pick<Backend, 'messages' | 'message'> {
  async function all(viewer: Viewer): Promise<Message[]> {
    const query = { maxResult: mostFiles, applicantId: viewer.id };
    const files = (await clients.registration.listApplications({ query })).body;
    const services = await catalogue.all();
    const found = await Promise.all(
      files.map(async (file): Promise<Message[]> => {
        const owner = services.find((service) => service.id === file.serviceId)?.owner;
        if (owner === undefined) return [];
        const { messages } = (
          await clients.messagesOf(owner).listMessages({ query: { reference: file.fileId, limit: 50 } })
        ).body;
        return messages.map((message) => ({
          id: message.id,
          // A text message has no subject: its first words stand for it.
          subject: message.subject ?? (message.body ?? file.reference).slice(0, 70),
          sentAt: message.acceptedAt,
          channel: message.channel === 'sms' ? 'sms' : 'email',
          status: message.state,
          from: names.member(owner),
          body: message.body ?? '',
          applicationId: file.fileId,
        }));
      }),
    );
    return found.flat().sort((left, right) => right.sentAt.localeCompare(left.sentAt));
  }

  return {
    async messages(viewer, { page, size }) {
      const messages = await all(viewer);
      const from = (page - 1) * size;
      return {
        items: messages.slice(from, from + size),
        hasMore: messages.length > from + size,
        total: messages.length,
      };
    },
    async message(viewer, messageId) {
      const found = (await all(viewer)).find((message) => message.id === messageId);
      if (!found) throw notFound('Message');
      return found;
    },
  };
}
