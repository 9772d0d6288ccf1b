import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Viewer } from '../backend.ts';
import type { FormBody } from '../forms/entry.ts';
import type { Voice } from '../rendering/voice.ts';
import type { Session } from '../session/session-store.ts';
import type { SentFile, SentStream } from './sent-form.ts';

/** One request by one person, as the page handlers see it. */
export interface Visit {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly voice: Voice;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | undefined>>;
  /** Inputs of the submitted form; empty for other requests. */
  readonly body: FormBody;
  /** A file sent with the form (`multipart/form-data`). */
  file(name: string): SentFile | undefined;
  readonly session: Session | undefined;
  readonly viewer: Viewer | undefined;
  /** Renders a page and sends it. */
  show(template: string, model?: Readonly<Record<string, unknown>>, status?: number): FastifyReply;
  /** Sends the browser to another page of the portal with GET. */
  goTo(path: string): FastifyReply;
  /** A sentence (catalogue key) to be shown once, on the next page. */
  leaveNotice(key: string): void;
}

export interface SignedInVisit extends Visit {
  readonly session: Session;
  readonly viewer: Viewer;
}

export type PageHandler<V extends Visit = Visit> = (visit: V) => Promise<FastifyReply>;

export type UploadHandler = (visit: SignedInVisit, file: SentStream | undefined) => Promise<FastifyReply>;

/** Who may open a page. What they may do there is decided by the blocks. */
export type PageAccess = 'public' | 'signed-in' | { readonly roles: readonly string[] };

/** Where page groups register their pages. */
export interface Site {
  page(path: string, handler: PageHandler): void;
  page(path: string, access: Exclude<PageAccess, 'public'>, handler: PageHandler<SignedInVisit>): void;
  /** The target of a form that anybody may send, from a page of ours. It must not change anything of the person's. It takes no files. */
  publicAction(path: string, handler: PageHandler): void;
  /** A form's target. The anti-forgery token has been verified. */
  action(path: string, access: Exclude<PageAccess, 'public'>, handler: PageHandler<SignedInVisit>): void;
  /** The target of a form whose last input is a file of any size, read by the handler as it comes. The token has been verified. */
  upload(path: string, access: Exclude<PageAccess, 'public'>, handler: UploadHandler): void;
}

/** The single value of an input. */
export const input = (visit: Visit, name: string): string => {
  const value = visit.body[name];
  return (typeof value === 'string' ? value : (value?.[0] ?? '')).trim();
};

/** 1-based page number from the query, bounded. */
export const pageNumber = (visit: Visit): number => {
  const number = Number(visit.query.page ?? '1');
  return Number.isInteger(number) && number >= 1 && number <= 10_000 ? number : 1;
};

/** The key a form was rendered with, under which its submission is done once. */
export const formKey = (visit: Visit): string => {
  const key = input(visit, '_key');
  return /^[0-9a-f-]{36}$/.test(key) ? key : '';
};
