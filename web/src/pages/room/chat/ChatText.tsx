import { linked } from "@/lib/links";

/** Plain text; its links can be followed, and nothing else in it means anything. */
export function ChatText({ text }: { readonly text: string }) {
  return linked(text).map((part, index) =>
    part.url === null ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text never change
      <span key={index}>{part.text}</span>
    ) : (
      <a
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text never change
        key={index}
        href={part.url}
        target="_blank"
        rel="noopener noreferrer nofollow"
        className="text-accent-text underline decoration-current/40 underline-offset-2 hover:decoration-current"
      >
        {part.text}
      </a>
    ),
  );
}
