package summary

import (
	"fmt"

	"github.com/a01592f9/quant/internal/numtext"
)

// A Gain is what a scheme changes against the scheme per tensor.
type Gain struct {
	Groups   int // size of the groups; 0 for the scheme per channel
	Channels int // of the tensor

	Base, RMSE   float64 // RMSE per tensor, and of the scheme
	Factor       float64 // Base / RMSE
	SQNR         float64 // difference of the SQNR in dB
	ExtraBytes   int64
	ExtraPercent float64
}

// Same is the largest difference from 1 of a factor that counts as no gain. Three digits show more.
const Same = 0.005

// Clause says what the scheme gains and costs, as a part of a sentence.
func (g *Gain) Clause() string {
	name, lower, raise, remove, gain, is := "Per-channel", "lowers", "raises", "removes", "gains", "is"
	if g.Groups > 0 {
		name, lower, raise, remove, gain, is = fmt.Sprintf("groups of %d", g.Groups), "lower", "raise", "remove", "gain", "are"
	} else if g.Channels == 1 {
		return "With one channel, per-channel is the same as per-tensor"
	}
	cost := fmt.Sprintf("%s more (+%s)", numtext.Plural(g.ExtraBytes, "byte"), numtext.Percent(g.ExtraPercent))
	switch {
	case g.RMSE > 0 && g.Base == 0:
		return fmt.Sprintf("%s %s worse, as per-tensor is exact here, for %s", name, is, cost)
	case g.RMSE == 0 && g.Base == 0:
		return fmt.Sprintf("%s %s nothing, as per-tensor is exact here, for %s", name, gain, cost)
	case g.RMSE == 0:
		return fmt.Sprintf("%s %s the error altogether for %s", name, remove, cost)
	case g.Factor > 1+Same:
		return fmt.Sprintf("%s %s the RMSE by a factor of %s (SQNR %s dB) for %s",
			name, lower, numtext.Digits(g.Factor, 3), numtext.Signed(g.SQNR, 1), cost)
	case g.Factor < 1-Same:
		return fmt.Sprintf("%s %s the RMSE by a factor of %s (SQNR %s dB) for %s: per-tensor is the better choice",
			name, raise, numtext.Digits(1/g.Factor, 3), numtext.Signed(g.SQNR, 1), cost)
	}
	return fmt.Sprintf("%s %s nothing (the RMSE changes by less than half a percent) for %s", name, gain, cost)
}
