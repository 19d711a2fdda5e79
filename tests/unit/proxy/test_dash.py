from __future__ import annotations

import time
from urllib.parse import urlsplit

import pytest
from lxml import etree

from services.common.errors import Unavailable
from services.common.stream import Kind, StreamRef
from services.proxy.manifest.dash import rewrite
from services.proxy.tickets import Tickets
from tests.unit.proxy.links import EXPIRES, SIGNER, links, ref
from tests.unit.proxy.players import addresses_of_mpd, is_foreign

BASE = "https://cdn.example/v/manifest.mpd?session=1"
HERE = "https://cdn.example/v/"


def mpd(inside: str, attributes: str = 'type="static"') -> etree._Element:
    spaces = 'xmlns="urn:mpeg:dash:schema:mpd:2011" xmlns:xlink="http://www.w3.org/1999/xlink"'
    text = f"<MPD {spaces} {attributes}>{inside}</MPD>"
    return etree.fromstring(rewrite(text.encode(), links(BASE)).body)


def period(inside: str) -> etree._Element:
    return mpd(f"<Period>{inside}</Period>")


def found(root: etree._Element, name: str) -> list[etree._Element]:
    return list(root.iter(f"{{*}}{name}"))


def test_a_template_is_written_into_each_representation() -> None:
    root = period(
        """<AdaptationSet mimeType="video/mp4"><BaseURL>video/</BaseURL>
        <SegmentTemplate timescale="1000" startNumber="3" initialization="$RepresentationID$/i-$Bandwidth%06d$.mp4"
          media="$RepresentationID$/$Number%05d$.m4s?t=$Time$"><SegmentTimeline><S t="0" d="2"/></SegmentTimeline>
        </SegmentTemplate>
        <Representation id="a" bandwidth="100"/><Representation id="b" bandwidth="200"><BaseURL>b/</BaseURL>
        </Representation>
        </AdaptationSet>"""
    )
    shared, first, second = found(root, "SegmentTemplate")
    assert sorted(shared.keys()) == ["startNumber", "timescale"]
    assert len(found(root, "SegmentTimeline")) == 1
    assert ref(first.get("initialization", "")).url == HERE + "video/a/i-000100.mp4"
    assert ref(second.get("initialization", "")).url == HERE + "video/b/b/i-000200.mp4"
    media = first.get("media", "").replace("$Number%05d$", "00042")
    assert ref(media, Time="900").url == HERE + "video/a/00042.m4s?t=900"
    assert found(root, "BaseURL") == []


@pytest.mark.parametrize(("kind", "goes_ahead"), [("static", True), ("dynamic", False)])
def test_of_a_live_template_nothing_is_fetched_ahead(kind: str, goes_ahead: bool) -> None:
    root = mpd(
        """<Period><AdaptationSet><Representation id="a"><SegmentTemplate media="$Number$.m4s"/></Representation>
        </AdaptationSet></Period>""",
        f'type="{kind}"',
    )
    [template] = found(root, "SegmentTemplate")
    query = urlsplit(template.get("media", "").replace("$Number$", "7")).query
    ticket = Tickets(SIGNER).read(query.encode(), time.time())
    assert (ticket.url, bool(ticket.template)) == (HERE + "7.m4s", goes_ahead)


def test_templates_with_the_same_text_under_other_bases_are_other_objects() -> None:
    root = period(
        """<AdaptationSet><SegmentTemplate initialization="i.mp4" media="$Number$.m4s"/>
        <Representation id="a"><BaseURL>a/</BaseURL></Representation>
        <Representation id="b"><BaseURL>b/</BaseURL></Representation></AdaptationSet>"""
    )
    refs = [ref(each.get("initialization", "")) for each in found(root, "SegmentTemplate")[1:]]
    assert [each.url for each in refs] == [HERE + "a/i.mp4", HERE + "b/i.mp4"]
    assert refs[0].object_id != refs[1].object_id


def test_a_dollar_sign_that_is_escaped_stays_one() -> None:
    root = period(
        """<AdaptationSet><Representation id="x$y">
        <SegmentTemplate media="$$-$RepresentationID$-$Number$.m4s"/></Representation></AdaptationSet>"""
    )
    [template] = found(root, "SegmentTemplate")
    assert ref(template.get("media", "").replace("$Number$", "7").replace("$$", "$")).url == HERE + "$-x$y-7.m4s"


