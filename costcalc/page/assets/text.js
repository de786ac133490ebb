// How wide words are, and words that fit.

const ruler = document.createElement("canvas").getContext("2d");

function measured(words, font) {
  ruler.font = `${font} ${FONT}`;
  return ruler.measureText(words).width;
}

// Names differ at their ends: the middle is left out.
function fitted(words, width, font) {
  if (measured(words, font) <= width) return words;
  let most = words.length - 1;
  const cut = () => `${words.slice(0, Math.floor(most * 0.4))}…${words.slice(words.length - Math.ceil(most * 0.6))}`;
  while (most > 2 && measured(cut(), font) > width) most -= 1;
  return cut();
}
