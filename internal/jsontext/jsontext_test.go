package jsontext

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestWrite(t *testing.T) {
	var b bytes.Buffer
	v := map[string]any{
		"a": []int{1, 2}, "b": []any{}, "c": map[string]any{}, "d": "\u009b\u202e\U000e0001 <&> \"\\", "e": []map[string]any{{"x": nil}, {}},
		"f": []any{0.1, nil, 1e-10}, "g": []any{},
	}
	if err := Write(&b, v); err != nil {
		t.Fatal(err)
	}
	want := `{
  "a": [1, 2],
  "b": [],
  "c": {},
  "d": "\u009b\u202e\udb40\udc01 <&> \"\\",
  "e": [
    {
      "x": null
    },
    {}
  ],
  "f": [0.1, null, 1e-10],
  "g": []
}
`
	if b.String() != want {
		t.Errorf("got %s\nwant %s", &b, want)
	}
	var back map[string]any
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || back["d"] != v["d"] {
		t.Errorf("reads back as %q, %v", back["d"], err)
	}
}
