// Blocks and layers at a depth of the tree, what reads what between them, and where each stands (by dagre, in layers).

const SIZE = { width: 212, height: 46 };
const MOST = 400;
const LONGEST = 3000;

// What stands in a block. Where that is more than can be drawn, the layers that are in no block of it stand as one, and
// where there are no blocks, or too many, all in runs.
function inside(node) {
  const { children } = node;
  if (children.length <= MOST) return children;
  return (node.runs ??= apart(node) ?? runs(node));
}

function apart(node) {
  const blocks = node.children.filter((child) => child.children.length);
  const loose = node.children.filter((child) => !child.children.length);
  if (!blocks.length || !loose.length || blocks.length >= MOST) return null;
  return [...blocks, gathered(node, `${counted(loose.length)} in no block`, loose)].sort((a, b) => a.layers[0] - b.layers[0]);
}

function runs(node) {
  const { children } = node;
  const size = Math.ceil(Math.sqrt(children.length));
  const what = children.some((child) => child.children.length) ? "blocks" : "layers";
  return Array.from({ length: Math.ceil(children.length / size) }, (_, i) => {
    const part = children.slice(i * size, (i + 1) * size);
    return gathered(node, `${what} ${exact(i * size + 1)} to ${exact(i * size + part.length)}`, part);
  });
}

const gathered = (parent, label, children) => ({ label, parent, children, layers: children.flatMap(({ layers }) => layers), layer: null });

// The blocks and layers of a block, opened so deep.
function opened(node, depth) {
  let level = inside(node);
  for (let i = 1; i < depth; i += 1) level = level.flatMap((child) => (child.children.length ? inside(child) : [child]));
  return level;
}

function deepest(node) {
  let depth = 1;
  let before = opened(node, 1).length;
  for (;;) {
    const next = opened(node, depth + 1).length;
    if (next === before && opened(node, depth + 1).every((child) => !child.children.length)) return depth;
    if (depth > 64) return depth;
    [before, depth] = [next, depth + 1];
  }
}

// Nodes {id, node, text} and pairs of ids. What is outside of the block stands as one node for each way in and out.
function wiring(model, node, depth) {
  const parts = opened(node, depth);
  const home = new Map(parts.flatMap((part, i) => part.layers.map((layer) => [layer, i])));
  const nodes = parts.map((part, i) => ({ id: String(i), part }));
  const pairs = new Map();
  const outside = new Map();
  const join = (from, to, layer) => { if (from !== to) pairs.set(`${from}>${to}`, { from, to, layer }); };
  const beside = (kind, layer, text) => {
    const id = `${kind}${layer}`;
    if (!outside.has(id)) outside.set(id, { id, text });
    return id;
  };
  for (const [from, to] of model.edges.pairs) {
    const [a, b] = [home.get(from), home.get(to)];
    if (a !== undefined && b !== undefined) join(String(a), String(b), from);
    else if (b !== undefined) join(beside("in", from, from < 0 ? model.edges.inputs[-1 - from] : `from ${model.layers.name[from]}`), String(b), from);
    else if (a !== undefined) join(String(a), beside("out", to, `to ${model.layers.name[to]}`), from);
  }
  for (const [from, text] of model.edges.outputs) {
    if (home.has(from)) join(String(home.get(from)), beside("end", from, text), from);
  }
  return { nodes: [...nodes, ...outside.values()], pairs: [...pairs.values()] };
}

// Whether a diagram can be laid out while someone waits: it is not too many nodes, and its edges do not span too many.
function drawable({ nodes, pairs }) {
  const span = pairs.reduce((sum, { from, to }) => sum + Math.abs((Number(to) || 0) - (Number(from) || 0)), 0);
  return nodes.length <= MOST && span <= LONGEST;
}

function placed({ nodes, pairs }) {
  const graph = new dagre.Graph();
  graph.setGraph({ rankdir: "TB", nodesep: 22, ranksep: 26, edgesep: 12, marginx: 12, marginy: 12 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id, part } of nodes) graph.setNode(id, part ? { ...SIZE } : { width: SIZE.width, height: 24 });
  for (const { from, to } of pairs) graph.setEdge(from, to);
  dagre.layout(graph);
  const { width, height } = graph.graph();
  return { width: Math.max(width, SIZE.width + 24), height: Math.max(height, 60), at: (id) => graph.node(id), way: (from, to) => graph.edge(from, to).points };
}

// A smooth line through the points of an edge.
function curve(points) {
  const [first, ...rest] = points;
  let path = `M${first.x.toFixed(1)} ${first.y.toFixed(1)}`;
  for (let i = 0; i < rest.length - 1; i += 1) {
    const [control, next] = [rest[i], rest[i + 1]];
    const end = i === rest.length - 2 ? next : { x: (control.x + next.x) / 2, y: (control.y + next.y) / 2 };
    path += `Q${control.x.toFixed(1)} ${control.y.toFixed(1)} ${end.x.toFixed(1)} ${end.y.toFixed(1)}`;
  }
  return rest.length === 1 ? `${path}L${rest[0].x.toFixed(1)} ${rest[0].y.toFixed(1)}` : path;
}
