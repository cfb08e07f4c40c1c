import { type ReactNode, useEffect } from "react";

/** A page that has something to say instead of a counter to show. */
export function MessagePage({ title, children }: { title: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Realtime counter`;
  }, [title]);

  return (
    <main className="page">
      <section className="card message-page" aria-labelledby="title">
        <h1 id="title">{title}</h1>
        {children}
      </section>
    </main>
  );
}
