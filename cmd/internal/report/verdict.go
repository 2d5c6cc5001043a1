package report

import (
	"fmt"

	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// verdict says in one sentence what the scheme per channel, and the one per
// group if there is one, gain over the one per tensor and what they cost.
func verdict(t *Tensor) string {
	s := ""
	for i, r := range t.Results[1:] {
		name := "Per-channel"
		if r.Scheme.Granularity == option.PerGroup {
			name = r.Scheme.Label()
		}
		if i > 0 {
			s += "; "
		}
		s += clause(name, &r, &t.Results[0], t.Channels)
	}
	return s + "."
}

// same is how far from 1 a factor is called no gain: what three digits show.
const same = 0.005

// clause is one scheme's part of the verdict.
func clause(name string, r, base *Result, channels int) string {
	factor := float64(r.Gain.RMSEFactor)
	lower, raise, remove, gain, is := "lowers", "raises", "removes", "gains", "is"
	if r.Scheme.Granularity == option.PerGroup {
		lower, raise, remove, gain, is = "lower", "raise", "remove", "gain", "are"
	} else if channels == 1 {
		return "With one channel, per-channel is the same as per-tensor"
	}
	switch {
	case r.RMSE > 0 && base.RMSE == 0:
		return fmt.Sprintf("%s %s worse, as per-tensor is exact here, for %s", name, is, cost(r))
	case r.RMSE == 0 && base.RMSE == 0:
		return fmt.Sprintf("%s %s nothing, as per-tensor is exact here, for %s", name, gain, cost(r))
	case r.RMSE == 0:
		return fmt.Sprintf("%s %s the error altogether for %s", name, remove, cost(r))
	case factor > 1+same:
		return fmt.Sprintf("%s %s the RMSE by a factor of %s (SQNR %s dB) for %s",
			name, lower, text.Digits(factor, 3), text.Signed(float64(r.Gain.SQNR), 1), cost(r))
	case factor < 1-same:
		return fmt.Sprintf("%s %s the RMSE by a factor of %s (SQNR %s dB) for %s: per-tensor is the better choice",
			name, raise, text.Digits(1/factor, 3), text.Signed(float64(r.Gain.SQNR), 1), cost(r))
	}
	return fmt.Sprintf("%s %s nothing (the RMSE changes by less than half a percent) for %s", name, gain, cost(r))
}

// cost writes the extra bytes of a result.
func cost(r *Result) string {
	return fmt.Sprintf("%s more (%s)", text.Plural(r.Gain.ExtraBytes, "byte"), "+"+text.Percent(float64(r.Gain.ExtraPercent)))
}

// Verdict is one sentence about the whole report.
func (r *Report) Verdict() string {
	if len(r.Tensors) == 1 {
		return r.Tensors[0].Verdict
	}
	better := 0
	for _, t := range r.Tensors {
		if float64(t.main().Gain.RMSEFactor) > 1+same {
			better++
		}
	}
	best := &r.Tensors[r.Summary.ByGain[0]]
	base, own := r.Summary.Totals[0].Memory.Total, r.Summary.Totals[1].Memory.Total
	extra := fmt.Sprintf("%s more (+%s)", text.Plural(own-base, "byte"), text.Percent(text.Share(own-base, base)))
	if better == 0 {
		return fmt.Sprintf("Per-channel lowers the RMSE of none of %d tensors, for %s.", len(r.Tensors), extra)
	}
	return fmt.Sprintf("Per-channel lowers the RMSE of %d of %d tensors, at best by a factor of %s (%s), for %s.",
		better, len(r.Tensors), text.Digits(best.main().Gain.RMSEFactor, 3), text.Clean(best.Name), extra)
}
