"""Streams that have been live since 1970, made of the clip's segments over and over: HLS with parts, and DASH.

Segment n covers [n, n + 1) · `segment_s` of Unix time and appears when it is over.
"""

from __future__ import annotations

import re
import struct
from datetime import UTC, datetime
from typing import Final

WINDOW: Final = 6
# So many segments offer those who go back in them, in `long.m3u8` and `long.mpd`.
LONG_WINDOW: Final = 45
PART_S: Final = 1
# How else an MPD may say when its pictures are of: without UTCTiming; without a time zone, which is UTC by ISO/IEC
# 23009-1; in another zone; counted from a start of its own; by a clock that is wrong, and a UTCTiming that says so.
WAYS: Final = ("silent", "naive", "zoned", "recent", "ahead")
AHEAD_S: Final = 25
_EPOCH: Final = "1970-01-01T00:00:00Z"
_TIMING: Final = re.compile(r"<UTCTiming [^>]*/>")


def parts_ready_at(msn: int, part: int | None, segment_s: int) -> float:
    """When a playlist that is asked for with `_HLS_msn`, `_HLS_part` holds that part (Unix seconds)."""
    return (msn + 1) * segment_s if part is None else msn * segment_s + (part + 1) * PART_S


def parts_playlist(now: float, segments: int, segment_s: int) -> str:
    """A low-latency playlist (rfc8216bis, appendix B): whole segments, then parts, then what comes next."""
    parts = segment_s // PART_S
    ready = int(now // PART_S)
    last = ready // parts - 1
    first = last - WINDOW + 1
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:9",
        f"#EXT-X-TARGETDURATION:{segment_s}",
        f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={3 * PART_S:.1f}",
        f"#EXT-X-PART-INF:PART-TARGET={PART_S:.1f}",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{(first - 1) // segments}",
        '#EXT-X-MAP:URI="init.mp4"',
    ]
    # The one after the last is listed once it has a part.
    for number in range(first, -(-ready // parts)):
        if number % segments == 0:
            lines.append("#EXT-X-DISCONTINUITY")
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{datetime.fromtimestamp(number * segment_s, UTC):%Y-%m-%dT%H:%M:%SZ}")
        own = range(number * parts, min(number * parts + parts, ready)) if number > last - 2 else ()
        lines += [f'#EXT-X-PART:DURATION={PART_S:.3f},URI="part-{part}.m4s",INDEPENDENT=YES' for part in own]
        if number <= last:
            lines += [f"#EXTINF:{segment_s:.3f},", f"{number}.m4s"]
    lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part-{ready}.m4s"')
    return "\n".join([*lines, ""])


def mpd(now: float, segment_s: int, period_s: float, window: int = WINDOW) -> str:
    """A dynamic MPD of one Period; numbers and media time count from 1970, as `DASH-IF` live simulators do."""
    published = datetime.fromtimestamp(now // segment_s * segment_s, UTC)
    template = (
        f'<SegmentTemplate timescale="1" duration="{segment_s}" startNumber="0" '
        'initialization="dash/$RepresentationID$-init.m4s" media="dash/$RepresentationID$-$Number$.m4s"/>'
    )
    return f"""<?xml version="1.0" encoding="utf-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="dynamic"
     availabilityStartTime="1970-01-01T00:00:00Z" publishTime="{published:%Y-%m-%dT%H:%M:%SZ}"
     minimumUpdatePeriod="PT{period_s:g}S" timeShiftBufferDepth="PT{window * segment_s}S"
     suggestedPresentationDelay="PT{2 * segment_s}S" minBufferTime="PT{segment_s}S">
  <Period id="live" start="PT0S">
    <AdaptationSet contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">
      {template}
      <Representation id="2" codecs="avc1.42c01e" bandwidth="450000" width="640" height="360" frameRate="24"/>
    </AdaptationSet>
    <AdaptationSet contentType="audio" mimeType="audio/mp4" lang="en" segmentAlignment="true" startWithSAP="1">
      {template}
      <Representation id="3" codecs="mp4a.40.2" bandwidth="66000" audioSamplingRate="48000"/>
    </AdaptationSet>
  </Period>
  <UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="now"/>
</MPD>
"""


def told(mpd: str, way: str, began: float, segment_s: int) -> str:
    """The same stream as other origins tell of it: one of `WAYS`. `began` (Unix seconds) is when it says it did."""
    match way:
        case "silent":
            return _TIMING.sub("", mpd)
        case "naive":
            return mpd.replace(_EPOCH, _EPOCH.removesuffix("Z"))
        case "zoned":
            return mpd.replace(_EPOCH, "1970-01-01T02:00:00+02:00")
        case "recent":
            first = int(began // segment_s)
            start = datetime.fromtimestamp(first * segment_s, UTC)
            counted = f'startNumber="{first}" presentationTimeOffset="{first * segment_s}"'
            return mpd.replace(_EPOCH, f"{start:%Y-%m-%dT%H:%M:%SZ}").replace('startNumber="0"', counted)
        case "ahead":
            start = datetime.fromtimestamp(AHEAD_S, UTC)
            return mpd.replace(_EPOCH, f"{start:%Y-%m-%dT%H:%M:%SZ}").replace('value="now"', 'value="now-ahead"')
        case _:
            raise ValueError(way)


def listed_mpd(now: float, segment_s: int) -> str:
    """As `mpd`, but each segment is listed, and changes come as patches (ISO/IEC 23009-1 §5.15)."""
    last = int(now // segment_s) - 1
    times = range((last - WINDOW + 1) * segment_s, (last + 1) * segment_s, segment_s)
    sets = "".join(
        f"""<AdaptationSet contentType="{kind}" mimeType="{kind}/mp4" segmentAlignment="true" startWithSAP="1">
      <SegmentTemplate timescale="1" initialization="dash/$RepresentationID$-init.m4s"
          media="dash/$RepresentationID$-t$Time$.m4s">
        <SegmentTimeline>{"".join(f'<S t="{time}" d="{segment_s}"/>' for time in times)}</SegmentTimeline>
      </SegmentTemplate>
      <Representation id="{name}" codecs="{codecs}" bandwidth="{bandwidth}"/>
    </AdaptationSet>"""
        for kind, name, codecs, bandwidth in (("video", 2, "avc1.42c01e", 450_000), ("audio", 3, "mp4a.40.2", 66_000))
    )
    return f"""<?xml version="1.0" encoding="utf-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" id="live" type="dynamic"
     availabilityStartTime="1970-01-01T00:00:00Z" publishTime="{_published(last, segment_s)}"
     minimumUpdatePeriod="PT{segment_s}S" timeShiftBufferDepth="PT{WINDOW * segment_s}S"
     suggestedPresentationDelay="PT{2 * segment_s}S" minBufferTime="PT{segment_s}S">
  <Location>listed.mpd?moved=1</Location>
  <PatchLocation>patch-{last}.mpd</PatchLocation>
  <Period id="1" start="PT0S">{sets}</Period>
  <UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-xsdate:2014" value="now"/>
</MPD>
"""


def patch(now: float, segment_s: int, after: int) -> str:
    """What makes of `listed_mpd`, when segment `after` was its last, that of `now`."""
    last = int(now // segment_s) - 1
    lines = [f"/MPD/Period[@id='1']/AdaptationSet[{place}]/SegmentTemplate[1]/SegmentTimeline[1]" for place in (1, 2)]
    changes = [
        f'<add sel="{line}"><S t="{number * segment_s}" d="{segment_s}"/></add><remove sel="{line}/S[1]"/>'
        for number in range(after + 1, last + 1)
        for line in lines
    ]
    return f"""<?xml version="1.0" encoding="utf-8"?>
<Patch xmlns="urn:mpeg:dash:schema:mpd-patch:2020" mpdId="live" originalPublishTime="{_published(after, segment_s)}"
     publishTime="{_published(last, segment_s)}">
  <replace sel="/MPD/@publishTime">{_published(last, segment_s)}</replace>
  <replace sel="/MPD/PatchLocation[1]"><PatchLocation>patch-{last}.mpd</PatchLocation></replace>
  {"".join(changes)}
</Patch>
"""


def _published(last: int, segment_s: int) -> str:
    return f"{datetime.fromtimestamp((last + 1) * segment_s, UTC):%Y-%m-%dT%H:%M:%SZ}"


def moved(segment: bytes, init: bytes, by_s: int) -> bytes:
    """A fragment of an MP4 whose media time is `by_s` later, as its `tfdt` tells; its `sidx` is left out."""
    made = bytearray()
    place = 0
    while place < len(segment):
        size, kind = struct.unpack_from(">I4s", segment, place)
        if kind != b"sidx":
            made += segment[place : place + size]
        place += size
    at = made.index(b"tfdt") + 4
    if made[at] != 1:
        raise ValueError("a tfdt of 32 bits holds no Unix time")
    (time,) = struct.unpack_from(">Q", made, at + 4)
    struct.pack_into(">Q", made, at + 4, time + by_s * _timescale(init))
    return bytes(made)


def _timescale(init: bytes) -> int:
    at = init.index(b"mdhd") + 4
    return int(struct.unpack_from(">I", init, at + (12 if init[at] == 0 else 20))[0])