def test_attributes_come_from_the_nearest_level_that_has_them() -> None:
    root = mpd(
        """<Period><SegmentTemplate initialization="p.mp4" media="p-$Number$.m4s"/>
        <AdaptationSet><SegmentTemplate media="s-$Number$.m4s"/>
        <Representation id="a"><SegmentTemplate startNumber="9"/></Representation></AdaptationSet></Period>"""
    )
    own = found(root, "SegmentTemplate")[-1]
    assert own.get("startNumber") == "9"
    assert ref(own.get("initialization", "")).url == HERE + "p.mp4"
    assert ref(own.get("media", ""), Number="1").url == HERE + "s-1.m4s"


def test_nested_bases_are_resolved_in_turn_and_the_first_of_several_holds() -> None:
    root = mpd(
        """<BaseURL>https://one.example/root/</BaseURL><BaseURL>https://two.example/</BaseURL>
        <Period><BaseURL>p/</BaseURL><AdaptationSet><BaseURL>../q/</BaseURL>
        <Representation id="a"><BaseURL>v.mp4?a=1&amp;b=2</BaseURL><SegmentBase indexRange="1-2">
        <Initialization range="0-1"/></SegmentBase></Representation>
        </AdaptationSet></Period>"""
    )
    [base] = found(root, "BaseURL")
    assert base.getparent() is found(root, "Representation")[0]
    child = ref(base.text or "")
    assert (child.url, child.kind) == ("https://one.example/root/q/v.mp4?a=1&b=2", Kind.SEGMENT)
    assert found(root, "Initialization")[0].items() == [("range", "0-1")]


def test_the_manifest_itself_is_the_base_where_there_is_none() -> None:
    root = period('<AdaptationSet><Representation id="a"/></AdaptationSet>')
    assert ref(found(root, "BaseURL")[0].text or "").url == BASE


def test_a_list_is_written_whole() -> None:
    root = period(
        """<AdaptationSet><SegmentList duration="2"><Initialization sourceURL="i.mp4"/>
        <SegmentURL media="1.m4s" index="1.idx"/>
        <SegmentURL media="2.m4s"/></SegmentList>
        <Representation id="a"><BaseURL>a/</BaseURL></Representation><Representation id="b"><BaseURL>b/</BaseURL>
        </Representation></AdaptationSet>"""
    )
    lists = found(root, "SegmentList")
    assert [each.getparent() for each in lists] == found(root, "Representation")
    assert [ref(each.get("media", "")).url for each in found(root, "SegmentURL")] == [
        HERE + name for name in ("a/1.m4s", "a/2.m4s", "b/1.m4s", "b/2.m4s")
    ]
    assert ref(found(root, "SegmentURL")[0].get("index", "")).url == HERE + "a/1.idx"
    assert ref(found(root, "Initialization")[1].get("sourceURL", "")).url == HERE + "b/i.mp4"


def test_a_listed_url_is_no_longer_than_a_base_beside_it_for_ffmpeg() -> None:
    root = period(
        """<AdaptationSet><Representation id="a"><BaseURL>a/</BaseURL><SegmentList duration="2">
        <SegmentURL media="1.m4s"/><SegmentURL media="a-longer-name-than-the-others.m4s"/></SegmentList>
        </Representation></AdaptationSet>"""
    )
    [base] = found(root, "BaseURL")
    assert base.text == max((each.get("media", "") for each in found(root, "SegmentURL")), key=len)


def test_a_list_of_ranges_keeps_its_file() -> None:
    root = period(
        """<AdaptationSet><Representation id="a"><BaseURL>a.mp4</BaseURL><SegmentList><Initialization range="0-9"/>
        <SegmentURL mediaRange="10-19"/></SegmentList></Representation></AdaptationSet>"""
    )
    assert ref(found(root, "BaseURL")[0].text or "").url == HERE + "a.mp4"


def test_a_base_whose_header_lies_elsewhere_is_written_into_each_representation() -> None:
    root = period(
        """<AdaptationSet><SegmentBase indexRange="1-2"><Initialization sourceURL="i.mp4"/>
        <RepresentationIndex sourceURL="x"/></SegmentBase>
        <Representation id="a"><BaseURL>a/v.mp4</BaseURL></Representation></AdaptationSet>"""
    )
    [segments] = found(root, "SegmentBase")
    assert segments.getparent() is found(root, "Representation")[0]
    assert ref(found(root, "Initialization")[0].get("sourceURL", "")).url == HERE + "a/i.mp4"
    assert ref(found(root, "RepresentationIndex")[0].get("sourceURL", "")).url == HERE + "a/x"
    assert ref(found(root, "BaseURL")[0].text or "").url == HERE + "a/v.mp4"


