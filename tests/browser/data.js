//! Tables that scenarios make for themselves.

/// A table of yes and no that can be learned: two numbers, a category, an id.
export function shopCsv(nRows = 240) {
  const lines = ["id,visits,basket,country,returned"];
  for (let row = 0; row < nRows; row += 1) {
    const visits = (row * 7) % 23;
    const basket = ((row * 13) % 97) / 2;
    const country = ["NL", "DE", "FR"][row % 3];
    lines.push(`${row + 1},${visits},${basket},${country},${visits + basket / 8 > 14 ? "yes" : "no"}`);
  }
  return lines.join("\n") + "\n";
}
