import { Bytes, defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { application } from '../shapes.ts';

const closed = { additionalProperties: false } as const;
const nullable = <T extends ReturnType<typeof Type.String>>(one: T) => Type.Union([one, Type.Null()]);
const byCode = Type.Object({ code: Type.String({ minLength: 1, maxLength: 60 }) });
const Allowed = Type.Object({ allowed: Type.Boolean() }, closed);
const Token = Type.String({
  pattern: '^[A-Za-z0-9_-]{22}@[^/@]{1,100}(/[^/@]{1,100}){3}$',
  description: 'What the link carries behind `#`. It travels in the body, never in an address',
});

const Link = Type.Object({
  id: Type.String(),
  registry: Type.String(),
  record: Type.String(),
  fields: Type.Array(Type.String()),
  sharedBy: Type.String(),
  role: nullable(Type.String()),
  consentReference: nullable(Type.String()),
  download: Type.Boolean(),
  openings: Type.Integer(),
  mostOpenings: Type.Union([Type.Integer(), Type.Null()]),
  lastOpenedAt: nullable(Type.String()),
  createdAt: Type.String(),
  expiresAt: Type.String(),
  revokedAt: nullable(Type.String()),
});

/** Records shared by link: with whom has the link, for a time, as far as the sharer sees them. */
export const registrySharing = defineSurface({
  name: 'registry-sharing-v1',
  title: 'Digital registries: sharing',
  version: '1.0.0',
  operations: {
    createShare: defineOperation({
      id: 'createShare',
      method: 'POST',
      path: '/shares',
      summary: 'Share a record, or some fields of it, by a link that nobody can guess',
      description: 'The token is in this answer and nowhere else; repeating the call makes another link.',
      requirements: ['REG-6.1-27-a', 'REG-6.1-27-c'],
      access: application,
      body: Type.Object(
        {
          registry: Type.String({ minLength: 1, maxLength: 100 }),
          version: Type.Optional(Type.String({ minLength: 1, maxLength: 20 })),
          record: Type.String({
            minLength: 1,
            maxLength: 300,
            description: 'uuid, registry number or primary key',
          }),
          fields: Type.Optional(
            Type.Array(Type.String(), { minItems: 1, maxItems: 400, description: 'All when left out' }),
          ),
          expiresAt: Type.Optional(Type.String({ format: 'date-time' })),
          mostOpenings: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
          role: Type.Optional(
            Type.String({
              minLength: 1,
              maxLength: 100,
              description: 'Only people who are signed in with this role may open it; `any`: with whichever',
            }),
          ),
          consentReference: Type.Optional(
            Type.String({
              minLength: 1,
              maxLength: 100,
              description: 'The consent under which it is shared: when it ends, so does the link',
            }),
          ),
          download: Type.Optional(Type.Boolean({ description: 'False, the default: for looking only' })),
          sendTo: Type.Optional(
            Type.String({ format: 'email', maxLength: 254, description: 'Send the link by e-mail' }),
          ),
        },
        closed,
      ),
      responses: {
        200: Type.Object({
          id: Type.String(),
          token: Type.String(),
          url: nullable(Type.String({ description: 'null: no page for shared records is configured' })),
          qr: Type.String({ description: 'The link, or the token, as QR code: an SVG' }),
          expiresAt: Type.String(),
          emailed: Type.Union([Type.Boolean(), Type.Null()], {
            description: 'null: not asked for; false: it could not be sent, the link holds',
          }),
        }),
      },
    }),
    openShare: defineOperation({
      id: 'openShare',
      method: 'POST',
      path: '/shares/opening',
      summary: 'What a link leads to',
      description:
        'A link that never was, is over, used up or revoked is answered alike. Each opening counts and is in the read log.',
      requirements: ['REG-6.1-27-a', 'REG-6.1-27-c'],
      access: application,
      body: Type.Object({ token: Token }, closed),
      responses: {
        200: Type.Object({
          registryName: Type.String(),
          content: Type.Record(Type.String(), Type.Unknown()),
          viewOnly: Type.Boolean(),
          expiresAt: Type.String(),
        }),
      },
    }),
    downloadShare: defineOperation({
      id: 'downloadShare',
      method: 'POST',
      path: '/shares/download',
      summary: 'The same as a file, with a watermark that names the link and the time',
      requirements: ['REG-6.1-27-c'],
      access: application,
      body: Type.Object(
        {
          token: Token,
          format: Type.Union([Type.Literal('csv'), Type.Literal('json'), Type.Literal('text')]),
        },
        closed,
      ),
      responses: { 200: Bytes({ description: 'The file' }) },
    }),
    listShares: defineOperation({
      id: 'listShares',
      method: 'GET',
      path: '/shares',
      summary: "One's own links, newest first; every link for who administers the registries",
      requirements: ['REG-6.1-27-b'],
      access: application,
      query: Type.Object({ registry: Type.Optional(Type.String({ minLength: 1, maxLength: 60 })) }),
      responses: { 200: Type.Object({ shares: Type.Array(Link) }) },
    }),
    revokeShare: defineOperation({
      id: 'revokeShare',
      method: 'DELETE',
      path: '/shares/{id}',
      summary: 'Take a link back: by who shared it or administers the registries',
      requirements: ['REG-6.1-27-b'],
      access: application,
      params: Type.Object({ id: Type.String({ format: 'uuid' }) }),
      responses: { 204: null },
    }),
    putSharing: defineOperation({
      id: 'putSharing',
      method: 'PUT',
      path: '/registries/{code}/sharing',
      summary: 'Whether records of a registry are shared by link; switched off, no link to them opens',
      requirements: ['REG-6.1-27-b'],
      access: application,
      params: byCode,
      body: Allowed,
      responses: { 204: null },
    }),
    getSharing: defineOperation({
      id: 'getSharing',
      method: 'GET',
      path: '/registries/{code}/sharing',
      summary: 'Whether records of a registry are shared by link, for who may read it',
      access: application,
      params: byCode,
      responses: { 200: Allowed },
    }),
  },
});
