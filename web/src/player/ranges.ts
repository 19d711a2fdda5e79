/** Seconds buffered beyond `time`, in the range that holds it: a far away range is of no help now. */
export function bufferedAhead(ranges: TimeRanges, time: number): number {
  for (let index = 0; index < ranges.length; index += 1) {
    // A seek lands a hair before the range that was loaded for it.
    if (ranges.start(index) - 0.1 <= time && time <= ranges.end(index)) return ranges.end(index) - time;
  }
  return 0;
}
