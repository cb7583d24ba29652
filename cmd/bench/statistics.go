package main

import (
	"cmp"
	"slices"
	"time"
)

// median returns the middle value or, for an even number, the mean of the middle two. It needs at least one value.
func median[T ~int | ~int64 | ~float64](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// of returns one figure of a step from all samples.
func of[T cmp.Ordered](samples []sample, step string, figure func(figures) T) []T {
	var values []T
	for _, s := range samples {
		values = append(values, figure(s[step]))
	}
	return values
}

// middle returns the median of one figure.
func middle[T ~int | ~int64 | ~float64](samples []sample, step string, figure func(figures) T) T {
	return median(of(samples, step, figure))
}

func wall(f figures) time.Duration { return f.wall }

// cpuTime is the CPU time of Terraform and its providers.
func cpuTime(f figures) time.Duration { return f.terraform.cpu + f.provider.cpu }

// ratio returns the median of the ratios to the same run of the baseline; false if no run has both.
func ratio(samples, baseline []sample, step string, figure func(figures) time.Duration) (float64, bool) {
	var ratios []float64
	for i := range min(len(samples), len(baseline)) {
		if base := figure(baseline[i][step]); base > 0 {
			ratios = append(ratios, figure(samples[i][step]).Seconds()/base.Seconds())
		}
	}
	if len(ratios) == 0 {
		return 0, false
	}
	return median(ratios), true
}
