package web

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"strings"

	"github.com/a01592f9/quant"
)

// The page against the interface, for random tensors and options.

var randomCases = flag.Int("random", 12, "show so many random tensors on the page")

// randomText returns a small tensor as text. Some are constant, of zeros, huge
// or tiny.
func randomText(r *rand.Rand) string {
	channels, values := 1+r.IntN(4), 1+r.IntN(5)
	var lines []string
	for range channels {
		scale := []float64{1, 1, 1, 100, 1e-30, 1e30, 0}[r.IntN(7)]
		constant := r.IntN(5) == 0
		x := r.NormFloat64()
		var line []string
		for range values {
			if !constant {
				x = r.NormFloat64()
			}
			if r.IntN(3) == 0 {
				x = math.Round(x * 4)
			}
			line = append(line, fmt.Sprintf("%.6g", x*scale))
		}
		lines = append(lines, strings.Join(line, " "))
	}
	return strings.Join(lines, "\n")
}

// randomFragment returns random options and a text, as a link has them and as a request
// has them.
func randomFragment(r *rand.Rand, text string) (fragment, request string) {
	bits, unsigned, symmetric, narrow, zero := 2+r.IntN(15), r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(2) == 0
	method := []string{"minmax", "percentile=90", "mse", "mae", "entropy"}[r.IntN(5)]
	narrow = narrow && symmetric && !unsigned
	q := url.Values{"v": {text}, "b": {fmt.Sprint(bits)}, "r": {method}}
	set := func(name string, on bool) {
		if on {
			q.Set(name, "1")
		}
	}
	mapping, groups := "asymmetric", ""
	if size := []int{0, 2, 3}[r.IntN(3)]; size > 0 {
		q.Set("g", fmt.Sprint(size))
		groups = fmt.Sprintf(`,"group_size":%d`, size)
		if axis := r.IntN(3); axis < 2 {
			q.Set("ga", fmt.Sprint(axis))
			groups += fmt.Sprintf(`,"group_axis":%d`, axis)
		}
	}
	if all := quant.Formats(); r.IntN(3) == 0 {
		format := all[r.IntN(len(all))].String()
		if method == "entropy" {
			method = "mse"
			q.Set("r", method)
		}
		q.Set("k", format)
		return "#" + q.Encode(), fmt.Sprintf(`{"text":%s,"options":{"format":%q,"method":%q%s}}`, quoted(text), format, method, groups)
	}
	set("u", unsigned)
	set("n", narrow)
	set("z", zero)
	if symmetric {
		q.Set("m", "s")
		mapping = "symmetric"
	}
	return "#" + q.Encode(), fmt.Sprintf(`{"text":%s,"options":{"bits":%d,"unsigned":%t,"mapping":%q,"narrow_range":%t,"zero_in_range":%t,"method":%q%s}}`,
		quoted(text), bits, unsigned, mapping, narrow, zero, method, groups)
}

