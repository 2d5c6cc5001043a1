package web

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// screens is set to look at the page:
//
//	QUANT_CHROMIUM=$(command -v chromium) go test ./internal/web -run TestScreens -screens /tmp/screens
var screens = flag.String("screens", "", "`folder` that TestScreens writes pictures of the page to")

// sizes of windows to look at the page in.
var windows = []struct {
	name          string
	width, height int64
	scheme        string
}{
	{"desktop", 1440, 900, "light"},
	{"laptop", 1280, 720, "light"},
	{"phone", 390, 844, "light"},
	{"dark", 1440, 900, "dark"},
}

const pytorchPaste = "tensor([[ 0.1200, -0.3300,  0.4800],\n        [ 1.2000,  0.9500,  1.4400]], device='cuda:0', requires_grad=True)"

// shot writes a picture of the window, or of all of the page.
func (b *tab) shot(name string, all bool) {
	b.Helper()
	p := cdppage.CaptureScreenshotParams{Format: cdppage.CaptureScreenshotFormatPng, CaptureBeyondViewport: &all}
	if all {
		height := min(eval[float64](b, `document.documentElement.scrollHeight`), 12_000)
		p.Clip = &cdppage.Viewport{Width: eval[float64](b, `innerWidth`), Height: height, Scale: 1}
	}
	r := call(b, cdppage.CaptureScreenshot, p)
	if err := os.WriteFile(filepath.Join(*screens, name+".png"), r.Data, 0o644); err != nil {
		b.Fatal(err)
	}
}

// manyTensors is a safetensors file of n weights, whose channels differ in range.
func manyTensors(n int) []byte {
	r := rand.New(rand.NewPCG(341, 1))
	head := map[string]any{}
	var data []byte
	for i := range n {
		name := fmt.Sprintf("model.layers.%d.%s.weight", i/7, []string{"attention.query", "attention.key", "attention.value", "attention.output", "mlp.up", "mlp.gate", "mlp.down"}[i%7])
		rows, columns := 8, 16+8*(i%5)
		head[name] = map[string]any{"dtype": "F32", "shape": []int{rows, columns}, "data_offsets": []int{len(data), len(data) + 4*rows*columns}}
		for row := range rows {
			scale := math.Pow(2, -float64(row%(1+i%6)))
			for range columns {
				bits := math.Float32bits(float32(r.NormFloat64() * scale))
				data = append(data, byte(bits), byte(bits>>8), byte(bits>>16), byte(bits>>24))
			}
		}
	}
	words, _ := json.Marshal(head)
	words = append(words, strings.Repeat(" ", -len(words)&7)...)
	file := []byte{byte(len(words)), byte(len(words) >> 8), byte(len(words) >> 16), 0, 0, 0, 0, 0}
	return append(append(file, words...), data...)
}

// sixteenMillion is an npy file of 2^24 values of 16 bits.
func sixteenMillion() []byte {
	head := "{'descr': '<f2', 'fortran_order': False, 'shape': (4096, 4096), }"
	head += strings.Repeat(" ", 117-len(head)) + "\n"
	file := append([]byte("\x93NUMPY\x01\x00\x76\x00"), head...)
	r := rand.New(rand.NewPCG(16, 1))
	for range 1 << 24 {
		x := r.Uint32()
		file = append(file, byte(x), byte(x>>8&0x80)|byte(0x20+x>>16&0x1b)) // from ±2^-7 on, below 1
	}
	return file
}

// TestScreens writes the pictures that a person looks at: each case in each window, and
// all of the page for some. It needs a folder.
func TestScreens(t *testing.T) {
	if *screens == "" {
		t.Skip("there is no folder for pictures: see -screens")
	}
	if err := os.MkdirAll(*screens, 0o755); err != nil {
		t.Fatal(err)
	}
	b := browse(t)
	b.refused = true
	upload := func(name string, data []byte) func() {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return func() {
			b.open("")
			b.redraw(chromedp.SetUploadFiles("#file", []string{path}))
		}
	}
	model, large := upload("model.safetensors", manyTensors(341)), upload("large.npy", sixteenMillion())
	for _, c := range []struct {
		name string
		show func()
	}{
		{"sample", func() { b.open("") }},
		{"exact", func() { b.open("#v=1+2+3%0A4+5+6&b=8") }},
		{"percentile", func() {
			b.open("")
			b.do(choose("method", "percentile"), write("percentile", ""), script(`document.querySelector(".primary").click()`))
			b.until(`!document.getElementById("banner").hidden`)
		}},
		{"pytorch", func() {
			b.open("")
			b.redraw(write("text", pytorchPaste))
		}},
		{"doubt", func() {
			b.open("")
			b.redraw(write("text", "1,5;2,5;3,25"))
		}},
		{"convention", func() {
			b.open("#v=127+0.5+1.5+2.5+3.5%0A1+2+3+4+5&b=8&m=s&n=1&p=tflite-int8&pa=tensorrt-int8")
			b.do(script(`document.getElementById("convention").scrollIntoView({ behavior: "instant" })`))
		}},
		{"nf4", func() { b.open("#e=sample&b=8&k=nf4") }},
		{"model", func() {
			model()
			b.until(`document.querySelectorAll("#plot-heat .main-svg").length > 0`)
		}},
		{"formats", func() {
			model()
			b.redraw(choose("format", "nf4"))
			b.until(`document.getElementById("heat-head").textContent.includes("formats") && document.getElementById("note-heat").textContent.includes("of each format")`)
		}},
		{"plan", func() {
			model()
			b.do(script(`document.querySelector("#plan-form button").click()`))
			b.until(`document.querySelectorAll("#plot-front .main-svg").length > 0`)
			b.do(script(`document.getElementById("plan-section").scrollIntoView({ behavior: "instant" })`))
		}},
		{"importance", func() {
			b.open("#e=sample&b=4&m=s&r=mse")
			b.redraw(write("importance", "9 1 1 0.25 0"))
			b.do(script(`{ document.getElementById("advanced").open = true; document.getElementById("importance-field").scrollIntoView({ behavior: "instant", block: "center" }) }`))
		}},
		{"importance-error", func() {
			b.open("#e=sample&b=4&m=s&r=mse")
			b.do(write("importance", "9 1 1"))
			b.until(`!document.getElementById("importance-error").hidden`)
			b.do(script(`document.getElementById("importance-field").scrollIntoView({ behavior: "instant", block: "center" })`))
		}},
		{"large", large},
	} {
		for _, w := range windows {
			b.in(t, c.name+"-"+w.name, func() {
				b.look(w.width, w.scheme)
				b.window(w.width, w.height)
				c.show()
				b.shot(c.name+"-"+w.name, false)
				if c.name != "percentile" {
					b.shot(c.name+"-"+w.name+"-all", true)
				}
			})
		}
	}
}
