/** A queue in which owners take turns: nobody waits for all that another has put in. */
export interface Turns<T> {
  readonly size: number;
  add(owner: string, item: T): void;
  /** Owners of what is in it. */
  owners(): readonly string[];
  /** Takes the next item, of an owner whose turn it may be. */
  take(may?: (owner: string) => boolean): T | undefined;
  /** Takes everything. */
  clear(): T[];
}

export function createTurns<T>(): Turns<T> {
  const queues = new Map<string, T[]>();
  let size = 0;
  return {
    get size() {
      return size;
    },
    owners: () => [...queues.keys()],
    add(owner, item) {
      const own = queues.get(owner);
      if (own) own.push(item);
      else queues.set(owner, [item]);
      size += 1;
    },
    take(may = () => true) {
      for (const [owner, own] of queues) {
        if (!may(owner)) continue;
        const item = own.shift();
        queues.delete(owner);
        if (own.length > 0) queues.set(owner, own);
        size -= 1;
        return item;
      }
      return undefined;
    },
    clear() {
      const all = [...queues.values()].flat();
      queues.clear();
      size = 0;
      return all;
    },
  };
}

/** Whether an owner who has so many slots may have another: some of the free ones are left for whoever comes next. */
export const mayHave = (own: number, free: number): boolean => own < 4 * free;
