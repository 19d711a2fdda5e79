"""Accessibility, judged by axe-core against WCAG 2.2 AA."""

from __future__ import annotations

from typing import Any, Final

from playwright.async_api import Page

from tests.support.node import ROOT

_AXE: Final = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
_TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN: Final = """async (tags) => {
  // What is still fading in has a contrast of its own: it is put at its end. Waiting for that may take a minute, as
  // Chromium draws no frame of a page on which nothing that is seen moves; and one end may begin the next transition.
  const isUnderWay = (each) => each.playState !== 'finished' && each.effect?.getTiming().iterations !== Infinity;
  for (let moving; (moving = document.getAnimations().filter(isUnderWay)).length > 0; ) {
    for (const each of moving) each.finish();
    await new Promise((done) => setTimeout(done));
  }
  const { violations } = await window.axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
  // What floats stands beside the page's landmarks and belongs to its button; the guards around it hand the focus on.
  const isFine = (id, { target }) => {
    const element = document.querySelector(target.at(-1));
    return id === 'region'
      ? element?.closest('[data-base-ui-portal]')
      : id === 'aria-hidden-focus' && element?.matches('[data-base-ui-focus-guard]');
  };
  return violations
    .map(({ id, help, nodes }) => ({ id, help, nodes: nodes.filter((node) => !isFine(id, node)) }))
    .filter(({ nodes }) => nodes.length > 0)
    .map(({ id, help, nodes }) =>
      ({ id, help, nodes: nodes.slice(0, 4).map(({ html, failureSummary }) => `${html} ${failureSummary}`) }));
}"""


async def violations(page: Page) -> list[dict[str, Any]]:
    """What axe finds wrong with the page as it is now: rule, sentence, and the first elements."""
    if not await page.evaluate("() => 'axe' in window"):
        # Evaluated by the debugger, which the page's policy does not bind.
        await page.evaluate(_AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = await page.evaluate(_RUN, _TAGS)
    return found
