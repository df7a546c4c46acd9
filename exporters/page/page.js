/* SPDX-License-Identifier: Apache-2.0
 *
 * The flame graph page. The format of the data is in exporters/html.h.
 *
 * A tree is a set of columns over its nodes in preorder (`end`: one past the last node below). All
 * weights come from two prefix sums, so that any total is one subtraction; each row of the picture
 * is a slice of `rowNode`, found by binary search.
 */
'use strict';

const KIND = { MASK: 7, USER: 0, KERNEL: 1, JIT: 2, UNNAMED: 3, PROCESS: 4, ROOT: 5 };
const INLINED = 8;
const KIND_TEXT = ['', 'kernel', 'JIT code', 'no symbol', 'process', 'everything'];
const KIND_GLYPH = ['', ' [k]', ' [j]', ' [?]', '', ''];
const ROW = 17, FONT_SIZE = 11, PAD = 3;
const NARROW = 1.5; /* pixels; what is narrower merges into a strip */
const Z95 = 1.959964;
const FONT = FONT_SIZE + 'px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, "Liberation Mono", monospace';

const $ = id => document.getElementById(id);

/* ---- data ---- */

async function inflate(base64) {
	const stream = new Blob([fromBase64(base64)]).stream()
		.pipeThrough(new DecompressionStream('deflate-raw'));
	return new Uint8Array(await new Response(stream).arrayBuffer());
}

function fromBase64(text) {
	if (Uint8Array.fromBase64)
		return Uint8Array.fromBase64(text);
	const bytes = atob(text), out = new Uint8Array(bytes.length);
	for (let i = 0; i < out.length; i++)
		out[i] = bytes.charCodeAt(i);
	return out;
}

function sections(bytes) {
	const view = new DataView(bytes.buffer, bytes.byteOffset);
	const n = view.getUint32(0, true), out = [];
	let at = 4 * (n + 1);
	for (let i = 0; i < n; i++) {
		const len = view.getUint32(4 * (i + 1), true);
		out.push(bytes.subarray(at, at + len));
		at += len;
	}
	return out;
}

/* Marks that turn text around would let a name dress up as another one: they are spelled out. */
function texts(bytes) {
	const all = new TextDecoder().decode(bytes).replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
		c => '<U+' + c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0') + '>');
	const out = all.split('\0');
	out.pop();
	return out;
}

function numbers(bytes, out) {
	let at = 0;
	for (let i = 0; i < out.length; i++) {
		let b = bytes[at++], v = b & 127;
		for (let unit = 128; b & 128; unit *= 128) {
			b = bytes[at++];
			v += (b & 127) * unit;
		}
		out[i] = v;
	}
	return out;
}

function count(bytes) { /* varints in `bytes` */
	let n = 0;
	for (let i = 0; i < bytes.length; i++)
		n += bytes[i] < 128;
	return n;
}

function chunks(list, size) {
	const out = [];
	for (let i = 0; i + size <= list.length; i += size)
		out.push(list.slice(i, i + size));
	return out;
}

/* What all views share: names, functions, modules, types, and what is said about the recording. */
const D = {};

function decode(bytes) {
	const s = sections(bytes);
	const [meta, types, maps, modules, functions, fnModule, names, info, drop, name, inner] = s;
	D.meta = { comment: [] };
	for (const [key, value] of chunks(texts(meta), 2))
		key === 'comment' ? D.meta.comment.push(value) : D.meta[key] = value;
	D.types = chunks(texts(types), 3).map(t => ({ name: t[0], unit: t[1], unitValue: +t[2] }));
	D.maps = chunks(texts(maps), 3);
	D.modules = texts(modules);
	D.functions = texts(functions);
	D.fnModule = numbers(fnModule, new Uint32Array(D.functions.length));
	D.names = texts(names);
	D.nameFn = numbers(info, new Uint32Array(D.names.length));
	D.nameFlags = D.nameFn.map(v => v & 15);
	D.nameFn = D.nameFn.map(v => v >>> 4);
	D.names.forEach((text, i) => { D.names[i] = text || D.functions[D.nameFn[i]]; });
	D.tree = mainTree(drop, name, inner, s.slice(11));
}

function mainTree(drop, name, inner, selfs) {
	const n = count(drop) + 1, depth = new Uint32Array(n), names = new Uint32Array(n);
	numbers(drop, depth.subarray(1));
	numbers(name, names.subarray(1));
	for (let i = 1; i < n; i++)
		depth[i] = depth[i - 1] + 1 - depth[i];
	const T = shape({ n, depth, name: names });
	T.selfNode = selfNodes(T, inner);
	T.selfs = selfs.map((bytes, i) => numbers(bytes, column(T.selfNode.length, bytes)));
	return T;
}

/* Short values in 32 bits, long ones (five bytes and more) as floating point. */
function column(n, bytes) {
	return bytes.length > 3 * n ? new Float64Array(n) : small(n, bytes);
}

function small(n, bytes) {
	let run = 0;
	for (let i = 0; i < bytes.length; i++) {
		run = bytes[i] & 128 ? run + 1 : 0;
		if (run > 3)
			return new Float64Array(n);
	}
	return new Uint32Array(n);
}

/* Nodes with a weight of their own, in order: all leaves, and those that `inner` lists. */
function selfNodes(T, inner) {
	const all = numbers(inner, new Uint32Array(count(inner))), own = new Uint8Array(T.n);
	let at = 0, n = 0;
	for (let i = 1; i < all.length; i++)
		own[at += all[i]] = 1;
	for (let i = 0; i < T.n; i++)
		if (T.end[i] === i + 1)
			own[i] = 1;
	for (let i = 0; i < T.n; i++)
		n += own[i];
	const out = new Uint32Array(n);
	for (let i = 0, k = 0; i < T.n; i++)
		if (own[i])
			out[k++] = i;
	return out;
}

/* From the depths: where each subtree ends, and each row's nodes. */
function shape(T) {
	const { n, depth } = T, end = new Uint32Array(n);
	let rows = 0;
	for (let i = 0; i < n; i++)
		rows = Math.max(rows, depth[i] + 1);
	const open = new Uint32Array(rows), start = new Uint32Array(rows + 1);
	let top = -1;
	for (let i = 0; i < n; i++) {
		const d = depth[i];
		for (; top >= d; top--)
			end[open[top]] = i;
		open[top = d] = i;
		start[d]++;
	}
	for (; top >= 0; top--)
		end[open[top]] = n;
	for (let d = 0, at = 0; d <= rows; d++) {
		const here = start[d];
		start[d] = at;
		at += here;
	}
	const fill = start.slice(), rowNode = new Uint32Array(n);
	for (let i = 0; i < n; i++)
		rowNode[fill[depth[i]]++] = i;
	return Object.assign(T, { end, rows, rowStart: start, rowNode });
}

function prefix(T, values) {
	let sum = 0;
	for (let k = 0; k < values.length; k++)
		sum += values[k];
	const P = sum < 2 ** 32 ? new Uint32Array(T.n + 1) : new Float64Array(T.n + 1);
	let at = 0;
	sum = 0;
	for (let k = 0; k < values.length; k++) {
		const node = T.selfNode[k];
		for (; at <= node; at++)
			P[at] = sum;
		sum += values[k];
	}
	for (; at <= T.n; at++)
		P[at] = sum;
	return P;
}

/* `P`: weight before each node; `X`: left edge of each box (its children start there, its own
 * weight is at the right); `N`: samples before each node, or null where nobody counted them. */
