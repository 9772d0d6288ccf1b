/** Loads things by id and keeps the promises of those asked for last; one that failed is loaded again. */
export function remember<T, From>(
  capacity: number,
  load: (id: string, from: From) => Promise<T>,
): (id: string, from: From) => Promise<T> {
  const cache = new Map<string, Promise<T>>();
  return (id, from) => {
    const known = cache.get(id);
    if (known) {
      cache.delete(id);
      cache.set(id, known);
      return known;
    }
    const loading = load(id, from);
    cache.set(id, loading);
    loading.catch(() => cache.delete(id));
    const oldest = cache.keys().next().value;
    if (cache.size > capacity && oldest !== undefined) cache.delete(oldest);
    return loading;
  };
}
