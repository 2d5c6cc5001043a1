package report

import (
	"cmp"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// listedChannels is how many channels of a tensor are listed, unless all are
// asked for.
const listedChannels = 20

// A report keeps all channels of a model if there are at most mostKept. If there are more, and
// Options.Few allows it, the report keeps the keptWorst worst channels of each tensor.
const (
	mostKept  = 1 << 17
	keptWorst = listedChannels + 12
)

// manyChannels reports whether a comparison would have very many channels, or
// parameters of groups.
func manyChannels(plan []job, o Options) bool {
	var all int64
	for _, j := range plan {
		channels, groups, err := o.Parts(j.info)
		if err == nil {
			all += max(channels, groups/8)
		}
	}
	return all > mostKept
}

// trim keeps only the worst channels: those that tables list, by the RMSE per tensor, and others
// by the SQNR per channel.
func (t *Tensor) trim() {
	if t.Channels <= keptWorst {
		t.trimGroups()
		return
	}
	base, own := t.Results[0].Channels, t.main().Channels
	index := upTo(t.Channels)
	slices.SortStableFunc(index, func(a, b int) int { return cmp.Compare(base[b].RMSE, base[a].RMSE) })
	kept := slices.Clone(index[:listedChannels])
	slices.SortStableFunc(index, func(a, b int) int { return cmp.Compare(own[a].SQNR, own[b].SQNR) })
	for _, i := range index {
		if len(kept) == keptWorst {
			break
		}
		if !slices.Contains(kept, i) {
			kept = append(kept, i)
		}
	}
	slices.Sort(kept)
	for k := range t.Results {
		r := &t.Results[k]
		channels := make([]Channel, len(kept))
		for n, i := range kept {
			channels[n] = r.Channels[i]
		}
		r.Channels = channels
		if r.Scheme.Granularity == option.PerChannel {
			scale, zero := make(text.Floats, len(kept)), make([]int32, len(kept))
			for n, i := range kept {
				scale[n], zero[n] = r.Scale[i], r.ZeroPoint[i]
			}
			r.Scale, r.ZeroPoint = scale, zero
		}
	}
	t.kept = kept
	t.trimGroups()
}

// trimGroups keeps only the extremes of the parameters of groups.
func (t *Tensor) trimGroups() {
	for k := range t.Results {
		if r := &t.Results[k]; r.Scheme.Granularity == option.PerGroup {
			r.Scale, r.ZeroPoint = r.scales[:], r.zeros[:]
		}
	}
}

// channel returns the index on the axis of the k-th channel in Results.
func (t *Tensor) channel(k int) int {
	if t.kept == nil {
		return k
	}
	return t.kept[k]
}

// place returns where in Results a channel is, or -1.
func (t *Tensor) place(channel int) int {
	if t.kept == nil {
		return channel
	}
	return slices.Index(t.kept, channel)
}

// listed is how many channels are in Results.
func (t *Tensor) listed() int { return len(t.Results[0].Channels) }

// A round of a comparison of several schemes holds no more results of channels, or parameters,
// than this, unless a single scheme has more.
const mostAtOnce = 1 << 20

// batches divides schemes into as many rounds as keep their results small.
func batches(schemes []quant.Scheme, j job) [][]quant.Scheme {
	channels := j.shape[0]
	for _, s := range schemes {
		if axis, ok := s.Granularity.Axis(); ok {
			front, err := fromFront(axis, j.shape) // the comparison has the error of an axis that does not exist
			if _, groups := s.Granularity.GroupSize(); !groups && err == nil {
				channels = j.shape[front]
			}
		}
	}
	var rounds [][]quant.Scheme
	sum := 0
	for _, s := range schemes {
		n := channels
		if p, err := s.NumParams(j.shape); err == nil {
			n += p / 4
		}
		if len(rounds) == 0 || sum+n > mostAtOnce {
			rounds, sum = append(rounds, nil), 0
		}
		sum += n
		last := &rounds[len(rounds)-1]
		*last = append(*last, s)
	}
	return rounds
}