function weigh(T, weights, samples) {
	const { n, depth } = T;
	T.P = prefix(T, weights);
	T.N = samples === weights ? T.P : samples && prefix(T, samples);
	T.X = new T.P.constructor(n);
	const above = new Float64Array(T.rows + 1);
	for (let i = 0; i < n; i++) {
		const d = depth[i];
		T.X[i] = T.P[i] - above[d];
		above[d + 1] = above[d] + T.P[i + 1] - T.P[i];
	}
	return T;
}

const total = (T, i) => T.P[T.end[i]] - T.P[i];
const self = (T, i) => T.P[i + 1] - T.P[i];
const hits = (T, i) => T.N ? T.N[T.end[i]] - T.N[i] : NaN;
const selfHits = (T, i) => T.N ? T.N[i + 1] - T.N[i] : NaN;
const kind = name => D.nameFlags[name] & KIND.MASK;
const moduleOf = name => D.modules[D.fnModule[D.nameFn[name]]];
const isFrame = name => kind(name) < KIND.PROCESS;

/* The last place in a row whose node is not after `node`; by preorder, so it is its ancestor or
 * itself when the row is not below it. */
function ancestor(T, node, row) {
	let low = T.rowStart[row], high = T.rowStart[row + 1];
	while (low + 1 < high) {
		const middle = (low + high) >>> 1;
		if (T.rowNode[middle] <= node)
			low = middle;
		else
			high = middle;
	}
	return T.rowNode[low];
}

const parent = (T, i) => i ? ancestor(T, i, T.depth[i] - 1) : -1;

function commonAncestor(T, a, b) {
	let d = Math.min(T.depth[a], T.depth[b]);
	while (ancestor(T, a, d) !== ancestor(T, b, d))
		d--;
	return ancestor(T, a, d);
}

