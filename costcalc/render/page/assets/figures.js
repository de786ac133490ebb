// Amounts as the page prints them. An amount is a number, digits that a number would not hold exactly, a formula
// or other text {text, order}, a lower bound {least}, or null where it is not known.

const grouped = new Intl.NumberFormat("en-US");
const DECIMAL = ["", "k", "M", "G", "T", "P", "E"];
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

function exact(amount) {
  if (amount === null || amount === undefined) return "?";
  if (typeof amount === "number") return grouped.format(amount);
  if (typeof amount === "string") return grouped.format(BigInt(amount));
  return amount.text ?? `≥ ${exact(amount.least)}`;
}

// The number to draw by; NaN of a formula and of what is not known.
function plain(amount) {
  if (amount === null || amount === undefined) return NaN;
  if (typeof amount === "object") return amount.least === undefined ? NaN : plain(amount.least);
  return Number(amount);
}

// Three significant digits, halves up, as costcalc prints everywhere: 1.81 G, 44.6 MiB.
function digits(value) {
  const places = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  const scaled = Math.floor(value * 10 ** places + 0.5);
  return places ? (scaled / 10 ** places).toFixed(places) : grouped.format(scaled);
}

// The same of a ratio of whole numbers (BigInt), exact: a half is no half where it is rounded before.
function ratioDigits(count, unit) {
  const places = count * 1000n < 9995n * unit ? 2 : count * 100n < 9995n * unit ? 1 : 0;
  const power = 10n ** BigInt(places);
  const scaled = (2n * count * power + unit) / (2n * unit);
  return places ? `${scaled / power}.${String(scaled % power).padStart(places, "0")}` : grouped.format(scaled);
}

function scaledBy(amount, base, prefixes) {
  if (amount === null || amount === undefined) return "?";
  if (typeof amount === "object") return amount.text ?? `≥ ${scaledBy(amount.least, base, prefixes)}`;
  const value = Number(amount);
  if (value < base) return `${Number.isInteger(value) ? value : digits(value)} ${prefixes[0]}`.trim();
  const isCount = typeof amount === "string" || Number.isInteger(value);
  const inUnit = (power) =>
    isCount ? ratioDigits(BigInt(amount), BigInt(base) ** BigInt(power)) : digits(value / base ** power);
  let power = 0;
  while (power < prefixes.length - 1 && Number(inUnit(power).replaceAll(",", "")) >= base) power += 1;
  return `${inUnit(power)} ${prefixes[power]}`;
}

const short = (amount) => scaledBy(amount, 1000, DECIMAL);
const bytes = (amount) => scaledBy(amount, 1024, BINARY);
const isBytes = (key) => key.endsWith("bytes");
const rounded = (amount, key) => (isBytes(key) ? bytes(amount) : short(amount));

function percent(share) {
  if (!Number.isFinite(share)) return "";
  return share > 0 && share < 0.0005 ? "<0.1%" : `${(share * 100).toFixed(1)}%`;
}

function times(ratio) {
  if (ratio === null) return "–";
  if (ratio === 0 || ratio === 1) return `${ratio}×`;
  return ratio < 0.01 ? `${Number(ratio.toPrecision(2))}×` : `${digits(ratio)}×`;
}

function seconds(value, unit = "s") {
  if (value === null) return "?";
  if (!value) return `0 ${unit}`;
  let power = 0;
  while (value < 0.9995 && power < 5) [value, power] = [value * 1000, power + 1];
  return `${digits(value)} ${["", "m", "µ", "n", "p", "f"][power]}${unit}`;
}

// An order of amounts: formulas above numbers by their degree, what is not known below everything.
function compare(a, b) {
  const [left, right] = [orderOf(a), orderOf(b)];
  return left[0] - right[0] || left[1] - right[1];
}

function orderOf(amount) {
  if (amount === null || amount === undefined) return [-1, 0];
  if (typeof amount === "object") return amount.order ?? orderOf(amount.least);
  return [0, Number(amount)];
}
