"""Changes to an MPD that a player has: rewritten where that can be done rightly, else emptied."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from lxml import etree

from services.proxy.manifest.dash import rewrite
from services.proxy.tickets import Ticket, Tickets
from tests.unit.proxy.links import EXPIRES, SIGNER, links, ref

LOCATION = "https://cdn.example/v/patch.mpp?from=1"
TEMPLATE = "/MPD/Period[@id='1']/AdaptationSet[2]/SegmentTemplate[1]"
LINE = f"{TEMPLATE}/SegmentTimeline[1]"


def patched(*changes: str) -> etree._Element:
    text = f"""<Patch xmlns="urn:mpeg:dash:schema:mpd-patch:2020" mpdId="m" originalPublishTime="2026-01-01T00:00:00Z"
        publishTime="2026-01-01T00:00:02Z">{"".join(changes)}</Patch>"""
    made = rewrite(text.encode(), links("https://cdn.example/v/"))
    assert made.content_type == "application/dash-patch+xml"
    return etree.fromstring(made.body)


def ticket(path: str) -> Ticket:
    return Tickets(SIGNER).read(urlsplit(path).query.encode(), EXPIRES - 1)


def test_a_patch_is_asked_for_here_and_knows_where_its_mpd_lies() -> None:
    text = b"""<MPD type="dynamic"><BaseURL>https://media.example/m/</BaseURL>
        <PatchLocation ttl="60">patch.mpp?from=1</PatchLocation></MPD>"""
    root = etree.fromstring(rewrite(text, links("https://cdn.example/v/live.mpd")).body)
    [location] = root.iter("PatchLocation")
    assert location.get("ttl") == "60"
    asked = ticket(location.text or "")
    assert asked.url.partition("#")[0] == LOCATION
    assert (asked.family, asked.base) == ("parent", "https://media.example/m/")


def test_segments_that_come_and_go_and_the_next_patch_pass() -> None:
    root = patched(
        '<replace sel="/MPD/@publishTime">2026-01-01T00:00:02Z</replace>',
        f'<remove sel="{LINE}/S[1]"/>',
        f'<add sel="{LINE}" pos="prepend"><S t="1" d="2"/></add>',
        f'<add sel="{LINE}/S[2]" type="@r">5</add>',
        '<replace sel="/MPD/PatchLocation[1]"><PatchLocation>patch.mpp?from=2</PatchLocation></replace>',
    )
    assert len(root) == 5
    [location] = root.iter("{*}PatchLocation")
    asked = ticket(location.text or "")
    assert asked.url.partition("#")[0] == "https://cdn.example/v/patch.mpp?from=2"
    assert asked.base == "https://cdn.example/v/"


def test_the_timeline_of_a_representations_own_template_may_be_replaced() -> None:
    own = "/MPD/Period[1]/AdaptationSet[1]/Representation[1]/SegmentTemplate[1]"
    root = patched(
        f'<replace sel="{own}/SegmentTimeline[1]"><SegmentTimeline><S t="1" d="2"/></SegmentTimeline></replace>',
        f'<replace sel="{own}/@startNumber">7</replace>',
    )
    assert len(root) == 2


def test_a_period_that_is_added_is_rewritten() -> None:
    root = patched(
        """<add sel="/MPD"><Period xmlns="urn:mpeg:dash:schema:mpd:2011" id="2"><BaseURL>two/</BaseURL><AdaptationSet>
        <SegmentTemplate media="$Number$.m4s"/><Representation id="a"/></AdaptationSet></Period></add>"""
    )
    *_, own = root.iter("{*}SegmentTemplate")
    assert ref(own.get("media", ""), Number="1").url == "https://cdn.example/v/two/1.m4s"
    assert not list(root.iter("{*}BaseURL"))


@pytest.mark.parametrize(
    "change",
    [
        f'<replace sel="{TEMPLATE}/@media">https://evil.example/$Number$</replace>',
        f'<add sel="{TEMPLATE}" type="@initialization">https://evil.example/</add>',
        '<replace sel="/MPD/BaseURL[1]"><BaseURL>https://evil.example/</BaseURL></replace>',
        '<add sel="/MPD"><BaseURL>https://evil.example/</BaseURL></add>',
        '<add sel="/MPD/Period[1]"><AdaptationSet/></add>',
        '<add sel="//Period"><S/></add>',
        '<remove sel="/MPD/*[1]"/>',
        '<remove sel="/MPD/Period[1]/AdaptationSet[1]/Representation[1]/BaseURL[1]"/>',
        '<add sel="/MPD/Period[1]"><EventStream schemeIdUri="urn:mpeg:dash:event:callback:2015"/></add>',
        '<rename sel="/MPD"/>',
        # What dash.js would not hand down.
        f'<replace sel="{TEMPLATE}/@startNumber">7</replace>',
        f'<replace sel="{LINE}"><SegmentTimeline><S t="1" d="2"/></SegmentTimeline></replace>',
        f'<remove sel="{LINE}"/>',
    ],
)
def test_a_patch_of_which_it_cannot_be_said_is_emptied_so_that_the_whole_mpd_is_read(change: str) -> None:
    root = patched('<replace sel="/MPD/@publishTime">2026-01-01T00:00:02Z</replace>', change)
    assert len(root) == 0
    assert root.get("mpdId") == "m"