/* The first place of row `d` whose box ends right of `x`. */
function firstRightOf(T, d, x) {
	let low = T.rowStart[d], high = T.rowStart[d + 1];
	while (low < high) {
		const middle = (low + high) >>> 1, i = T.rowNode[middle];
		if (T.X[i] + total(T, i) <= x)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first place after `k` whose box starts at `x` or right of it; most often it is near. */
function nextFrom(T, k, end, x) {
	let step = 1, low = k + 1;
	while (low + step < end && T.X[T.rowNode[low + step]] < x) {
		low += step;
		step *= 2;
	}
	let high = Math.min(low + step, end);
	while (low < high) {
		const middle = (low + high) >>> 1;
		if (T.X[T.rowNode[middle]] < x)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- functions ---- */

/* Per function in the nodes from `from` to `to`: self, total with recursion counted once, samples. */
function functionTable(T, from, to) {
	const n = D.functions.length, open = new Uint32Array(n), path = new Uint32Array(T.rows + 1);
	const R = { self: new Float64Array(n), total: new Float64Array(n),
		selfHits: new Float64Array(n), hits: new Float64Array(n), boxes: new Uint32Array(n) };
	const { P, N, depth, name, end } = T, base = depth[from];
	let top = -1;
	for (let i = from; i < to; i++) {
		const d = depth[i] - base, f = D.nameFn[name[i]];
		for (; top >= d; top--)
			open[path[top]]--;
		path[top = d] = f;
		R.boxes[f]++;
		if (open[f]++ === 0) {
			R.total[f] += P[end[i]] - P[i];
			if (N)
				R.hits[f] += N[end[i]] - N[i];
		}
		R.self[f] += P[i + 1] - P[i];
		if (N)
			R.selfHits[f] += N[i + 1] - N[i];
	}
	return R;
}

/* Callers and callees of a function, merged over all its outermost places, as two trees whose
 * root is the function. */
function butterfly(T, fn) {
	const down = new Merger(fn), up = new Merger(fn);
	const { depth, name, end, P, N } = T, path = new Uint32Array(T.rows + 1);
	const at = new Uint32Array(T.rows + 1);
	let inside = 0, base = 0;
	for (let i = 0; i < T.n; i++) {
		const d = depth[i];
		path[d] = name[i];
		if (i >= inside) {
			if (D.nameFn[name[i]] !== fn)
				continue;
			inside = end[i];
			base = d;
			up.add(up.chain(path, d), P[inside] - P[i], N ? N[inside] - N[i] : 0);
			at[0] = 0;
		} else {
			at[d - base] = down.child(at[d - base - 1], name[i]);
		}
		if (P[i + 1] > P[i])
			down.add(at[d - base], P[i + 1] - P[i], N ? N[i + 1] - N[i] : 0);
	}
	return { up: up.tree(T), down: down.tree(T) };
}

class Merger {
	constructor(fn) {
		this.name = [D.nameFn.indexOf(fn)];
		this.parent = [0];
		this.weight = [0];
		this.hits = [0];
		this.known = new Map();
	}
	child(node, name) {
		const key = node * D.names.length + name;
		let c = this.known.get(key);
		if (c === undefined) {
			c = this.name.push(name) - 1;
			this.parent.push(node);
			this.weight.push(0);
			this.hits.push(0);
			this.known.set(key, c);
		}
		return c;
	}
	chain(path, depth) {
		let node = 0;
		for (let d = depth - 1; d > 0; d--)
			node = this.child(node, path[d]);
		return node;
	}
	add(node, weight, hits) {
		this.weight[node] += weight;
		this.hits[node] += hits;
	}
	/* Parents come before their children in these lists; the tree wants preorder by weight. */
	tree(T) {
		const n = this.name.length, sum = Float64Array.from(this.weight);
		for (let i = n - 1; i > 0; i--)
			sum[this.parent[i]] += sum[i];
		const order = this.order(sum), depth = new Uint32Array(n), level = new Uint32Array(n);
		order.forEach((node, i) => {
			depth[i] = level[node] = node ? level[this.parent[node]] + 1 : 0;
		});
		const M = shape({ n, depth, name: Uint32Array.from(order, i => this.name[i]) });
		M.selfNode = Uint32Array.from({ length: n }, (_, i) => i);
		const pick = list => Float64Array.from(order, i => list[i]);
		return weigh(M, pick(this.weight), T.N && pick(this.hits));
	}
	order(sum) {
		const byWeight = Uint32Array.from(sum.keys()).sort((a, b) => sum[a] - sum[b] || b - a);
		const head = new Int32Array(sum.length).fill(-1), next = new Int32Array(sum.length);
		for (const i of byWeight)
			if (i) {
				next[i] = head[this.parent[i]];
				head[this.parent[i]] = i;
			}
		const out = [], todo = [0];
		while (todo.length) {
			const node = todo.pop(), first = todo.length;
			out.push(node);
			for (let c = head[node]; c >= 0; c = next[c])
				todo.push(c);
			todo.push(...todo.splice(first).reverse());
		}
		return out;
	}
}

/* ---- numbers and names as people read them ---- */

/* Half the width of Wilson's 95 % interval of a share seen in n samples. */
function halfWidth(share, n) {
	const z = Z95 * Z95 / n;
	return Z95 * Math.sqrt(share * (1 - share) / n + z / (4 * n)) / (1 + z);
}

const percent = x => (100 * x).toFixed(2) + ' %';

function shareText(part, whole, n) {
	if (!whole)
		return '–';
	const share = part / whole;
	return percent(share) + (n > 0 ? ' ±' + (100 * halfWidth(share, n)).toFixed(2) : '');
}

function valueText(v, type) {
	const x = v * type.unitValue, unit = type.unit;
	const time = { nanoseconds: 1e-9, microseconds: 1e-6, milliseconds: 1e-3, seconds: 1 }[unit];
	if (time) {
		const s = x * time;
		return s >= 1 ? s.toFixed(2) + ' s' : s >= 1e-3 ? (s * 1e3).toFixed(2) + ' ms'
			: (s * 1e6).toFixed(1) + ' µs';
	}
	if (unit === 'bytes')
		return x >= 2 ** 30 ? (x / 2 ** 30).toFixed(2) + ' GiB' : x >= 2 ** 20
			? (x / 2 ** 20).toFixed(2) + ' MiB' : grouped(x) + ' B';
	return grouped(x) + (unit && unit !== 'count' ? ' ' + unit : '');
}

const grouped = x => Math.round(x).toLocaleString('en-US');

/* `name` without what stands between `open` and `close`; operators keep theirs. */
function without(name, open, close) {
	let out = '', depth = 0;
	for (let i = 0; i < name.length; i++) {
		const c = name[i];
		if (c === open && !depth && (i === 0 || /operator[<>(=-]*$/.test(out))) {
			out += c;
			continue;
		}
		if (c === open)
			depth++;
		if (!depth)
			out += c;
		if (c === close && depth && name[i - 1] !== '-')
			depth--;
	}
	return depth ? name : out;
}

function withoutScopes(name) {
	const at = name.search(/(operator.*|[^:]*)$/), go = name.match(/^[\w.-]+\/([^/]+)$/);
	const parts = name.slice(0, at).split('::');
	if (go)
		return name.slice(name.lastIndexOf('/') + 1);
	/* the class says more than the namespace: it goes last */
	return parts.length > 2 ? parts[parts.length - 2] + '::' + name.slice(at) : name;
}

const shorterCache = new Map();

/* Ever shorter forms of a name: no parameters, no template arguments, no namespaces. */
function shorter(name) {
	let forms = shorterCache.get(name);
	if (forms)
		return forms;
	const text = D.names[name], parts = text.replace(/\(anonymous namespace\)/g, '(anon)');
	const plain = /[(<]/.test(parts) && !/^[<(]/.test(parts)
		? without(parts, '(', ')').replace(/ (const|&|&&)$/, '') || parts : parts;
	const bare = without(plain, '<', '>').replace(/::h[0-9a-f]{16}$/, '');
	const last = withoutScopes(bare), leaf = last.slice(last.lastIndexOf('::') + 1).replace(/^:/, '');
	forms = [...new Set([text, plain, bare, last, leaf])].filter(Boolean);
	shorterCache.set(name, forms);
	return forms;
}

function fit(name, chars) {
	const glyph = (D.nameFlags[name] & INLINED ? ' [i]' : '') + KIND_GLYPH[kind(name)];
	const forms = shorter(name);
	for (const form of forms)
		if (form.length + glyph.length <= chars)
			return form + glyph;
	const form = forms[forms.length - 1];
	if (form.length <= chars)
		return form;
	const keep = chars - 1, head = Math.ceil(keep * 0.6);
	return chars < 6 ? form.slice(0, keep) + '…'
		: form.slice(0, head) + '…' + form.slice(form.length - (keep - head));
}

/* ---- state: all of it is in the address ---- */

const S = { zoom: '', query: '', counter: '', view: '', order: '', theme: '', fn: '' };
const KEYS = { zoom: 'z', query: 'q', counter: 'c', view: 'v', order: 'o', theme: 't', fn: 'f' };

function stateFromAddress() {
	const params = new URLSearchParams(location.hash.slice(1));
	for (const key in KEYS)
		S[key] = params.get(KEYS[key]) || '';
	const nodes = S.zoom.split('-').map(Number);
	if (nodes.some(i => !(i > 0 && i < D.tree.n && Number.isInteger(i))) || nodes[0] > nodes[1])
		S.zoom = '';
	if (!(+S.fn < D.functions.length))
		S.fn = '';
	if (!D.types[+S.counter])
		S.counter = '';
}

function address() {
	const params = new URLSearchParams();
	for (const key in KEYS)
		if (S[key])
			params.set(KEYS[key], S[key]);
	return '#' + params;
}

/* A step that Back undoes (zoom, view) makes an entry in the history; typing does not. */
function go(change, step) {
	Object.assign(S, change);
	if (step)
		history.pushState({ at: ++V.steps }, '', address());
	else
		history.replaceState(history.state, '', address());
	render();
}

/* ---- view: what the state means, and what was painted last ---- */

const V = { panes: [], items: [], dark: false, steps: 0, focus: null, hover: null, done: {} };

function pane(T, from, to, root) {
	let deepest = from ? 0 : T.rows - 1;
	for (let i = from; from && i < to; i++)
		if (T.depth[i] > deepest)
			deepest = T.depth[i];
	const top = T.depth[root], one = from === root;
	return { T, from, to, root, x0: T.X[from], top, rows: deepest - top + 1, up: false, skip: 0,
		x1: one ? T.X[from] + total(T, from) : NaN };
}

function zoomPane() {
	const T = D.tree, [first, last] = S.zoom ? S.zoom.split('-').map(Number) : [0];
	if (last === undefined)
		return pane(T, first, T.end[first], first);
	const p = pane(T, first, T.end[last], commonAncestor(T, first, last));
	p.x1 = T.X[last] + total(T, last);
	return p;
}

function layOut() {
	if (S.view === 'fly') {
		const both = once('fly', S.fn + ':' + V.counter, () => butterfly(D.tree, +S.fn));
		const up = pane(both.up, 0, both.up.n, 0), down = pane(both.down, 0, both.down.n, 0);
		up.up = true;
		up.skip = 1; /* the function itself is drawn once, with its callees */
		V.panes = [up, down];
	} else {
		V.panes = [zoomPane()];
		V.panes[0].up = S.order === 'flame';
	}
	let row = 0;
	for (const p of V.panes) {
		p.firstRow = row;
		row += p.rows - p.skip;
	}
	V.rows = row;
}

/* `make()` again only when `key` has changed. */
function once(what, key, make) {
	const old = V.done[what];
	if (old && old.key === key)
		return old.value;
	const value = make();
	V.done[what] = { key, value };
	return value;
}

function sampleType() {
	return D.types.findIndex(t => t.name === 'samples' && t.unit === 'count');
}

/* Samples are counted by a type of their own, or follow from a fixed period. */
function samplesOf(counter) {
	const own = sampleType(), type = D.types[counter], period = +D.meta.period;
	if (own >= 0)
		return D.tree.selfs[own];
	if (period > 0 && D.meta.period_type === type.name && type.unitValue % period === 0)
		return D.tree.selfs[counter].map(v => v * type.unitValue / period);
	return null;
}

function useCounter() {
	const counter = S.counter === '' ? Math.min(+D.meta.main, D.types.length - 1) : +S.counter;
	if (V.counter === counter)
		return;
	V.counter = counter;
	V.type = D.types[counter];
	weigh(D.tree, D.tree.selfs[counter], samplesOf(counter));
	V.all = total(D.tree, 0);
	V.allHits = hits(D.tree, 0);
	V.done = {};
	V.search = null;
}

/* ---- search ---- */

function matcher(query) {
	const re = /^\/(.*)\/([a-z]*)$/s.exec(query);
	if (re || (query[0] === '/' && query.length > 1)) {
		const r = new RegExp(re ? re[1] : query.slice(1), re ? re[2].replace(/[gy]/g, '') : '');
		return text => r.test(text);
	}
	const low = query.toLowerCase();
	return text => text.toLowerCase().includes(low);
}

/* The share is that of the union of the matching subtrees: a match below a match adds nothing. */
function search(query) {
	const test = matcher(query), names = new Uint8Array(D.names.length);
	for (let i = 0; i < names.length; i++)
		names[i] = isFrame(i) && test(D.names[i]) ? 1 : 0;
	return { query, names, ...union(D.tree, names) };
}

function union(T, names) {
	const { name, depth, end, P } = T, inRow = new Uint8Array(T.n), place = T.rowStart.slice();
	let weight = 0, samples = 0, found = 0, inside = 0;
	const outer = [];
	for (let i = 0; i < T.n; i++) {
		const k = place[depth[i]]++;
		if (!names[name[i]])
			continue;
		inRow[k] = 1;
		found++;
		if (i < inside)
			continue;
		inside = end[i];
		weight += P[inside] - P[i];
		if (T.N)
			samples += T.N[inside] - T.N[i];
		outer.push(i);
	}
	return { inRow, weight, samples, found, outer };
}

function useSearch() {
	let bad = false;
	if (!S.query) {
		V.search = null;
	} else if (!V.search || V.search.query !== S.query) {
		try {
			V.search = search(S.query);
		} catch (e) {
			bad = true;
			V.search = null;
		}
	}
	$('query').setAttribute('aria-invalid', bad);
	const s = V.search;
	$('previous').disabled = $('next').disabled = !s || !s.found;
	$('found').textContent = bad ? 'not a regular expression' : !s ? ''
		: shareText(s.weight, V.all, V.allHits) + ' in ' + plural(matchedFunctions(s), 'function');
}

function matchedFunctions(s) {
	const seen = new Uint8Array(D.functions.length);
	let n = 0;
	for (let i = 0; i < s.names.length; i++)
		if (s.names[i] && !seen[D.nameFn[i]]++)
			n++;
	return n;
}

const plural = (n, what) => grouped(n) + ' ' + what + (n === 1 ? '' : 's');

function hidesMatch(T, k, end) {
	const { inRow, names } = V.search;
	if (T === D.tree)
		return inRow.subarray(k, end).includes(1);
	while (k < end && !names[T.name[T.rowNode[k]]])
		k++;
	return k < end;
}

/* Next and previous match by weight, heaviest first. */
function step(by) {
	const s = V.search, T = D.tree;
	if (!s || !s.outer.length)
		return;
	if (!s.sorted)
		s.sorted = s.outer.slice().sort((a, b) => total(T, b) - total(T, a) || a - b);
	s.at = s.at === undefined ? (by > 0 ? 0 : s.sorted.length - 1)
		: (s.at + by + s.sorted.length) % s.sorted.length;
	reveal(s.sorted[s.at]);
	say('match ' + (s.at + 1) + ' of ' + s.sorted.length + ': ' + describe(V.focus));
}

/* Zooms out or in until the box can be seen, and puts the focus on it. */
function reveal(node) {
	const T = D.tree, p = zoomPane();
	const inside = S.view === '' && node >= p.from && node < p.to;
	const width = total(T, node) / (p.x1 - p.x0) * V.width;
	let zoom = S.zoom;
	if (!inside || width < 30) {
		let up = node;
		while (parent(T, up) > 0 && total(T, node) * V.width >= 60 * total(T, parent(T, up)))
			up = parent(T, up);
		zoom = up ? String(up) : '';
	}
	V.focus = { T, node };
	if (zoom !== S.zoom || S.view)
		go({ zoom, view: '' }, true);
	scrollToFocus();
	draw();
}

/* ---- painting ---- */

const canvas = $('canvas'), context = canvas.getContext('2d', { alpha: false });
const LIGHT = { back: '#ffffff', text: '#16191d', edge: '#ffffff', strip: '#b4bbc5', stripBack: '#e2e6ea', stripMean: '#d7dbe1',
	match: '#ffd028', matchText: '#16191d', plain: '#e3e6ea', focus: '#0b57d0', same: '#b3261e',
	mark: '#16191d' };
const DARK = { back: '#15181c', text: '#f1f3f4', edge: '#15181c', strip: '#4d5763', stripBack: '#272d34', stripMean: '#303840',
	match: '#ffd028', matchText: '#16191d', plain: '#333b44', focus: '#8ab4f8', same: '#ff8a80',
	mark: '#f1f3f4' };
let C = LIGHT, colours = [];

function hash(text) {
	let h = 2166136261;
	for (let i = 0; i < text.length; i++)
		h = Math.imul(h ^ text.charCodeAt(i), 16777619);
	h ^= h >>> 15;
	return Math.imul(h, 2246822519) >>> 0;
}

/* By module, the same in each run and on each machine. Light boxes and dark text, or the other way
 * round: at least 4.5 to 1 for all of them. */
function moduleColour(m) {
	const h = hash(D.modules[m]), hue = h % 24 * 15, tone = (h >>> 8) % 3;
	if (!D.modules[m] || D.modules[m] === '[all]' || D.modules[m] === '[process]')
		return V.dark ? '#3a424c' : '#d5dae0';
	return V.dark ? `hsl(${hue} ${32 + 6 * tone}% ${25 + 2 * tone}%)`
		: `hsl(${hue} ${52 + 8 * tone}% ${79 + 3 * tone}%)`;
}

function useTheme() {
	const system = matchMedia('(prefers-color-scheme: dark)').matches;
	V.dark = S.theme ? S.theme === 'dark' : system;
	document.documentElement.toggleAttribute('data-dark', V.dark);
	C = V.dark ? DARK : LIGHT;
	colours = D.modules.map((_, m) => moduleColour(m));
	V.hatch = hatch(C.stripBack, C.strip);
	V.matchHatch = hatch(C.stripBack, C.match);
}

function hatch(back, lines) {
	const tile = document.createElement('canvas'), size = 4;
	tile.width = tile.height = size;
	const c = tile.getContext('2d');
	c.fillStyle = back;
	c.fillRect(0, 0, size, size);
	c.fillStyle = lines;
	for (let i = 0; i < size; i++)
		c.fillRect(i, size - 1 - i, lines === C.match ? 2 : 1, 1);
	return context.createPattern(tile, 'repeat');
}

function resize() {
	const ratio = devicePixelRatio || 1, width = $('graph').clientWidth, height = $('graph').clientHeight;
	if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
		canvas.width = Math.round(width * ratio);
		canvas.height = Math.round(height * ratio);
		canvas.style.height = height + 'px';
	}
	context.setTransform(ratio, 0, 0, ratio, 0, 0);
	context.font = FONT;
	context.textBaseline = 'middle';
	V.width = width;
	V.height = height;
	V.charWidth = context.measureText('m'.repeat(50)).width / 50;
}

function rowY(p, d) { /* top of a row, from the top of the whole picture */
	const r = d - p.top;
	const line = p.up ? p.firstRow + p.rows - 1 - r : p.firstRow + r - p.skip;
	return line * ROW + V.above;
}

function draw() {
	resize();
	const needed = V.rows * ROW;
	/* a flame stands on the ground */
	V.above = S.order === 'flame' && S.view !== 'fly' ? Math.max(0, V.height - needed) : 0;
	$('paper').style.height = needed + 'px';
	if (V.scrollDown) {
		$('graph').scrollTop = V.scrollDown === 'end' ? needed : V.scrollDown();
		V.scrollDown = null;
	}
	V.scroll = $('graph').scrollTop;
	context.fillStyle = C.back;
	context.fillRect(0, 0, V.width, V.height);
	V.items = [];
	for (const p of V.panes)
		for (let d = p.top + p.skip; d < p.top + p.rows; d++) {
			const y = rowY(p, d) - V.scroll;
			if (y > -ROW && y < V.height)
				drawRow(p, d, y);
		}
	drawOutlines();
}

function drawRow(p, d, y) {
	const { T } = p, scale = V.width / (p.x1 - p.x0), end = T.rowStart[d + 1];
	if (!(p.x1 > p.x0))
		return;
	for (let k = firstRightOf(T, d, p.x0); k < end;) {
		const i = T.rowNode[k], left = (T.X[i] - p.x0) * scale;
		if (left >= V.width)
			break;
		const right = left + total(T, i) * scale;
		if (right - left >= NARROW) {
			drawBox(p, i, Math.max(left, 0), Math.min(right, V.width), y, k);
			k++;
		} else {
			k = drawStrip(p, k, end, left, y, scale);
		}
	}
}

/* From the narrow box at `k` on, all that begins within a pixel and a half of the one before. */
function drawStrip(p, k, end, left, y, scale) {
	const { T } = p, step = NARROW / scale, leftOf = j => (T.X[T.rowNode[j]] - p.x0) * scale;
	const widthOf = j => total(T, T.rowNode[j]) * scale;
	let at = k, next, right;
	for (;;) {
		next = nextFrom(T, at, end, T.X[T.rowNode[at]] + step);
		if (next - 1 > k && widthOf(next - 1) >= NARROW)
			next--;
		right = leftOf(next - 1) + widthOf(next - 1);
		if (next >= end || leftOf(next) - right > 1 || widthOf(next) >= NARROW || leftOf(next) >= V.width)
			break;
		at = next;
	}
	if (right - left > 0) {
		const x = Math.max(left, 0), w = Math.min(Math.max(right - left, 0.7), V.width - x);
		context.fillStyle = stripStyle(V.search && hidesMatch(T, k, next), w);
		context.fillRect(x, y, w, ROW - 1);
		if (right - left >= 1)
			V.items.push({ p, T, node: T.rowNode[k], k, end: next, strip: true, x, w, y, d: T.depth[T.rowNode[k]] });
	}
	return next;
}

/* Where no hatching can be seen, its mean colour does: patterns are slow. */
function stripStyle(match, w) {
	return w < 4 ? (match ? C.match : C.stripMean) : match ? V.matchHatch : V.hatch;
}

function drawBox(p, i, left, right, y, k) {
	const { T } = p, name = T.name[i], found = V.search && V.search.names[name];
	const x = left, w = right - left, h = ROW - 1, gap = w > 4 ? 1 : w > 2.5 ? 0.5 : 0;
	context.fillStyle = found ? C.match : V.search ? C.plain : colours[D.fnModule[D.nameFn[name]]];
	context.fillRect(x, y, w - gap, h);
	if (w > 12)
		drawMark(name, x, y, w - gap, h);
	V.items.push({ p, T, node: i, k, x, w, y, d: T.depth[i] });
	const chars = Math.floor((w - 2 * PAD) / V.charWidth);
	if (chars < 3)
		return;
	context.fillStyle = found ? C.matchText : C.text;
	const text = fit(name, chars);
	V.items[V.items.length - 1].label = text;
	context.fillText(text, x + PAD, y + h / 2 + 1, w - 2 * PAD);
}

/* Kinds by more than colour: kernel a bar at the left, inlined a dotted line on top, JIT a line
 * below, no symbol a dashed line below. */
function drawMark(name, x, y, w, h) {
	const k = kind(name);
	context.fillStyle = C.mark;
	if (k === KIND.KERNEL)
		context.fillRect(x, y, 2, h);
	else if (k === KIND.JIT)
		context.fillRect(x, y + h - 1, w, 1);
	else if (k === KIND.UNNAMED)
		for (let at = 0; at + 3 <= w && at < V.width; at += 6)
			context.fillRect(x + at, y + h - 1, 3, 1);
	if (D.nameFlags[name] & INLINED)
		for (let at = 0; at + 1 <= w && at < V.width; at += 4)
			context.fillRect(x + at, y, 1, 1);
}

function outline(item, colour, width) {
	context.strokeStyle = colour;
	context.lineWidth = width;
	context.strokeRect(item.x + width / 2, item.y + width / 2, Math.max(item.w - width - 0.5, 1), ROW - 1 - width);
}

const isItem = (item, what) => what && item.T === what.T && (item.node === what.node ||
	(item.strip && what.node >= item.node && what.node <= item.T.rowNode[item.end - 1] && what.T.depth[what.node] === item.d));

/* All boxes of the function under the mouse, and the one with the keyboard's focus. */
function drawOutlines() {
	context.strokeStyle = C.focus;
	context.lineWidth = 2;
	if ($('graph').matches(':focus-visible'))
		context.strokeRect(1, 1, V.width - 2, V.height - 2);
	const over = V.hover, fn = over && !over.strip ? D.nameFn[over.T.name[over.node]] : -1;
	for (const item of V.items) {
		if (fn >= 0 && !item.strip && D.nameFn[item.T.name[item.node]] === fn)
			outline(item, C.same, 1);
		if (isItem(item, over))
			outline(item, C.same, 2);
		if (isItem(item, V.focus))
			outline(item, C.focus, 2);
	}
}

/* ---- what a box is ---- */

function stripSums(item) {
	const { T, k, end } = item;
	let frames = 0, weight = 0, n = 0;
	for (let j = k; j < end; j++) {
		const i = T.rowNode[j];
		frames += T.end[i] - i;
		weight += total(T, i);
		n += hits(T, i);
	}
	return { boxes: end - k, frames, weight, hits: n };
}

function viewTotal() {
	const p = V.panes[0];
	return S.view === 'fly' ? [total(p.T, 0), hits(p.T, 0)] : [p.x1 - p.x0, hits(p.T, p.root)];
}

function wholeTable() {
	return once('whole', V.counter, () => functionTable(D.tree, 0, D.tree.n));
}

/* Rows of the tooltip: what, value, shares. */
function facts(item) {
	const { T, node } = item, up = T === D.tree ? parent(T, node) : -1, rows = [];
	const [view, viewHits] = viewTotal();
	const row = (what, v) => [what, valueText(v, V.type), shareText(v, V.all, V.allHits)];
	rows.push(row('total', total(T, node)), row('self', self(T, node)));
	if (S.zoom || S.view === 'fly')
		rows.push(['of the view', '', shareText(total(T, node), view, viewHits)]);
	if (up > 0)
		rows.push(['of its caller', '', shareText(total(T, node), total(T, up), hits(T, up))]);
	if (T.N)
		rows.push(['samples', grouped(hits(T, node)), '']);
	return rows;
}

function allPlaces(name) {
	const R = wholeTable(), f = D.nameFn[name];
	return `all ${plural(R.boxes[f], 'place')}: total ${shareText(R.total[f], V.all, V.allHits)}, ` +
		`self ${shareText(R.self[f], V.all, V.allHits)}`;
}

function origin(name) {
	return [moduleOf(name), KIND_TEXT[kind(name)], D.nameFlags[name] & INLINED ? 'inlined' : '']
		.filter(Boolean).join(', ');
}

function describe(item) {
	if (!item)
		return '';
	if (item.strip) {
		const s = stripSums(item);
		return `${plural(s.boxes, 'frame')} too narrow to draw` +
			`, ${plural(s.frames, 'frame')} with those below: ${shareText(s.weight, V.all, V.allHits)} of all. Click to open.`;
	}
	const { T, node } = item, name = T.name[node];
	return D.names[name] + (isFrame(name) ? ' (' + (origin(name) || 'no module') + ')' : '') + ': ' +
		facts(item).map(r => r.filter(Boolean).join(' ')).join(', ');
}

function fillTip(item) {
	const tip = $('tip'), name = item.T.name[item.node];
	tip.replaceChildren();
	if (item.strip) {
		add(tip, 'b', describe(item));
		return;
	}
	add(tip, 'b', D.names[name]);
	if (isFrame(name))
		add(tip, 'small', origin(name) || 'no module');
	const table = add(tip, 'table');
	for (const cells of facts(item)) {
		const tr = add(table, 'tr');
		for (const cell of cells)
			add(tr, 'td', cell);
	}
	if (isFrame(name))
		add(tip, 'small', allPlaces(name));
	add(tip, 'small', 'click: zoom   B: callers and callees   C: copy the name').className = 'more';
}

function add(to, tag, text) {
	const element = document.createElement(tag);
	if (text !== undefined)
		element.textContent = text;
	to.append(element);
	return element;
}

function showTip(item, x, y) {
	const tip = $('tip');
	tip.hidden = !item;
	if ($('graph').hidden)
		return;
	$('status').textContent = item ? describe(item) : V.summary;
	if (!item)
		return;
	fillTip(item);
	const w = tip.offsetWidth, h = tip.offsetHeight;
	tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - w - 4)) + 'px';
	tip.style.top = (y + 20 + h > innerHeight ? Math.max(4, y - h - 12) : y + 20) + 'px';
}

function say(text) {
	$('say').textContent = text;
	$('status').textContent = text;
}

/* ---- other parts of the page ---- */

function drawPath() {
	const T = D.tree, p = zoomPane(), crumbs = $('crumbs');
	crumbs.replaceChildren();
	$('reset').disabled = !S.zoom && S.view !== 'fly';
	if (S.view === 'fly') {
		add(crumbs, 'span', 'callers (above) and callees (below) of');
		crumb(D.functions[+S.fn], () => listFunction(+S.fn));
		return;
	}
	const chain = [];
	for (let i = p.root; i >= 0; i = parent(T, i))
		chain.unshift(i);
	const hidden = V.wholePath || chain.length < 12 ? [] : chain.splice(2, chain.length - 8);
	chain.forEach((i, at) => {
		if (at)
			add(crumbs, 'i', '›');
		if (at === 2 && hidden.length) {
			crumb('… ' + hidden.length + ' more', () => { V.wholePath = true; drawPath(); });
			add(crumbs, 'i', '›');
		}
		const b = crumb(shorter(T.name[i]).slice(-2)[0], () => zoomTo(i));
		b.title = D.names[T.name[i]];
	});
	if (p.from !== p.root)
		add(crumbs, 'i', '› ' + plural(rowCount(p), 'narrow frame'));
}

const rowCount = p => p.to - p.from;

function crumb(text, action) {
	const b = add($('crumbs'), 'button', text);
	b.onclick = action;
	return b;
}

const COLUMNS = [
	{ key: 'self', text: 'Self', title: 'in the function itself' },
	{ key: 'selfError', text: '±95 %', wide: true },
	{ key: 'total', text: 'Total', title: 'with all that it calls; recursion counted once' },
	{ key: 'totalError', text: '±95 %', wide: true },
	{ key: 'hits', text: 'Samples', wide: true },
	{ key: 'name', text: 'Function' },
	{ key: 'module', text: 'Module', wide: true },
];
const PAGE = 150;

/* The functions of the zoomed part; with a search, those that match it. */
function tableRows() {
	const p = zoomPane(), R = S.zoom ? once('table', S.zoom, () => functionTable(D.tree, p.from, p.to)) : wholeTable();
	const wanted = V.search && new Uint8Array(D.functions.length), frames = new Uint8Array(D.functions.length);
	for (let i = 0; i < D.names.length; i++) {
		frames[D.nameFn[i]] |= isFrame(i) ? 1 : 0;
		if (wanted)
			wanted[D.nameFn[i]] |= V.search.names[i];
	}
	const out = [];
	for (let f = 0; f < D.functions.length; f++)
		if (R.boxes[f] && frames[f] && (!wanted || wanted[f]))
			out.push(f);
	return { R, list: sortRows(out, R), whole: p.x1 - p.x0, n: D.tree.N ? rangeHits(p) : NaN };
}

const rangeHits = p => D.tree.N[p.to] - D.tree.N[p.from];

function sortRows(list, R) {
	const { key, down } = V.sort, sign = down ? -1 : 1;
	const text = { name: f => D.functions[f], module: f => D.modules[D.fnModule[f]] }[key];
	const value = { self: R.self, total: R.total, hits: R.selfHits, selfError: R.self, totalError: R.total }[key];
	return list.sort((a, b) => {
		const x = text ? text(a) : value[a], y = text ? text(b) : value[b];
		return x < y ? -sign : x > y ? sign : R.self[b] - R.self[a] || R.total[b] - R.total[a] || a - b;
	});
}

function drawTable() {
	const { R, list, whole, n } = tableRows(), head = $('columns'), body = $('rows');
	head.replaceChildren();
	for (const c of COLUMNS)
		addHead(head, c);
	body.replaceChildren();
	for (const f of list.slice(0, V.tableSize))
		addRow(body, f, R, whole, n);
	$('more').hidden = list.length <= V.tableSize;
	$('more').textContent = plural(list.length - V.tableSize, 'more function');
	$('status').textContent = plural(list.length, 'function') + (V.search ? ' that match “' + S.query + '”' : '') +
		(S.zoom ? ' in the zoomed part; shares are of that part' : '') + '. Recursion is counted once.';
}

function addHead(head, c) {
	const th = add(head, 'th'), b = add(th, 'button', c.text + (V.sort.key === c.key ? (V.sort.down ? ' ▼' : ' ▲') : ''));
	th.className = (c.wide ? 'wide ' : '') + (/^[nm]/.test(c.key) ? c.key : '');
	th.setAttribute('aria-sort', V.sort.key !== c.key ? 'none' : V.sort.down ? 'descending' : 'ascending');
	b.title = c.title || '';
	b.onclick = () => {
		V.sort = { key: c.key, down: V.sort.key === c.key ? !V.sort.down : c.key !== 'name' && c.key !== 'module' };
		drawTable();
	};
}

const errorText = (v, whole, n) => n > 0 && whole ? (100 * halfWidth(v / whole, n)).toFixed(2) : '';

function addRow(body, f, R, whole, n) {
	const tr = add(body, 'tr');
	const cell = (text, c) => { add(tr, 'td', text).className = c || ''; };
	/* a share smaller than its own interval says little */
	const unsure = v => n > 0 && halfWidth(v / whole, n) > v / whole ? 'unsure' : '';
	cell(percent(R.self[f] / (whole || 1)), unsure(R.self[f]));
	cell(errorText(R.self[f], whole, n), 'wide unsure');
	cell(percent(R.total[f] / (whole || 1)), unsure(R.total[f]));
	cell(errorText(R.total[f], whole, n), 'wide unsure');
	cell(n > 0 ? grouped(R.selfHits[f]) : '', 'wide');
	const td = add(tr, 'td'), b = add(td, 'button', D.functions[f]);
	td.className = 'name';
	b.title = D.functions[f] + '\nclick: callers and callees';
	b.onclick = () => fly(f);
	cell(D.modules[D.fnModule[f]] || '–', 'wide module');
}

function comments() {
	return D.meta.comment.map(c => {
		const at = c.indexOf(':');
		return at < 0 ? ['', c] : [c.slice(0, at).trim(), c.slice(at + 1).trim()];
	});
}

/* What must not be missed: anything lost, cut, unnamed or replaced. */
function notes() {
	const out = comments().filter(([key, value]) => /fallback|lost|truncated|note|throttle|multiplex/.test(key) &&
		value && !/^(0([.,]0*)?( ?%)?|none|no)\b/.test(value)).map(([key, value]) => key + ': ' + value);
	if (+D.meta.negative)
		out.push(plural(+D.meta.negative, 'value') + ' below 0 taken as 0');
	if (!D.tree.N)
		out.push('no sample counts in this profile, so no intervals');
	return out;
}

function quality() {
	const box = $('quality'), m = D.meta;
	box.replaceChildren();
	add(box, 'h2', 'Recording');
	const t = add(box, 'table');
	const row = (a, b) => { const tr = add(t, 'tr'); add(tr, 'th', a); add(tr, 'td', b); };
	if (+m.time)
		row('started', new Date(+m.time / 1e6).toISOString().replace('T', ' ').slice(0, 19) + ' UTC');
	if (+m.duration)
		row('duration', (+m.duration / 1e9).toFixed(2) + ' s');
	row('counters', D.types.map(x => x.name + ' (' + x.unit + ')').join(', '));
	if (+m.period)
		row('period', grouped(+m.period) + ' ' + m.period_type);
	for (const [key, value] of comments())
		row(key, value);
	row('size', `${grouped(D.tree.n - 1)} frames in the tree, ${grouped(D.functions.length)} functions, ` +
		`up to ${D.tree.rows - 1} deep`);
	row('written by', 'pmuscope ' + m.version);
	modulesTable(box);
}

function modulesTable(box) {
	add(box, 'h2', 'Modules');
	const t = add(box, 'table'), head = add(t, 'tr'), seen = new Set();
	add(head, 'th', 'file');
	add(head, 'th', 'build ID');
	for (const [file, id] of D.maps) {
		if (seen.has(file + id))
			continue;
		seen.add(file + id);
		const tr = add(t, 'tr');
		add(tr, 'td', file || '(anonymous)');
		add(tr, 'td', id || '–');
	}
}

const HELP = [
	['← → ↑ ↓', 'move from box to box'], ['Enter, click', 'zoom into the box, open a strip of narrow ones'],
	['Backspace, U', 'zoom out by one'], ['0, Esc', 'the whole graph'], ['Alt+← Alt+→', 'back, forward'],
	['/', 'search: text, or /regex/'], ['N, Shift+N', 'next, previous match, heaviest first'],
	['B, Shift+click', 'callers and callees of the function'], ['C', 'copy the function’s name'], ['F', 'icicle or flame'],
	['G  T  Q', 'graph, functions, quality'], ['D', 'light or dark'], ['?', 'this help'],
];

function help() {
	const box = $('help');
	box.replaceChildren();
	add(box, 'b', 'Keys');
	const list = add(box, 'dl');
	for (const [key, text] of HELP) {
		add(list, 'dt', key);
		add(list, 'dd', text);
	}
	add(box, 'b', 'Reading it');
	add(box, 'p', 'Width is weight, a row below is called by the row above, the heaviest call is at the left. ' +
		'Colours tell modules apart. [k] and a bar at the left: kernel. [i] and dots on top: inlined into its caller. ' +
		'[j] and a line below: made at run time. [?] and dashes below: no symbol. Hatched strips hold boxes too narrow ' +
		'to draw; none is left out. ± is half of a 95 % interval.');
	const close = add(box, 'button', 'Close');
	close.onclick = () => box.close();
	box.showModal();
}

/* ---- actions ---- */

const zoomTo = node => go({ zoom: node > 0 ? String(node) : '', view: '' }, true);
const fly = fn => go({ view: 'fly', fn: String(fn) }, true);
const listFunction = fn => go({ view: 'table', query: D.functions[fn] }, true);

function open(item) {
	if (!item)
		return;
	if (S.view === 'fly') {
		if (!item.strip)
			fly(D.nameFn[item.T.name[item.node]]);
	} else if (item.strip) {
		go({ zoom: item.node + '-' + item.T.rowNode[item.end - 1] }, true);
	} else if (String(item.node) !== S.zoom) {
		zoomTo(item.node);
	}
}

function zoomOut() {
	if (S.view)
		go({ view: '' }, true);
	else if (S.zoom)
		zoomTo(S.zoom.includes('-') ? V.panes[0].root : parent(D.tree, +S.zoom));
}

function itemAt(event) {
	const box = canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
	return V.items.find(i => y >= i.y && y < i.y + ROW && x >= i.x - 0.5 && x < i.x + Math.max(i.w, 1)) || null;
}

function hover(item, event) {
	if (!item !== !V.hover || (item && (V.hover.node !== item.node || V.hover.T !== item.T))) {
		V.hover = item;
		schedule();
	}
	showTip(item, event.clientX, event.clientY);
}

function focusItem() {
	return V.items.find(item => isItem(item, V.focus)) || null;
}

function setFocus(item) {
	if (!item)
		return;
	V.focus = { T: item.T, node: item.node, strip: item.strip, k: item.k, end: item.end };
	scrollToFocus();
	draw();
	say(describe(V.focus));
}

function scrollToFocus() {
	const p = V.panes.find(x => x.T === V.focus.T), graph = $('graph');
	if (!p)
		return;
	const y = rowY(p, V.focus.T.depth[V.focus.node]);
	if (y < graph.scrollTop)
		graph.scrollTop = y - 2 * ROW;
	else if (y + ROW > graph.scrollTop + V.height)
		graph.scrollTop = y - V.height + 3 * ROW;
}

/* `rows` towards the leaves (1) or the root (-1), or `places` along the row. */
function moveFocus(rows, places) {
	const now = focusItem();
	if (!now) {
		setFocus(V.items.find(i => i.p.T.depth[i.node] === i.p.top + i.p.skip) || V.items[0]);
		return;
	}
	const row = V.items.filter(i => i.p === now.p && i.d === now.d + rows);
	if (places)
		setFocus(row[row.findIndex(i => i.k === now.k) + places]);
	else if (rows > 0)
		setFocus(row.find(i => i.node > now.node && i.node < now.T.end[now.node]));
	else
		setFocus(row.find(i => i.node < now.node && now.T.end[i.node] > now.node && !i.strip));
}

function copyName() {
	const item = V.hover || focusItem();
	if (!item || item.strip)
		return;
	const text = D.names[item.T.name[item.node]];
	navigator.clipboard.writeText(text).then(() => say('copied: ' + text), () => say('the browser does not let this page copy'));
}

const flameOf = item => item && !item.strip && isFrame(item.T.name[item.node]) && fly(D.nameFn[item.T.name[item.node]]);
const tab = view => () => go({ view }, true);

const ACTIONS = {
	'/': () => { $('query').focus(); $('query').select(); }, '?': help,
	n: () => step(1), N: () => step(-1), b: () => flameOf(V.hover || focusItem()), c: copyName,
	f: () => { V.scrollDown = S.order ? null : 'end'; go({ order: S.order ? '' : 'flame' }); },
	d: () => go({ theme: V.dark ? 'light' : 'dark' }),
	g: tab(''), t: tab('table'), q: tab('quality'),
	0: () => go({ zoom: '', view: '' }, true), u: zoomOut, Backspace: zoomOut,
	Escape: () => (S.zoom || S.view) && go({ zoom: '', view: '' }, true),
	Enter: () => open(focusItem()),
};

function onGraphArrow(key) {
	const out = V.panes[0].up && S.view !== 'fly' ? -1 : 1;
	const fly = S.view === 'fly' && focusItem() && focusItem().p.up ? -1 : out;
	({ ArrowDown: () => moveFocus(fly, 0), ArrowUp: () => moveFocus(-fly, 0),
		ArrowLeft: () => moveFocus(0, -1), ArrowRight: () => moveFocus(0, 1) })[key]();
}

function onKey(event) {
	if (event.ctrlKey || event.metaKey || event.altKey || $('help').open)
		return;
	if (event.target.matches('input')) {
		if (event.key === 'Escape' || event.key === 'Enter') {
			if (event.key === 'Escape')
				setQuery('');
			else
				step(event.shiftKey ? -1 : 1);
			event.preventDefault();
			$('graph').focus({ preventScroll: true });
		}
		return;
	}
	if (event.target.matches('select') || (event.key === 'Enter' && event.target.matches('button')))
		return;
	const graph = S.view === '' || S.view === 'fly';
	if (/^Arrow/.test(event.key)) {
		if (!graph)
			return;
		onGraphArrow(event.key);
	} else {
		const action = ACTIONS[event.key] || (event.key.length === 1 && ACTIONS[event.key.toLowerCase()]);
		if (!action)
			return;
		action();
	}
	event.preventDefault();
}

function setQuery(text) {
	$('query').value = text;
	go({ query: text });
}

/* ---- putting it together ---- */

function schedule() {
	if (!V.frame)
		V.frame = requestAnimationFrame(() => { V.frame = 0; if (!$('graph').hidden) draw(); });
}

function render() {
	useCounter();
	useTheme();
	useSearch();
	if ($('query').value !== S.query)
		$('query').value = S.query;
	const graph = S.view === '' || S.view === 'fly';
	$('graph').hidden = !graph;
	$('table').hidden = S.view !== 'table';
	$('quality').hidden = S.view !== 'quality';
	$('see-graph').setAttribute('aria-pressed', graph);
	$('see-table').setAttribute('aria-pressed', S.view === 'table');
	$('see-quality').setAttribute('aria-pressed', S.view === 'quality');
	$('flip').textContent = S.order ? 'Flame' : 'Icicle';
	$('counter').value = V.counter;
	$('process').value = $('process').querySelector(`option[value="${S.zoom.replace(/[^\d-]/g, '')}"]`) ? S.zoom : '';
	$('tip').hidden = true;
	V.hover = null;
	summarise();
	drawPath();
	showView();
}

function showView() {
	if (S.view === 'table')
		drawTable();
	else if (S.view === 'quality')
		once('quality', '', quality);
	else {
		const key = [S.zoom, S.view, S.fn, V.counter, S.order].join();
		if (V.laidOut !== key) {
			const zoomed = V.laidOut !== undefined;
			layOut();
			V.laidOut = key;
			resize();
			if (S.view === 'fly')
				V.scrollDown = () => (V.panes[1].firstRow * ROW) - V.height / 2;
			else if (S.order === 'flame')
				V.scrollDown = 'end';
			else if (zoomed)
				$('graph').scrollTop = 0;
		}
		draw();
	}
}

function summarise() {
	const parts = [V.type.name + ' ' + valueText(V.all, V.type)];
	if (V.allHits >= 0)
		parts.push(plural(V.allHits, 'sample'));
	if (+D.meta.duration)
		parts.push((+D.meta.duration / 1e9).toFixed(1) + ' s');
	V.summary = parts.join(', ') + '. Hover over a box, click to zoom, ? for keys.';
	$('status').textContent = V.summary;
	const target = comments().find(([key]) => /^(command|target|cmd)$/.test(key));
	$('what').textContent = (target ? target[1] + ' — ' : '') + parts.join(', ');
	document.title = (target ? target[1] + ' — ' : '') + 'pmuscope';
	const said = notes();
	$('note').hidden = !said.length;
	$('note').textContent = 'note: ' + said.join('; ');
}

function option(select, value, text) {
	add(select, 'option', text).value = value;
}

function fillSelectors() {
	D.types.forEach((t, i) => option($('counter'), i, t.name + (/^$|count|seconds$/.test(t.unit) ? '' : ' (' + t.unit + ')')));
	$('counter').hidden = D.types.length < 2;
	$('counter').onchange = () => go({ counter: $('counter').value });
	const T = D.tree;
	option($('process'), '', 'all processes');
	for (let i = 1; i < T.n; i = T.end[i])
		if (kind(T.name[i]) === KIND.PROCESS)
			option($('process'), i, D.names[T.name[i]]);
	$('process').hidden = $('process').length < 2;
	$('process').onchange = () => zoomTo(+$('process').value);
}

function listen() {
	const graph = $('graph');
	let moved;
	canvas.addEventListener('pointermove', e => {
		if (e.pointerType === 'touch')
			return;
		moved = e;
		if (!V.moving)
			V.moving = requestAnimationFrame(() => { V.moving = 0; hover(itemAt(moved), moved); });
	});
	canvas.addEventListener('pointerleave', e => hover(null, e));
	canvas.addEventListener('click', e => (e.shiftKey ? flameOf : open)(itemAt(e)));
	graph.addEventListener('focus', schedule);
	graph.addEventListener('blur', schedule);
	graph.addEventListener('scroll', schedule);
	document.addEventListener('keydown', onKey);
	$('query').addEventListener('input', () => go({ query: $('query').value }));
	addEventListener('popstate', () => { stateFromAddress(); render(); });
	addEventListener('resize', () => { V.laidOut = undefined; showView(); });
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', render);
	const click = { previous: () => step(-1), next: () => step(1), found: tab('table'), 'see-graph': tab(''),
		'see-table': tab('table'), 'see-quality': tab('quality'), flip: ACTIONS.f, theme: ACTIONS.d, keys: help,
		back: () => history.back(), forward: () => history.forward(), reset: ACTIONS[0],
		more: () => { V.tableSize *= 4; drawTable(); } };
	for (const id in click)
		$(id).onclick = click[id];
}

async function main() {
	document.querySelector('main').hidden = false;
	if (typeof DecompressionStream === 'undefined') {
		$('loading').textContent = 'This page needs a browser that can unpack it: Chrome or Edge 103, Firefox 113, ' +
			'Safari 16.4, or a later one.';
		return;
	}
	const data = $('data');
	decode(await inflate(data.textContent.trim()));
	data.remove();
	if (!D.types.length || D.tree.n < 2) {
		$('loading').textContent = 'There are no samples in this profile.';
		return;
	}
	V.sort = { key: 'self', down: true };
	V.tableSize = PAGE;
	$('loading').hidden = true;
	for (const id of ['bar', 'path', 'status'])
		$(id).hidden = false;
	stateFromAddress();
	fillSelectors();
	listen();
	render();
	requestAnimationFrame(() => setTimeout(() => performance.mark('usable')));
}

main().catch(e => {
	$('loading').hidden = false;
	$('loading').textContent = 'This page is damaged: ' + e.message;
	throw e;
});
