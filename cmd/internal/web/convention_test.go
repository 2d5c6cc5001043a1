package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/a01592f9/quant/preset"
)

// TestConventions has every preset with its rule and its source.
func TestConventions(t *testing.T) {
	site := serve(t, testConfig(t))
	get := func(path string) apiAnswer {
		r, err := http.NewRequest("GET", site+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		return send(t, r)
	}
	offered := answered[struct {
		Divisors []string
		Scales   []string `json:"scale_formats"`
	}](t, get("/api/examples"))
	c := answered[struct {
		Conventions []struct {
			Name, System, Purpose, Says, Source, Link, Granularity string
			Options                                                struct {
				Bits     int
				Unsigned bool
				Divisor  string
				Group    int `json:"group_size"`
			}
		}
	}](t, get("/api/conventions"))
	all := preset.All()
	if len(c.Conventions) != len(all) || strings.Join(offered.Divisors, " ") != "far half each" || len(offered.Scales) != 8 {
		t.Fatalf("%d conventions, divisors %v, formats of scales %v", len(c.Conventions), offered.Divisors, offered.Scales)
	}
	for i, p := range all {
		got := c.Conventions[i]
		size, _ := p.Scheme.Granularity.GroupSize()
		if got.Name != p.Name || got.Options.Bits != p.Scheme.Bits || got.Options.Unsigned != p.Scheme.Unsigned || got.Options.Group != size {
			t.Errorf("%s is offered as %+v", p.Name, got)
		}
		if got.Purpose == "" || got.Says == "" || got.Source == "" || !strings.HasPrefix(got.Link, "https://") || got.Granularity == "" {
			t.Errorf("%s has no rule or no source: %+v", p.Name, got)
		}
	}
}

// A diffed is what the page reads of a comparison of codes.
type diffed struct {
	Tensors []struct {
		Elements int
		Changed  *int `json:"changed_codes"`
		Values   int  `json:"changed_values"`
	}
}

// TestDiff counts codes that differ, and refuses what cannot be compared.
func TestDiff(t *testing.T) {
	site := serve(t, testConfig(t))
	// The scales are 1: ties go to even in one, and away from zero in the other.
	d := answered[diffed](t, post(t, site+"/api/diff", `{"text":"127 0.5 1.5 2.5 3.5","between":["tensorrt-int8:channel","tflite-int8:channel"]}`))
	if x := d.Tensors[0]; x.Elements != 5 || x.Changed == nil || *x.Changed != 2 || x.Values != 2 {
		t.Errorf("%+v", x)
	}
	for _, test := range []struct{ body, field, words string }{
		{`{"text":"1 2","between":["nobody","int8"]}`, "between", "nobody"},
		{`{"text":"1 2"}`, "between", "has to name two"},
		{`{"text":"1 2","between":["int8"]}`, "between", "scheme \"\""},
		{`{"text":"1 2 3","between":["mlx-4bit","int8"]}`, "between", "mlx-4bit"},
		{`{"example":"convolution","between":["int8","int4"]}`, "tensor", "say which"},
	} {
		if a := post(t, site+"/api/diff", test.body); a.status != 422 || a.err.Field != test.field || !strings.Contains(a.err.Message, test.words) {
			t.Errorf("%s: %d %+v", test.body, a.status, a.err)
		}
	}
}

// testConventions has a convention that sets the form, is explained, and is compared with the
// scheme and with another convention. A change by hand leaves it.
func (b *tab) testConventions() {
	b.open("#v=127+0.5+1.5+2.5+3.5%0A1+2+3+4+5&b=8")
	b.until(`document.getElementById("convention").options.length > 1`)
	b.redraw(choose("convention", "tflite-int8"))
	b.shows(b.ask(`{"text":"127 0.5 1.5 2.5 3.5\n1 2 3 4 5","options":{"mapping":"symmetric","narrow_range":true}}`))
	if got := b.text("#convention-hint"); !strings.Contains(got, "rounds ties away from zero") || !strings.Contains(got, "Source") {
		b.Errorf("the rule is %q", got)
	}
	if got := eval[string](b, `document.querySelector("#convention-hint a").href`); !strings.HasPrefix(got, "https://github.com/tensorflow/") {
		b.Errorf("the source is %s", got)
	}
	counted := func(other, scheme string) {
		want := answered[diffed](b, post(b, b.url+"/api/diff", fmt.Sprintf(`{"text":"127 0.5 1.5 2.5 3.5\n1 2 3 4 5","between":["tflite-int8:channel",%q]}`, scheme))).Tensors[0]
		verb := "differ"
		if *want.Changed == 1 {
			verb = "differs"
		}
		if got := b.text("#against-said"); !strings.HasPrefix(got, fmt.Sprintf("%d of 10 codes %s per channel", *want.Changed, verb)) || *want.Changed == 0 {
			b.Errorf("against %q: %q, want %d", other, got, *want.Changed)
		}
	}
	counted("", "int8:symmetric:channel:narrow")
	b.refused = true // groups of 64 are not in rows of 5
	b.redraw(choose("against", "mlx-4bit"))
	if got := b.text("#against-said"); !strings.HasPrefix(got, "There is no comparison: ") {
		b.Errorf("with groups that the other does not have: %q", got)
	}
	b.refused = false
	// A link has both.
	b.redraw(choose("against", "tensorrt-int8"))
	b.reopen(eval[string](b, `location.hash`))
	if got := eval[string](b, `document.getElementById("convention").value + " " + document.getElementById("against").value`); got != "tflite-int8 tensorrt-int8" {
		b.Errorf("after a link: %s", got)
	}
	counted("tensorrt-int8", "tensorrt-int8:channel")
	b.redraw(script(`document.getElementById("narrow_range").click()`))
	if !eval[bool](b, `document.getElementById("convention").value === "" && document.getElementById("against-field").hidden`) {
		b.Error("a change by hand keeps the convention")
	}
	// The divisor has its own arithmetic.
	b.redraw(choose("divisor", "each"))
	b.shows(b.ask(`{"text":"127 0.5 1.5 2.5 3.5\n1 2 3 4 5","options":{"mapping":"symmetric","divisor":"each"}}`))
	if got := b.text("#arithmetic"); !strings.Contains(got, "scale = max(0.5 / (−128), 127 / 127) = 1") {
		b.Errorf("divisor each: %s", got)
	}
	b.redraw(choose("divisor", "half"))
	if got := b.text("#arithmetic"); !strings.Contains(got, "scale = max(|0.5|, |127|) / 127.5 = ") {
		b.Errorf("divisor half: %s", got)
	}
	b.redraw(choose("scales", "float16"))
	b.shows(b.ask(`{"text":"127 0.5 1.5 2.5 3.5\n1 2 3 4 5","options":{"mapping":"symmetric","divisor":"half","scales":"float16"}}`))
	if got := b.text("#about"); !strings.Contains(got, "divisor half · scales of float16") {
		b.Errorf("about: %s", got)
	}
	// So has a signed scale, which is in the link.
	b.redraw(choose("divisor", ""))
	b.redraw(choose("scales", ""))
	b.redraw(script(`document.getElementById("signed_scale").click()`))
	signed := b.ask(`{"text":"127 0.5 1.5 2.5 3.5\n1 2 3 4 5","options":{"mapping":"symmetric","signed_scale":true}}`)
	b.shows(signed)
	if got := b.text("#arithmetic"); !strings.Contains(got, "scale = −127 / 128 = ") {
		b.Errorf("signed scale: %s", got)
	}
	if got := b.text("#about"); !strings.Contains(got, "signed scale") {
		b.Errorf("about: %s", got)
	}
	b.reopen(eval[string](b, `location.hash`))
	b.shows(signed)
	b.redraw(script(`document.querySelector('input[name="mapping"][value="asymmetric"]').click()`))
	if !eval[bool](b, `document.getElementById("signed_scale").disabled && !document.getElementById("signed_scale").checked`) {
		b.Error("the asymmetric mapping has a signed scale")
	}
}
