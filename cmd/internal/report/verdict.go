package report

import (
	"fmt"

	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/internal/summary"
)

// verdict says in one sentence what the scheme per channel gains over the scheme per tensor, and
// what it costs. It does the same for the scheme per group, if there is one.
func verdict(t *Tensor) string {
	s := ""
	for i, r := range t.Results[1:] {
		g := summary.Gain{
			Channels: t.Channels, Base: float64(t.Results[0].RMSE), RMSE: float64(r.RMSE), Factor: float64(r.Gain.RMSEFactor),
			SQNR: float64(r.Gain.SQNR), ExtraBytes: r.Gain.ExtraBytes, ExtraPercent: float64(r.Gain.ExtraPercent),
		}
		if r.Scheme.Granularity == option.PerGroup {
			g.Groups = *r.Scheme.GroupSize
		}
		if i > 0 {
			s += "; "
		}
		s += g.Clause()
	}
	return s + "."
}

// Verdict is one sentence about the whole report.
func (r *Report) Verdict() string {
	if len(r.Tensors) == 1 {
		return r.Tensors[0].Verdict
	}
	better := 0
	for _, t := range r.Tensors {
		if float64(t.main().Gain.RMSEFactor) > 1+summary.Same {
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
