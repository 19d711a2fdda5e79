/**
 * Up to here nobody hears that the pitch goes along: 2.5 % is less than half a semitone. Keeping it has a price, for
 * Chromium's time stretching loses 16 to 25 ms whenever it begins, and takes everything within 0.1 % of 1 for 1.
 */
const UNHEARD = 0.025;

/** Sets how fast an element plays. */
export function setSpeed(media: HTMLMediaElement, rate: number): void {
  if (media.playbackRate === rate) return;
  if (rate !== 1) media.preservesPitch = Math.abs(rate - 1) > UNHEARD;
  media.playbackRate = rate;
}