def test_the_kind_of_text_and_picture_tracks_is_told() -> None:
    root = period(
        """<AdaptationSet mimeType="text/vtt"><Representation id="t"><BaseURL>t.vtt</BaseURL></Representation>
        </AdaptationSet>
        <AdaptationSet><Representation id="i" mimeType="image/jpeg"><SegmentTemplate media="$Number$.jpg"/>
        </Representation></AdaptationSet>"""
    )
    assert ref(found(root, "BaseURL")[0].text or "").kind is Kind.SUBTITLE
    assert ref(found(root, "SegmentTemplate")[0].get("media", ""), Number="1").kind is Kind.IMAGE


def test_what_time_it_is_leads_to_us_or_is_said_and_no_time_server_is_asked() -> None:
    root = mpd(
        """<ContentSteering>https://steer.example/</ContentSteering>
        <UTCTiming schemeIdUri="urn:mpeg:dash:utc:ntp:2014" value="ntp.example"/>
        <UTCTiming schemeIdUri="urn:mpeg:dash:utc:sntp:2014" value="ntp.example"/>
        <UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="https://t.example/a https://t.example/b"/>
        <UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-xsdate:2014" value="time"/>
        <UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="2026-01-01T00:00:00Z"/>""",
        'type="dynamic" minimumUpdatePeriod="PT1S"',
    )
    assert found(root, "ContentSteering") == []
    http, xsdate, direct = found(root, "UTCTiming")
    assert [ref(each).url for each in http.get("value", "").split()] == ["https://t.example/a", "https://t.example/b"]
    assert ref(xsdate.get("value", "")).url == HERE + "time"
    assert direct.get("value") == "2026-01-01T00:00:00Z"


def test_an_mpd_that_has_moved_is_one_object_with_the_same_children_however_often_it_moves() -> None:
    text = b"""<MPD type="dynamic"><Location>https://eu.example/v/live.mpd?session=2</Location>
        <Period><AdaptationSet><Representation id="a"><SegmentTemplate media="$Number$.m4s"/></Representation>
        </AdaptationSet></Period></MPD>"""

    def read(base: str, parent: str) -> tuple[StreamRef, StreamRef]:
        root = etree.fromstring(rewrite(text, links(base, parent)).body)
        [location], [template] = found(root, "Location"), found(root, "SegmentTemplate")
        return ref(location.text or ""), ref(template.get("media", ""), Number="1")

    location, first = read(BASE, "parent")
    assert location.kind is Kind.MANIFEST
    ticket = Tickets(SIGNER).read(urlsplit(SIGNER.path(location)).query.encode(), EXPIRES - 1)
    assert (ticket.object_id, ticket.family, ticket.base) == (location.object_id, "parent", "")
    assert location.object_id != "parent"
    again, second = read("https://eu.example/v/live.mpd?session=2", ticket.family)
    assert (again, second.object_id) == (location, first.object_id)


def test_a_fragment_that_nobody_signed_names_no_objects() -> None:
    ticket = Tickets(SIGNER).read(b"url=https%3A%2F%2Fcdn.example%2Fa.mpd%23.%3Dvictim%26%2F%3Dhttps%3A%2F%2Fx%2F", 0)
    assert (ticket.family, ticket.base) == (ticket.object_id, "")


