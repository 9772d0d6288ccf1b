import type { FastifyRequest } from 'fastify';

/** Path and query of a request. The path begins with exactly one slash, so a link to it stays on this site. */
export function addressOf(request: FastifyRequest): { path: string; query: URLSearchParams } {
  const at = request.url.indexOf('?');
  const path = at < 0 ? request.url : request.url.slice(0, at);
  return {
    path: `/${path.replace(/^[/\\]+/, '')}`,
    query: new URLSearchParams(at < 0 ? '' : request.url.slice(at + 1)),
  };
}
