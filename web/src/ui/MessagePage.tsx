import { type ReactNode, useEffect } from "react";

/** A page with a message in place of the counter. Sets the title of the document while it is shown. */
export function MessagePage({ title, children }: { title: string; children: ReactNode }) {
  useEffect(() => {
    const before = document.title;
    document.title = `${title} · ${before}`;
    return () => {
      document.title = before;
    };
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
