/** The first of the wanted languages (`de-AT`, `fr` …) that there is, by its main part; pure. */
export function pick<T extends string>(wanted: readonly string[], offered: readonly T[], otherwise: T): T {
  for (const each of wanted) {
    const main = each.toLowerCase().split("-")[0];
    const found = offered.find((code) => code === main);
    if (found !== undefined) return found;
  }
  return otherwise;
}
