import { applicationOf, badRequest, Problem } from '@govstack/platform';
import type { Handlers } from '@govstack/platform/operation';
import { lookUp } from '../../code-lists/code-lists.ts';
import { type DocumentContent, readDocument, uploadDocument } from '../../documents/documents.ts';
import { linkedRecords } from '../../records/linked.ts';
import { readerOf } from '../reader-of.ts';
import type { fieldOperations } from './field-operations.ts';
import type { DataDependencies } from './handlers.ts';

const decoded = (name: string): string => {
  try {
    return decodeURIComponent(name);
  } catch {
    throw badRequest('X-Original-Name must be percent-encoded UTF-8');
  }
};

/** A document as an answer: a browser opens pictures, saves everything else, and runs nothing of it. */
export const asAnswer = ({ bytes, type, originalName }: DocumentContent) => ({
  status: 200 as const,
  body: bytes,
  headers: {
    'content-type': type,
    'content-disposition': `${type.startsWith('image/') ? 'inline' : 'attachment'}; filename*=UTF-8''${encodeURIComponent(originalName).replaceAll(/['()*]/g, (one) => `%${one.charCodeAt(0).toString(16)}`)}`,
    'x-content-type-options': 'nosniff',
  },
});

export function serveFields({
  db,
  gate,
  hash,
}: Pick<DataDependencies, 'db' | 'gate' | 'hash'>): Handlers<typeof fieldOperations> {
  return {
    uploadDocument: async ({ params, headers, body, caller, person }) => {
      const reader = readerOf(caller, person);
      const { registryName, versionNumber } = params;
      const granted = await gate
        .open(reader, registryName, versionNumber, 'create')
        .catch((error: unknown) => {
          if (!(error instanceof Problem) || error.status !== 403) throw error;
          return gate.open(reader, registryName, versionNumber, 'update');
        });
      const document = await uploadDocument(db, granted, reader, params.field, {
        bytes: Buffer.from(body),
        originalName: decoded(headers['x-original-name']),
        type: headers['x-media-type'].split(';')[0]?.trim().toLowerCase() ?? '',
      });
      return { status: 200, body: document };
    },
    readDocument: async ({ params, headers, caller, person }) => {
      const reader = readerOf(caller, person, headers);
      const granted = await gate.open(reader, params.registryName, params.versionNumber, 'read');
      return asAnswer(await readDocument(db, granted, reader, params.documentId, hash));
    },
    readLinks: async ({ params, headers, caller, person }) => {
      const reader = readerOf(caller, person, headers);
      const granted = await gate.open(reader, params.registryName, params.versionNumber, 'read');
      const links = await linkedRecords(db, gate, granted, reader, params.id, hash);
      return {
        status: 200,
        body: { links: links.map((link) => ({ ...link, records: [...link.records] })) },
      };
    },
    lookUpCodes: async ({ params, query, caller }) => {
      const { items, next } = await lookUp(db, applicationOf(caller.service), params.code, {
        search: query.search,
        parent: query.parent,
        language: query.language,
        at: query.at ?? new Date().toISOString().slice(0, 10),
        all: query.all,
        limit: query.limit ?? 100,
        after: query.after,
      });
      return {
        status: 200,
        body: {
          items: items.map((item) => ({ ...item, mappings: item.mappings.map((one) => ({ ...one })) })),
          ...(next === undefined ? {} : { next }),
        },
      };
    },
  };
}
