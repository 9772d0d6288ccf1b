import { changeContext, type Vault } from '../secrets/vault.ts';

/** Values of a record by field id. */
export type Snapshot = Readonly<Record<string, unknown>>;

/** A secret value in a snapshot. It goes into the log sealed; as JSON it is nothing. */
export class SecretValue {
  readonly vault: Vault;
  readonly #open: () => unknown;
  constructor(vault: Vault, open: () => unknown) {
    this.vault = vault;
    this.#open = open;
  }
  open(): unknown {
    return this.#open();
  }
  toJSON(): undefined {
    return undefined;
  }
}

/** What a change says, as it is kept: in the open, and of secret fields together with the salt in `sealed`. */
export interface KeptContent {
  readonly salt: Buffer | null;
  readonly before: Snapshot | null;
  readonly after: Snapshot | null;
  readonly sealed: Buffer | null;
}

/** What was said to the letter, where the digests are over that (scheme 3). */
interface Texts {
  readonly before: string | null;
  readonly after: string | null;
}

interface Sealed {
  readonly salt: string;
  readonly before: Snapshot | null;
  readonly after: Snapshot | null;
  readonly texts?: Texts;
}

/** A snapshot in two: what is in the open, and what is secret. */
function parted(snapshot: Snapshot | null): { open: Snapshot | null; secret: Snapshot | null } {
  if (snapshot === null) return { open: null, secret: null };
  const open: Record<string, unknown> = {};
  const secret: Record<string, unknown> = {};
  for (const [id, value] of Object.entries(snapshot))
    if (value instanceof SecretValue) secret[id] = value.open();
    else open[id] = value;
  return { open, secret: Object.keys(secret).length > 0 ? secret : null };
}

const whole = (open: Snapshot | null, secret: Snapshot | null): Snapshot | null =>
  open === null && secret === null ? null : { ...open, ...secret };

/** A change as it is kept, and what it says in full: the digests are over that. */
export function kept(
  record: string,
  salt: Buffer,
  before: Snapshot | null,
  after: Snapshot | null,
): { readonly kept: KeptContent; readonly before: Snapshot | null; readonly after: Snapshot | null } {
  const vault = [before, after]
    .flatMap((snapshot) => Object.values(snapshot ?? {}))
    .find((value) => value instanceof SecretValue)?.vault;
  if (!vault) return { kept: { salt, before, after, sealed: null }, before, after };
  const [then, now] = [parted(before), parted(after)];
  const secret: Sealed = { salt: salt.toString('base64'), before: then.secret, after: now.secret };
  return {
    // The salt is sealed too: with it the digests would tell a guess that is right.
    kept: {
      salt: null,
      before: then.open,
      after: now.open,
      sealed: vault.seal(changeContext(record), secret),
    },
    before: whole(then.open, then.secret),
    after: whole(now.open, now.secret),
  };
}

/** What was kept of a change, in full. */
export function opened(
  vault: Vault | undefined,
  record: string,
  content: KeptContent,
): Omit<KeptContent, 'sealed'> & { readonly texts?: Texts } {
  if (content.sealed === null) return content;
  if (!vault) throw new Error(`the registry of record ${record} has no key`);
  const secret = vault.open(changeContext(record), content.sealed) as Sealed;
  return {
    salt: Buffer.from(secret.salt, 'base64'),
    before: whole(content.before, secret.before),
    after: whole(content.after, secret.after),
    ...(secret.texts ? { texts: secret.texts } : {}),
  };
}

/** The same content with these fields among what is secret; undefined when none of them is in the open. */
export function concealed(
  vault: Vault,
  record: string,
  content: KeptContent,
  fields: readonly string[],
  texts: Texts | undefined,
): KeptContent | undefined {
  const said = (snapshot: Snapshot | null): boolean =>
    snapshot !== null && fields.some((field) => field in snapshot);
  if (!said(content.before) && !said(content.after)) return undefined;
  const full = opened(vault, record, content);
  const before = content.sealed ? (vault.open(changeContext(record), content.sealed) as Sealed) : undefined;
  const secretIds = new Set([
    ...fields,
    ...Object.keys(before?.before ?? {}),
    ...Object.keys(before?.after ?? {}),
  ]);
  const only = (snapshot: Snapshot | null, secret: boolean): Snapshot | null =>
    snapshot &&
    Object.fromEntries(Object.entries(snapshot).filter(([field]) => secretIds.has(field) === secret));
  const sealed: Sealed = {
    salt: (full.salt ?? Buffer.alloc(0)).toString('base64'),
    before: only(full.before, true),
    after: only(full.after, true),
    ...(content.sealed === null ? (texts ? { texts } : {}) : before?.texts ? { texts: before.texts } : {}),
  };
  return {
    salt: null,
    before: only(full.before, false),
    after: only(full.after, false),
    sealed: vault.seal(changeContext(record), sealed),
  };
}
