package text

import "testing"

func TestNearest(t *testing.T) {
	words := []string{"minmax", "mse", "mae", "entropy", "encoder.3.weight", "encoder.2.bias", "größe"}
	for misspelled, want := range map[string]string{
		"mes":               "mse",
		"mss":               "mse",
		"MSE":               "mse",
		"entr":              "entropy",
		"entorpy":           "entropy",
		"encoder.3.weigth":  "encoder.3.weight",
		"encoder.3.weights": "encoder.3.weight",
		"Encoder.2.bias":    "encoder.2.bias",
		"grösse":            "größe",
		"":                  "",
		"m":                 "",
		"percentile":        "",
	} {
		if got := Nearest(misspelled, words); got != want {
			t.Errorf("%q: %q, want %q", misspelled, got, want)
		}
	}
}
