// How wide words are, and words that fit.

// Words that go on and on are cut behind one of them.
function brief(words, most) {
  if (words.length <= most) return words;
  return `${words.slice(0, words.lastIndexOf(" ", most) + 1 || most).trimEnd()} …`;
}

const ruler = document.createElement("canvas").getContext("2d");

function measured(words, font) {
  ruler.font = `${font} ${FONT}`;
  return ruler.measureText(words).width;
}

// Names differ at their ends: the middle is left out. A name is at least one pixel a character, so what is longer than
// the room is cut before it is measured.
function fitted(words, width, font) {
  if (words.length <= width && measured(words, font) <= width) return words;
  const cut = (most) => `${words.slice(0, Math.floor(most * 0.4))}…${words.slice(words.length - Math.ceil(most * 0.6))}`;
  let [fits, most] = [2, Math.max(2, Math.min(words.length - 1, Math.floor(width)))];
  while (fits < most) {
    const half = Math.ceil((fits + most) / 2);
    if (measured(cut(half), font) <= width) fits = half;
    else most = half - 1;
  }
  return cut(fits);
}
