/** Which methods each path has, so that a wrong one is told from a wrong path. */
import type { FastifyInstance } from 'fastify';

export class Methods {
  private readonly byPattern = new Map<string, { readonly matches: RegExp; readonly methods: Set<string> }>();

  /** Takes down every path that is added from now on. */
  constructor(app: FastifyInstance) {
    app.addHook('onRoute', ({ url, method }) => {
      const known = this.byPattern.get(url) ?? { matches: matcherOf(url), methods: new Set() };
      for (const one of [method].flat()) known.methods.add(one);
      this.byPattern.set(url, known);
    });
  }

  /** The methods of a path, without its query; none where there is no such path. */
  of(path: string): string[] {
    const found = new Set<string>();
    for (const { matches, methods } of this.byPattern.values())
      if (matches.test(path)) for (const method of methods) found.add(method);
    return [...found].sort();
  }
}

/** `/a2a/:tenant/message::send` as the router reads it: `:name` is one part, `::` a colon. */
function matcherOf(pattern: string): RegExp {
  const parts = pattern.split(/(::|:\w+)/).map((part) => {
    if (part === '::') return ':';
    if (part.startsWith(':')) return '[^/]+';
    return part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`);
}
