import { isLanguage, languageFacts } from '../languages.ts';
import { pageNumber } from '../site/visit.ts';
import type { PageParts } from './pages.ts';

const size = 20;

/** What agencies wrote to the person, on whichever channel. */
export function messagePages({ site, backend }: PageParts): void {
  site.page('/messages', 'signed-in', async (visit) => {
    const page = pageNumber(visit);
    const list = await backend.messages(visit.viewer, { page, size });
    return visit.show('account/messages.njk', { section: 'messages', list: { ...list, page } });
  });
  site.page('/messages/:message', 'signed-in', async (visit) => {
    const message = await backend.message(visit.viewer, visit.params.message as string);
    return visit.show('account/message.njk', {
      section: 'messages',
      message,
      // A message keeps the language it was sent in, whatever the page around it speaks.
      messageDirection: isLanguage(message.language) ? languageFacts[message.language].direction : 'auto',
      paragraphs: message.body.split(/\n\s*\n/),
      back: '/messages',
    });
  });
}