// differences lists where the page shows anything else than the interface answers to a
// request: in the verdict, the tables, the codes and the graphs.
const differences = `(async (request) => {
	const ask = async (path, more = {}) => (await fetch("api/" + path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ...request, ...more }) })).json();
	const t = (await ask("compare")).tensors[0], g = await ask("graphs"), codes = await ask("codes", { from: 0, count: 20 });
	const wrong = [];
	const same = (what, shown, want) => {
		const [a, b] = [shown, want].map((x) => JSON.stringify(x));
		if (a !== b) wrong.push(what + ": " + a + " instead of " + b);
	};
	const values = (selector) => [...document.querySelectorAll(selector)].map((e) => JSON.parse(e.dataset.value));
	const plot = (name) => document.getElementById("plot-" + name);
	const ys = (name) => plot(name).data.map((d) => d.y);
	same("verdict", document.getElementById("verdict").textContent, t.verdict);
	for (const m of ["mae", "rmse", "max_error", "sqnr_db"]) same(m, values('#schemes [data-metric="' + m + '"]'), t.results.map((r) => r[m]));
	same("bytes", [...document.querySelectorAll("#schemes tbody tr:nth-child(10) td")].map((e) => Number(e.dataset.value)), t.results.map((r) => r.memory.total_bytes));
	const rows = [...document.querySelectorAll("#channel-table tbody tr")];
	same("channels", rows.map((r) => Number(r.dataset.channel)), t.results[0].channels.map((_, i) => i));
	rows.forEach((row, i) => {
		const c = t.results[0].channels[i];
		const want = [c.min, c.max, c.max - c.min];
		for (const r of t.results) {
			const x = r.channels[i];
			if (r.scale.length === 1) want.push(r.scale[0], r.zero_point[0]);
			else if (r.scheme.granularity === "per_channel") want.push(r.scale[i], r.zero_point[i]);
			want.push(x.rmse, x.mae, x.max_error, x.sqnr_db, x.clipped);
		}
		same("channel " + i, [...row.querySelectorAll("td[data-value]")].map((e) => JSON.parse(e.dataset.value)), want);
	});
	same("codes", values("#codes tbody td[data-value]"), codes.original.flatMap((x, i) => [x, ...codes.results.flatMap((r) => [r.codes[i], r.reconstructed[i], r.errors[i]])]));
	if (plot("errors").hidden) same("errors", 0, Math.max(...t.results.map((r) => r.max_error)));
	else same("errors", ys("errors"), g.elements.error);
	same("values", ys("elements").slice(1), g.elements.reconstructed);
	same("originals", ys("elements")[0].filter((y) => y !== null), g.elements.original);
	same("reconstruction", ys("reconstruction").slice(1), g.elements.reconstructed);
	if (!plot("spread").hidden) same("spread", ys("spread"), g.errors.counts);
	same("ranges", plot("ranges").data[0].base, g.channels.index.map((c) => t.results[0].channels[c].min));
	same("errors of channels", ys("channels"), g.channels.rmse);
	const h = g.histograms.find((x) => x.channel === g.focus);
	same("histogram", ys("histogram")[0], h.counts);
	same("grids", plot("histogram").data.slice(1).map((d) => d.x), h.grids.filter((x) => x.codes > 0).map((x) => x.values));
	same("sweep", ys("sweep").filter((_, i) => i %% 2 === 0).slice(0, t.results.length), t.results.map((_, i) => g.sweep.map((s) => s.results[i].rmse || null)));
	if (!plot("methods").hidden) same("methods", plot("methods").data.slice(1).map((d) => d.x), g.methods.ranges.map((r) => [r.from, r.to]));
	if (!document.getElementById("banner").hidden) wrong.push("banner: " + document.getElementById("banner").innerText);
	const odd = document.getElementById("results").innerText.match(/undefined|NaN|Infinity|\[object/);
	if (odd) wrong.push("the page shows " + odd[0]);
	return wrong.map((w) => w.slice(0, 400));
})(%s)`

// testRandom: whatever the values and the options, the page shows the numbers of
// the interface, in all of its parts.
func (b *tab) testRandom() {
	b.open("")
	b.do(script(`document.getElementById("channels-all").click()`))
	r := rand.New(rand.NewPCG(15, 1))
	texts := []string{"0 0\n0 0", "3.4e38 -3.4e38\n1 2", "1e-45", "7", "-0 0", "1 2 3\n4 5 6"}
	for i := range *randomCases {
		text := randomText(r)
		if i < len(texts) {
			text = texts[i]
		}
		fragment, request := randomFragment(r, text)
		b.redraw(script(`location.hash = %q`, fragment))
		b.until(`document.querySelectorAll("#codes tbody tr").length > 0`)
		for _, wrong := range eval[[]string](b, fmt.Sprintf(differences, request)) {
			b.Errorf("%s: %s", request, wrong)
		}
	}
}