def test_whom_a_player_would_talk_to_besides_is_left_out() -> None:
    root = mpd(
        """<ProgramInformation moreInformationURL="https://site.example/"><Title>A film</Title></ProgramInformation>
        <Metrics metrics="HttpList"><Reporting schemeIdUri="urn:x" reportingUrl="https://spy.example/"/></Metrics>
        <Period><EventStream schemeIdUri="urn:mpeg:dash:event:callback:2015"><Event>https://spy.example/</Event>
        </EventStream><EventStream schemeIdUri="urn:scte:scte35:2013:xml"><Event id="1">cue</Event></EventStream>
        <AdaptationSet><InbandEventStream schemeIdUri="urn:mpeg:dash:event:callback:2015"/>
        <InbandEventStream schemeIdUri="https://aomedia.org/emsg/ID3"/>
        <ContentProtection schemeIdUri="urn:uuid:1" xmlns:d="urn:d" xmlns:m="urn:m" value="cenc">
        <d:Laurl>https://licence.example/</d:Laurl><m:laurl licenseUrl="https://licence.example/"/>
        <d:Certurl>https://licence.example/</d:Certurl></ContentProtection>
        <EssentialProperty schemeIdUri="http://dashif.org/guidelines/thumbnail_tile" value="10x1"/>
        <Representation id="a"><ContentProtection schemeIdUri="urn:uuid:2"><x>https://licence.example/</x>
        </ContentProtection><BaseURL>a.mp4</BaseURL></Representation></AdaptationSet></Period>"""
    )
    assert [each for each in addresses_of_mpd(etree.tostring(root)) if is_foreign(each)] == []
    assert b"licence.example" not in etree.tostring(root)
    assert found(root, "Title")[0].text == "A film"
    assert [each.get("schemeIdUri") for each in found(root, "EventStream")] == ["urn:scte:scte35:2013:xml"]
    assert [each.get("schemeIdUri") for each in found(root, "InbandEventStream")] == ["https://aomedia.org/emsg/ID3"]
    assert len(found(root, "ContentProtection")) == 2
    assert found(root, "EssentialProperty")[0].get("schemeIdUri") == "http://dashif.org/guidelines/thumbnail_tile"


def test_other_places_of_the_standard_lead_to_us() -> None:
    root = mpd(
        """<BaseURL>https://one.example/r/</BaseURL><ImportedMPD earliestResolutionTimeOffset="5">ad.mpd</ImportedMPD>
        <InitializationSet id="1" initialization="init.mp4"/>"""
    )
    assert ref(found(root, "ImportedMPD")[0].text or "").url == "https://one.example/r/ad.mpd"
    assert ref(found(root, "InitializationSet")[0].get("initialization", "")).url == "https://one.example/r/init.mp4"


@pytest.mark.parametrize(
    ("info", "query"),
    [
        ('queryTemplate="$querypart$" useMPDUrlQuery="true"', "session=1"),
        ('queryTemplate="$querypart$" useMPDUrlQuery="true" queryString="a=b"', "session=1&a=b"),
        ('queryTemplate="s=$query:session$&amp;x=1" useMPDUrlQuery="true"', "s=1&x=1"),
        ('queryTemplate="$querypart$" includeInRequests="xlink steering" queryString="a=b"', ""),
        ('queryTemplate="$querypart$"', ""),
    ],
)
def test_a_query_that_players_are_to_add_is_the_upstreams_and_added_here(info: str, query: str) -> None:
    root = period(
        f"""<AdaptationSet><EssentialProperty schemeIdUri="urn:mpeg:dash:urlparam:2014" xmlns:up="urn:up">
        <up:UrlQueryInfo {info}/></EssentialProperty><SegmentTemplate initialization="i.mp4" media="$Number$.m4s?z"/>
        <Representation id="a"/></AdaptationSet>"""
    )
    assert found(root, "EssentialProperty") == []
    own = found(root, "SegmentTemplate")[-1]
    assert ref(own.get("initialization", "")).url == f"{HERE}i.mp4{'?' if query else ''}{query}"
    assert ref(own.get("media", ""), Number="7").url == f"{HERE}7.m4s?z{'&' if query else ''}{query}"


def test_the_time_an_mpd_takes_grows_with_its_length_and_no_faster() -> None:
    begun = time.process_time()
    root = period(f"""<AdaptationSet><SegmentTemplate media="$Number$"/>{'<Representation id="a"/>' * 10_000}
        </AdaptationSet>""")
    assert len(found(root, "SegmentTemplate")) == 10_001
    assert time.process_time() - begun < 15


def test_several_elements_that_an_mpd_links_to_are_rewritten_one_by_one() -> None:
    body = b"""<?xml version="1.0"?><Period id="1"><BaseURL>a/</BaseURL><AdaptationSet><Representation id="a">
        <BaseURL>v.mp4</BaseURL></Representation></AdaptationSet></Period><Period id="2"/>"""
    root = etree.fromstring(b"<r>" + rewrite(body, links(BASE)).body + b"</r>")
    assert [each.get("id") for each in found(root, "Period")] == ["1", "2"]
    assert ref(found(root, "BaseURL")[0].text or "").url == HERE + "a/v.mp4"


