import type { TestPortal } from './portal.ts';

/** A browser without scripts: keeps cookies per origin and follows redirects across them. */
export class UserAgent {
  readonly #cookies = new Map<string, Map<string, string>>();
  readonly portal: TestPortal;

  constructor(portal: TestPortal) {
    this.portal = portal;
  }

  cookie(name: string): string | undefined {
    return this.#cookies.get(this.portal.url)?.get(name);
  }

  setCookie(name: string, value: string): void {
    this.#jar(this.portal.url).set(name, value);
  }

  #jar(origin: string): Map<string, string> {
    const jar = this.#cookies.get(origin) ?? new Map<string, string>();
    this.#cookies.set(origin, jar);
    return jar;
  }

  /** One request; redirects are answers. */
  async request(target: string, init: RequestInit = {}): Promise<Response> {
    const url = new URL(target, this.portal.url);
    const jar = this.#jar(url.origin);
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: {
        'accept-language': 'en',
        ...(init.headers as object),
        cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
      },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0|expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }

  /** Follows redirects to the end; answers the last response and its address. */
  async open(target: string, init: RequestInit = {}): Promise<{ response: Response; url: string }> {
    let url = new URL(target, this.portal.url).href;
    let response = await this.request(url, init);
    for (let hops = 0; response.status >= 300 && response.status < 400 && hops < 15; hops += 1) {
      url = new URL(response.headers.get('location') ?? '', url).href;
      response = await this.request(url);
    }
    return { response, url };
  }

  post(
    target: string,
    fields: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return this.request(target, {
      method: 'POST',
      body: new URLSearchParams(fields).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });
  }

  /** Hidden inputs of the page's forms: the anti-forgery token and the form's key. */
  async hiddenFields(target: string): Promise<Record<string, string>> {
    const { response } = await this.open(target);
    const html = await response.text();
    return Object.fromEntries(
      [...html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map((match) => [
        match[1] as string,
        match[2] as string,
      ]),
    );
  }

  async signIn(persona: string, path = '/sign-in'): Promise<{ response: Response; url: string }> {
    const atProvider = await this.open(path);
    if (!atProvider.url.startsWith(this.portal.provider.issuer)) return atProvider;
    return this.open(atProvider.url, {
      method: 'POST',
      body: new URLSearchParams({ persona }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
  }
}
