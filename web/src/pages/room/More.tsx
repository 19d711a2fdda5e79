import { useEffect, useRef } from "react";

interface Props {
  readonly onSeen: () => void;
}

// Begun before the end of the list is on the screen.
const MARGIN = "800px 0px";

/** The end of what is shown of a long list; says when somebody comes near it. */
export function More({ onSeen }: Props) {
  const mark = useRef<HTMLLIElement>(null);
  const current = useRef(onSeen);
  current.current = onSeen;
  useEffect(() => {
    const element = mark.current;
    if (element === null) return;
    const observer = new IntersectionObserver(
      (entries) => entries.some(({ isIntersecting }) => isIntersecting) && current.current(),
      { root: element.parentElement, rootMargin: MARGIN },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return <li ref={mark} aria-hidden className="h-px" />;
}