@pytest.mark.parametrize(
    "inside",
    [
        "<AdaptationSet><SegmentList>" + '<SegmentURL mediaRange="1-2"/>' * 20_000 + "</SegmentList>"
        + '<Representation id="a"/>' * 500 + "</AdaptationSet>",
        "<AdaptationSet><SegmentTemplate media='" + "$RepresentationID$" * 800 + "'/>"
        + f"<Representation id='{'a' * 10_000}'/></AdaptationSet>",
        "<AdaptationSet><SegmentTemplate initialization='" + "i" * 15_000 + "' media='$Number$'/>"
        + '<Representation id="a"/>' * 4000 + "</AdaptationSet>",
    ],
)  # fmt: skip
def test_a_short_mpd_that_stands_for_an_endless_one_is_the_upstreams_failure(inside: str) -> None:
    with pytest.raises(Unavailable) as caught:
        period(inside)
    assert caught.value.code == "upstream_failed"


def test_remote_elements_lead_to_us_unless_they_resolve_to_nothing() -> None:
    root = mpd(
        '<Period xlink:href="ad.xml" xlink:actuate="onLoad"/><Period xlink:href="urn:mpeg:dash:resolve-to-zero:2013"/>'
    )
    first, second = (each.get("{http://www.w3.org/1999/xlink}href", "") for each in found(root, "Period"))
    assert (ref(first).url, ref(first).kind) == (HERE + "ad.xml", Kind.MANIFEST)
    assert second == "urn:mpeg:dash:resolve-to-zero:2013"


def test_a_period_by_itself_is_rewritten_too() -> None:
    body = b"""<Period><AdaptationSet><Representation id="a"><BaseURL>a.mp4</BaseURL></Representation></AdaptationSet>
        </Period>"""
    root = etree.fromstring(rewrite(body, links(BASE)).body)
    assert ref(found(root, "BaseURL")[0].text or "").url == HERE + "a.mp4"


def test_how_early_segments_may_be_asked_for_is_kept() -> None:
    root = period(
        """<AdaptationSet><BaseURL availabilityTimeOffset="1.5">v/</BaseURL><SegmentTemplate media="$Number$.m4s"/>
        <Representation id="a"/></AdaptationSet>"""
    )
    [base] = found(root, "BaseURL")
    assert (base.get("availabilityTimeOffset"), base.text) == ("1.5", "/api/proxy")
    assert ref(found(root, "SegmentTemplate")[-1].get("media", ""), Number="1").url == HERE + "v/1.m4s"


@pytest.mark.parametrize(
    ("attributes", "is_live", "fresh_s"),
    [
        ('type="static"', False, 300.0),
        ('type="dynamic" minimumUpdatePeriod="PT0.5S"', True, 0.25),
        ('type="dynamic" minimumUpdatePeriod="PT1M"', True, 1.0),
        ('type="dynamic"', True, 1.0),
        ('type="dynamic" minimumUpdatePeriod="PT0S"', True, 0.25),
        ('type="dynamic" minimumUpdatePeriod="P0Y0M0DT0H0M1.000S"', True, 0.5),
        ('type="dynamic" minimumUpdatePeriod="PT1.2.3S"', True, 1.0),
    ],
)
def test_what_is_live_is_asked_for_again_soon(attributes: str, is_live: bool, fresh_s: float) -> None:
    made = rewrite(f"<MPD {attributes}/>".encode(), links(BASE))
    assert (made.is_live, made.fresh_s) == (is_live, fresh_s)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<MPD>",
        b"<html/>",
        b'<!DOCTYPE MPD [<!ENTITY x "y">]><MPD><Location>&x;</Location></MPD>',
        b'<!DOCTYPE MPD SYSTEM "http://evil.example/x.dtd"><MPD/>',
        b"<!DOCTYPE MPD [" + b'<!ENTITY a "aaaaaaaaaa">' + b"]><MPD>&a;</MPD>",
        b"<MPD><BaseURL>http://[::1</BaseURL><Period/></MPD>",
    ],
)
def test_a_document_that_is_no_plain_mpd_is_the_upstreams_failure(body: bytes) -> None:
    with pytest.raises(Unavailable) as caught:
        rewrite(body, links(BASE))
    assert caught.value.code == "upstream_failed"


def test_rewriting_twice_gives_the_same() -> None:
    body = b"""<MPD><Period><AdaptationSet><Representation id="a"><SegmentTemplate media="$Number$.m4s"/>
        </Representation>
        </AdaptationSet></Period></MPD>"""
    assert rewrite(body, links(BASE)) == rewrite(body, links(BASE))
